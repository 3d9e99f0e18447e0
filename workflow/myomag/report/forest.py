"""Forest plot of the models: standardised slopes with their intervals, simple beside adjusted."""

import math
from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from myomag.cohort.measurement_error import CORRECTED, NAIVE
from myomag.io.tables import TableRow
from myomag.report.charts import Scale, element, svg, x_axis
from myomag.report.figures import Figure, csv_bytes
from myomag.report.scatter import marker_shape
from myomag.wording import text
from myomag.wording.labels import Labels

WIDTH, LEFT, RIGHT, TOP = 900.0, 340.0, 690.0, 34.0
LINE, GAP = 19.0, 9.0
WIDEST = 1.5
VERSIONS = {
    "simple": "circle",
    "simple corrected": "circle",
    "adjusted": "diamond",
    "adjusted corrected": "diamond",
}
KEYS = ("model", "outcome", "predictor", "stratum", "covariates", "n", "beta", "ci95_low", "ci95_high", "p", "p_fdr")
NOTE = (
    "Standardised slopes with 95 % intervals; an arrow marks an interval that continues beyond the frame. Models that "
    "could not be estimated are in the table. Corrected: for measurement error, β in SDs of the true values. Both "
    "intervals come from the same t test, so that the correction alone makes no effect significant."
)


def forest(statistics: Sequence[TableRow], errors: Sequence[TableRow], labels: Labels) -> Figure | None:
    """Forest plot of the main terms of all estimated models; None where there is none.

    Parameters
    ----------
    statistics, errors : sequence of mapping
        Rows of statistics.tsv and of measurement_error.tsv.
    """
    rows = [{key: row.get(key) for key in KEYS} | {"method": NAIVE} for row in statistics if row.get("role") == "main"]
    rows += [
        {key: row.get(f"beta_{key}" if key.startswith("ci95") else key) for key in KEYS} | {"method": CORRECTED}
        for row in errors
        if row.get("method") == CORRECTED
    ]
    groups: dict[str, list[TableRow]] = {}
    for relation, row in zip(labels.relations(rows), rows, strict=True):
        if text.finite(row["beta"]) is not None:
            groups.setdefault(relation, []).append(row)
    if not groups:
        return None
    order = list(VERSIONS)
    for group in groups.values():
        group.sort(key=lambda row: order.index(version_of(row)))
    data = csv_bytes(row for group in groups.values() for row in group)
    return Figure("forest", "Models of the cohort", _draw(groups), data, NOTE)


def version_of(row: TableRow) -> str:
    """Whether a row is adjusted for anything, and whether it is corrected for measurement error."""
    return ("adjusted" if row["covariates"] else "simple") + (" corrected" if row["method"] == CORRECTED else "")


def _draw(groups: Mapping[str, Sequence[TableRow]]) -> Markup:
    ends = [abs(end) for rows in groups.values() for row in rows for end in _ends(row) if math.isfinite(end)]
    reach = min(max(*ends, 0.5), WIDEST) * 1.04
    x = Scale((-reach, reach), (LEFT, RIGHT))
    bottom = TOP + sum(LINE * len(rows) + GAP for rows in groups.values())
    zero = float(x(0.0))
    return svg(
        WIDTH,
        bottom + 46,
        f"Forest plot of {text.plural(len(groups), 'relation')}",
        *_shading(groups),
        x_axis(x, bottom, "Standardised slope β", grid_top=TOP),
        element("line", x1=zero, x2=zero, y1=TOP, y2=bottom, class_="base"),
        *_legend(),
        *_lines(groups, x),
        class_="forest",
    )


def _shading(groups: Mapping[str, Sequence[TableRow]]) -> Iterator[Markup]:
    """Every second relation lies on a shade, which leads the eye from the name to the numbers."""
    y = TOP
    for index, rows in enumerate(groups.values()):
        height = LINE * len(rows) + GAP
        if index % 2 == 0:
            yield element("rect", x=0, y=y, width=WIDTH, height=height, class_="shading")
        y += height


def _legend() -> Iterator[Markup]:
    at = 10.0
    for name, marker in VERSIONS.items():
        label = element("text", name.replace(" corrected", ", corrected"), x=at + 12, y=22)
        yield element("g", marker_shape(marker, at + 2, 18.0, 4.5), label, class_=f"version {name}")
        at += 40 + 7 * len(name)
    yield element("text", "β [95 % interval], n", x=RIGHT + 14, y=22, class_="note")


def _lines(groups: Mapping[str, Sequence[TableRow]], x: Scale) -> Iterator[Markup]:
    y = TOP + GAP / 2
    for name, rows in groups.items():
        yield element("text", name, x=LEFT - 14, y=y + LINE * 0.72, class_="end")
        for row in rows:
            yield _estimate(row, x, y + LINE / 2)
            y += LINE
        y += GAP


def _ends(row: TableRow) -> tuple[float, float]:
    """Ends of the interval; a reliability that may be 0 leaves it without one."""
    low, high = (text.finite(row[key]) for key in ("ci95_low", "ci95_high"))
    return -math.inf if low is None else low, math.inf if high is None else high


def _estimate(row: TableRow, x: Scale, y: float) -> Markup:
    beta, (low, high) = float(row["beta"]), _ends(row)
    left, right = (float(x(min(max(value, x.domain[0]), x.domain[1]))) for value in (low, high))
    version = version_of(row)
    parts = [element("path", d=f"M{left:.2f} {y:.2f}H{right:.2f}", class_="whisker")]
    for at, beyond, step in ((left, low < x.domain[0], 6), (right, high > x.domain[1], -6)):
        if beyond:
            parts.append(element("path", d=f"M{at + step:.2f} {y - 4:.2f}L{at:.2f} {y:.2f}l{step} 4", class_="whisker"))
    if x.domain[0] <= beta <= x.domain[1]:
        parts.append(marker_shape(VERSIONS[version], float(x(beta)), y, 4.5))
    words = f"{text.number(beta, 2)} [{text.open_interval(low, high, 2)}], {row['n']}"
    p = f": p {text.p_value(row['p'])}" if text.finite(row["p"]) is not None else ""
    p += f", FDR p {text.p_value(row['p_fdr'])}" if text.finite(row["p_fdr"]) is not None else ""
    title = element("title", f"{version}{p}")
    parts.append(element("text", words, x=RIGHT + 14, y=y + 4, class_="tick"))
    return element("g", title, *parts, class_=f"version {version}")
