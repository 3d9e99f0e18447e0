"""Whether one variable correlates with an outcome better than another, both measured in the same participants."""

import math
from dataclasses import dataclass

from myomag.cohort.regression import NotEstimable, fisher_interval


@dataclass(frozen=True)
class CorrelationDifference:
    """Difference r_xy − r_zy with 95 % interval, and the test of no difference (z, two-sided p)."""

    n: int
    difference: float
    ci95_low: float
    ci95_high: float
    z: float
    p: float


def steiger(r_xy: float, r_zy: float, r_xz: float, n: int) -> CorrelationDifference:
    """Difference of two correlations with the same outcome y, of predictors x and z that are correlated themselves.

    z = (artanh r_xy − artanh r_zy)·√((n − 3)/(2 − 2c)), c being the correlation of the two transformed correlations at
    their mean (Steiger 1980, Psychol. Bull. 87:245, equations 10 and 14). The interval joins those of the two single
    correlations, with c at each one's own value (Zou 2007, Psychol. Methods 12:399, p. 409).

    Parameters
    ----------
    r_xy, r_zy : float
        The correlations to compare.
    r_xz : float
        Correlation of the two predictors.
    n : int
        Participants, in whom all three were measured.

    Raises
    ------
    NotEstimable
        If n < 4, a correlation is ±1 or not a number, or the three cannot belong to the same participants.
    """
    from scipy.special import ndtr

    correlations = (r_xy, r_zy, r_xz)
    if n < 4:
        raise NotEstimable(f"{n} participants with all three values; at least 4 are needed")
    if not all(abs(r) < 1 for r in correlations):
        raise NotEstimable("a correlation is ±1 or undefined: two of the three variables are the same")
    if 1 + 2 * r_xy * r_zy * r_xz - sum(r**2 for r in correlations) < -1e-12:
        raise NotEstimable("no data have these three correlations together")
    mean = (r_xy + r_zy) / 2
    c = _correlation_of_correlations(mean, mean, r_xz)
    z = (math.atanh(r_xy) - math.atanh(r_zy)) * math.sqrt((n - 3) / (2 - 2 * c))
    low, high = _zou_interval(r_xy, r_zy, r_xz, n)
    return CorrelationDifference(n, r_xy - r_zy, low, high, z, 2 * float(ndtr(-abs(z))))


def _correlation_of_correlations(r_xy: float, r_zy: float, r_xz: float) -> float:
    """Asymptotic correlation of two correlations that share y (Pearson & Filon 1898; Steiger's equation 3)."""
    rest = 1 - r_xy**2 - r_zy**2
    return (r_xz * rest - r_xy * r_zy * (rest - r_xz**2) / 2) / ((1 - r_xy**2) * (1 - r_zy**2))


def _zou_interval(r_xy: float, r_zy: float, r_xz: float, n: int) -> tuple[float, float]:
    c = _correlation_of_correlations(r_xy, r_zy, r_xz)
    (low_x, high_x), (low_z, high_z) = fisher_interval(r_xy, n), fisher_interval(r_zy, n)

    def joined(x: float, z: float) -> float:
        return math.sqrt(max(0.0, x**2 + z**2 - 2 * c * x * z))

    difference = r_xy - r_zy
    return (
        difference - joined(r_xy - low_x, high_z - r_zy),
        difference + joined(high_x - r_xy, r_zy - low_z),
    )
