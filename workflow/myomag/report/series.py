"""What a scatter shows: participants of a group on the scale of its axes, the line through them, and two compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from myomag.cohort.design import Design
from myomag.cohort.plan import LOG_MG, MG, Model
from myomag.cohort.regression import NotEstimable, linear_regression
from myomag.cohort.statistics import slope_unit
from myomag.cohort.terms import product_terms
from myomag.core.robust import Z95
from myomag.wording import text
from myomag.wording.labels import Labels

Array = NDArray[np.float64]
MARKERS = {"women": "circle", "men": "triangle"}
FEWEST_FOR_LINE = 4
LINE_POINTS = 41


@dataclass(frozen=True)
class Line:
    """Least-squares line with the 95 % interval of its height, each of shape (points,)."""

    x: Array
    y: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Series:
    """Participants of one group on the scale of the axes: values, ends of their 95 % intervals, line through them."""

    name: str
    people: tuple[str, ...]
    x: Array
    y: Array
    x_ends: tuple[Array, Array] | None
    y_ends: tuple[Array, Array] | None
    line: Line | None

    @property
    def marker(self) -> str:
        """Shape and colour of the points."""
        return MARKERS.get(self.name, "diamond")


def axis_column(column: str) -> str:
    """Column that an axis shows: of the logarithm of Mg the concentration, so that a line becomes a curve."""
    return MG if column == LOG_MG else column


def on_axis(column: str, values: Array) -> Array:
    """Values of a column of a model on the scale of its axis."""
    return np.asarray(10**values if column == LOG_MG else values)


def series_of(model: Model, design: Design, name: str, chosen: NDArray[np.bool_] | None = None, *, fit: bool) -> Series:
    """Participants of a design, or the chosen ones among them, on the scale of the axes."""
    chosen = np.ones(len(design.people), dtype=bool) if chosen is None else chosen
    found = []
    for column, values in ((design.main[0], design.terms[design.main[0]]), (model.outcome, design.outcome)):
        sd = design.errors.get(column)
        ends = None if sd is None else [on_axis(column, (values + sign * Z95 * sd)[chosen]) for sign in (-1, 1)]
        found.append((on_axis(column, values[chosen]), None if ends is None else (ends[0], ends[1])))
    (x, x_ends), (y, y_ends) = found
    people = tuple(person for person, used in zip(design.people, chosen, strict=True) if used)
    return Series(name, people, x, y, x_ends, y_ends, line_of(model, design, chosen) if fit else None)


def line_of(model: Model, design: Design, chosen: NDArray[np.bool_]) -> Line | None:
    """Line through participants by the model of one predictor, on the scale of the axes."""
    predictor = design.main[0]
    line = fitted_line(design.terms[predictor][chosen], design.outcome[chosen])
    if line is None:
        return None
    return Line(on_axis(predictor, line.x), *(on_axis(model.outcome, each) for each in (line.y, line.low, line.high)))


def fitted_line(x: Array, y: Array) -> Line | None:
    """Least-squares line over the range of x with the 95 % interval of its height; None for too few points."""
    if len(x) < FEWEST_FOR_LINE or np.ptp(x) == 0:
        return None
    middle = x.mean()
    spread = float(np.sum((x - middle) ** 2))
    slope = float(np.sum((x - middle) * y)) / spread
    variance = float(np.sum((y - y.mean() - slope * (x - middle)) ** 2)) / (len(x) - 2)
    at = np.linspace(x.min(), x.max(), LINE_POINTS)
    height = y.mean() + slope * (at - middle)
    half = stdtrit(len(x) - 2, 0.975) * np.sqrt(variance * (1 / len(x) + (at - middle) ** 2 / spread))
    return Line(at, height, height - half, height + half)


def slope_difference(model: Model, groups: Mapping[str, tuple[Array, Array]], labels: Labels) -> str:
    """Sentence on the difference of the slopes of two groups, as the product of predictor and group; else nothing.

    Parameters
    ----------
    groups : mapping of str to (ndarray, ndarray)
        Predictor and outcome of the participants of each group, on the scale of the model.
    """
    if len(groups) != 2:
        return ""
    (first, (x_first, y_first)), (second, (x_second, y_second)) = groups.items()
    terms = {"x": np.r_[x_first, x_second], "group": np.r_[np.ones(len(x_first)), np.zeros(len(x_second))]}
    terms |= product_terms([{name: values} for name, values in terms.items()])
    try:
        found = linear_regression(np.r_[y_first, y_second], terms).coefficients[-1]
    except NotEstimable as error:
        return f"The slopes of {first} and {second} cannot be compared: {error}."
    unit = labels.unit(slope_unit(model.outcome, [model.predictors[0]], labels.units))
    decimals = text.uncertainty_decimals(found.b_se)
    ends = text.interval(found.b_ci95_low, found.b_ci95_high, decimals)
    return (
        f"Slopes, {first} less {second}: {text.number(found.b, decimals)} [{ends}] {unit}, p {text.p_value(found.p)}."
    )


def compared(model: Model, parts: Sequence[tuple[str, Design]], labels: Labels) -> str:
    """`slope_difference` of the strata of a model."""
    groups = {name: (design.terms[design.main[0]], design.outcome) for name, design in parts}
    return slope_difference(model, groups, labels)
