"""AMARES: least-squares fit of an FID by a sum of damped exponentials under prior knowledge (Vanhamme et al. 1997).

s(τ) = Σ a·exp(iφ + i2πf·τ − πL·τ − (πG·τ)²/(4 ln 2)), τ = begin time + n·dwell, times, if requested, a line shape
exp(g(n·dwell)) common to all lines. The residual is minimised over the real and imaginary parts with an analytic
Jacobian; bounds are kept by an active set.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from myomag.core.fit_result import AmaresFit, fit_result
from myomag.core.fit_start import FitStart
from myomag.core.objective import BeginTimePrior
from myomag.core.parameters import free_parameters
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.core.solver import Problem, profile_lines

__all__ = ["AmaresFit", "FitStart", "fit_amares"]


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
    start: FitStart | None = None,
    steps: int | None = None,
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
        Prior of a fitted begin time, from other scans of the protocol.
    shape_order, max_shape_order : int
        Order of the line shape common to all lines (`myomag.core.line_shape`), 3 or more, and the highest order that
        the data may choose; 0 for none: Voigt lines.
    profiled : tuple of str
        Lines whose position is profiled if uncertain (`myomag.core.profile`), so that a second minimum is found.
    start : FitStart, optional
        `AmaresFit.start` of another fit of the same FID: its lines and its order of the line shape are kept, unless it
        had none and this fit requests one.

    steps : int, optional
        Largest number of Newton steps; 0 gives the start values.

    Raises
    ------
    ValueError
        If the FID is not a finite, non-zero, one-dimensional array with more samples than parameters.
    """
    fid = _checked_fid(fid)
    # A common scale makes the fit independent of the amplitude unit.
    scale = float(np.abs(fid).max())
    if begin_time_prior:
        begin_time_prior = replace(begin_time_prior, noise_sd=begin_time_prior.noise_sd / scale)
    problem = Problem(
        fid / scale,
        scale,
        dwell_time_s,
        spectrometer_frequency_mhz,
        begin_time_s,
        fit_begin_time,
        begin_time_window_s,
        begin_time_prior,
        shape_order,
        max_shape_order,
        steps,
    )
    parameters = free_parameters(prior) + int(fit_begin_time) + max(2 * max(shape_order, max_shape_order) - 3, 0)
    if 2 * len(fid) <= parameters:
        raise ValueError(f"{len(fid)} samples cannot determine {parameters} parameters")
    result = _solved(problem, prior, start, profiled)
    if excess := prior.overgrown(dict(zip(result.names, result.amplitudes.tolist(), strict=True))):
        result = _solved(problem, prior.without(excess), start, profiled)
    return result


def _solved(problem: Problem, prior: PriorKnowledge, start: FitStart | None, profiled: tuple[str, ...]) -> AmaresFit:
    """Best fit with some lines, with its errors."""
    mhz = problem.spectrometer_frequency_mhz
    solution, profiles = profile_lines(problem.solved(prior, start), profiled, mhz)
    result = fit_result(
        solution.objective,
        solution.found.theta,
        solution.free,
        profiles=profiles,
        names=tuple(line.name for line in solution.prior.lines),
        spectrometer_frequency_mhz=mhz,
        scale=problem.scale,
        iterations=solution.found.iterations,
        converged=solution.found.converged,
    )
    return replace(result, start=problem.start(solution))


def _checked_fid(fid: NDArray[np.complexfloating]) -> NDArray[np.complex128]:
    checked: NDArray[np.complex128] = np.asarray(fid, dtype=np.complex128)
    if checked.ndim != 1:
        raise ValueError(f"expected a one-dimensional FID, found {checked.ndim} dimensions")
    if not np.isfinite(checked).all():
        raise ValueError("the FID contains values that are not finite")
    if not checked.any():
        raise ValueError("the FID is zero")
    return checked
