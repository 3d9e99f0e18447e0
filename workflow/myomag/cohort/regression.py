"""Linear regression of one outcome on several predictors, raw and standardised, or the reason for its absence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
MIN_EIGENVALUE = 1e-5
"""Smallest eigenvalue of the predictors' correlation matrix that still separates them: a column given in two units and
rounded falls below it; Longley's data, the textbook case of near collinearity, have 4e-4."""
PERFECT_FIT = 1e-12
"""Unexplained part of the variance that only rounding leaves."""


class NotEstimable(Exception):  # noqa: N818 - an outcome that is reported, not a fault
    """A model that cannot be estimated from the data; the message is the reason in plain words."""


@dataclass(frozen=True)
class Coefficient:
    """Effect of one predictor, with the others held constant.

    Attributes
    ----------
    name : str
        Predictor.
    b, b_se, b_ci95_low, b_ci95_high : float
        Slope with standard error and 95 % interval [unit of the outcome per unit of the predictor].
    beta, beta_ci95_low, beta_ci95_high : float
        The same with outcome and predictor divided by their SDs over the participants used (n − 1, unweighted); the
        SDs are taken as known.
    p : float
        Two-sided p of b = 0.
    partial_r, partial_r_ci95_low, partial_r_ci95_high : float
        Correlation of outcome and predictor, the other predictors removed from both.
    """

    name: str
    b: float
    b_se: float
    b_ci95_low: float
    b_ci95_high: float
    beta: float
    beta_ci95_low: float
    beta_ci95_high: float
    p: float
    partial_r: float
    partial_r_ci95_low: float
    partial_r_ci95_high: float


@dataclass(frozen=True)
class Regression:
    """Linear regression of n participants: R², the same adjusted for the number of predictors, and their effects.

    With random intercepts there is no R²; `notes` say how much of the scatter they are. `covariance` is that of the
    slopes b, shape (k, k), and `df` the degrees of freedom of their t tests.
    """

    n: int
    r2: float | None
    r2_adjusted: float | None
    coefficients: tuple[Coefficient, ...]
    covariance: Values
    df: float
    notes: tuple[str, ...] = ()


def linear_regression(
    outcome: Values, predictors: Mapping[str, Values], *, weights: Values | None = None, robust: bool = False
) -> Regression:
    """Least-squares slopes of the outcome on all predictors together, with intercept.

    The fit is made with centred and scaled variables, where it is best conditioned, and scaled back. Intervals and p
    are those of t with n − k − 1 degrees of freedom for k predictors. R² and partial r are of the (weighted) least
    squares also where the covariance is robust.

    Parameters
    ----------
    outcome : ndarray, shape (n,)
        Outcome.
    predictors : mapping of str to ndarray, shape (n,)
        Predictors by name, at least one.
    weights : ndarray, shape (n,), optional
        Positive weights, proportional to the inverse variance of each outcome about the line.
    robust : bool
        Whether the covariance of the slopes is HC3 (MacKinnon & White 1985, J. Econometrics 29:305), valid also where
        the scatter about the line differs between participants.

    Raises
    ------
    NotEstimable
        With the reason: too few participants, a value that is not finite, a constant, collinear predictors, no scatter
        about the line, or a participant that alone determines a slope (HC3 only).
    """
    check_estimable(outcome, predictors, weights)
    from statsmodels.regression.linear_model import WLS

    n, names = len(outcome), list(predictors)
    scaled = np.column_stack([np.ones(n), *(standardised(predictors[name]) for name in names)])
    fit = WLS(standardised(outcome), scaled, weights=np.ones(n) if weights is None else weights).fit()
    if 1 - fit.rsquared < PERFECT_FIT:
        raise NotEstimable("the predictors determine the outcome exactly: no scatter is left to judge them by")
    scales = np.array([np.std(outcome, ddof=1) / np.std(predictors[name], ddof=1) for name in names])
    covariance = np.asarray(_hc3(fit) if robust else fit.cov_params())
    return Regression(
        n=n,
        r2=float(fit.rsquared),
        r2_adjusted=float(fit.rsquared_adj),
        coefficients=tuple(
            coefficient(name, scale, beta, se, t, n - len(names) - 1)
            for name, scale, beta, se, t in zip(
                names, scales, fit.params[1:], np.sqrt(np.diag(covariance))[1:], fit.tvalues[1:], strict=True
            )
        ),
        covariance=covariance[1:, 1:] * np.outer(scales, scales),
        df=n - len(names) - 1,
    )


def with_covariance(found: Regression, added: Values, note: str) -> Regression:
    """Regression whose slopes have a covariance besides that of the scatter, shape (k, k); `note` says which."""
    from scipy.special import stdtr, stdtrit

    covariance, quantile = found.covariance + added, float(stdtrit(found.df, 0.975))
    coefficients = []
    for each, se in zip(found.coefficients, np.sqrt(np.diag(covariance)).tolist(), strict=True):
        half, ratio = quantile * se, se / each.b_se
        coefficients.append(
            replace(
                each,
                b_se=se,
                b_ci95_low=each.b - half,
                b_ci95_high=each.b + half,
                beta_ci95_low=each.beta + ratio * (each.beta_ci95_low - each.beta),
                beta_ci95_high=each.beta + ratio * (each.beta_ci95_high - each.beta),
                p=2 * float(stdtr(found.df, -abs(each.b) / se)),
            )
        )
    return replace(found, coefficients=tuple(coefficients), covariance=covariance, notes=(*found.notes, note))


def check_estimable(outcome: Values, predictors: Mapping[str, Values], weights: Values | None = None) -> None:
    """Raise NotEstimable with the reason where the slopes of the outcome on the predictors cannot be estimated.

    n ≥ k + 3 participants are needed for k predictors, so that each partial correlation has an interval.
    """
    n, k = len(outcome), len(predictors)
    if n < k + 3:
        terms = "1 predictor needs" if k == 1 else f"{k} predictors need"
        people = "1 participant" if n == 1 else f"{n} participants"
        raise NotEstimable(f"{people} with complete values; {terms} at least {k + 3}")
    for name, values in {"the outcome": outcome, **predictors}.items():
        check_varied(name, values)
    if weights is not None and not np.all((weights > 0) & np.isfinite(weights)):
        raise NotEstimable("a weight is not a positive number")
    if dependent := _collinear(predictors):
        raise NotEstimable(f"{', '.join(dependent)} are collinear: their effects cannot be separated")


def check_varied(name: str, values: Values) -> None:
    """Raise NotEstimable where a variable is not finite or the same for all participants."""
    if not np.all(np.isfinite(values)):
        raise NotEstimable(f"{name} is not a finite number for {np.sum(~np.isfinite(values))} participants")
    if np.ptp(values) <= 1e-12 * np.max(np.abs(values)):
        raise NotEstimable(f"{name} is the same for all {len(values)} participants")


def false_discovery(p: Sequence[float | None]) -> list[float | None]:
    """False-discovery-adjusted p (Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57:289), None where p is None."""
    from scipy.stats import false_discovery_control

    known = [value for value in p if value is not None]
    adjusted = iter(false_discovery_control(known).tolist() if known else [])
    return [None if value is None else next(adjusted) for value in p]


def fisher_interval(r: float, n: float) -> tuple[float, float]:
    """95 % interval of a correlation, tanh(artanh r ± 1.96/√(n − 3)) (Fisher 1921, Metron 1:3).

    A partial correlation given m others has the distribution of a simple one of n − m participants (Fisher 1924, Metron
    3:329), so hand over that number. In a regression on k predictors m = k − 1, hence 1/√(n − k − 2).
    """
    from scipy.special import ndtri

    half_width = float(ndtri(0.975)) / math.sqrt(n - 3)
    low, high = (math.tanh(math.atanh(r) + sign * half_width) for sign in (-1, 1))
    return low, high


def coefficient(name: str, scale: float, beta: float, se: float, t: float, df: int) -> Coefficient:
    """Coefficient from its standardised slope; `t` is that of the least squares and gives partial r = t/√(t² + df)."""
    from scipy.special import stdtr, stdtrit

    half_width = float(stdtrit(df, 0.975)) * se
    partial_r = t / math.sqrt(t**2 + df)
    low, high = fisher_interval(partial_r, df + 2)
    return Coefficient(
        name=name,
        b=float(scale * beta),
        b_se=float(scale * se),
        b_ci95_low=float(scale * (beta - half_width)),
        b_ci95_high=float(scale * (beta + half_width)),
        beta=float(beta),
        beta_ci95_low=float(beta - half_width),
        beta_ci95_high=float(beta + half_width),
        p=2 * float(stdtr(df, -abs(beta / se))),
        partial_r=float(partial_r),
        partial_r_ci95_low=low,
        partial_r_ci95_high=high,
    )


def standardised(values: Values) -> Values:
    """Values less their mean, over their SD (n − 1)."""
    centred = values - values.mean()
    return np.asarray(centred / np.std(values, ddof=1))


def _collinear(predictors: Mapping[str, Values]) -> list[str]:
    """Names of the predictors that take part in linear dependences; empty if there is none."""
    if len(predictors) == 1:
        return []
    eigenvalues, vectors = np.linalg.eigh(np.corrcoef(list(predictors.values())))
    share = np.max(np.abs(vectors[:, eigenvalues < MIN_EIGENVALUE]), axis=1, initial=0.0)
    return [name for name, part in zip(predictors, share, strict=True) if part > 0.01]


def _hc3(fit: Any) -> Values:
    """Covariance HC3 of the slopes, shape (k + 1, k + 1)."""
    leverage = np.sum(fit.model.wexog * fit.model.pinv_wexog.T, axis=1)
    if np.max(leverage) > 1 - 1e-9:
        raise NotEstimable("one participant alone determines a slope, which leaves the robust (HC3) interval undefined")
    return np.asarray(fit.cov_HC3)
