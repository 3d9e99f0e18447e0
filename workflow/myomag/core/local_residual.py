"""Residual of a fit around one of its lines, relative to the noise and to the line."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from myomag.core.amares import AmaresFit
from myomag.core.whiteness import MIN_BINS, SIGNIFICANCE, model_fid


def local_residual(
    fit: AmaresFit,
    fid: NDArray[np.complexfloating],
    name: str,
    *,
    noise_sd: float,
    dwell_time_s: float,
    spectrometer_frequency_mhz: float,
) -> tuple[float, float]:
    """SD of the residual around a line divided by that of the noise, and its share of the line.

    The share is √(power of the residual beyond noise / power of the line) over the bins of the line; "beyond noise"
    means above what white noise exceeds once in a thousand fits, so the share is 0 in nearly all of them.

    Parameters
    ----------
    fit : AmaresFit
        Fit of `fid`.
    fid : ndarray, shape (points,)
        Fitted samples.
    name : str
        The line.
    noise_sd : float
        Noise SD per channel [FID units].
    dwell_time_s, spectrometer_frequency_mhz : float
        Sampling interval [s] and frequency of 0 ppm [MHz].
    """
    row, points = fit.names.index(name), len(fid)
    sampling = {"dwell_time_s": dwell_time_s, "spectrometer_frequency_mhz": spectrometer_frequency_mhz}
    alone = replace(fit, amplitudes=np.where(np.arange(len(fit.names)) == row, fit.amplitudes, 0.0))
    left = fid - model_fid(fit, points, **sampling)
    reach = fit.linewidths_hz[row] + np.abs(fit.offsets_hz[row]).max()
    distance = np.abs(np.fft.fftfreq(points, dwell_time_s) - fit.shifts_ppm[row] * spectrometer_frequency_mhz)
    near = distance <= max(reach, np.partition(distance, MIN_BINS - 1)[MIN_BINS - 1])
    residual, line = (
        float(np.mean(np.abs(np.fft.fft(each)[near]) ** 2)) for each in (left, model_fid(alone, points, **sampling))
    )
    noise = 2 * points * noise_sd**2
    # The power of complex white noise is exponential: its mean over n bins has the relative SD 1/√n.
    beyond = max(residual - noise * (1 + SIGNIFICANCE / float(np.sqrt(near.sum()))), 0.0)
    return (residual / noise) ** 0.5, (beyond / line) ** 0.5 if line > 0 else 0.0
