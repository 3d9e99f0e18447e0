"""Intervals from participants drawn again with replacement, for estimates that are functions of sums over them."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
MAX_UNDEFINED = 0.025
"""Share of resamples without a value beyond which a limit of the interval is unbounded."""

MAX_GROUPS, MOST_WEIGHTS = 200, 2_000_000
"""Groups of the jackknife, more would tell little; fewer beyond 10,000 participants, which keeps the time short."""


def resample_weights(n: int, resamples: int, seed: int) -> Values:
    """Weight of each participant once as they are, then of the jackknife, then of the bootstrap.

    Parameters
    ----------
    n : int
        Number of participants.
    resamples : int
        Resamples of the bootstrap.
    seed : int
        The same seed gives the same resamples.

    Returns
    -------
    ndarray, shape (1 + groups of the jackknife + resamples, n)
        1 for a participant who counts once.
    """
    rng, groups = np.random.default_rng(seed), jackknife_groups(n)
    left_out = np.arange(n) % groups != np.arange(groups)[:, None]
    drawn = [np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(resamples)]
    return np.vstack([np.ones(n), left_out, *drawn])


def jackknife_groups(n: int) -> int:
    """Number of groups of participants that are left out, one after the other: every `groups`-th participant each."""
    return min(n, MAX_GROUPS, max(MOST_WEIGHTS // n, 2))


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


def bca_interval(estimate: float, resampled: Values, left_out: Values) -> tuple[float, float]:
    """95 % interval, bias-corrected and accelerated, which also holds where the estimate is skewed or biased.

    Its limits are the quantiles Φ(z₀ + (z₀ + z)/(1 − a(z₀ + z))) of the resamples with z = ∓1.96, z₀ = Φ⁻¹ of the share
    of resamples below the estimate, and a = Σd³/6(Σd²)^1.5 of the jackknife's deviations d (Efron 1987, J. Am. Stat.
    Assoc. 82:171). The plain quantiles miss a slope corrected for error more often on one side than on the other.

    Parameters
    ----------
    estimate : float
        The estimate itself.
    resampled : ndarray, shape (resamples,)
        The estimate in each resample, NaN where it had none; (NaN, NaN) results if they are more than `MAX_UNDEFINED`.
    left_out : ndarray, shape (groups,)
        The estimate with one group of participants left out each; the interval is not accelerated if one is NaN.
    """
    from scipy.special import ndtr, ndtri

    known = resampled[~np.isnan(resampled)]
    if np.isnan(estimate) or len(known) < (1 - MAX_UNDEFINED) * len(resampled):
        return float("nan"), float("nan")
    below = (np.sum(known < estimate) + np.sum(known <= estimate)) / (2 * len(known))
    # A share of 0 or 1 has no z; half a resample is as little as can be told from none.
    shift = float(ndtri(np.clip(below, 0.5 / len(known), 1 - 0.5 / len(known))))
    moved = shift + ndtri(np.array([0.025, 0.975]))
    # The transformation turns back where a·z exceeds 1, which needs a handful of very unequal participants.
    scale = np.maximum(1 - _acceleration(left_out) * moved, 0.1)
    low, high = np.quantile(known, ndtr(shift + moved / scale))
    return float(low), float(high)


def _acceleration(left_out: Values) -> float:
    deviations = np.mean(left_out) - left_out
    squares = float(np.sum(deviations**2))
    return float(np.sum(deviations**3)) / (6 * squares**1.5) if squares > 0 else 0.0
