"""Regression slopes corrected for the known measurement error of each participant's values.

Model: the observed W = X + U, where the error U of participant i has mean 0 and the known variance σᵢ², independent of
the true X, of the other variables and of their errors. The correction subtracts the error variance from the moments
of W: regression calibration with the mean error variance, the limit of SIMEX in a linear model and Fuller's moment
estimator all give this number. For a single predictor it is the naive slope divided by the reliability.

Sources: Carroll, Ruppert, Stefanski & Crainiceanu 2006, Measurement Error in Nonlinear Models (2nd ed.), ch. 4 and 5;
Fuller 1987, Measurement Error Models; Fieller 1954, J. R. Stat. Soc. B 16:175 (the interval). The equations are derived
in the docstrings, not copied [D]; `benchmarks/inference.py` checks them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.regression import NotEstimable, Regression, check_varied
from myomag.core.robust import Z95

Values = NDArray[np.float64]
NAIVE, CORRECTED = METHODS = ("naive", "corrected")


@dataclass(frozen=True)
class Reliability:
    """Share of the observed variance that is not error, with 95 % interval, from n participants."""

    n: int
    reliability: float
    ci95_low: float
    ci95_high: float


@dataclass(frozen=True)
class CorrectedEstimate:
    """Corrected slope of one term with 95 % intervals (NaN for a missing end) and the two-sided p of b = 0.

    b is per unit [unit of the outcome per unit of the predictor]; beta is in SDs of the true values, taken as known.
    """

    term: str
    b: float
    b_ci95_low: float
    b_ci95_high: float
    beta: float
    beta_ci95_low: float
    beta_ci95_high: float
    p: float


def reliability(values: Values, error_sd: Values, error_df: float = math.inf) -> Reliability:
    """Reliability ratio λ = 1 − mean(σ²)/var(W): a slope on W alone is λ times the true one, a correlation √λ times.

    The interval is 1 − (1 − λ)·exp(±1.96 s), s² = var(σᵢ²/mean(σ²) − (Wᵢ − W̄)²/var(W))/n + 2/df (delta method for
    log(1 − λ)); it assumes no distribution of W.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Observed values W.
    error_sd : ndarray, shape (n,)
        SD σ of the error of each.
    error_df : float
        Degrees of freedom with which the size of the errors is known.

    Raises
    ------
    NotEstimable
        If fewer than 4 values, a constant, a negative SD, or errors that explain all the scatter (λ ≤ 0).
    """
    check_varied("the variable", values)
    if len(values) < 4:
        raise NotEstimable(f"{len(values)} values; at least 4 are needed")
    n, variance, error = len(values), np.var(values, ddof=1), error_variance("the variable", values, error_sd)
    if error == 0:
        return Reliability(n, 1.0, 1.0, 1.0)
    influence = error_sd**2 / error - (values - values.mean()) ** 2 / variance
    factor = math.exp(Z95 * math.sqrt(float(np.var(influence, ddof=1)) / n + 2 / error_df))
    noise = float(error / variance)
    return Reliability(n, 1 - noise, 1 - noise * factor, 1 - noise / factor)


def corrected_slopes(
    naive: Regression,
    terms: Mapping[str, Values],
    loadings: Sequence[Values],
    *,
    error_df: float = math.inf,
    weights: Values | None = None,
    true_sds: Mapping[str, float] | None = None,
    outcome_sd: float = 1.0,
) -> tuple[CorrectedEstimate, ...]:
    """Slopes corrected for error, with intervals that contain exactly the values that the test does not reject.

    With the moments S of the centred terms and D of their errors, the naive slopes are Λβ, Λ = 1 − S⁻¹D, and the
    corrected ones Λ⁻¹b. βⱼ = β₀ is tested by t, with the variance

        Λ⁻¹(V + C(β₀))Λ⁻ᵀ,  C = Σ qᵢqᵢᵀ + (2/df)·(S⁻¹Dβ)(S⁻¹Dβ)ᵀ,  qᵢ = S⁻¹(Dᵢ − wᵢwᵢᵀS⁻¹D)β,

    where V is the variance of the naive slopes (so that robust ones stay robust) and C is added by the scatter of Λ. C
    vanishes at β₀ = 0 where only this term has error: then p is that of the naive slope, and the correction cannot
    create significance. The interval is the set of all β₀ that are not rejected, between the roots of a parabola, as in
    Fieller's interval for a ratio; it has no end where Λ itself might be 0.

    Parameters
    ----------
    naive : Regression
        Least squares of the outcome on the terms.
    terms : mapping of str to ndarray, shape (n,)
        Its terms, in its order.
    loadings : sequence of ndarray, shape (n, k)
        Change of the terms by one SD of each independent error, from `terms.error_loadings`.
    error_df : float
        Degrees of freedom with which the size of the errors is known.
    weights : ndarray, shape (n,), optional
        Weights of the least squares.
    true_sds : mapping of str to float, optional
        SD of each term without error, for beta; 1 unless given.
    outcome_sd : float
        SD of the outcome without error, for beta.

    Raises
    ------
    NotEstimable
        If the errors explain all the scatter that the other terms leave.
    """
    from scipy.special import stdtr, stdtrit

    part = _Attenuation.of(np.column_stack(list(terms.values())), loadings, weights)
    slopes = part.inverse @ np.array([each.b for each in naive.coefficients])
    t = float(stdtrit(naive.df, 0.975))
    found = []
    for position, name in enumerate(terms):
        b = float(slopes[position])
        constant, linear, square = part.variance(position, slopes, naive.covariance, error_df)
        low, high = _interval(b, t, constant, linear, square)
        scale = (true_sds or {}).get(name, 1.0) / outcome_sd
        p = 2 * float(stdtr(naive.df, -abs(b) / math.sqrt(constant)))
        found.append(CorrectedEstimate(name, b, low, high, scale * b, scale * low, scale * high, p))
    return tuple(found)


@dataclass(frozen=True)
class _Attenuation:
    """Λ of `corrected_slopes` and what it scatters by.

    Attributes
    ----------
    inverse : ndarray, shape (k, k)
        Λ⁻¹.
    shrinkage : ndarray, shape (k, k)
        S⁻¹D.
    influence : ndarray, shape (n, k, k)
        S⁻¹(Dᵢ − wᵢwᵢᵀS⁻¹D) of each participant.
    """

    inverse: Values
    shrinkage: Values
    influence: Values

    @classmethod
    def of(cls, columns: Values, loadings: Sequence[Values], weights: Values | None) -> "_Attenuation":
        n, k = columns.shape
        shares = np.ones(n) if weights is None else weights / weights.mean()
        w = columns - np.average(columns, axis=0, weights=shares)
        each = sum((loading[:, :, None] * loading[:, None, :] for loading in loadings), start=np.zeros((n, k, k)))
        prone = np.flatnonzero(np.any(each != 0, axis=(0, 1)))
        # Terms without error cost a degree of freedom each in the scatter that the others leave of those with.
        each = each * (shares * (n - 1 - (k - len(prone))) / n)[:, None, None]
        moments, error = (w * shares[:, None]).T @ w, each.sum(axis=0)
        sizes = np.sqrt(np.diag(moments))
        if np.linalg.eigvalsh((moments - error) / np.outer(sizes, sizes))[0] <= 0:
            raise NotEstimable("the stated errors explain all the scatter that the other predictors leave")
        inverse = np.linalg.inv(moments)
        shrinkage = inverse @ error
        influence = inverse @ (each - (shares[:, None, None] * w[:, :, None]) * (w @ shrinkage)[:, None, :])
        return cls(np.linalg.inv(np.eye(k) - shrinkage), shrinkage, influence)

    def variance(self, position: int, slopes: Values, naive: Values, error_df: float) -> tuple[float, float, float]:
        """Variance of a corrected slope as c₀ + c₁β₀ + c₂β₀² of the value β₀ that it is tested against."""
        row, others = self.inverse[position], slopes.copy()
        others[position] = 0
        # What scatters with the other slopes, and what with that of the term itself.
        rest, own = row @ self.influence @ others, (row @ self.influence)[:, position]
        size = math.sqrt(2 / error_df) * (row @ self.shrinkage)
        rest, own = np.r_[rest, size @ others], np.r_[own, size[position]]
        return float(row @ naive @ row + rest @ rest), float(2 * rest @ own), float(own @ own)


def _interval(b: float, t: float, constant: float, linear: float, square: float) -> tuple[float, float]:
    """Values β₀ with (b − β₀)² ≤ t²(c₀ + c₁β₀ + c₂β₀²); NaN for an end that they do not have.

    Where Λ may be 0 they go on without end; beyond 0, where a Λ below 0 would lead, none counts.
    """
    a, half, at_zero = 1 - t**2 * square, b + t**2 * linear / 2, b**2 - t**2 * constant
    if a <= 0 and at_zero <= 0:
        return math.nan, math.nan
    root = math.sqrt(max(half**2 - a * at_zero, 0.0))
    low, high = sorted(((half - root) / a, (half + root) / a))
    if a > 0:
        return low, high
    return (high, math.nan) if b > 0 else (math.nan, low)


def at_reliability(share: float, *, of_outcome: bool) -> tuple[float, float]:
    """Factors of b and of beta of a single predictor, where it or the outcome has a reliability that is given.

    An error of the predictor divides b by the reliability; either leaves √reliability of beta.
    """
    return (1.0 if of_outcome else 1 / share), 1 / math.sqrt(share)


def error_variance(name: str, values: Values, error_sd: Values) -> float:
    """Mean error variance of a variable, which must be below its variance."""
    if not np.all((error_sd >= 0) & np.isfinite(error_sd)):
        raise NotEstimable(f"an error SD of {name} is not a number of at least 0")
    error, sd = float(np.mean(error_sd**2)), float(np.std(values, ddof=1))
    if error >= sd**2:
        raise NotEstimable(f"errors of {name} (SD {math.sqrt(error):.3g}) explain all of its scatter (SD {sd:.3g})")
    return error
