"""Trend of free Mg with age: mean of each age group by sex, and the line through the participants of each sex."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from scipy.special import stdtrit

from myomag.cohort.demographics import age_group
from myomag.cohort.design import Design
from myomag.cohort.plan import MG, Model
from myomag.report.charts import Scale, element, frame, robust_range, svg, x_axis, y_axis
from myomag.report.figures import Figure, csv_bytes
from myomag.report.labels import Labels
from myomag.report.scatter import (
    BOTTOM,
    LEFT,
    MARKERS,
    TOP,
    Array,
    Series,
    band,
    curve,
    legend,
    marker_shape,
    series_of,
)

WIDTH = 720.0
FEWEST = 4
NOTE = (
    "Mean of each age group and sex with its 95 % interval, at the mean age of the group; lines: least squares through "
    "the participants of each sex with the 95 % interval of their height."
)


@dataclass(frozen=True)
class Mean:
    """Mean of an age group at its mean age; the interval is unknown for one participant."""

    group: str
    age: float
    mean: float
    half: float | None
    n: int


def age_trend(
    designs: Iterable[tuple[Model, str, Design]], sexes: Mapping[str, Any], edges: Sequence[float], labels: Labels
) -> Figure | None:
    """Figure of Mg by age group and sex; None where age or sex is not known of enough participants."""
    wanted: tuple[str, list[str], list[str]] = (MG, [labels.age], [])
    found = (design for m, _, design in designs if (m.outcome, m.predictors, m.covariates) == wanted)
    if not edges or (design := next(found, None)) is None:
        return None
    known = np.array([sexes.get(person) for person in design.people])
    series = [series_of(design, sex, known == sex, fit=True) for sex in MARKERS if np.sum(known == sex) >= FEWEST]
    if not series:
        return None
    means = [(each, group_means(each.x, each.y, edges)) for each in series]
    drawing = _draw(means, labels)
    return Figure("age_trend", "Free Mg²⁺ by age and sex", drawing, csv_bytes(_rows(means)), NOTE)


def group_means(ages: Array, values: Array, edges: Sequence[float]) -> list[Mean]:
    """Mean with 95 % interval of each age group that has participants, rising in age."""
    names = np.array([age_group(float(age), edges) for age in ages])
    means = []
    for name in dict.fromkeys(names[np.argsort(ages)].tolist()):
        members = values[names == name]
        n = len(members)
        half = float(stdtrit(n - 1, 0.975) * np.std(members, ddof=1) / np.sqrt(n)) if n > 1 else None
        means.append(Mean(name, float(ages[names == name].mean()), float(members.mean()), half, n))
    return means


def _draw(means: Sequence[tuple[Series, Sequence[Mean]]], labels: Labels) -> Markup:
    right = WIDTH - 12
    every = [mean for _, group in means for mean in group]
    lines = [(series, series.line) for series, _ in means if series.line is not None]
    heights = [mean.mean + sign * (mean.half or 0) for mean in every if mean.n > 2 for sign in (-1, 1)]
    heights += [mean.mean for mean in every]
    heights += [float(end) for _, line in lines for edge in (line.low, line.high) for end in (edge[0], edge[-1])]
    x = Scale(robust_range(np.concatenate([series.x for series, _ in means]).tolist()), (LEFT, right))
    y = Scale(robust_range(heights), (BOTTOM, TOP))
    return svg(
        WIDTH,
        BOTTOM + 46,
        "Mean free Mg by age group and sex",
        x_axis(x, BOTTOM, labels.axis(labels.age), grid_top=TOP),
        y_axis(y, LEFT, labels.axis(MG), grid_right=right),
        *(band(line, x, y, series.marker) for series, line in lines),
        frame(LEFT, TOP, right, BOTTOM),
        *(curve(line, x, y, series.marker) for series, line in lines),
        *(_means(group, series.marker, x, y) for series, group in means),
        legend([(series.name, series.marker, len(series.people)) for series, _ in means]),
        class_="scatter",
    )


def _means(means: Sequence[Mean], marker: str, x: Scale, y: Scale) -> Markup:
    parts = []
    low, high = y.domain
    for mean in means:
        at = float(x(mean.age))
        if mean.half is not None:
            ends = [float(y(min(max(mean.mean + sign * mean.half, low), high))) for sign in (-1, 1)]
            parts.append(element("path", d=f"M{at:.2f} {ends[0]:.2f}V{ends[1]:.2f}", class_="whisker"))
        title = element("title", f"{mean.group}: {mean.mean:.3f} (n = {mean.n})")
        parts.append(element("g", title, marker_shape(marker, at, float(y(mean.mean)), 6.0), class_="mean"))
    return element("g", *parts, class_=marker)


def _rows(means: Sequence[tuple[Series, Sequence[Mean]]]) -> Iterator[dict[str, Any]]:
    for series, group in means:
        for mean in group:
            low, high = (None if mean.half is None else mean.mean + sign * mean.half for sign in (-1, 1))
            yield _row("mean", series.name, mean.group, mean.n, [mean.age, mean.mean, low, high])
    for series, _ in means:
        if (line := series.line) is not None:
            for values in zip(*(each.tolist() for each in (line.x, line.y, line.low, line.high)), strict=True):
                yield _row("line", series.name, None, len(series.people), values)


def _row(kind: str, sex: str, group: str | None, n: int, values: Sequence[float | None]) -> dict[str, Any]:
    keys = ("age", MG, "ci95_low", "ci95_high")
    return {"kind": kind, "sex": sex, "age_group": group, "n": n, **dict(zip(keys, values, strict=True))}
