"""AMARES: least-squares fit of an FID by a sum of damped exponentials under prior knowledge (Vanhamme et al. 1997).

s(τ) = Σ a·exp(iφ + i2πf·τ − πL·τ − (πG·τ)²/(4 ln 2)), τ = begin time + n·dwell, times a line shape exp(g(n·dwell))
common to all lines where it is asked for. The residual is minimised over the real and imaginary parts with an analytic
Jacobian; bounds are kept by an active set.
"""

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from myomag.core.fit_result import AmaresFit, fit_result
from myomag.core.line_shape import ShapeTerms, shape_basis, tail_sd
from myomag.core.newton import Minimum, minimise, unbounded
from myomag.core.objective import BeginTimePrior, Objective
from myomag.core.parameters import AMPLITUDE, FREQUENCY, GAUSSIAN, LORENTZIAN, ParameterMap, parameter_map
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.core.profile import ShiftProfile, is_uncertain, shift_profile
from myomag.core.shape_order import wanted_order
from myomag.core.start_values import start_values, width_hz

__all__ = ["AmaresFit", "fit_amares"]

_SHAPE_REACH = 0.5
"""Longest step of a coefficient of the line shape [rad or neper]: the model is no longer linear beyond."""


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
    shape_order: int = 0,
    max_shape_order: int = 0,
    profiled: tuple[str, ...] = (),
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
    shape_order, max_shape_order : int
        Order of the line shape common to all lines (`myomag.core.line_shape`), 3 or more, and how far the data may
        raise it; 0 for none: Voigt lines.
    profiled : tuple of str
        Lines whose place is profiled where it is uncertain (`myomag.core.profile`), so that a second minimum is found.

    Raises
    ------
    ValueError
        If the FID is not a finite, non-zero, one-dimensional array with more samples than parameters.
    """
    fid = _checked_fid(fid)
    layout = parameter_map(prior, spectrometer_frequency_mhz, fit_begin_time=fit_begin_time)
    parameters = len(layout.names) + max(2 * max(shape_order, max_shape_order) - 3, 0)
    if 2 * len(fid) <= parameters:
        raise ValueError(f"{len(fid)} samples cannot determine {parameters} parameters")
    # A common scale makes the fit independent of the amplitude unit.
    scale = float(np.abs(fid).max())
    layout = _scaled(layout, scale)
    if fit_begin_time:
        layout.lower[-1], layout.upper[-1] = begin_time_s - begin_time_window_s, begin_time_s + begin_time_window_s
    if begin_time_prior:
        begin_time_prior = replace(begin_time_prior, noise_sd=begin_time_prior.noise_sd / scale)
    samples = fid / scale
    problem = partial(
        Objective,
        samples,
        dwell_time_s,
        begin_time_s,
        layout,
        fit_begin_time=fit_begin_time,
        begin_time_prior=begin_time_prior,
    )
    theta = start_values(samples, dwell_time_s, begin_time_s, layout, fit_begin_time=fit_begin_time)
    objective, found = _minimum(problem, theta, dwell_time_s, shape_order, max_shape_order)
    names = tuple(line.name for line in prior.lines)
    wanted = [(index, name) for index, name in enumerate(names) if name in profiled]
    found, profiles = _profiled(objective, found, wanted, spectrometer_frequency_mhz)
    return fit_result(
        objective,
        found.theta,
        _free(objective, found.theta),
        profiles=profiles,
        names=names,
        spectrometer_frequency_mhz=spectrometer_frequency_mhz,
        scale=scale,
        iterations=found.iterations,
        converged=found.converged,
    )


def _minimum(
    problem: partial[Objective], theta: NDArray[np.float64], dwell_time_s: float, order: int, max_order: int
) -> tuple[Objective, Minimum]:
    """Minimum from θ on, with a line shape of the order given, or of a higher one if the data ask for it."""
    plain = problem()
    if not order:
        return plain, _minimised(plain, theta)
    fid = plain.fid
    basis, noise_sd = shape_basis(fid, width_hz(fid, dwell_time_s)), tail_sd(fid)

    def shaped(order: int) -> Objective:
        return problem(shape=ShapeTerms(basis, order, len(fid), dwell_time_s, noise_sd))

    objective = shaped(order)
    found = _minimised(objective, theta)
    if max_order > order and (more := wanted_order(shaped(max_order), found.theta, order)) > order:
        objective = shaped(more)
        again = _minimised(objective, found.theta)
        found = replace(again, iterations=found.iterations + again.iterations)
    return objective, found


def _profiled(
    objective: Objective, found: Minimum, lines: list[tuple[int, str]], mhz: float
) -> tuple[Minimum, tuple[ShiftProfile, ...]]:
    """Best minimum, and the profiles of those lines whose place is uncertain."""
    profiles, start = [], found
    for line, name in lines:
        shift = int(objective.layout.shift_group[line])
        free = _free(objective, found.theta)
        if shift < 0 or not free[shift]:
            continue
        variance = objective.residual_norm_sq(found.theta) / (2 * len(objective.fid) - int(free.sum()))
        if not is_uncertain(objective, found.theta, line, variance):
            continue
        profile, best = shift_profile(
            objective, found, line, name, mhz=mhz, variance=variance, held=partial(_held, objective)
        )
        profiles.append(profile)
        if best is not found:
            found = _minimised(objective, best.theta)
    return replace(found, converged=found.converged and start.converged), tuple(profiles)


def _held(objective: Objective, theta: NDArray[np.float64], index: int, value: float) -> Minimum:
    """Minimum with one parameter held at a value."""
    start = theta.copy()
    start[index] = value
    return _minimised(objective, start, held=index)


def _free(objective: Objective, theta: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Parameters away from their bounds at a minimum."""
    return unbounded(theta, objective.evaluate(theta).gradient, *_bounds(objective))


def _minimised(objective: Objective, theta: NDArray[np.float64], held: int | None = None) -> Minimum:
    """Minimum from θ on, coefficients of the line shape that θ lacks starting at zero, perhaps one parameter held."""
    lower, upper = _bounds(objective)
    if held is not None:
        lower[held] = upper[held] = theta[held]
    theta = np.pad(theta, (0, len(lower) - len(theta)))
    reach = _reach_hz(objective.layout, theta[: len(objective.layout.names)])
    reach = np.append(reach, np.full(len(theta) - len(reach), _SHAPE_REACH))
    return minimise(objective, theta, lower=lower, upper=upper, reach=reach, floor=1e-20 * len(objective.fid))


def _bounds(objective: Objective) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds of θ; a line shape has none."""
    layout, free = objective.layout, np.full(objective.size - len(objective.layout.names), np.inf)
    return np.append(layout.lower, -free), np.append(layout.upper, free)


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


def _reach_hz(layout: ParameterMap, theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longest step of each parameter: half a line width for a frequency, so that a line does not leap off its peak."""
    lines = layout.lines(theta)
    widths = lines[LORENTZIAN] + np.sqrt(lines[GAUSSIAN])
    moved = layout.line_matrix[FREQUENCY] != 0
    return np.where(moved.any(axis=0), (moved * widths[:, None]).max(axis=0) / 2, np.inf)
