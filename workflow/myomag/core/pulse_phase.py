"""Phase that a block pulse leaves on off-resonance lines, beyond the effect of a begin time."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from myomag.core.prior_knowledge import Line, PriorKnowledge, Tie, Value

Real = NDArray[np.float64]


@dataclass(frozen=True)
class BlockPulse:
    """Excitation by a pulse of constant amplitude.

    Attributes
    ----------
    duration_s, flip_angle_deg : float
        Duration [s], and flip angle on resonance [degrees], below 180.
    carrier_ppm : float
        Frequency of the pulse, from the reference line [ppm].
    """

    duration_s: float
    flip_angle_deg: float
    carrier_ppm: float = 0.0

    def __post_init__(self) -> None:
        """Refuse an invalid excitation pulse."""
        if self.duration_s <= 0 or not 0 < self.flip_angle_deg < 180:
            raise ValueError("a pulse needs a positive duration and a flip angle between 0 and 180 degrees")

    def phase(self, offsets_hz: Real) -> Real:
        """Phase of the transverse magnetisation at the end of the pulse [rad], shape as offsets from its carrier [Hz].

        Rotation of M = z by 2πν_eff·T about the effective field (ν₁, 0, Δν) in the rotating frame of the carrier,
        ν₁ = flip angle/(360°·T), ν_eff = √(ν₁² + Δν²), relaxation left out. The phase counts from that on
        resonance, and turns as a line of that offset does: exp(+i2πΔν·t).
        """
        nutation = self.flip_angle_deg / 360 / self.duration_s
        effective = np.hypot(nutation, offsets_hz)
        angle = 2 * np.pi * effective * self.duration_s
        along, tilt = nutation / effective, offsets_hz / effective
        # About (sin, 0, cos): Mx = sin·cos·(1 − cos angle), My = −sin·sin angle; on resonance it is along −y.
        return np.asarray(np.angle((along * tilt * (1 - np.cos(angle)) - 1j * along * np.sin(angle)) / -1j))

    @property
    def effective_delay_s(self) -> float:
        """Time before the end of the pulse at which lines near the carrier appear to start, T·tan(θ/2)/θ [s]."""
        angle = np.deg2rad(self.flip_angle_deg)
        return float(self.duration_s * np.tan(angle / 2) / angle)


def excited_by(prior: PriorKnowledge, pulse: BlockPulse, spectrometer_frequency_mhz: float) -> PriorKnowledge:
    """Prior knowledge with the phases that the pulse leaves beyond a begin time counted from its effective delay.

    Each line gets the phase at its start value; the remainder changes by at most .05 rad while β-ATP or Pi move within
    their bounds. A line with a free phase is not changed.

    Parameters
    ----------
    prior : PriorKnowledge
        Lines, the first one the reference.
    pulse : BlockPulse
    spectrometer_frequency_mhz : float
        Frequency of 0 ppm [MHz].
    """
    shifts = np.array([_shift_ppm(prior, line.name, spectrometer_frequency_mhz) for line in prior.lines])
    offsets = (shifts - shifts[0] - pulse.carrier_ppm) * spectrometer_frequency_mhz
    left = np.rad2deg(pulse.phase(offsets) - 2 * np.pi * offsets * pulse.effective_delay_s)
    of_line = dict(zip((line.name for line in prior.lines), left.tolist(), strict=True))
    return replace(prior, lines=tuple(_with_phase(line, prior, of_line) for line in prior.lines))


def _with_phase(line: Line, prior: PriorKnowledge, left_deg: dict[str, float]) -> Line:
    """Line with the phase that the pulse leaves [degrees]."""
    entry = line.parameters["phase_deg"]
    if isinstance(entry, Tie):
        root = prior.root(line.name, "phase_deg")
        # A fixed phase of the root already includes the effect of the pulse; a free one absorbs it.
        own = left_deg[line.name] - root.scale * left_deg[root.line]
        changed: Value | Tie = replace(root, offset=root.offset + own)
    elif entry.fixed:
        changed = Value(*(3 * (entry.start + left_deg[line.name],)))
    else:
        return line
    return replace(line, parameters=dict(line.parameters) | {"phase_deg": changed})


def _shift_ppm(prior: PriorKnowledge, name: str, mhz: float) -> float:
    """Start value of the shift of a line [ppm]."""
    tie = prior.root(name, "shift_ppm")
    own = prior.line(tie.line).parameters["shift_ppm"]
    if not isinstance(own, Value):
        raise ValueError(f"line {name}: shift_ppm")
    return tie.scale * own.start + tie.offset / mhz + tie.offset_ppm
