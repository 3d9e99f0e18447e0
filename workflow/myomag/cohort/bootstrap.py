"""Intervals from participants drawn again with replacement, for estimates that are functions of sums over them."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
MAX_UNDEFINED = 0.025
"""Share of resamples without a value beyond which a limit of the interval is unbounded."""


MAX_GROUPS, MOST_WEIGHTS = 200, 2_000_000
"""Groups of the jackknife, more would tell little; fewer beyond 10,000 participants, which keeps the memory small."""


def bootstrap_counts(n: int, resamples: int, seed: int) -> Values:
    """How often each participant is drawn in n draws with replacement, shape (resamples, n)."""
    rng, counts = np.random.default_rng(seed), np.empty((resamples, n))
    for row in counts:
        row[:] = np.bincount(rng.integers(n, size=n), minlength=n)
    return counts


def jackknife_counts(n: int) -> Values:
    """1 for each participant but those of the group left out, 0, shape (groups, n): every `groups`-th participant."""
    groups = min(n, MAX_GROUPS, max(MOST_WEIGHTS // n, 2))
    return np.asarray(np.arange(n) % groups != np.arange(groups)[:, None], dtype=np.float64)


def without_bias(estimate: float, left_out: Values) -> float:
    """Estimate less its bias of order 1/n, (g − 1)·(mean of those with one of g groups left out − estimate).

    Source: Quenouille 1956, Biometrika 43:353. The estimate itself where one of the others is NaN.
    """
    bias = (len(left_out) - 1) * float(np.mean(left_out) - estimate)
    return estimate if np.isnan(bias) else estimate - bias


def moments(columns: Values, counts: Values, others: Values | None = None) -> Values:
    """Sums of products of the columns over each resample, shape (resamples, m, m).

    Parameters
    ----------
    columns : ndarray, shape (n, m)
        Variables.
    counts : ndarray, shape (resamples, n)
        Weight of each participant in each resample.
    others : ndarray, shape (n, m), optional
        Second factor of the products; the columns themselves unless given.
    """
    second = columns if others is None else others
    products = columns[:, :, None] * second[:, None, :]
    m = columns.shape[1]
    return np.asarray((counts @ products.reshape(len(columns), m * m)).reshape(len(counts), m, m))


def percentile_interval(resampled: Values) -> tuple[float, float]:
    """95 % percentile interval (Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 13).

    Parameters
    ----------
    resampled : ndarray, shape (resamples,)
        The estimate in each resample, NaN where it had none; (NaN, NaN) results if they are more than `MAX_UNDEFINED`.
    """
    if np.mean(np.isnan(resampled)) > MAX_UNDEFINED:
        return float("nan"), float("nan")
    low, high = np.nanquantile(resampled, (0.025, 0.975))
    return float(low), float(high)
