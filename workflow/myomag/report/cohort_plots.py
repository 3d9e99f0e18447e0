"""Which plots a cohort allows: Mg against age and strength."""

from collections.abc import Mapping, Sequence
from typing import Any

from myomag.cohort.participants import MEN_CODES, WOMEN_CODES
from myomag.report import text
from myomag.report.charts import robust_range
from myomag.report.labels import Labels
from myomag.report.page import participant_link
from myomag.report.plots import Group, Point, beyond, scatter

Row = Mapping[str, Any]
SEXES = (("women", "circle"), ("men", "triangle"), ("sex not stated", "diamond"))
FEWEST = 4
WIDE, NARROW = 1000.0, 480.0


def scatters(cohort: Sequence[Row], statistics: Sequence[Row], labels: Labels) -> list[dict[str, Any]]:
    """Plot Mg against age for all and against strength within each sex, as far as the values exist."""
    included = [row for row in cohort if row["status"] == "included"]
    wanted: list[tuple[str, str, str | None]] = [(labels.age, "Age (years)", None)]
    wanted += [(labels.strength, f"Strength ({labels.strength}), {sex}", sex) for sex in ("women", "men")]
    values = [value for row in included if (value := text.finite(row.get("mg_mmol_l"))) is not None]
    if len(values) < FEWEST:
        return []
    y_range = robust_range(values)
    plots = []
    for column, x_label, sex in wanted:
        groups = _groups(included, column, labels, sex)
        points = [point for group in groups for point in group.points]
        if len(points) >= FEWEST:
            estimate = _estimate(statistics, column, sex, labels)
            plots.append(_plot(groups, points, x_label, y_range, estimate, wide=sex is None))
    return plots


def _plot(
    groups: Sequence[Group],
    points: Sequence[Point],
    x_label: str,
    y_range: tuple[float, float],
    estimate: str,
    *,
    wide: bool,
) -> dict[str, Any]:
    figure = scatter(
        groups,
        x_label=x_label,
        y_label="Free Mg²⁺ (mM)",
        x_range=robust_range([point.x for point in points], [min(p.x for p in points), max(p.x for p in points)]),
        y_range=y_range,
        width=WIDE if wide else NARROW,
    )
    legend = [(group.name, group.marker, len(group.points)) for group in groups]
    return {"figure": figure, "legend": legend, "estimate": estimate, "beyond": beyond(points, y_range), "wide": wide}


def _groups(rows: Sequence[Row], column: str, labels: Labels, only: str | None) -> list[Group]:
    """Points by sex; groups without a point are left out."""
    members: dict[str, list[Point]] = {name: [] for name, _ in SEXES}
    for row in rows:
        x, y = quantity(row.get(column)), text.finite(row.get("mg_mmol_l"))
        if x is not None and y is not None:
            members[sex_of(row.get(labels.sex))].append(_point(row, x, y))
    return [
        Group(name, marker, tuple(members[name]))
        for name, marker in SEXES
        if members[name] and (only is None or only == name)
    ]


def _point(row: Row, x: float, y: float) -> Point:
    low, high = (text.finite(row.get(key)) for key in ("mg_ci95_low_mmol_l", "mg_ci95_high_mmol_l"))
    link = participant_link(str(row["participant_id"]))
    return Point(x, y, low, high, f"{row['scan']}: Mg {mg_text(row)} mM", link)


def mg_text(row: Row) -> str:
    """Free Mg of a row of the cohort with its interval [mM], or `undefined` with its probability."""
    return text.magnesium(
        row.get("mg_mmol_l"),
        row.get("mg_ci95_low_mmol_l"),
        row.get("mg_ci95_high_mmol_l"),
        row.get("mg_p_undefined"),
    )


def quantity(value: Any) -> float | None:
    """Read a number of a table; a top-coded age (89+) counts as its lower bound, as in the statistics."""
    return text.finite(value.removesuffix("+") if isinstance(value, str) else value)


def sex_of(value: Any) -> str:
    """Group of a sex code (F/M, female/male)."""
    code = str(value).strip().lower()
    if code in WOMEN_CODES:
        return "women"
    return "men" if code in MEN_CODES else "sex not stated"


def _estimate(statistics: Sequence[Row], column: str, sex: str | None, labels: Labels) -> str:
    """Put the regression that belongs to a plot into words; empty where the statistics have none."""
    for row in statistics:
        pair = {row["outcome"], row["predictor"]} == {"mg_mmol_l", column} and row["stratum"] == (sex or "all")
        if pair and not row.get("covariates") and row.get("beta") is not None:
            ci = text.interval(row["ci95_low"], row["ci95_high"], 2)
            return f"{labels.model(row)}: β = {text.number(row['beta'], 2)} (95 % CI {ci}), p {text.p_value(row['p'])}"
    return ""
