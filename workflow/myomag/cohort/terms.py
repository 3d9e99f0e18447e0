"""Terms of a model from the variables of participants: numbers, groups, and products of the two."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.participants import SEXES, Values
from myomag.cohort.plan import factors

Terms = dict[str, Values]


def variable_terms(name: str, values: NDArray[Any], *, is_sex: bool) -> Terms:
    """Terms of one variable: a number as it is, women 1 and men 0, each level of a text except the first as 1."""
    if values.dtype != object or len(values) == 0:
        return {name: values.astype(np.float64)}
    if is_sex:
        return {name: (values == SEXES[0]).astype(np.float64)}
    levels = sorted(set(values))
    return {f"{name}: {level}": (values == level).astype(np.float64) for level in levels[1:] or levels}


def product_terms(parts: Sequence[Terms]) -> Terms:
    """Products of the terms of several variables, each centred on its mean.

    Centring leaves the slope of a product unchanged; the slope of a factor then holds at the mean of the other factor.
    """
    found = {}
    for chosen in product(*(part.items() for part in parts)):
        # Of nobody there is no mean to take off.
        centred = [values - values.mean() if len(values) else values for _, values in chosen]
        found["*".join(name for name, _ in chosen)] = np.prod(centred, axis=0)
    return found


def error_loadings(terms: Mapping[str, Values], errors: Mapping[str, Values]) -> list[Values]:
    """Change of each term by one SD of the error of each measured column, one array of shape (n, k) per column.

    The error of a column is in its own term and, times the other factor, in its products; the factors of a product
    must not both be measured, for which the caller looks.
    """
    found = []
    for column, sd in errors.items():
        loading = np.column_stack([sd * _slope(term, column, terms) for term in terms])
        if np.any(loading):
            found.append(loading)
    return found


def _slope(term: str, column: str, terms: Mapping[str, Values]) -> Values | float:
    """Derivative of a term by a column: 0 where it is not among its factors."""
    names = factors_of(term, terms)
    if column not in names:
        return 0.0
    others = (terms[name] - terms[name].mean() for name in names if name != column)
    return math.prod(others, start=np.ones_like(terms[column]))


def factors_of(term: str, terms: Iterable[str]) -> list[str]:
    """Terms that a term is the product of; one of its own otherwise, also where a level has a * in its name."""
    names, every = factors(term), set(terms)
    return names if every.issuperset(names) else [term]


def is_group(values: Iterable[float]) -> bool:
    """Whether a term distinguishes two groups."""
    return set(values) <= {0.0, 1.0}
