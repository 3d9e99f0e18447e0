"""Scatter of outcome against predictor of each simple model, with fit and interval per stratum; the trend with age."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from myomag.cohort.design import Design
from myomag.cohort.plan import LOG_MG, Model, factors
from myomag.cohort.regression import NotEstimable, linear_regression
from myomag.cohort.statistics import row_name
from myomag.io.tables import TableRow
from myomag.report.charts import Scale, element, frame, path_data, robust_range, svg, x_axis, y_axis
from myomag.report.figures import Figure, csv_bytes
from myomag.report.page import participant_link
from myomag.report.series import MARKERS, Array, Line, Series, axis_column, compared, line_of, series_of
from myomag.wording.labels import Labels
from myomag.wording.text import finite, interval, number, plural

FEWEST = 3
MOST_LINKED = 1500
"""Above this many points they are drawn small, without error bars and links."""
LEFT, TOP, BOTTOM, WIDTH = 62.0, 34.0, 330.0, 540.0
LINE_PX = 19.0
"""Height of a line of the legend."""
ROW = 1 << 16
"""More pixels than a drawing is wide."""


def scatter_figures(
    designs: Iterable[tuple[Model, str, Design]],
    sexes: Mapping[str, Any],
    labels: Labels,
    statistics: Sequence[TableRow],
) -> Iterator[Figure]:
    """Draw each simple model of one numeric predictor, its strata together.

    Parameters
    ----------
    designs : iterable of (Model, stratum, Design)
        As statistics.tsv is made from, those of one model together.
    sexes : mapping
        Sex of each participant, where it is known.
    statistics : sequence of mapping
        Rows of statistics.tsv, whose estimates are written beside the lines.
    """
    known = {(row["model"], row["predictor"]): row for row in statistics}
    simple = ((model, stratum, design) for model, stratum, design in designs if _numeric(model, design))
    for name, group in itertools.groupby(simple, key=lambda part: part[0].name):
        parts = list(group)
        model = parts[0][0]
        if len(parts) == 1:
            groups = _by_sex(model, parts[0][2], sexes)
            lines = [("all", line_of(model, parts[0][2], np.ones(len(parts[0][2].people), dtype=bool)))]
        else:
            groups = [series_of(model, design, stratum, fit=True) for _, stratum, design in parts]
            lines = [(series.name, series.line) for series in groups]
        said = {
            stratum: _said(known.get((row_name(model, stratum), design.main[0]), {}), design)
            for _, stratum, design in parts
        }
        difference = compared(model, [(stratum, design) for _, stratum, design in parts], labels)
        x_label, y_label = (labels.axis(column) for column in _axes(model))
        drawing = draw(groups, lines, x_label, y_label, said)
        data = csv_bytes(itertools.chain(_point_rows(groups, model), _line_rows(lines, model)))
        title = f"{labels.title(_axes(model)[1])} against {labels.column(_axes(model)[0])}"
        yield Figure(name, title, drawing, data, _note(groups, model, difference), wide=False)


def _axes(model: Model) -> tuple[str, str]:
    """Columns that the two axes show."""
    return axis_column(model.predictors[0]), axis_column(model.outcome)


def _numeric(model: Model, design: Design) -> bool:
    """Whether a model is a simple one of participants on one number, which a product of two is not."""
    if model.control or model.covariates or model.unit == "session" or len(design.main) != 1:
        return False
    name = design.main[0]
    return len(design.people) >= FEWEST and len(factors(name)) == 1 and len(np.unique(design.terms[name])) > 2


def _by_sex(model: Model, design: Design, sexes: Mapping[str, Any]) -> list[Series]:
    known = [sexes.get(person) for person in design.people]
    named = [sex if sex in MARKERS else "sex not stated" for sex in known]
    groups = (*MARKERS, "sex not stated")
    return [
        series_of(model, design, group, np.array([sex == group for sex in named]), fit=False)
        for group in groups
        if group in named
    ]


def draw(
    groups: Sequence[Series],
    lines: Sequence[tuple[str, Line | None]],
    x_label: str,
    y_label: str,
    said: Mapping[str, str],
) -> Markup:
    """Points with 95 % intervals, lines with theirs and what is `said` of them; what lies beyond stands at the edge."""
    right = WIDTH - 12
    entries = [(group.name, group.marker, len(group.people)) for group in groups]
    head, top = legend_with_estimates(entries, said)
    everything = [np.concatenate([getattr(group, key) for group in groups]) for key in ("x", "y")]
    ranges = [robust_range(values.tolist()) for values in everything]
    x, y = Scale(ranges[0], (LEFT, right)), Scale(ranges[1], (BOTTOM, top))
    known = [(name, line) for name, line in lines if line is not None]
    many = len(everything[0]) > MOST_LINKED
    return svg(
        WIDTH,
        BOTTOM + 46,
        f"{y_label} against {x_label}: {plural(len(everything[0]), 'participant')}",
        x_axis(x, BOTTOM, x_label, grid_top=top),
        y_axis(y, LEFT, y_label, grid_right=right),
        *(band(line, x, y, MARKERS.get(name, "all")) for name, line in known),
        frame(LEFT, top, right, BOTTOM),
        *([] if many else [_bars(group, x, y) for group in groups]),
        *(dots(group, x, y) if many else points(group, x, y) for group in groups),
        *(curve(line, x, y, MARKERS.get(name, "all")) for name, line in known),
        head,
        class_="scatter",
    )


def estimate_text(row: TableRow) -> str:
    """Standardised slope of a row of statistics.tsv with its 95 % interval and n; nothing where it has none."""
    if finite(row.get("beta")) is None:
        return ""
    return f"β {number(row['beta'])} [{interval(row['ci95_low'], row['ci95_high'], 2)}], n = {row['n']}"


def fitted_text(x: Array, y: Array) -> str:
    """The same of the least-squares line through some points."""
    try:
        (slope,) = linear_regression(y, {"x": x}).coefficients
    except NotEstimable:
        return ""
    ends = {"ci95_low": slope.beta_ci95_low, "ci95_high": slope.beta_ci95_high}
    return estimate_text({"beta": slope.beta, "n": len(x)} | ends)


def _said(row: TableRow, design: Design) -> str:
    """Estimate of the table; where that has covariates, which the drawing has not, that of the line that is drawn."""
    return fitted_text(design.terms[design.main[0]], design.outcome) if row.get("covariates") else estimate_text(row)


def legend_with_estimates(entries: Sequence[tuple[str, str, int]], said: Mapping[str, str]) -> tuple[Markup, float]:
    """Legend above the frame with the estimate of each line, and where the frame then begins [px].

    Parameters
    ----------
    entries : sequence of (str, str, int)
        Name, marker and number of participants of each group.
    said : mapping of str to str
        Estimate of the line of each group, or of `all`.
    """
    if set(said) & {name for name, *_ in entries}:
        rows = [legend([entry], n * LINE_PX, said.get(entry[0], "")) for n, entry in enumerate(entries)]
        return Markup("").join(rows), TOP + LINE_PX * (len(entries) - 1)
    texts = [text for text in said.values() if text]
    rows = [legend(entries, 0.0)]
    rows += [element("text", f"Line: {text}", x=LEFT, y=22 + LINE_PX, class_="label") for text in texts]
    return Markup("").join(rows), TOP + LINE_PX * len(texts)


def legend(entries: Sequence[tuple[str, str, int]], down: float = 0.0, said: str = "") -> Markup:
    """Marker, name and number of each group, above the frame."""
    at, parts = LEFT + 6, []
    for name, marker, count in entries:
        label = f"{name}: {said}" if said else f"{name} ({count})"
        words = element("text", label, x=at + 10, y=22 + down, class_="label" if said else None)
        parts.append(element("g", marker_shape(marker, at, 18.0 + down), words, class_=marker))
        at += 32 + 7.2 * len(label)
    return Markup("").join(parts)


def marker_shape(marker: str, x: float, y: float, size: float = 4.0) -> Markup:
    """Circle, triangle or diamond around a point."""
    if marker == "circle":
        return element("circle", cx=x, cy=y, r=size)
    wide, up = 1.2 * size, 1.3 * size
    if marker == "triangle":
        return element("path", d=f"M{x:.2f} {y - up:.2f}l{wide:g} {1.8 * size:g}h{-2 * wide:g}z")
    return element("path", d=f"M{x:.2f} {y - up:.2f}l{up:g} {up:g}l{-up:g} {up:g}l{-up:g} {-up:g}z")


def points(group: Series, x: Scale, y: Scale) -> Markup:
    """Mark of each participant, which names it and leads to its page."""
    marks = [
        element(
            "a",
            element("title", f"{person}: {_short(h)}, {_short(v)}"),
            marker_shape(group.marker, at, height),
            href=participant_link(person),
            tabindex=-1,
        )
        for person, h, v, at, height in zip(
            group.people, group.x, group.y, _inside(group.x, x), _inside(group.y, y), strict=True
        )
    ]
    return element("g", *marks, class_=group.marker)


def dots(group: Series, x: Scale, y: Scale) -> Markup:
    """Small marks of many participants, each pixel of the drawing marked once: it does not grow with the study."""
    at, height = (np.rint(_inside(*values)).astype(np.int64) for values in ((group.x, x), (group.y, y)))
    pixels = np.unique(height * ROW + at)
    ends = np.flatnonzero(np.diff(pixels, append=pixels[-1] + ROW) > 1)
    runs = zip(pixels[np.r_[0, ends[:-1] + 1]].tolist(), pixels[ends].tolist(), strict=True)
    path = "".join(f"M{first % ROW} {first // ROW}h{last - first}" for first, last in runs)
    return element("path", d=path, class_=f"dots {group.marker}")


def _bars(group: Series, x: Scale, y: Scale) -> Markup:
    at, height = _inside(group.x, x), _inside(group.y, y)
    parts = []
    if group.y_ends is not None:
        low, high = (_inside(end, y) for end in group.y_ends)
        parts += [f"M{h:.2f} {a:.2f}V{b:.2f}" for h, a, b in zip(at, low, high, strict=True)]
    if group.x_ends is not None:
        low, high = (_inside(end, x) for end in group.x_ends)
        parts += [f"M{a:.2f} {v:.2f}H{b:.2f}" for v, a, b in zip(height, low, high, strict=True)]
    return element("path", d="".join(parts), class_=f"interval {group.marker}") if parts else Markup("")


def band(line: Line, x: Scale, y: Scale, kind: str) -> Markup:
    """Area of the 95 % interval of a line."""
    line = within(line, x)
    outline = np.concatenate([line.x, line.x[::-1]]), np.concatenate([line.high, line.low[::-1]])
    d = path_data(np.asarray(x(outline[0])), np.asarray(_inside(outline[1], y)))
    return element("path", d=f"{d}z", class_=f"band {kind}")


def curve(line: Line, x: Scale, y: Scale, kind: str) -> Markup:
    """Line in the colour of its group."""
    line = within(line, x)
    return element("path", d=path_data(np.asarray(x(line.x)), _inside(line.y, y)), class_=f"regression {kind}")


def within(line: Line, x: Scale) -> Line:
    """Part of a line that the frame holds."""
    at = np.clip(line.x, *x.domain)
    return Line(at, *(np.interp(at, line.x, values) for values in (line.y, line.low, line.high)))


def _inside(values: Array, scale: Scale) -> Array:
    return np.asarray(scale(np.clip(values, *scale.domain)), dtype=np.float64)


def _short(value: float) -> str:
    return f"{value:.4g}"


def _note(groups: Sequence[Series], model: Model, difference: str) -> str:
    bars = any(group.x_ends is not None or group.y_ends is not None for group in groups)
    per_scan = " with the 95 % interval of its fit" if bars else ""
    logarithm = " on the logarithm of Mg" if LOG_MG in (model.outcome, *model.predictors) else ""
    note = (
        f"One point per participant, the mean of the scans{per_scan}. Least-squares line{logarithm} with its 95 % "
        "interval. Points beyond the frame are drawn at its edge."
    )
    return f"{difference} {note}".strip()


def _point_rows(groups: Sequence[Series], model: Model) -> Iterator[dict[str, Any]]:
    for group in groups:
        nothing = [None] * len(group.people)
        ends = [end for pair in (group.x_ends, group.y_ends) for end in (pair or (None, None))]
        columns = [nothing if each is None else each.tolist() for each in ends]
        for person, *values in zip(group.people, group.x.tolist(), group.y.tolist(), *columns, strict=True):
            yield _csv_row("point", group.name, person, model, values)


def _line_rows(lines: Sequence[tuple[str, Line | None]], model: Model) -> Iterator[dict[str, Any]]:
    for name, line in lines:
        if line is not None:
            for at, height, *ends in zip(
                *(each.tolist() for each in (line.x, line.y, line.low, line.high)), strict=True
            ):
                yield _csv_row("line", name, None, model, [at, height, None, None, *ends])


def _csv_row(kind: str, group: str, person: str | None, model: Model, values: Sequence[Any]) -> dict[str, Any]:
    names = _axes(model)
    keys = (*names, *(f"{name}_ci95_{end}" for name in names for end in ("low", "high")))
    return {"kind": kind, "group": group, "participant_id": person, **dict(zip(keys, values, strict=True))}
