"""Slopes corrected under an assumed day-to-day reliability of Mg, where the study has no repeats that tell it."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from myomag.cohort.design import Design
from myomag.cohort.measurement_error import at_reliability
from myomag.cohort.plan import LOG_MG, MG, Model
from myomag.cohort.regression import Coefficient, NotEstimable
from myomag.cohort.statistics import estimate, row_name
from myomag.report.charts import Scale, element, frame, svg, x_axis, y_axis
from myomag.report.figures import Figure, csv_bytes
from myomag.report.scatter import band, curve, estimate_text
from myomag.report.series import Line
from myomag.wording.labels import Labels

LEAST = 0.35
ICCS = np.linspace(LEAST, 1.0, 14)
PANEL, HEIGHT, LEFT, GAP, TOP, ROW = 235.0, 150.0, 56.0, 60.0, 38.0, 236.0
COLUMNS = 3
FARTHEST = 2.0
NOTE = (
    "The corrections do not include the day-to-day variation of Mg. Each curve is the standardised slope, with its "
    "95 % interval, that would be found if single measurements had the day-to-day ICC on the axis; at 1 it is the "
    "naive slope. An ICC of .35 was found in the quadriceps (McCully 2009, Dyn. Med. 8:5). The ICC is taken as known, "
    "and p does not change."
)


def reliability_curve(designs: Iterable[tuple[Model, str, Design]], labels: Labels) -> Figure | None:
    """One panel per simple model that Mg is in; None where there is none."""
    panels: dict[str, list[dict[str, Any]]] = {}
    for model, stratum, design in designs:
        rows = list(_rows(model, stratum, design))
        if rows:
            panels[labels.relations([{**rows[0], "stratum": stratum}])[0]] = rows
    if not panels:
        return None
    data = csv_bytes(row for rows in panels.values() for row in rows)
    title = "Slopes at an assumed day-to-day reliability"
    return Figure("reliability_curve", title, _draw(panels), data, NOTE)


def _rows(model: Model, stratum: str, design: Design) -> Iterator[dict[str, Any]]:
    mg = next((name for name in (LOG_MG, MG) if name in (model.outcome, *design.terms)), None)
    if mg is None or model.control or model.covariates or len(design.terms) > 1:
        return
    try:
        (naive,) = estimate(model, design).coefficients
    except NotEstimable:
        return
    for icc in ICCS[::-1].tolist():
        b, beta = at_reliability(icc, of_outcome=mg == model.outcome)
        row: dict[str, Any] = {"model": row_name(model, stratum), "outcome": model.outcome}
        row |= {"predictor": naive.name, "stratum": stratum, "n": len(design.people), "icc": icc}
        yield row | _scaled(naive, b, beta)


def _scaled(naive: Coefficient, b: float, beta: float) -> dict[str, float]:
    ends = ("", "_ci95_low", "_ci95_high")
    return {f"{key}{end}": by * getattr(naive, f"{key}{end}") for key, by in (("b", b), ("beta", beta)) for end in ends}


def _draw(panels: Mapping[str, Sequence[Mapping[str, Any]]]) -> Markup:
    everything = [abs(float(row[key])) for rows in panels.values() for row in rows for key in row if "beta_ci" in key]
    reach = min(max(everything), FARTHEST)
    parts = list[Markup]()
    for index, (name, rows) in enumerate(panels.items()):
        down, across = divmod(index, COLUMNS)
        parts += _panel(name, rows, reach, LEFT + across * (PANEL + GAP), TOP + down * ROW)
    lines = math.ceil(len(panels) / COLUMNS)
    width = LEFT + COLUMNS * (PANEL + GAP)
    label = f"Corrected slopes of {len(panels)} models against the assumed reliability"
    return svg(width, TOP + lines * ROW, label, *parts, class_="scatter")


def _panel(name: str, rows: Sequence[Mapping[str, Any]], reach: float, left: float, top: float) -> Iterator[Markup]:
    right, bottom = left + PANEL, top + HEIGHT
    x, y = Scale((LEAST, 1.0), (left, right)), Scale((-reach, reach), (bottom, top))
    columns = ("icc", "beta", "beta_ci95_low", "beta_ci95_high")
    naive = {**rows[0]} | {f"ci95_{end}": rows[0][f"beta_ci95_{end}"] for end in ("low", "high")}
    line = Line(*(np.array([float(row[key]) for row in rows[::-1]]) for key in columns))
    yield element("text", name, x=left, y=top - 22, class_="label")
    yield element("text", estimate_text(naive), x=left, y=top - 7, class_="note")
    yield x_axis(x, bottom, "day-to-day ICC", grid_top=top, count=4)
    yield y_axis(y, left, "β", grid_right=right, count=5, title_x=left - 42)
    yield element("line", x1=left, x2=right, y1=float(y(0.0)), y2=float(y(0.0)), class_="base")
    yield band(line, x, y, "all")
    yield frame(left, top, right, bottom)
    yield curve(line, x, y, "all")
