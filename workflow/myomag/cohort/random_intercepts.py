"""Linear mixed model in which each level of one column, such as the site, has its own intercept."""

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.regression import NotEstimable, Regression, Values, check_estimable, coefficient, standardised

FEW = 5
"""Number of groups below which the SD between them is poorly known."""


def random_intercepts(
    outcome: Values, predictors: Mapping[str, Values], groups: NDArray[Any], column: str
) -> Regression:
    """Slopes of y = β₀ + u_g + Σ βᵢ xᵢ + ε with normal u_g of each group g, by restricted maximum likelihood.

    (Laird & Ware 1982, Biometrics 38:963.) Intervals and p are those of t with n − k − groups degrees of freedom for
    the k predictors that differ within groups, as if each group had an offset of its own. One that differs between
    groups alone, as the arm of a participant does, has groups − 1 − (number of those); fewer than `FEW` are refused.

    Parameters
    ----------
    outcome : ndarray, shape (n,)
        Outcome.
    predictors : mapping of str to ndarray, shape (n,)
        Predictors by name, at least one.
    groups : ndarray of str, shape (n,)
        Level of each participant.
    column : str
        What the levels are of, for the notes.

    Raises
    ------
    NotEstimable
        With the reason: see `regression.check_estimable`, a single group, too few participants, no solution.
    """
    check_estimable(outcome, predictors)
    levels, places = np.unique(groups.astype(str), return_inverse=True)
    apart = [name for name, values in predictors.items() if _between(values, places)]
    n, k, count = len(outcome), len(predictors) - len(apart), len(levels)
    if count < 2:
        raise NotEstimable(f"random: {column}: all {n} participants have the same {column}")
    if (df := n - k - count) < 2:
        raise NotEstimable(f"{n} participants of {count} levels of {column}; {k} terms need at least {k + count + 2}")
    if apart and (df_apart := count - 1 - len(apart)) < FEW:
        raise NotEstimable(
            f"{apart[0]} does not vary within any {column}: {count} of them are too few to estimate its effect"
        )
    of_term = {name: df_apart if name in apart else df for name in predictors}
    scaled = np.column_stack([np.ones(n), *map(standardised, predictors.values())])
    fit = _fitted(standardised(outcome), scaled, places)
    between, within = max(float(np.asarray(fit.cov_re)[0, 0]), 0.0), float(fit.scale)
    covariance: Values = np.asarray(within * np.linalg.inv(_information(scaled, places, between / within))[1:, 1:])
    errors = np.sqrt(np.diag(covariance))
    spread = np.std(outcome, ddof=1)
    scales: Values = spread / np.array([np.std(values, ddof=1) for values in predictors.values()])
    sds = math.sqrt(between) * spread, math.sqrt(within) * spread
    notes = [f"SD between the {count} levels of {column} {sds[0]:.3g}, within {sds[1]:.3g}"]
    if count < FEW:
        notes.append(f"the SD between only {count} levels is poorly known: consider {column} as a covariate")
    slopes = zip(predictors, scales.tolist(), np.asarray(fit.fe_params)[1:], errors, strict=True)
    return Regression(
        n=n,
        r2=None,
        r2_adjusted=None,
        coefficients=tuple(
            coefficient(name, scale, beta, se, beta / se, of_term[name]) for name, scale, beta, se in slopes
        ),
        covariance=np.asarray(covariance * np.outer(scales, scales)),
        df=df,
        notes=tuple(notes),
    )


def _between(values: Values, places: NDArray[np.intp]) -> bool:
    """Whether a predictor is the same within each group."""
    return np.allclose(values, (np.bincount(places, values) / np.bincount(places))[places])


def _fitted(outcome: Values, design: Values, places: NDArray[np.intp]) -> Any:
    from statsmodels.regression.mixed_linear_model import MixedLM

    # Whether the fit is of use is judged by its numbers: a variance of 0 between groups is a result, not a fault.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fit = MixedLM(outcome, design, groups=places).fit(reml=True, method=["bfgs", "lbfgs", "powell"])
        except (np.linalg.LinAlgError, ValueError, ZeroDivisionError) as error:
            raise NotEstimable("the mixed model has no solution") from error
    if not fit.converged or fit.scale < 1e-12:
        raise NotEstimable("the mixed model did not converge")
    return fit


def _information(design: Values, places: NDArray[np.intp], ratio: float) -> Values:
    """Σ X'V⁻¹X over groups, V = 1 + ratio·11ᵀ, shape (k + 1, k + 1).

    In place of statsmodels' own, which inverts the Hessian with the variance in it and errs where that is 0.
    """
    counts = np.bincount(places)
    sums = np.array([np.bincount(places, column) for column in design.T])
    return np.asarray(design.T @ design - (sums * (ratio / (1 + counts * ratio))) @ sums.T)
