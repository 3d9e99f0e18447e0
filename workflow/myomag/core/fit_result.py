"""Result of an AMARES fit in the user's units, with its uncertainty."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.crlb import fitted_covariance, one_sided_distances
from myomag.core.fit_start import FitStart
from myomag.core.line_shape import LineShape
from myomag.core.objective import Objective
from myomag.core.parameters import AMPLITUDE, FREQUENCY, GAUSSIAN, LORENTZIAN, PHASE, ParameterMap
from myomag.core.profile import ShiftProfile


@dataclass(frozen=True)
class AmaresFit:
    """Result of an AMARES fit; per-line arrays follow the order of the prior's lines.

    Attributes
    ----------
    names : tuple of str
        Line names.
    amplitudes, shifts_ppm, linewidths_hz, phases_deg : ndarray, shape (lines,)
        Amplitude of the whole line at t = 0 [FID units], centre [ppm from the carrier], FWHM [Hz], phase [degrees].
    amplitudes_sd, shifts_ppm_sd, linewidths_hz_sd, phases_deg_sd : ndarray, shape (lines,)
        Standard deviations in the same units; NaN if the data do not determine the quantity, or if everything it
        depends on is at a bound.
    lorentzian_hz, gaussian_hz : ndarray, shape (lines,)
        The two parts of the width [Hz].
    offsets_hz, weights : tuple of ndarray
        Components of each line: distance from its centre [Hz] and share of its amplitude.
    begin_time_s, begin_time_sd_s : float
        Time of the first sample and its SD [s]; the SD is 0 when it was not fitted.
    covariance : ndarray, shape (4·lines + 1, 4·lines + 1)
        Covariance of `covariance_names`: amplitudes, shifts, widths and phases in turn, then the begin time; NaN where
        the SD is NaN.
    noise_sd : float
        SD of the residual per channel [FID units], which scales the covariance.
    residual_norm_sq : float
        Sum of the squared moduli of the residual [FID units²].
    at_bound : tuple of str
        Free parameters that ended at a bound, as `quantity:line`.
    bound_limits : tuple of float
        For each of them the other end of its 95 % interval, which begins at the bound, in the unit of the quantity; NaN
        if the data do not limit it.
    converged : bool
        Whether the minimum was reached; `message` gives details.
    iterations : int
        Steps tried.
    line_shape : LineShape or None
        Factor common to all lines; the widths above exclude it.
    profiles : tuple of ShiftProfile
        Profiles of the lines with uncertain positions; the SDs of their shifts are at least those of the profiles.
    start : FitStart or None
        End point of the fit, for another fit of the same FID.
    """

    names: tuple[str, ...]
    amplitudes: NDArray[np.float64]
    shifts_ppm: NDArray[np.float64]
    linewidths_hz: NDArray[np.float64]
    phases_deg: NDArray[np.float64]
    amplitudes_sd: NDArray[np.float64]
    shifts_ppm_sd: NDArray[np.float64]
    linewidths_hz_sd: NDArray[np.float64]
    phases_deg_sd: NDArray[np.float64]
    lorentzian_hz: NDArray[np.float64]
    gaussian_hz: NDArray[np.float64]
    offsets_hz: tuple[NDArray[np.float64], ...]
    weights: tuple[NDArray[np.float64], ...]
    begin_time_s: float
    begin_time_sd_s: float
    covariance: NDArray[np.float64]
    covariance_names: tuple[str, ...]
    noise_sd: float
    residual_norm_sq: float
    at_bound: tuple[str, ...]
    bound_limits: tuple[float, ...]
    converged: bool
    message: str
    iterations: int
    line_shape: LineShape | None = None
    profiles: tuple[ShiftProfile, ...] = ()
    start: FitStart | None = None


def fit_result(
    objective: Objective,
    theta: NDArray[np.float64],
    free: NDArray[np.bool_],
    *,
    profiles: tuple[ShiftProfile, ...] = (),
    names: tuple[str, ...],
    spectrometer_frequency_mhz: float,
    scale: float,
    iterations: int,
    converged: bool,
) -> AmaresFit:
    """Fit at θ in the user's units, with covariance and one-sided intervals.

    Parameters
    ----------
    objective : Objective
        Problem, its FID in units of `scale`.
    theta : ndarray, shape (parameters,)
        The minimum.
    free : ndarray of bool, shape (parameters,)
        Parameters away from their bounds.
    profiles : tuple of ShiftProfile
        Profiles of lines with uncertain positions.
    names : tuple of str
        Line names.
    spectrometer_frequency_mhz, scale : float
        Frequency of 0 ppm [MHz] and unit of the FID.
    iterations, converged
        How the minimisation ended.
    """
    layout = objective.layout
    here = objective.evaluate(theta)
    cost = objective.residual_norm_sq(theta)
    noise_sd = float(np.sqrt(cost / (2 * len(objective.fid) - free.sum())))
    covariance = fitted_covariance(here.hessian, here.information, free, noise_sd)
    own, of_shape = np.split(theta, [len(layout.names)])
    lines = layout.lines(own)
    jacobian, widths = _line_jacobian(layout, lines, spectrometer_frequency_mhz, scale, objective.fit_begin_time)
    jacobian = np.pad(jacobian, ((0, 0), (0, len(of_shape))))
    line_covariance = _propagate(jacobian, covariance)
    _widen(line_covariance, names, profiles)
    held = (np.abs(jacobian) @ ~free > 0) & (np.abs(jacobian) @ free == 0)
    line_covariance[held, :] = line_covariance[:, held] = np.nan
    sd = np.sqrt(np.diag(line_covariance))
    count = len(names)
    offsets = layout.component_offsets_hz(own)
    bound = np.flatnonzero(~free)
    at_bound = tuple(layout.names[index] for index in bound)
    limits = theta[bound] + one_sided_distances(here.hessian, here.gradient, free, noise_sd)
    return AmaresFit(
        names=names,
        amplitudes=lines[AMPLITUDE] * scale,
        shifts_ppm=lines[FREQUENCY] / spectrometer_frequency_mhz,
        linewidths_hz=widths,
        phases_deg=np.rad2deg(_wrapped(lines[PHASE])),
        amplitudes_sd=sd[:count],
        shifts_ppm_sd=sd[count : 2 * count],
        linewidths_hz_sd=sd[2 * count : 3 * count],
        phases_deg_sd=sd[3 * count : 4 * count],
        lorentzian_hz=lines[LORENTZIAN],
        gaussian_hz=np.sqrt(lines[GAUSSIAN]),
        offsets_hz=tuple(offsets[layout.component_line == index] for index in range(count)),
        weights=tuple(layout.component_weight[layout.component_line == index] for index in range(count)),
        begin_time_s=objective.begin_time_s(theta),
        begin_time_sd_s=float(sd[-1]),
        covariance=line_covariance,
        covariance_names=(
            *(f"{q}:{name}" for q in ("amplitude", "shift_ppm", "linewidth_hz", "phase_deg") for name in names),
            "begin_time_s",
        ),
        noise_sd=noise_sd * scale,
        residual_norm_sq=cost * scale**2,
        at_bound=at_bound,
        bound_limits=tuple(
            _in_user_units(name, limit, spectrometer_frequency_mhz, scale)
            for name, limit in zip(at_bound, limits.tolist(), strict=True)
        ),
        converged=converged,
        message=_message(converged, iterations, at_bound),
        iterations=iterations,
        profiles=profiles,
        line_shape=LineShape(objective.shape.basis, of_shape) if objective.shape else None,
    )


def _in_user_units(name: str, value: float, spectrometer_frequency_mhz: float, scale: float) -> float:
    """A parameter of the fit in the unit of its quantity."""
    quantity = name.partition(":")[0]
    if quantity == "gaussian_hz":
        return float(np.sqrt(max(value, 0.0)))
    factors = {"amplitude": scale, "shift_ppm": 1 / spectrometer_frequency_mhz, "phase_deg": 180 / np.pi}
    return value * factors.get(quantity, 1.0)


def _line_jacobian(
    layout: ParameterMap,
    lines: NDArray[np.float64],
    spectrometer_frequency_mhz: float,
    scale: float,
    fit_begin_time: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Derivative of the reported quantities with respect to θ, and the FWHM of each line [Hz].

    The FWHM of a Voigt line is .5346·L + √(.2166·L² + G²) (Olivero & Longbothum 1977).
    """
    lorentzian, gaussian_squared = lines[LORENTZIAN], lines[GAUSSIAN]
    root = np.sqrt(0.2166 * lorentzian**2 + gaussian_squared)
    pure = np.where(root > 0, root, 1.0)
    by_lorentzian = np.where(gaussian_squared > 0, 0.5346 + 0.2166 * lorentzian / pure, 1.0)
    by_gaussian = np.where(root > 0, 0.5 / pure, 0.0)
    widths = np.where(gaussian_squared > 0, 0.5346 * lorentzian + root, lorentzian)
    matrix = layout.line_matrix
    begin_time = np.zeros((1, matrix.shape[2]))
    if fit_begin_time:
        begin_time[0, -1] = 1.0
    jacobian = np.concatenate(
        [
            matrix[AMPLITUDE] * scale,
            matrix[FREQUENCY] / spectrometer_frequency_mhz,
            by_lorentzian[:, None] * matrix[LORENTZIAN] + by_gaussian[:, None] * matrix[GAUSSIAN],
            np.rad2deg(matrix[PHASE]),
            begin_time,
        ]
    )
    return jacobian, widths


def _propagate(jacobian: NDArray[np.float64], covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """J·C·Jᵀ in which a NaN in C affects only the rows that depend on it."""
    unknown = np.isnan(np.diag(covariance))
    result = jacobian @ np.where(np.isnan(covariance), 0.0, covariance) @ jacobian.T
    spoilt = np.abs(jacobian) @ unknown > 0
    result[spoilt, :] = result[:, spoilt] = np.nan
    return result


def _widen(covariance: NDArray[np.float64], names: tuple[str, ...], profiles: tuple[ShiftProfile, ...]) -> None:
    """Increase the covariance of shifts so that their distance from the first line varies as in their profile."""
    first = len(names)
    for profile in profiles:
        row = first + names.index(profile.line)
        distance = covariance[row, row] + covariance[first, first] - 2 * covariance[row, first]
        missing = profile.spread_ppm() ** 2 - distance
        if missing > 0:
            covariance[row, row] += missing


def _wrapped(phase_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    wrapped: NDArray[np.float64] = np.angle(np.exp(1j * phase_rad))
    return wrapped


def _message(converged: bool, iterations: int, at_bound: tuple[str, ...]) -> str:
    state = "converged" if converged else "stopped before the minimum"
    bounds = f"; at a bound: {', '.join(at_bound)}" if at_bound else ""
    return f"{state} after {iterations} iterations{bounds}"
