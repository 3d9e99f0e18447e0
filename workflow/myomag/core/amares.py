"""AMARES: least-squares fit of an FID by a sum of damped exponentials under prior knowledge (Vanhamme et al. 1997).

s(τ) = Σ a·exp(iφ + i2πf·τ − πL·τ − (πG·τ)²/(4 ln 2)), τ = begin time + n·dwell. The residual is minimised over the
real and imaginary parts with an analytic Jacobian; bounds are kept by an active set.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from myomag.core.crlb import fitted_covariance
from myomag.core.objective import BeginTimePrior, Evaluation, Objective
from myomag.core.parameters import (
    AMPLITUDE,
    FREQUENCY,
    GAUSSIAN,
    LORENTZIAN,
    PHASE,
    ParameterMap,
    parameter_map,
)
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.core.start_values import start_values

MAX_ITERATIONS = 200
# Of the first step, relative to the diagonal of the normal equations; the start values are near the minimum.
DAMPING = 1e-2
# Converged when the step the normal equations still ask for is this fraction of a standard error (squared).
TOLERANCE = 1e-14


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
        Standard deviations in the same units; NaN where the data do not determine the parameter or it stands at a
        bound.
    lorentzian_hz, gaussian_hz : ndarray, shape (lines,)
        The two parts of the width [Hz].
    offsets_hz, weights : tuple of ndarray
        Components of each line: distance from its centre [Hz] and share of its amplitude.
    begin_time_s, begin_time_sd_s : float
        Time of the first sample and its SD [s]; the SD is 0 when it was not fitted.
    covariance : ndarray, shape (4·lines + 1, 4·lines + 1)
        Covariance of `covariance_names`: amplitudes, shifts, widths and phases in turn, then the begin time.
    noise_sd : float
        SD of the residual per channel [FID units], which scales the covariance.
    residual_norm_sq : float
        Sum of the squared moduli of the residual [FID units²].
    at_bound : tuple of str
        Free parameters that ended at a bound, as `quantity:line`.
    converged : bool
        Whether the minimum was reached; `message` says what happened.
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
    converged: bool
    message: str
    iterations: int


def fit_amares(
    fid: NDArray[np.complexfloating],
    *,
    dwell_time_s: float,
    spectrometer_frequency_mhz: float,
    prior: PriorKnowledge,
    begin_time_s: float = 0.0,
    fit_begin_time: bool = False,
    begin_time_window_s: float = 400e-6,
    begin_time_prior: BeginTimePrior | None = None,
) -> AmaresFit:
    """Fit an FID under prior knowledge.

    Parameters
    ----------
    fid : ndarray, shape (points,)
        Complex FID in the physicist's sign (a line at +Δf Hz is exp(+i2πΔf·t)), any amplitude unit.
    dwell_time_s : float
        Sampling interval [s].
    spectrometer_frequency_mhz : float
        Frequency of 0 ppm [MHz].
    prior : PriorKnowledge
        Lines, bounds and ties.
    begin_time_s : float
        Time of the first sample [s]; the start value when it is fitted.
    fit_begin_time : bool
        Fit the begin time within ± `begin_time_window_s` of its start value.
    begin_time_window_s : float
        See `fit_begin_time` [s].
    begin_time_prior : BeginTimePrior, optional
        What is known of a fitted begin time, from other scans of the protocol.

    Raises
    ------
    ValueError
        If the FID is not a finite, non-zero, one-dimensional array with more samples than parameters.
    """
    fid = _checked_fid(fid)
    layout = parameter_map(prior, spectrometer_frequency_mhz, fit_begin_time=fit_begin_time)
    if 2 * len(fid) <= len(layout.names):
        raise ValueError(f"{len(fid)} samples cannot determine {len(layout.names)} parameters")
    # A common scale makes the fit independent of the amplitude unit.
    scale = float(np.abs(fid).max())
    layout = _scaled(layout, scale)
    if fit_begin_time:
        layout.lower[-1], layout.upper[-1] = begin_time_s - begin_time_window_s, begin_time_s + begin_time_window_s
    if begin_time_prior:
        begin_time_prior = replace(begin_time_prior, noise_sd=begin_time_prior.noise_sd / scale)
    objective = Objective(
        fid / scale,
        dwell_time_s,
        begin_time_s,
        layout,
        fit_begin_time=fit_begin_time,
        begin_time_prior=begin_time_prior,
    )
    theta = start_values(objective.fid, dwell_time_s, begin_time_s, layout, fit_begin_time=fit_begin_time)
    theta, iterations, converged = _minimise(objective, theta)
    return _result(objective, theta, prior, spectrometer_frequency_mhz, scale, iterations, converged)


def _checked_fid(fid: NDArray[np.complexfloating]) -> NDArray[np.complex128]:
    checked: NDArray[np.complex128] = np.asarray(fid, dtype=np.complex128)
    if checked.ndim != 1:
        raise ValueError(f"expected a one-dimensional FID, found {checked.ndim} dimensions")
    if not np.isfinite(checked).all():
        raise ValueError("the FID holds values that are not finite")
    if not checked.any():
        raise ValueError("the FID is zero")
    return checked


def _scaled(layout: ParameterMap, scale: float) -> ParameterMap:
    """Layout with the amplitudes of the prior in units of `scale`; its arrays may be changed freely."""
    amplitude = np.array([name.startswith("amplitude:") for name in layout.names])
    factor = np.where(amplitude, 1 / scale, 1.0)
    constant = layout.line_constant.copy()
    constant[AMPLITUDE] /= scale
    fields = {"start": layout.start * factor, "lower": layout.lower * factor, "upper": layout.upper * factor}
    return ParameterMap(**{**vars(layout), **fields, "line_constant": constant})


def _minimise(objective: Objective, theta: NDArray[np.float64]) -> tuple[NDArray[np.float64], int, bool]:
    """Damped Newton steps within bounds (active set, steps clipped to the box)."""
    lower, upper = objective.layout.lower, objective.layout.upper
    reach = _reach_hz(objective.layout, theta)
    damping, growth = DAMPING, 2.0
    here = objective.evaluate(theta)
    for iteration in range(1, MAX_ITERATIONS + 1):
        free = _free(theta, here.gradient, lower, upper)
        if _step(here, free, 0.0) @ here.gradient <= TOLERANCE * max(here.cost, 1e-20 * len(objective.fid)):
            return theta, iteration, True
        trial = np.clip(theta + np.clip(_step(here, free, damping), -reach, reach), lower, upper)
        step = trial - theta
        predicted = 2 * step @ here.gradient - step @ here.hessian @ step
        cost = objective.cost(trial)
        if cost < here.cost:
            gain = float((here.cost - cost) / predicted) if predicted > 0 else 0.0
            damping *= max(1 / 10, 1 - (2 * gain - 1) ** 3) if gain < 2 else 1.0
            growth = 2.0
            theta = trial
            here = objective.evaluate(theta)
        else:
            if not np.any(np.abs(step) > 1e-15 * np.maximum(np.abs(theta), 1e-300)) or damping > 1e12:
                # No representable step lowers the sum of squares any further.
                return theta, iteration, True
            damping *= growth
            growth *= 2
    return theta, MAX_ITERATIONS, False


def _reach_hz(layout: ParameterMap, theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longest step of each parameter: half a line width for a frequency, so that a line does not leap off its peak."""
    lines = layout.lines(theta)
    widths = lines[LORENTZIAN] + np.sqrt(lines[GAUSSIAN])
    moved = layout.line_matrix[FREQUENCY] != 0
    return np.where(moved.any(axis=0), (moved * widths[:, None]).max(axis=0) / 2, np.inf)


def _free(
    theta: NDArray[np.float64], gradient: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Parameters not held at a bound by the gradient (of the fit's improvement)."""
    return ~(((theta <= lower) & (gradient <= 0)) | ((theta >= upper) & (gradient >= 0)))


def _step(here: Evaluation, free: NDArray[np.bool_], damping: float) -> NDArray[np.float64]:
    """Damped Newton step of the free parameters; Gauss–Newton where the Hessian is not positive definite."""
    step = np.zeros_like(here.gradient)
    use = free & (np.diag(here.information) > 0)
    scale = 1 / np.sqrt(np.diag(here.information)[use])
    for matrix in (here.hessian, here.information):
        scaled = matrix[np.ix_(use, use)] * np.outer(scale, scale)
        scaled[np.diag_indices_from(scaled)] += damping + 1e-13
        factor, failed = lapack.dpotrf(scaled, lower=True)
        if not failed:
            step[use] = scale * lapack.dpotrs(factor, scale * here.gradient[use], lower=True)[0]
            return step
    return step


def _result(
    objective: Objective,
    theta: NDArray[np.float64],
    prior: PriorKnowledge,
    spectrometer_frequency_mhz: float,
    scale: float,
    iterations: int,
    converged: bool,
) -> AmaresFit:
    layout = objective.layout
    here = objective.evaluate(theta)
    cost = objective.residual_norm_sq(theta)
    free = _free(theta, here.gradient, layout.lower, layout.upper)
    noise_sd = float(np.sqrt(cost / (2 * len(objective.fid) - free.sum())))
    covariance = fitted_covariance(here.hessian, here.information, free, noise_sd)
    lines = layout.lines(theta)
    jacobian, widths = _line_jacobian(layout, lines, spectrometer_frequency_mhz, scale, objective.fit_begin_time)
    line_covariance = _propagate(jacobian, covariance)
    sd = np.sqrt(np.diag(line_covariance))
    held = np.abs(jacobian) @ ~free > 0
    sd[held] = np.nan
    count = len(prior.lines)
    offsets = layout.component_offsets_hz(theta)
    at_bound = tuple(name for name, is_free in zip(layout.names, free, strict=True) if not is_free)
    names = tuple(line.name for line in prior.lines)
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
        converged=converged,
        message=_message(converged, iterations, at_bound),
        iterations=iterations,
    )


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
    """J·C·Jᵀ in which a NaN of C spoils only the rows that depend on it."""
    unknown = np.isnan(np.diag(covariance))
    result = jacobian @ np.where(np.isnan(covariance), 0.0, covariance) @ jacobian.T
    spoilt = np.abs(jacobian) @ unknown > 0
    result[spoilt, :] = result[:, spoilt] = np.nan
    return result


def _wrapped(phase_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    wrapped: NDArray[np.float64] = np.angle(np.exp(1j * phase_rad))
    return wrapped


def _message(converged: bool, iterations: int, at_bound: tuple[str, ...]) -> str:
    state = "converged" if converged else "stopped before the minimum"
    bounds = f"; at a bound: {', '.join(at_bound)}" if at_bound else ""
    return f"{state} after {iterations} iterations{bounds}"
