"""Agreement of repeated scans: how much of the scatter between participants is reproduced on another day."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.regression import NotEstimable, check_varied

Values = NDArray[np.float64]

LIMITS_SD = 1.96
"""Distance of the limits of agreement from the bias, in SD: the customary rounded figure."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of repeats.

    Attributes
    ----------
    form : str
        "ICC(A,1)", or "ICC(1)" where participants have different numbers of repeats.
    icc, icc_ci95_low, icc_ci95_high : float
        Intraclass correlation of single values with 95 % interval.
    sem, smallest_detectable_change : float
        SD of repeats of one participant, and 1.96·√2 times it: a smaller change may be error [unit of the values].
    """

    form: str
    icc: float
    icc_ci95_low: float
    icc_ci95_high: float
    sem: float
    smallest_detectable_change: float


@dataclass(frozen=True)
class BlandAltman:
    """Differences second − first of pairs: mean (bias) and limits of agreement, bias ± 1.96 SD, with 95 % intervals."""

    bias: float
    bias_ci95_low: float
    bias_ci95_high: float
    lower_limit: float
    lower_limit_ci95_low: float
    lower_limit_ci95_high: float
    upper_limit: float
    upper_limit_ci95_low: float
    upper_limit_ci95_high: float


def repeat_agreement(repeats: Sequence[Values]) -> Agreement:
    """Agreement of repeated values, one array per participant.

    Participants with one value are left out. Where all others have the same number of repeats, the first repeats count
    as one condition, the second as another and so on, and ICC(A,1) treats a shift between conditions as error.
    Otherwise the repeats are treated as exchangeable, and ICC(1) uses all of them.

    Raises
    ------
    NotEstimable
        If fewer than 3 participants have repeats, or nothing varies.
    """
    repeated = [values for values in repeats if len(values) > 1]
    if len(repeated) < 3:
        raise NotEstimable(f"{len(repeated)} participants with repeats; at least 3 are needed")
    check_varied("the repeated value", np.concatenate(repeated))
    if len({len(values) for values in repeated}) == 1:
        return icc_agreement(np.array(repeated))
    return icc_one_way(repeated)


def icc_agreement(table: Values) -> Agreement:
    """ICC(A,1): absolute agreement of single values in a two-way random design, with F interval.

    ICC = (MSR − MSE)/(MSR + (k − 1)MSE + k(MSC − MSE)/n) (McGraw & Wong 1996, Psychol. Methods 1:30; ICC(2,1) of Shrout
    & Fleiss 1979, Psychol. Bull. 86:420, with its interval). The SEM is √(error + condition variance).

    Parameters
    ----------
    table : ndarray, shape (participants n, conditions k)
        Complete table.
    """
    from scipy.special import fdtri

    n, k = table.shape
    rows, columns, error = _mean_squares(table)
    icc = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
    # McGraw & Wong, table 7: degrees of freedom of the composed denominator by Satterthwaite.
    a, b = k * icc / (n * (1 - icc)), 1 + k * icc * (n - 1) / (n * (1 - icc))
    df = (a * columns + b * error) ** 2 / ((a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    upper, lower = fdtri(n - 1, df, 0.975), fdtri(df, n - 1, 0.975)
    noise = k * columns + (k * n - k - n) * error
    low = n * (rows - upper * error) / (upper * noise + n * rows)
    high = n * (lower * rows - error) / (noise + n * lower * rows)
    within = error + max(0.0, (columns - error) / n)
    return _agreement("ICC(A,1)", icc, low, high, within)


def icc_one_way(repeats: Sequence[Values]) -> Agreement:
    """ICC(1): agreement of exchangeable repeats, their number may differ, from the one-way analysis of variance.

    ICC = (MSB − MSW)/(MSB + (k₀ − 1)MSW) with k₀ = (N − Σkᵢ²/N)/(n − 1) repeats (Shrout & Fleiss 1979); the F interval
    is exact for equal numbers and holds approximately with k₀ otherwise (Donner 1986, Int. Stat. Rev. 54:67 [U]).
    """
    from scipy.special import fdtri

    sizes = np.array([len(values) for values in repeats])
    n, total = len(repeats), int(sizes.sum())
    means = np.array([values.mean() for values in repeats])
    grand = float(np.concatenate(repeats).mean())
    between = float(sizes @ (means - grand) ** 2) / (n - 1)
    within = sum(float(np.sum((values - mean) ** 2)) for values, mean in zip(repeats, means, strict=True)) / (total - n)
    if within == 0:
        raise NotEstimable("all repeats are equal: there is no error to estimate")
    k = (total - float(sizes @ sizes) / total) / (n - 1)
    ratio = between / within
    limits = ratio / fdtri(n - 1, total - n, 0.975), ratio * fdtri(total - n, n - 1, 0.975)
    icc, low, high = ((float(value) - 1) / (float(value) + k - 1) for value in (ratio, *limits))
    return _agreement("ICC(1)", icc, low, high, within)


def bland_altman(first: Values, second: Values) -> BlandAltman:
    """Bias and limits of agreement of pairs (Bland & Altman 1986, Lancet 327:307), both shape (n,), n ≥ 3.

    The intervals are those of t with n − 1 degrees of freedom; a limit's SE is √(1/n + 1.96²/(2(n − 1))) SD (Bland &
    Altman 1999, Stat. Methods Med. Res. 8:135).
    """
    from scipy.special import stdtrit

    n = len(first)
    if n < 3:
        raise NotEstimable(f"{n} pairs; at least 3 are needed")
    differences = second - first
    check_varied("the difference of the pairs", differences)
    bias, sd = float(differences.mean()), float(np.std(differences, ddof=1))
    t = float(stdtrit(n - 1, 0.975))
    bias_width, limit_width = t * sd / math.sqrt(n), t * sd * math.sqrt(1 / n + LIMITS_SD**2 / (2 * (n - 1)))
    lower, upper = bias - LIMITS_SD * sd, bias + LIMITS_SD * sd
    return BlandAltman(
        *(bias, bias - bias_width, bias + bias_width),
        *(lower, lower - limit_width, lower + limit_width),
        *(upper, upper - limit_width, upper + limit_width),
    )


def _mean_squares(table: Values) -> tuple[float, float, float]:
    """Mean squares of participants, conditions and residual."""
    n, k = table.shape
    of_rows, of_columns = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    residual = table - of_rows - of_columns + table.mean()
    error = float(np.sum(residual**2)) / ((n - 1) * (k - 1))
    if error <= 1e-24 * float(np.sum(table**2)):
        raise NotEstimable("all repeats are equal except for a constant shift: there is no error to estimate")
    return k * float(np.var(of_rows, ddof=1)), n * float(np.var(of_columns, ddof=1)), error


def _agreement(form: str, icc: float, low: float, high: float, within: float) -> Agreement:
    sem = math.sqrt(within)
    return Agreement(form, float(icc), float(low), float(high), sem, LIMITS_SD * math.sqrt(2) * sem)
