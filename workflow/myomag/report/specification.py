"""Specification curve: each conclusion on Mg again under every choice of the analysis, the choices below."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from myomag.cohort.plan import LOG_MG, MG, factors
from myomag.io.tables import TableRow
from myomag.report.charts import Scale, element, frame, svg, y_axis
from myomag.report.figures import Figure, csv_bytes
from myomag.report.scatter import estimate_text
from myomag.report.threats import is_reference
from myomag.wording import text
from myomag.wording.labels import Labels, is_adjusted

LEFT, PANEL, COLUMNS, GUTTER = 230.0, 310.0, 2, 44.0
TITLE, CURVE, LINE, BELOW = 42.0, 130.0, 15.0, 26.0
FARTHEST = 2.0
CHOICES = {
    "covariates": "adjusted for",
    "mg_calibration": "Mg scale",
    "ph_calibration": "pH scale",
    "verdicts": "verdicts",
    "max_p_undefined": "P(undefined) up to",
    "outliers": "outliers",
}
NOTE = (
    "Each column is one analysis: its standardised slope with the 95 % interval, in rising order, and below it the "
    "choices it was made with. Blue: the settings of the study, "
    "whose simple model is written above. Filled: the interval excludes zero."
)


def specification_curve(sensitivity: Sequence[TableRow], labels: Labels) -> Figure | None:
    """One panel per conclusion that involves Mg; None where there is nothing to compare."""
    rows = [
        row
        for row in sensitivity
        if not {MG, LOG_MG}.isdisjoint((row["outcome"], *factors(str(row["predictor"]))))
        and text.finite(row.get("beta")) is not None
    ]
    panels: dict[str, list[TableRow]] = {}
    for relation, row in zip(labels.relations(rows), rows, strict=True):
        panels.setdefault(relation, []).append(row)
    panels = {name: sorted(group, key=_order) for name, group in panels.items() if len(group) > 1}
    levels = _levels([row for group in panels.values() for row in group])
    if not panels or not levels:
        return None
    data = csv_bytes(row for group in panels.values() for row in group)
    return Figure("specification_curve", "How far the conclusions hold", _draw(panels, levels, labels), data, NOTE)


def _order(row: TableRow) -> tuple[Any, ...]:
    return float(row["beta"]), *(str(row.get(key)) for key in ("model", *CHOICES))


def _levels(rows: Sequence[TableRow]) -> list[tuple[str, Any]]:
    """Choices that were varied, with every level of each."""
    found = []
    for key in CHOICES:
        levels = sorted({row.get(key) for row in rows}, key=lambda level: (level is not None, str(level)))
        found += [(key, level) for level in levels] if len(levels) > 1 else []
    return found


def _draw(panels: Mapping[str, Sequence[TableRow]], levels: Sequence[tuple[str, Any]], labels: Labels) -> Markup:
    height = TITLE + CURVE + 10 + LINE * len(levels) + BELOW
    lines = -(-len(panels) // COLUMNS)
    used = min(COLUMNS, len(panels))
    parts = []
    for index, (name, rows) in enumerate(panels.items()):
        place = index % COLUMNS
        left, top = LEFT + place * (PANEL + GUTTER), (index // COLUMNS) * height
        parts += [*_panel(name, rows, levels, left, top)]
        if place == 0:
            parts += [*_names(levels, top + TITLE + CURVE + 10, labels)]
    width = LEFT + used * PANEL + (used - 1) * GUTTER + 12
    return svg(width, lines * height, f"Specification curves of {', '.join(panels)}", *parts, class_="specification")


def _panel(
    name: str, rows: Sequence[TableRow], levels: Sequence[tuple[str, Any]], left: float, top: float
) -> Iterator[Markup]:
    """Slopes in rising order above the matrix of the choices."""
    ends = [min(max(float(row[key]), -FARTHEST), FARTHEST) for row in rows for key in ("ci95_low", "ci95_high")]
    low, high = min(*ends, 0.0), max(*ends, 0.0)
    pad = 0.05 * (high - low)
    right = left + PANEL
    y = Scale((low - pad, high + pad), (top + TITLE + CURVE, top + TITLE))
    step = PANEL / len(rows)
    yield element("text", name, x=left, y=top + 17, class_="label")
    said = next((estimate_text(row) for row in rows if is_reference(row) and not is_adjusted(row)), "")
    yield element("text", said, x=left, y=top + 34, class_="note")
    yield y_axis(y, left, "β" if left == LEFT else "", grid_right=right, count=4, title_x=left - 50)
    yield element("line", x1=left, x2=right, y1=float(y(0.0)), y2=float(y(0.0)), class_="base")
    yield frame(left, top + TITLE, right, top + TITLE + CURVE)
    yield from (_specification(row, left + (index + 0.5) * step, y) for index, row in enumerate(rows))
    matrix = top + TITLE + CURVE + 10
    for line, (key, level) in enumerate(levels):
        height = matrix + (line + 0.5) * LINE
        marks = [
            f"M{left + (index + 0.5) * step:.2f} {height - 5:.2f}v10"
            for index, row in enumerate(rows)
            if row.get(key) == level
        ]
        yield element("line", x1=left, x2=right, y1=height, y2=height, class_="grid")
        if marks:
            yield element("path", d="".join(marks), class_="choice", stroke_width=min(step * 0.7, 6.0))


def _specification(row: TableRow, at: float, y: Scale) -> Markup:
    beta, low, high = (float(row[key]) for key in ("beta", "ci95_low", "ci95_high"))
    ends = [float(y(min(max(value, y.domain[0]), y.domain[1]))) for value in (low, high)]
    clear = "clear" if low > 0 or high < 0 else "open"
    reference = " reference" if is_reference(row) else ""
    title = element("title", f"β {text.number(beta, 2)} [{text.interval(low, high, 2)}], n = {row['n']}")
    bar = element("path", d=f"M{at:.2f} {ends[0]:.2f}V{ends[1]:.2f}", class_="whisker")
    middle = float(y(min(max(beta, y.domain[0]), y.domain[1])))
    return element("g", title, bar, element("circle", cx=at, cy=middle, r=3.2), class_=f"spec {clear}{reference}")


def _names(levels: Sequence[tuple[str, Any]], top: float, labels: Labels) -> Iterator[Markup]:
    before = None
    for line, (key, level) in enumerate(levels):
        height = top + (line + 0.5) * LINE + 4
        if key != before:
            yield element("text", CHOICES[key], x=4, y=height, class_="note")
        shown = (
            ", ".join(labels.column(name) for name in str(level).split(", "))
            if key == "covariates" and level
            else level
        )
        yield element(
            "text", text.text(shown) if shown is not None else "nothing", x=LEFT - 44, y=height, class_="tick end"
        )
        before = key
