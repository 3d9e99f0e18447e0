"""Slopes produced by noise alone, because outcome and predictor come from the same fit."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.regression import Regression

Values = NDArray[np.float64]


def excess_over_noise(found: Regression, terms: Mapping[str, Values], term: str, shared: Values) -> tuple[float, float]:
    """Slope predicted by noise, and the p of the observed slope tested against it.

    Errors u of the outcome and v of the predictor, with the covariances cᵢ, make Σ wᵢyᵢ = Σcᵢ where nothing else does,
    w being the predictor less its regression on the other terms: a slope of b₀ = c̄/var(w). The test is that of t with
    the variance SE² + Σ qᵢ², qᵢ = (cᵢ − b₀wᵢ²)/Σw², which is what b₀ itself scatters by [D].

    Parameters
    ----------
    found : Regression
        Least squares of the outcome on the terms.
    terms : mapping of str to ndarray, shape (n,)
        Its terms.
    term : str
        The predictor.
    shared : ndarray, shape (n,)
        Covariance of the errors of outcome and predictor of each participant.
    """
    from scipy.special import stdtr

    position, n = list(terms).index(term), found.n
    others = np.column_stack([np.ones(n), *(values for name, values in terms.items() if name != term)])
    w = terms[term] - others @ np.linalg.lstsq(others, terms[term], rcond=None)[0]
    each = shared * (n - others.shape[1]) / n
    slope = float(each.sum() / (w @ w))
    scatter = float(np.sum(((each - slope * w**2) / (w @ w)) ** 2))
    t = (found.coefficients[position].b - slope) / math.sqrt(found.covariance[position, position] + scatter)
    return slope, 2 * float(stdtr(found.df, -abs(t)))
