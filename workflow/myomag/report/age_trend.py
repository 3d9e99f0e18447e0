"""Trend of free Mg with age: mean of each age group by sex, and the line through the participants of each sex."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from scipy.special import stdtrit

from myomag.cohort.demographics import age_group
from myomag.cohort.design import Design
from myomag.cohort.plan import LOG_MG, MG, Model
from myomag.report.charts import Scale, element, frame, robust_range, svg, x_axis, y_axis
from myomag.report.figures import Figure, csv_bytes
from myomag.report.scatter import (
    BOTTOM,
    LEFT,
    WIDTH,
    band,
    curve,
    fitted_text,
    legend_with_estimates,
    marker_shape,
)
from myomag.report.series import MARKERS, Array, Series, on_axis, series_of, slope_difference
from myomag.wording.labels import Labels

FEWEST = 4
NOTE = (
    "Mean of each age group and sex with its 95 % interval, at the mean age of the group. Lines: least-squares fits to "
    "the participants of each sex, with 95 % intervals{logarithm}."
)


@dataclass(frozen=True)
class Mean:
    """Mean of an age group at its mean age, on the scale of the axis; one participant has no interval."""

    group: str
    age: float
    mean: float
    low: float | None
    high: float | None
    n: int


def age_trend(
    designs: Iterable[tuple[Model, str, Design]], sexes: Mapping[str, Any], edges: Sequence[float], labels: Labels
) -> Figure | None:
    """Figure of Mg by age group and sex; None where age or sex is not known of enough participants."""
    wanted: tuple[list[str], list[str]] = ([labels.age], [])
    found = ((m, d) for m, _, d in designs if m.outcome in (MG, LOG_MG) and (m.predictors, m.covariates) == wanted)
    model, design = next(found, (None, None))
    if not edges or model is None or design is None:
        return None
    known = np.array([sexes.get(person) for person in design.people])
    members = {sex: known == sex for sex in MARKERS if np.sum(known == sex) >= FEWEST}
    if not members:
        return None
    values = {sex: (design.terms[labels.age][chosen], design.outcome[chosen]) for sex, chosen in members.items()}
    series = [series_of(model, design, sex, chosen, fit=True) for sex, chosen in members.items()]
    means = [(each, group_means(*values[each.name], edges, model.outcome)) for each in series]
    note = NOTE.format(logarithm=", fitted to the logarithm of Mg" if model.outcome == LOG_MG else "")
    difference = slope_difference(model, values, labels)
    drawing = _draw(means, {sex: fitted_text(*pair) for sex, pair in values.items()}, labels)
    title = "Free Mg²⁺ by age and sex"
    return Figure("age_trend", title, drawing, csv_bytes(_rows(means)), f"{difference} {note}".strip(), wide=False)


def group_means(ages: Array, values: Array, edges: Sequence[float], outcome: str) -> list[Mean]:
    """Mean with 95 % interval of each age group that has participants, rising in age; of logarithms the geometric."""
    names = np.array([age_group(float(age), edges) for age in ages])
    means = []
    for name in dict.fromkeys(names[np.argsort(ages)].tolist()):
        members = values[names == name]
        n = len(members)
        half = float(stdtrit(n - 1, 0.975) * np.std(members, ddof=1) / np.sqrt(n)) if n > 1 else 0.0
        middle, *ends = on_axis(outcome, members.mean() + half * np.array([0, -1, 1])).tolist()
        low, high = ends if n > 1 else (None, None)
        means.append(Mean(name, float(ages[names == name].mean()), middle, low, high, n))
    return means


def _draw(means: Sequence[tuple[Series, Sequence[Mean]]], said: Mapping[str, str], labels: Labels) -> Markup:
    head, top = legend_with_estimates([(each.name, each.marker, len(each.people)) for each, _ in means], said)
    right = WIDTH - 12
    every = [mean for _, group in means for mean in group]
    lines = [(series, series.line) for series, _ in means if series.line is not None]
    heights = [end for mean in every if mean.n > 2 for end in (mean.low, mean.high) if end is not None]
    heights += [mean.mean for mean in every]
    heights += [float(end) for _, line in lines for edge in (line.low, line.high) for end in (edge[0], edge[-1])]
    x = Scale(robust_range(np.concatenate([series.x for series, _ in means]).tolist()), (LEFT, right))
    y = Scale(robust_range(heights), (BOTTOM, top))
    return svg(
        WIDTH,
        BOTTOM + 46,
        "Mean free Mg by age group and sex",
        x_axis(x, BOTTOM, labels.axis(labels.age), grid_top=top),
        y_axis(y, LEFT, labels.axis(MG), grid_right=right),
        *(band(line, x, y, series.marker) for series, line in lines),
        frame(LEFT, top, right, BOTTOM),
        *(curve(line, x, y, series.marker) for series, line in lines),
        *(_means(group, series.marker, x, y) for series, group in means),
        head,
        class_="scatter",
    )


def _means(means: Sequence[Mean], marker: str, x: Scale, y: Scale) -> Markup:
    parts = []
    low, high = y.domain
    for mean in means:
        at = float(x(mean.age))
        if mean.low is not None and mean.high is not None:
            ends = [float(y(min(max(end, low), high))) for end in (mean.low, mean.high)]
            parts.append(element("path", d=f"M{at:.2f} {ends[0]:.2f}V{ends[1]:.2f}", class_="whisker"))
        title = element("title", f"{mean.group}: {mean.mean:.3f} (n = {mean.n})")
        parts.append(element("g", title, marker_shape(marker, at, float(y(mean.mean)), 6.0), class_="mean"))
    return element("g", *parts, class_=marker)


def _rows(means: Sequence[tuple[Series, Sequence[Mean]]]) -> Iterator[dict[str, Any]]:
    for series, group in means:
        for mean in group:
            yield _row("mean", series.name, mean.group, mean.n, [mean.age, mean.mean, mean.low, mean.high])
    for series, _ in means:
        if (line := series.line) is not None:
            for values in zip(*(each.tolist() for each in (line.x, line.y, line.low, line.high)), strict=True):
                yield _row("line", series.name, None, len(series.people), values)


def _row(kind: str, sex: str, group: str | None, n: int, values: Sequence[float | None]) -> dict[str, Any]:
    keys = ("age", MG, "ci95_low", "ci95_high")
    return {"kind": kind, "sex": sex, "age_group": group, "n": n, **dict(zip(keys, values, strict=True))}
