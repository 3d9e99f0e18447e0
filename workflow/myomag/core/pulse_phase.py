"""Phase that a block pulse leaves on lines off resonance, beyond what a begin time takes up."""

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]


def block_pulse_phase(offsets_hz: Real, *, duration_s: float, flip_angle_deg: float) -> tuple[Real, Real]:
    """Phase [rad] and amplitude of the transverse magnetisation at the end of a block pulse, shapes as offsets.

    Rotation of M = z by 2πν_eff·T about the effective field (ν₁, 0, Δν) in the rotating frame of the carrier,
    ν₁ = flip angle/(360°·T), ν_eff = √(ν₁² + Δν²), relaxation left out. The phase counts from
    that on resonance, and turns as a line of that offset does: exp(+i2πΔν·t).

    Parameters
    ----------
    offsets_hz : ndarray
        Offsets of the lines from the carrier of the pulse [Hz].
    duration_s, flip_angle_deg : float
        Duration [s] and flip angle on resonance [degrees].

    Raises
    ------
    ValueError
        If duration or flip angle is not positive.
    """
    if duration_s <= 0 or flip_angle_deg <= 0:
        raise ValueError("duration and flip angle of a pulse must be positive")
    nutation = flip_angle_deg / 360 / duration_s
    effective = np.hypot(nutation, offsets_hz)
    angle = 2 * np.pi * effective * duration_s
    along, tilt = nutation / effective, offsets_hz / effective
    # About (sin, 0, cos): Mx = sin·cos·(1 − cos angle), My = −sin·sin angle.
    x, y = along * tilt * (1 - np.cos(angle)), -along * np.sin(angle)
    # On resonance the magnetisation of a flip below 180° lies along −y.
    transverse = (x + 1j * y) / -1j
    return np.asarray(np.angle(transverse)), np.asarray(np.abs(transverse))


def beyond_begin_time(phase_rad: Real, offsets_hz: Real, weights: Real) -> tuple[Real, float]:
    """What is left of phases after the straight line that constant phase and begin time take up, and its delay [s].

    Parameters
    ----------
    phase_rad, offsets_hz, weights : ndarray, shape (lines,)
        Phases, offsets and the weight of each line in the fit.
    """
    design = np.column_stack([np.ones_like(offsets_hz), 2 * np.pi * offsets_hz])
    root = np.sqrt(weights)
    solution = np.linalg.lstsq(design * root[:, None], phase_rad * root, rcond=None)[0]
    return phase_rad - design @ solution, float(solution[1])
