"""Amplitudes of PCr, ATP and Pi and the shift of Pi in each transient of a scan, without fitting."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.axes import time_axis

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

PCR_PPM = ((-1.0, 1.0),)
PI_PPM = ((3.4, 5.7),)
ATP_PPM = ((-3.4, -1.5), (-8.5, -6.5), (-17.1, -14.8))
"""Range of each line and its multiplet in working or resting muscle [ppm from PCr]."""


@dataclass(frozen=True)
class Track:
    """One quantity over the transients of a scan.

    Attributes
    ----------
    values : ndarray, shape (transients,)
        Its values.
    noise_sd : float
        SD of each value by thermal noise.
    """

    values: Real
    noise_sd: float


@dataclass(frozen=True)
class LineTracks:
    """Lines over the transients of a scan.

    Attributes
    ----------
    pcr, atp, pi : Track
        Amplitudes relative to those of the mean of all transients. In a single state they are equal in each transient,
        whatever its gain.
    pi_shift_ppm : Track
        Shift of Pi from PCr relative to the mean of all transients, times the relative amplitude of Pi [ppm].
    """

    pcr: Track
    atp: Track
    pi: Track
    pi_shift_ppm: Track


@dataclass(frozen=True)
class _Filter:
    """Linear functional of a transient: Re Σ c*(t)·y(t), and its SD for noise of SD 1 per channel."""

    template: Complex

    def values(self, fid: Complex) -> Real:
        return np.asarray((self.template.conj() @ fid).real)

    @property
    def noise(self) -> float:
        return float(np.linalg.norm(self.template))

    def scaled_to(self, fid: Complex) -> "_Filter":
        """Filter whose value for one FID is 1."""
        return _Filter(self.template / self.values(fid))


def line_tracks(
    aligned: Complex,
    *,
    dwell_time_s: float,
    spectrometer_frequency_mhz: float,
    pcr_hz: float,
    pcr_fwhm_hz: float,
    noise_sd: float,
) -> LineTracks:
    """Lines of each transient by filters matched to the common signal of all transients.

    The filter of a line is the mean of all transients, weighted with the decay of PCr, within the line's window of the
    spectrum, minus the tails of PCr: its shape, phase and multiplet need not be known. A relative amplitude is the
    projection on it; the shift is the projection on the derivative by frequency, minus the contribution of amplitude.

    Parameters
    ----------
    aligned : ndarray, shape (points, transients)
        Transients with frequency and phase aligned.
    dwell_time_s : float
        Sampling interval [s].
    spectrometer_frequency_mhz : float
        Carrier frequency [MHz].
    pcr_hz, pcr_fwhm_hz : float
        PCr from the carrier, and its width [Hz].
    noise_sd : float
        Noise SD of one transient per channel [units of the FID].
    """
    time_s = time_axis(len(aligned), dwell_time_s)
    mean = aligned.mean(axis=1)
    # Of a line at higher frequency each sample turns further.
    turn: Complex = 2j * np.pi * spectrometer_frequency_mhz * time_s.astype(np.complex128)
    # In the spectrum, because what a window cuts off a template would wrap to late times.
    weighted = np.fft.fft(np.stack([mean, turn * mean]) * np.exp(-np.pi * pcr_fwhm_hz * time_s))
    line = np.fft.fft(np.exp((2j * np.pi * pcr_hz - np.pi * pcr_fwhm_hz) * time_s))
    ppm = (np.fft.fftfreq(len(aligned), dwell_time_s) - pcr_hz) / spectrometer_frequency_mhz
    span_ppm = 1 / (dwell_time_s * spectrometer_frequency_mhz)

    def templates(windows: tuple[tuple[float, float], ...]) -> Complex:
        # A line beyond the spectral width is aliased.
        inside = np.any([(ppm - low) % span_ppm <= high - low for low, high in windows], axis=0)
        found, feet = np.where(inside, weighted, 0), np.where(inside, line, 0)
        if windows != PCR_PPM:
            found = found - np.outer(found @ feet.conj() / np.vdot(feet, feet), feet)
        return np.asarray(np.fft.ifft(found))

    def amplitude(windows: tuple[tuple[float, float], ...]) -> Track:
        found = _Filter(templates(windows)[0]).scaled_to(mean)
        return Track(found.values(aligned), noise_sd * found.noise)

    pi, pcr = (_shift(templates(windows), mean, turn) for windows in (PI_PPM, PCR_PPM))
    shift = _Filter(pi.template - pcr.template)
    return LineTracks(
        amplitude(PCR_PPM),
        amplitude(ATP_PPM),
        amplitude(PI_PPM),
        Track(shift.values(aligned), noise_sd * shift.noise),
    )


def _shift(templates: Complex, mean: Complex, turn: Complex) -> _Filter:
    """Filter for the shift of a line: 0 for the mean of all, 1 for their derivative by the shift."""
    template, derivative = templates
    share = float(np.vdot(derivative, mean).real / np.vdot(template, mean).real)
    return _Filter(derivative - share * template).scaled_to(turn * mean)
