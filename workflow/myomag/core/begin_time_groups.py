"""Whether the begin times of one protocol form two groups, or show a step where something changed.

335 µs for some scans and 345 µs for others mean a step of 8 % in Mg (Iotti 1996) between them, and their mean is wrong
for both.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.pooling import MIN_SPREAD_US

Real = NDArray[np.float64]
Members = NDArray[np.bool_]

LEAST_STEP_US = 3.0
"""A smaller difference shifts Mg by less than 2 % and is ignored [µs]."""

LEAST_SCANS = 3
"""Smallest number of scans on either side of a step."""

LEAST_IN_ORDER = 6
"""The same if the position of the step is searched for: the scatter of fewer scans is often small by chance."""

CHANCE = 1e-3
"""Probability of finding a step in a protocol without one, for each method of search."""

LEAST_RATIO = 18.0
"""Threshold of 2·log of the likelihood ratio of two groups to one. A single group of 10 to 400 scans exceeds it in
fewer than one of a thousand protocols (simulated: tests/unit/core/test_begin_time_groups.py)."""

_ITERATIONS = 200


@dataclass(frozen=True)
class Step:
    """Two groups of scans with different begin times.

    Attributes
    ----------
    second : ndarray of bool, shape (scans,)
        Scans of the second group.
    means_us : tuple of float
        Begin time of the first and the second group [µs].
    """

    second: Members
    means_us: tuple[float, float]


def step_between(values: Real, sds: Real, second: Members, trials: int = 1) -> Step | None:
    """Step between two groups defined by something else, None if there is none.

    The difference of the weighted means relative to its SD, from the scatter within the groups, by Student's t.

    Parameters
    ----------
    values, sds : ndarray, shape (scans,)
        Begin times and their SDs [µs].
    second : ndarray of bool, shape (scans,)
        Scans of the second group.
    trials : int
        Number of groupings tried.
    """
    from scipy.stats import t

    if min(second.sum(), (~second).sum()) < LEAST_SCANS:
        return None
    weights = 1 / (sds**2 + MIN_SPREAD_US**2)
    means = [float(np.average(values[group], weights=weights[group])) for group in (~second, second)]
    variance = sum(_variance(values[group], weights[group]) for group in (~second, second))
    score = abs(means[1] - means[0]) / float(np.sqrt(variance))
    chance = 2 * float(t.sf(score, len(values) - 2)) * trials
    if abs(means[1] - means[0]) < LEAST_STEP_US or chance > CHANCE:
        return None
    return Step(second, (means[0], means[1]))


def _variance(values: Real, weights: Real) -> float:
    """Variance of a weighted mean from the scatter of the values, at least from their own errors."""
    residual = values - np.average(values, weights=weights)
    scatter = np.sum((weights * residual) ** 2) / weights.sum() ** 2 * len(values) / (len(values) - 1)
    return float(max(scatter, 1 / weights.sum()))


def step_in_order(values: Real, sds: Real) -> Step | None:
    """Clearest step in a sequence of scans, None if there is none.

    Parameters
    ----------
    values, sds : ndarray, shape (scans,)
        Begin times in order, and their SDs [µs].
    """
    places = range(LEAST_IN_ORDER, len(values) - LEAST_IN_ORDER + 1)
    if not places:
        return None
    order = np.arange(len(values))
    weights = 1 / (sds**2 + MIN_SPREAD_US**2)

    def left(place: int) -> float:
        sides = (order < place, order >= place)
        means = [np.average(values[side], weights=weights[side]) for side in sides]
        return float(weights @ (values - np.where(sides[0], *means)) ** 2)

    best = min(places, key=left)
    return step_between(values, sds, order >= best, trials=len(places))


def two_groups(values: Real, sds: Real) -> Step | None:
    """Two groups without other evidence, None if one normal distribution explains all scans.

    Maximum likelihood by expectation and maximisation, with one spread for both groups.

    Parameters
    ----------
    values, sds : ndarray, shape (scans,)
        Begin times and their SDs [µs].
    """
    if len(values) < 2 * LEAST_SCANS:
        return None
    order = np.argsort(values)
    one, _, _ = _fitted(values, sds, np.zeros(len(values)))
    best = None
    for share in (0.15, 0.3, 0.5, 0.7, 0.85):
        start = np.zeros(len(values))
        start[order[int(share * len(values)) :]] = 1.0
        found = _fitted(values, sds, start)
        best = found if best is None or found[0] > best[0] else best
    if best is None:
        return None
    likelihood, means, belongs = best
    second = belongs > 0.5
    small = min(second.sum(), (~second).sum()) < LEAST_SCANS
    if small or means[1] - means[0] < LEAST_STEP_US or 2 * (likelihood - one) < LEAST_RATIO:
        return None
    return Step(second, means)


def _fitted(values: Real, sds: Real, belongs: Real) -> tuple[float, tuple[float, float], Real]:
    """Log-likelihood, means of both groups, and each scan's probability of the second one (0 for one group)."""
    known = sds**2 + MIN_SPREAD_US**2
    spread, single = 0.0, not belongs.any()
    likelihood, means = -np.inf, np.zeros(2)
    for _ in range(_ITERATIONS):
        shares = np.array([1 - belongs, belongs])
        variance = known + spread
        weights = shares / variance
        means = (weights @ values) / np.maximum(weights.sum(axis=1), 1e-12)
        squares = (values - means[:, None]) ** 2
        gain = np.sum(shares * (squares - known) / variance**2) / np.sum(shares / variance**2)
        spread = max(0.0, float(gain))
        variance = known + spread
        parts = np.maximum(shares.mean(axis=1), 1e-12)[:, None] * np.exp(-squares / (2 * variance))
        density = np.maximum(parts.sum(axis=0), 1e-300)
        before, likelihood = likelihood, float(np.sum(np.log(density) - np.log(variance) / 2))
        belongs = np.zeros(len(values)) if single else parts[1] / density
        if abs(likelihood - before) < 1e-9:
            break
    low, high = sorted(means.tolist()) if not single else (float(means[0]), float(means[0]))
    return likelihood, (low, high), belongs if single or means[0] <= means[1] else 1 - belongs
