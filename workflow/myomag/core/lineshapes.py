"""Time-domain line shapes of the AMARES model."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def line_fid(
    time_s: NDArray[np.float64],
    *,
    frequency_hz: float,
    lorentzian_fwhm_hz: float,
    gaussian_fwhm_hz: float = 0.0,
) -> NDArray[np.complex128]:
    """FID of one line of unit amplitude, shape (points,).

    s(t) = exp(i2πf·t − πL·t − (πG·t)²/(4 ln 2)); a Voigt line when L and G are both above zero.

    Parameters
    ----------
    time_s : ndarray, shape (points,)
        Time since the magnetisation was in phase [s].
    frequency_hz : float
        Offset f from the carrier [Hz], positive towards higher ppm.
    lorentzian_fwhm_hz, gaussian_fwhm_hz : float
        Full widths at half maximum L and G of the two parts of the shape [Hz].
    """
    decay = np.pi * lorentzian_fwhm_hz * time_s + (np.pi * gaussian_fwhm_hz * time_s) ** 2 / (4 * np.log(2))
    fid: NDArray[np.complex128] = np.exp(2j * np.pi * frequency_hz * time_s - decay)
    return fid


def multiplet_fid(
    time_s: NDArray[np.float64],
    *,
    amplitude: float,
    frequency_hz: float,
    lorentzian_fwhm_hz: float,
    gaussian_fwhm_hz: float = 0.0,
    phase_deg: float = 0.0,
    offsets_hz: Sequence[float] = (0.0,),
    weights: Sequence[float] = (1.0,),
) -> NDArray[np.complex128]:
    """FID of a multiplet whose components share phase and widths, shape (points,).

    Parameters
    ----------
    amplitude : float
        Amplitude of the whole multiplet at t = 0 [units of the FID]; the components get `weights` of it.
    frequency_hz : float
        Centre of the multiplet [Hz from the carrier].
    phase_deg : float
        Phase at t = 0 [degrees].
    offsets_hz, weights : sequence of float
        Position of each component from the centre [Hz] and its share of the amplitude (sum 1).
    """
    envelope = line_fid(
        time_s,
        frequency_hz=frequency_hz,
        lorentzian_fwhm_hz=lorentzian_fwhm_hz,
        gaussian_fwhm_hz=gaussian_fwhm_hz,
    )
    pattern = np.exp(2j * np.pi * np.outer(time_s, offsets_hz)) @ np.asarray(weights, dtype=np.float64)
    fid: NDArray[np.complex128] = amplitude * np.exp(1j * np.deg2rad(phase_deg)) * envelope * pattern
    return fid


def voigt_fwhm_hz(lorentzian_fwhm_hz: float, gaussian_fwhm_hz: float) -> float:
    """Full width at half maximum of a Voigt line [Hz].

    W ≈ .5346·L + √(.2166·L² + G²), accurate to .02 % (Olivero & Longbothum 1977, JQSRT 17:233).
    """
    return 0.5346 * lorentzian_fwhm_hz + float(np.sqrt(0.2166 * lorentzian_fwhm_hz**2 + gaussian_fwhm_hz**2))
