"""Noise and the phosphocreatine line, which decide whether a spectrum can be used."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.axes import time_axis
from myomag.core.exponentials import KAPPA, damped_exponentials
from myomag.core.lineshapes import voigt_fwhm_hz
from myomag.core.newton import Evaluation, minimise
from myomag.core.robust import robust_sd

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

SNR_DEFINITION = (
    "Time-domain amplitude of PCr at the first sample (Voigt line fitted to the averaged FID) divided by the noise "
    "SD of one channel (real or imaginary) of the averaged FID"
)
# All 31P lines of muscle, relative to PCr [ppm].
_SIGNAL_PPM = (-20.0, 10.0)
# Receivers roll off towards the ends of the spectrum.
_FLAT_FRACTION = 0.9
_MIN_BINS = 32
# Bins this far apart share little noise after the window, and any baseline.
_BIN_LAG = 4
# The window of the spectral estimate rises over this part of the FID: short, to see the noise apodisation left.
_RISE_FRACTION = 8
# Five standard errors of the spectral estimate with the usual minimum of bins.
_APODISED_RATIO = 1.25
_PCR_WINDOW_PPM = 1.6
_START_WIDTHS_PPM = (0.05, 0.1, 0.2, 0.4, 0.8)


@dataclass(frozen=True)
class PcrLine:
    """Phosphocreatine as one Voigt line.

    Attributes
    ----------
    frequency_hz : float
        Offset from the carrier [Hz].
    fwhm_hz : float
        Full width at half maximum [Hz].
    amplitude : float
        Amplitude at the first sample [units of the FID].
    phase_rad : float
        Phase at the first sample [rad].
    """

    frequency_hz: float
    fwhm_hz: float
    amplitude: float
    phase_rad: float


def transient_noise_sd(fid: Complex) -> float:
    """Noise SD of one transient, per channel, from the last quarter of the samples.

    Differences of successive transients cancel any remaining signal; a single transient is used as it is.

    Parameters
    ----------
    fid : ndarray, shape (points, transients)
    """
    tail = fid[-(fid.shape[0] // 4) :]
    if fid.shape[1] == 1:
        return _sd_around_zero(tail)
    return _sd_around_zero(np.diff(tail, axis=1)) / float(np.sqrt(2))


def noise_sd(fid: Complex, *, dwell_time_s: float, spectrometer_frequency_mhz: float, pcr_hz: float) -> float | None:
    """Noise SD of an FID, per channel (real or imaginary), from samples without signal; None if there are none.

    Robust SD (1.4826 MAD) of the last quarter of the FID, unless a line is still visible there; else of the spectrum
    outside −20…+10 ppm of PCr, where there is no 31P line. The second also replaces a tail that is clearly too quiet,
    as in apodised data.

    Parameters
    ----------
    fid : ndarray, shape (points,)
    dwell_time_s : float
        Sampling interval [s].
    spectrometer_frequency_mhz : float
        Spectrometer frequency [MHz].
    pcr_hz : float
        Offset of PCr from the carrier [Hz].
    """
    tail = _tail_noise_sd(fid)
    spectral = _spectral_noise_sd(fid, dwell_time_s * spectrometer_frequency_mhz, pcr_hz * dwell_time_s)
    if tail is None or spectral is None:
        return tail if spectral is None else spectral
    return spectral if spectral > _APODISED_RATIO * tail else tail


def fit_pcr(fid: Complex, *, dwell_time_s: float, spectrometer_frequency_mhz: float, start_hz: float) -> PcrLine:
    """Fit PCr as one Voigt line to the spectrum within 1.6 ppm of `start_hz`, with a straight complex baseline.

    Least squares over position and widths, amplitude, phase and baseline solved linearly at each step (variable
    projection). The line is computed in the time domain, so truncation and sampling are those of the data.

    Parameters
    ----------
    fid : ndarray, shape (points,)
    dwell_time_s : float
        Sampling interval [s].
    spectrometer_frequency_mhz : float
        Spectrometer frequency [MHz].
    start_hz : float
        Offset of PCr from the carrier [Hz], as found by `preprocess.find_pcr_hz`.
    """
    problem = _PcrProblem(fid, dwell_time_s, spectrometer_frequency_mhz, start_hz)
    widths = [width * spectrometer_frequency_mhz for width in _START_WIDTHS_PPM]
    starts = [np.array([0.0, 0.7 * width, (0.5 * width) ** 2]) for width in widths]
    start = min(starts, key=problem.cost)
    reach = _PCR_WINDOW_PPM * spectrometer_frequency_mhz / 2
    found = minimise(
        problem,
        start,
        lower=np.array([-reach, 1e-3, 0.0]),
        upper=np.array([reach, 4 * reach, (4 * reach) ** 2]),
        reach=np.array([start[1], np.inf, np.inf]),
        floor=1e-20,
    )
    offset, lorentzian, gaussian_squared = found.theta.tolist()
    amplitude = problem.amplitude(found.theta)
    return PcrLine(
        start_hz + offset,
        voigt_fwhm_hz(lorentzian, gaussian_squared**0.5),
        abs(amplitude),
        float(np.angle(amplitude)),
    )


class _PcrProblem:
    """PCr window of the spectrum as a function of (offset [Hz], Lorentzian width [Hz], squared Gaussian width [Hz²]).

    Amplitude, phase and baseline are those that fit best (variable projection). Only the part of the curvature without
    the residual is used (Kaufman 1975, BIT 15:49), which is nearly all of it for a single line.
    """

    def __init__(self, fid: Complex, dwell_time_s: float, spectrometer_frequency_mhz: float, start_hz: float) -> None:
        points = fid.size
        self._time, self._dwell_time_s = time_axis(points, dwell_time_s), dwell_time_s
        resolution_hz = 1 / (points * dwell_time_s)
        half = max(8, int(_PCR_WINDOW_PPM * spectrometer_frequency_mhz / resolution_hz))
        self._bins = np.arange(-min(half, points // 2 - 1), min(half, points // 2 - 1) + 1) % points
        centred = np.linspace(-1, 1, self._bins.size).astype(np.complex128)
        demodulated = np.fft.fft(fid * np.exp(-2j * np.pi * start_hz * self._time))[self._bins]
        self._scale = float(np.linalg.norm(demodulated)) or 1.0
        self._baseline, _ = np.linalg.qr(np.stack([np.ones_like(centred), centred], axis=1))
        self._data = self._without_baseline(demodulated / self._scale)
        # Of the exponent of the line, by each parameter.
        self._derivatives = np.stack([2j * np.pi * self._time, -np.pi * self._time, -KAPPA * self._time**2])

    def cost(self, theta: Real) -> float:
        """Sum of the squared moduli of the residual, relative to that of the data."""
        line = self._spectra(self._line(theta))
        return _norm_sq(self._data - _share(line, self._data) * line)

    def evaluate(self, theta: Real) -> Evaluation:
        """Cost with its derivatives."""
        fid = self._line(theta)
        line, *by_parameter = self._spectra(np.concatenate([fid[None], self._derivatives * fid]))
        amplitude = _share(line, self._data)
        residual = self._data - amplitude * line
        jacobian = amplitude * np.stack([change - _share(line, change) * line for change in by_parameter])
        information = (jacobian.conj() @ jacobian.T).real
        return Evaluation(_norm_sq(residual), (jacobian.conj() @ residual).real, information, information)

    def amplitude(self, theta: Real) -> complex:
        """Complex amplitude that fits best [units of the FID]."""
        return _share(self._spectra(self._line(theta)), self._data) * self._scale

    def _line(self, theta: Real) -> Complex:
        offset, lorentzian, gaussian_squared = theta[:, None]
        rate = 2j * np.pi * offset - np.pi * lorentzian
        line: Complex = damped_exponentials(rate, gaussian_squared, self._time.size, self._dwell_time_s, 0.0)[0]
        return line

    def _spectra(self, fids: Complex) -> Complex:
        """Window of the spectrum of each FID, baseline removed."""
        return self._without_baseline(np.fft.fft(fids)[..., self._bins])

    def _without_baseline(self, values: Complex) -> Complex:
        return np.asarray(values - (values @ self._baseline.conj()) @ self._baseline.T)


def _share(line: Complex, values: Complex) -> complex:
    """Multiple of `line` that is nearest to `values`."""
    return complex(np.vdot(line, values) / np.vdot(line, line))


def _norm_sq(values: Complex) -> float:
    return float(np.vdot(values, values).real)


def drift_hz(shifts_hz: Real) -> float:
    """Range of the frequency over the scan after a running mean over a tenth of the transients, at least 3 [Hz]."""
    length = max(3, shifts_hz.size // 10)
    if shifts_hz.size <= length:
        return float(np.ptp(shifts_hz))
    return float(np.ptp(np.convolve(shifts_hz, np.full(length, 1 / length), "valid")))


def _tail_noise_sd(fid: Complex) -> float | None:
    """Noise SD of the last quarter of an FID, or None if its periodogram still shows a line."""
    tail = fid[-(fid.size // 4) :]
    # Under noise the periodogram is exponential, its median ln 2 of its mean; e⁻⁸ is the chance taken over all bins.
    periodogram = np.abs(np.fft.fft(tail)) ** 2
    limit = float(np.median(periodogram)) / np.log(2) * (np.log(tail.size) + 8)
    return _sd_around_zero(tail) if periodogram.max() <= limit else None


def _spectral_noise_sd(fid: Complex, dwell_mhz: float, pcr_turns: float) -> float | None:
    """Noise SD from the signal-free part of the spectrum, or None if the bandwidth leaves none.

    Bins are compared with the one four further on, which removes any baseline; a window that rises from zero over the
    first eighth and falls to zero at the end suppresses the tails of lines.

    Parameters
    ----------
    dwell_mhz : float
        Dwell time times spectrometer frequency: turns per sample and ppm.
    pcr_turns : float
        PCr offset in turns per sample.
    """
    points = fid.size
    window = 0.5 * (1 + np.cos(np.pi * np.arange(points) / points))
    rise = np.arange(points // _RISE_FRACTION) / (points // _RISE_FRACTION)
    window[: rise.size] *= np.sin(0.5 * np.pi * rise) ** 2
    values = np.fft.fft(fid * window)
    turns = np.fft.fftfreq(points)
    low, high = (limit * dwell_mhz for limit in _SIGNAL_PPM)
    free = ((turns - pcr_turns - low) % 1 > high - low) & (np.abs(turns) < _FLAT_FRACTION / 2)
    pairs = free & np.roll(free, -_BIN_LAG)
    if high - low >= 1 or pairs.sum() < _MIN_BINS:
        return None
    difference = (values - np.roll(values, -_BIN_LAG))[pairs]
    correlation = np.cos(2 * np.pi * _BIN_LAG * np.arange(points) / points)
    return _sd_around_zero(difference) / float(np.sqrt(2 * np.sum(window**2 * (1 - correlation))))


def _sd_around_zero(values: Complex) -> float:
    """1.4826 MAD around zero of real and imaginary parts together."""
    return robust_sd(np.concatenate([values.real.ravel(), values.imag.ravel()]))
