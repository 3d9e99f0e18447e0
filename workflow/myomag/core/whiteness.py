"""Where the residual of a fit is larger than elsewhere, the model misfits and the covariance is too small."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from myomag.core.amares import AmaresFit
from myomag.core.exponentials import damped_exponentials

MIN_BINS = 16
"""A local level is the mean over at least this many points of the spectrum."""

SIGNIFICANCE = 3.0
"""A local level counts as raised above this many of its standard deviations."""


def local_excess(
    residual: NDArray[np.complexfloating],
    *,
    dwell_time_s: float,
    frequencies_hz: NDArray[np.float64],
    widths_hz: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Factor by which the residual around each line exceeds its mean over the spectrum, shape (lines,), at least 1.

    The covariance of the fit assumes white noise of the residual's mean power. Around a line whose shape is not
    modelled well, the residual has more power, and the line's parameters have correspondingly larger errors: their SDs
    are increased by the square root of the ratio of the powers. Noise alone exceeds the threshold once in a thousand; a
    level below the mean (the lines absorb noise) is not changed.

    Parameters
    ----------
    residual : ndarray, shape (points,)
        FID minus model.
    dwell_time_s : float
        Sampling interval [s].
    frequencies_hz, widths_hz : ndarray, shape (lines,)
        Centre of each line [Hz] and its extent to either side [Hz], including couplings.
    """
    power = np.abs(np.fft.fft(residual)) ** 2
    frequency = np.fft.fftfreq(len(residual), dwell_time_s)
    mean = power.mean()
    factors = np.ones(len(frequencies_hz))
    for index, (centre, width) in enumerate(zip(frequencies_hz, widths_hz, strict=True)):
        distance = np.abs(frequency - centre)
        near = distance <= max(width, np.partition(distance, MIN_BINS - 1)[MIN_BINS - 1])
        # The power of complex white noise is exponential: its mean over n points has the relative SD 1/√n.
        ratio = power[near].mean() / mean if mean > 0 else 1.0
        if ratio > 1 + SIGNIFICANCE / np.sqrt(near.sum()):
            factors[index] = np.sqrt(ratio)
    return factors


def temporal_excess(residual: NDArray[np.complexfloating], model: NDArray[np.complexfloating]) -> float:
    """Factor by which the residual where the signal is exceeds its mean over the FID, at least 1.

    The covariance of the fit assumes noise of the same power throughout. In apodised or filtered data it decays with
    the signal, so that the mean over the FID is too small by √(Σ|r|²|s|²/Σ|s|² over Σ|r|²/n).

    Parameters
    ----------
    residual, model : ndarray, shape (points,)
        FID minus model, and model.
    """
    weight = np.abs(model) ** 2
    total, mean = float(weight.sum()), float(np.mean(np.abs(residual) ** 2))
    if total == 0 or mean == 0:
        return 1.0
    ratio = float(weight @ np.abs(residual) ** 2) / total / mean
    # |r|² of complex noise is exponential; the weights leave (Σw)²/Σw² samples.
    spread = np.sqrt(float(weight @ weight)) / total
    return float(np.sqrt(ratio)) if ratio > 1 + SIGNIFICANCE * spread else 1.0


def model_fid(
    fit: AmaresFit, points: int, *, dwell_time_s: float, spectrometer_frequency_mhz: float
) -> NDArray[np.complex128]:
    """FID of all fitted lines, shape (points,), from the first fitted sample."""
    line = np.repeat(np.arange(len(fit.names)), [len(offsets) for offsets in fit.offsets_hz])
    there = fit.amplitudes[line] != 0
    line, offsets_hz, weights = line[there], np.concatenate(fit.offsets_hz)[there], np.concatenate(fit.weights)[there]
    frequency_hz = fit.shifts_ppm[line] * spectrometer_frequency_mhz + offsets_hz
    components = damped_exponentials(
        2j * np.pi * frequency_hz - np.pi * fit.lorentzian_hz[line],
        fit.gaussian_hz[line] ** 2,
        points,
        dwell_time_s,
        fit.begin_time_s,
        phase_rad=np.deg2rad(fit.phases_deg[line]),
    )
    model: NDArray[np.complex128] = (fit.amplitudes[line] * weights) @ components
    return model * fit.line_shape.envelope(points, dwell_time_s) if fit.line_shape else model


def corrected(
    fit: AmaresFit, fid: NDArray[np.complexfloating], *, dwell_time_s: float, spectrometer_frequency_mhz: float
) -> tuple[AmaresFit, NDArray[np.float64]]:
    """Fit with its covariance increased where the residual is not white, and the factor of each line's SDs.

    Parameters
    ----------
    fit : AmaresFit
        Fit of `fid`.
    fid : ndarray, shape (points,)
        Fitted samples.
    dwell_time_s, spectrometer_frequency_mhz : float
        Sampling interval [s] and frequency of 0 ppm [MHz].
    """
    model = model_fid(fit, len(fid), dwell_time_s=dwell_time_s, spectrometer_frequency_mhz=spectrometer_frequency_mhz)
    reach = [width + np.abs(offsets).max() for width, offsets in zip(fit.linewidths_hz, fit.offsets_hz, strict=True)]
    factors = local_excess(
        fid - model,
        dwell_time_s=dwell_time_s,
        frequencies_hz=fit.shifts_ppm * spectrometer_frequency_mhz,
        widths_hz=np.array(reach),
    )
    # A misfit shows in both; decaying noise only in the second.
    factors = np.maximum(factors, temporal_excess(fid - model, model))
    # The begin time depends on the phases of all lines: the worst of them counts.
    of_begin_time = float(factors.max())
    scale = np.append(np.tile(factors, 4), of_begin_time)
    raised = replace(
        fit,
        begin_time_sd_s=fit.begin_time_sd_s * of_begin_time,
        amplitudes_sd=fit.amplitudes_sd * factors,
        shifts_ppm_sd=fit.shifts_ppm_sd * factors,
        linewidths_hz_sd=fit.linewidths_hz_sd * factors,
        phases_deg_sd=fit.phases_deg_sd * factors,
        covariance=fit.covariance * np.outer(scale, scale),
    )
    return raised, factors
