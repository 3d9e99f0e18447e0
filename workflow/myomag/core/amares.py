"""AMARES: least-squares fit of an FID by a sum of damped exponentials under prior knowledge (Vanhamme et al. 1997).

s(τ) = Σ a·exp(iφ + i2πf·τ − πL·τ − (πG·τ)²/(4 ln 2)), τ = begin time + n·dwell. The residual is minimised over the
real and imaginary parts with an analytic Jacobian; bounds are kept by an active set.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.axes import time_axis
from myomag.core.crlb import parameter_covariance
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

KAPPA = np.pi**2 / (4 * np.log(2))
MAX_ITERATIONS = 200
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
    problem = _Problem(fid / scale, dwell_time_s, begin_time_s, layout, fit_begin_time=fit_begin_time)
    theta = start_values(problem.fid, dwell_time_s, begin_time_s, layout, fit_begin_time=fit_begin_time)
    theta, iterations, converged = _minimise(problem, theta)
    return _result(problem, theta, prior, spectrometer_frequency_mhz, scale, iterations, converged)


class _Problem:
    """Residual, gradient and information of one FID at θ."""

    def __init__(
        self,
        fid: NDArray[np.complex128],
        dwell_time_s: float,
        begin_time_s: float,
        layout: ParameterMap,
        *,
        fit_begin_time: bool,
    ) -> None:
        self.fid = fid
        self.layout = layout
        self.fit_begin_time = fit_begin_time
        self._begin_time_s = begin_time_s
        self._dwell_time_s = dwell_time_s
        self._matrix = layout.component_matrix()
        self._powers = 3 if layout.line_matrix[GAUSSIAN].any() else 2

    def begin_time_s(self, theta: NDArray[np.float64]) -> float:
        return float(theta[-1]) if self.fit_begin_time else self._begin_time_s

    def _basis(self, theta: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.complex128], ...]:
        """Time axis, components of unit amplitude (points, components) and their amplitudes."""
        time = time_axis(len(self.fid), self._dwell_time_s, self.begin_time_s(theta))
        values = self.layout.components(theta)
        rate = 2j * np.pi * values[FREQUENCY] - np.pi * values[LORENTZIAN]
        exponent = np.outer(time, rate) + 1j * values[PHASE]
        if values[GAUSSIAN].any():
            exponent -= KAPPA * np.outer(time**2, values[GAUSSIAN])
        return time, np.exp(exponent), values

    def residual_norm_sq(self, theta: NDArray[np.float64]) -> float:
        _, basis, values = self._basis(theta)
        residual = self.fid - basis @ values[AMPLITUDE]
        return float(np.vdot(residual, residual).real)

    def normal_equations(
        self, theta: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
        """Sum of squares, Jᵀr and JᵀJ at θ.

        Every derivative of a component is a polynomial in τ times the component, so JᵀJ follows from the moments
        ⟨u_j, τ^m u_k⟩ and the small matrix of the polynomial coefficients.
        """
        time, basis, values = self._basis(theta)
        residual = self.fid - basis @ values[AMPLITUDE]
        stacked = np.concatenate([basis * (time**power)[:, None] for power in range(self._powers)], axis=1)
        coefficients = self._coefficients(values)
        jacobian = stacked @ coefficients
        real = jacobian.view(np.float64).reshape(len(jacobian), -1, 2)
        flat = np.concatenate([real[..., 0], real[..., 1]])
        gradient = flat.T @ np.concatenate([residual.real, residual.imag])
        return float(np.vdot(residual, residual).real), gradient, flat.T @ flat

    def _coefficients(self, values: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Coefficient of τ^m·u_k in the derivative with respect to each parameter, (powers·components, parameters)."""
        amplitude = values[AMPLITUDE][:, None]
        matrix = self._matrix
        blocks = np.zeros((self._powers, matrix.shape[1], matrix.shape[2]), dtype=np.complex128)
        blocks[0] = matrix[AMPLITUDE] + 1j * amplitude * matrix[PHASE]
        blocks[1] = amplitude * (2j * np.pi * matrix[FREQUENCY] - np.pi * matrix[LORENTZIAN])
        if self._powers == 3:
            blocks[2] = -KAPPA * amplitude * matrix[GAUSSIAN]
        if self.fit_begin_time:
            blocks[0, :, -1] = values[AMPLITUDE] * (2j * np.pi * values[FREQUENCY] - np.pi * values[LORENTZIAN])
            blocks[1, :, -1] -= 2 * KAPPA * values[AMPLITUDE] * values[GAUSSIAN]
        return blocks.reshape(-1, matrix.shape[2])


def _checked_fid(fid: NDArray[np.complexfloating]) -> NDArray[np.complex128]:
    fid = np.asarray(fid, dtype=np.complex128)
    if fid.ndim != 1:
        raise ValueError(f"expected a one-dimensional FID, found {fid.ndim} dimensions")
    if not np.isfinite(fid).all():
        raise ValueError("the FID holds values that are not finite")
    if not fid.any():
        raise ValueError("the FID is zero")
    return fid


def _scaled(layout: ParameterMap, scale: float) -> ParameterMap:
    """Layout with the amplitudes of the prior in units of `scale`; its arrays may be changed freely."""
    amplitude = np.array([name.startswith("amplitude:") for name in layout.names])
    factor = np.where(amplitude, 1 / scale, 1.0)
    constant = layout.line_constant.copy()
    constant[AMPLITUDE] /= scale
    fields = {"start": layout.start * factor, "lower": layout.lower * factor, "upper": layout.upper * factor}
    return ParameterMap(**{**vars(layout), **fields, "line_constant": constant})


def _minimise(problem: _Problem, theta: NDArray[np.float64]) -> tuple[NDArray[np.float64], int, bool]:
    """Levenberg–Marquardt within bounds (active set, steps clipped to the box)."""
    lower, upper = problem.layout.lower, problem.layout.upper
    damping, growth = 1e-3, 2.0
    cost, gradient, information = problem.normal_equations(theta)
    for iteration in range(1, MAX_ITERATIONS + 1):
        free = _free(theta, gradient, lower, upper)
        step = _step(information, gradient, free, damping)
        undamped = _step(information, gradient, free, 0.0)
        if undamped @ gradient <= TOLERANCE * max(cost, 1e-20 * len(problem.fid)):
            return theta, iteration, True
        trial = np.clip(theta + step, lower, upper)
        step = trial - theta
        predicted = 2 * step @ gradient - step @ information @ step
        trial_cost = problem.residual_norm_sq(trial)
        if predicted > 0 and trial_cost < cost:
            gain = (cost - trial_cost) / predicted
            damping *= max(1 / 5, 1 - (2 * gain - 1) ** 3)
            growth = 2.0
            theta = trial
            cost, gradient, information = problem.normal_equations(theta)
        else:
            if not np.any(np.abs(step) > 1e-15 * np.maximum(np.abs(theta), 1e-300)) or damping > 1e12:
                # No representable step lowers the sum of squares any further.
                return theta, iteration, True
            damping *= growth
            growth *= 2
    return theta, MAX_ITERATIONS, False


def _free(
    theta: NDArray[np.float64], gradient: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Parameters not held at a bound by the gradient (of the fit's improvement)."""
    return ~(((theta <= lower) & (gradient <= 0)) | ((theta >= upper) & (gradient >= 0)))


def _step(
    information: NDArray[np.float64], gradient: NDArray[np.float64], free: NDArray[np.bool_], damping: float
) -> NDArray[np.float64]:
    """Damped Gauss–Newton step of the free parameters, in units scaled by the information."""
    step = np.zeros_like(gradient)
    use = free & (np.diag(information) > 0)
    scale = 1 / np.sqrt(np.diag(information)[use])
    matrix = information[np.ix_(use, use)] * np.outer(scale, scale)
    matrix[np.diag_indices_from(matrix)] += damping + 1e-13
    step[use] = scale * np.linalg.solve(matrix, scale * gradient[use])
    return step


def _result(
    problem: _Problem,
    theta: NDArray[np.float64],
    prior: PriorKnowledge,
    spectrometer_frequency_mhz: float,
    scale: float,
    iterations: int,
    converged: bool,
) -> AmaresFit:
    layout = problem.layout
    cost, gradient, information = problem.normal_equations(theta)
    free = _free(theta, gradient, layout.lower, layout.upper)
    noise_sd = float(np.sqrt(cost / (2 * len(problem.fid) - free.sum())))
    covariance = parameter_covariance(information, free, noise_sd)
    lines = layout.lines(theta)
    jacobian, widths = _line_jacobian(layout, lines, spectrometer_frequency_mhz, scale, problem.fit_begin_time)
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
        begin_time_s=problem.begin_time_s(theta),
        begin_time_sd_s=float(sd[-1]),
        covariance=line_covariance,
        covariance_names=tuple(
            f"{quantity}:{name}"
            for quantity in ("amplitude", "shift_ppm", "linewidth_hz", "phase_deg")
            for name in names
        )
        + ("begin_time_s",),
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
    return np.angle(np.exp(1j * phase_rad))


def _message(converged: bool, iterations: int, at_bound: tuple[str, ...]) -> str:
    state = "converged" if converged else "stopped before the minimum"
    bounds = f"; at a bound: {', '.join(at_bound)}" if at_bound else ""
    return f"{state} after {iterations} iterations{bounds}"
