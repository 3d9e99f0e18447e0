"""Effect of equally defensible choices of model on the shifts: an SD in addition to that of the noise.

The variants are few and fixed: twice as many initial samples left out; one order of the line shape more, and one less;
without the optional lines that have their own width, which represent broad signals; wider lines where the width is tied
to another one. Each is one Newton step from the fit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.core.amares import fit_amares
from myomag.core.fit_result import AmaresFit
from myomag.core.fit_start import FitStart
from myomag.core.line_shape import HIGHEST_ORDER, LEAST_ORDER
from myomag.core.prior_knowledge import Line, PriorKnowledge, Tie

Real = NDArray[np.float64]

WIDER = 1.25
"""Possible error of the tie of a width: the deviation from 1 of the one that was measured, NAD(H) to α-ATP (Ren et al.
2015, NMR Biomed 28:1455)."""

STEPS = 1
"""Newton steps from the fit to each variant, whose minimum is a fraction of an SD away."""


@dataclass(frozen=True)
class Variant:
    """Another choice of model.

    Attributes
    ----------
    name : str
        What was chosen.
    fit : AmaresFit
        The fit under it.
    """

    name: str
    fit: AmaresFit


def variants(
    fid: NDArray[np.complexfloating], fit: AmaresFit, prior: PriorKnowledge, *, skipped: int, **options: Any
) -> tuple[Variant, ...]:
    """Fits with the other choices.

    Parameters
    ----------
    fid : ndarray, shape (points,)
        Fitted samples.
    fit : AmaresFit
        Fit of them, with its start.
    prior : PriorKnowledge
        Lines, bounds and ties.
    skipped : int
        Initial samples left out of `fid`; as many more are left out in one variant.
    **options
        As given to `fit_amares` for `fit`, the begin time that of the first sample of `fid`.
    """
    start = fit.start
    if start is None:
        return ()
    options = options | {"prior": prior, "profiled": (), "steps": STEPS}
    found = []
    if 0 < skipped < len(fid) // 8:
        found.append(Variant("twice the samples left out", _later(fid, start, skipped, options)))
    order = (len(start.coefficients) + 3) // 2
    for change in (1, -1) if start.coefficients else ():
        if LEAST_ORDER <= order + change <= HIGHEST_ORDER:
            size = 2 * (order + change) - 3
            coefficients = (*start.coefficients, 0.0, 0.0)[:size]
            changed = fit_amares(fid, start=replace(start, coefficients=coefficients), **options)
            found.append(Variant(f"order {change:+d} of the line shape", changed))
    sharp = tuple(name for name in start.lines if not _is_broad(prior, name))
    if set(sharp) < set(start.lines):
        without = fit_amares(fid, start=replace(start, lines=sharp), **options)
        found.append(Variant("without broad lines", without))
    wider = replace(prior, lines=tuple(_wider(line) for line in prior.lines))
    if wider != prior:
        changed = fit_amares(fid, start=start, **options | {"prior": wider})
        found.append(Variant("wider lines where the width is tied", changed))
    return tuple(found)


def _wider(line: Line) -> Line:
    """Line with a larger width if that is tied to another one."""
    width = line.parameters["lorentzian_hz"]
    if not isinstance(width, Tie):
        return line
    return replace(
        line, parameters=dict(line.parameters) | {"lorentzian_hz": replace(width, scale=WIDER * width.scale)}
    )


def _is_broad(prior: PriorKnowledge, name: str) -> bool:
    """Whether a line is optional and has its own width."""
    return prior.line(name).optional and prior.root(name, "lorentzian_hz").line == name


def _later(fid: NDArray[np.complexfloating], start: FitStart, more: int, options: Mapping[str, Any]) -> AmaresFit:
    """Fit without further initial samples."""
    delay = more * float(options["dwell_time_s"])
    changed = dict(options) | {"begin_time_s": options.get("begin_time_s", 0.0) + delay}
    if known := options.get("begin_time_prior"):
        changed["begin_time_prior"] = replace(known, mean_s=known.mean_s + delay)
    parameters = dict(start.parameters)
    if "begin_time_s" in parameters:
        parameters["begin_time_s"] += delay
    return fit_amares(fid[more:], start=replace(start, parameters=parameters), **changed)


def model_variance(fit: AmaresFit, others: tuple[Variant, ...], weights: Mapping[str, float]) -> float:
    """Variance that the choice of model adds to a weighted sum of shifts [ppm²].

    The sum over the variants of the squared difference from the fit, each minus the difference due to noise alone: for
    two estimates from nested data or models, the variance of the difference is the difference of the variances (Hausman
    1978, Econometrica 46:1251). A sum, because each variant concerns a different question: their errors add up.

    Parameters
    ----------
    fit : AmaresFit
    others : tuple of Variant
    weights : mapping of str to float
        Weight of the shift of each line.
    """
    value, variance = _combined(fit, weights)
    total = 0.0
    for each in others:
        other, its_variance = _combined(each.fit, weights)
        by_noise = abs(its_variance - variance) if np.isfinite(its_variance - variance) else 0.0
        total += max((other - value) ** 2 - by_noise, 0.0)
    return total


def _combined(fit: AmaresFit, weights: Mapping[str, float]) -> tuple[float, float]:
    """Weighted sum of shifts [ppm] and its variance [ppm²]."""
    rows = [fit.covariance_names.index(f"shift_ppm:{line}") for line in weights]
    factors = np.array(list(weights.values()))
    value = sum(weight * fit.shifts_ppm[fit.names.index(line)] for line, weight in weights.items())
    return float(value), float(factors @ fit.covariance[np.ix_(rows, rows)] @ factors)
