"""Distribution of each metric over the scans, against its thresholds: every scan a point that opens its page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from myomag.io.tables import TableRow
from myomag.report.charts import Scale, element, robust_range, svg, x_axis
from myomag.report.page import scan_link
from myomag.settings.qc import QcSettings
from myomag.wording import text

Values = NDArray[np.float64]
LEFT, RIGHT, TOP, BOTTOM, WIDTH = 22.0, 458.0, 42.0, 152.0, 480.0
LARGEST_RADIUS, SMALLEST_RADIUS = 4.5, 1.2
FEWEST = 4
MOST_POINTS, MOST_REMARKABLE = 1500, 300
"""Above this many scans, bars show the distribution, and points only the most remarkable of those left out."""


@dataclass(frozen=True)
class Metric:
    """A metric of the cohort and the settings of `qc` that judge it; some are of series alone."""

    column: str
    label: str
    decimals: int
    limits: tuple[tuple[str, str], ...] = ()
    of_series: bool = False


METRICS = (
    Metric("pcr_snr", "PCr SNR", 0, (("min_snr", "fail below"), ("warn_snr", "warn below"))),
    Metric(
        "pcr_fwhm_ppm",
        "PCr line width (ppm)",
        2,
        (("warn_linewidth_ppm", "warn above"), ("max_linewidth_ppm", "fail above")),
    ),
    Metric("frequency_drift_hz", "Frequency drift (Hz)", 1, (("warn_drift_hz", "warn above"),)),
    Metric(
        "rejected_fraction",
        "Transients rejected (fraction)",
        2,
        (("warn_rejected_fraction", "warn above"), ("max_rejected_fraction", "fail above")),
    ),
    Metric("begin_time_us", "Begin time (µs)", 0),
    Metric("ph", "pH", 2),
    Metric("pmg_sd", "SD of pMg by the fit", 3),
    Metric("mg_mmol_l", "Free Mg²⁺ (mM)", 2),
    Metric("tau_pcr_s", "τ of PCr (s)", 0, of_series=True),
    Metric("k_pcr_per_s", "k of PCr (1/s)", 3, of_series=True),
    Metric("pcr_depletion", "PCr depletion (fraction)", 2, of_series=True),
    Metric("ph_end_exercise", "pH at the end of exercise", 2, of_series=True),
)


@dataclass(frozen=True, slots=True)
class _Scan:
    """Value of one scan, its place in the order of the table, and its row."""

    value: float
    index: int
    kind: str
    row: TableRow


def distributions(cohort: Sequence[TableRow], qc: QcSettings) -> list[dict[str, Any]]:
    """Drawing of each metric with its thresholds, and the number of scans without it.

    Parameters
    ----------
    cohort : sequence of mapping
        Rows of cohort.tsv in the order of the table of scans.
    qc : QcSettings
        The settings section `qc`.
    """
    plots = []
    for metric in METRICS:
        scans = list(_scans(cohort, metric))
        if len(scans) >= FEWEST:
            limits = [(limit := getattr(qc, key), f"{words} {text.text(limit)}") for key, words in metric.limits]
            figure = _distribution(metric, scans, sorted(limits))
            concerned = sum(map(_is_series, cohort)) if metric.of_series else len(cohort)
            plots.append({"figure": figure, "label": metric.label, "absent": concerned - len(scans)})
    return plots


def scan_name(row: TableRow) -> str:
    """Participant and session of a scan."""
    return " ".join(str(row[key]) for key in ("participant_id", "session_id") if row.get(key))


def scan_kind(row: TableRow) -> str:
    """How a scan is marked: in, in with a warning, or out of the statistics."""
    return "out" if row["status"] != "included" else "warn" if row.get("verdict") == "warn" else "in"


def _scans(cohort: Sequence[TableRow], metric: Metric) -> Iterator[_Scan]:
    """Scans that have a value."""
    for index, row in enumerate(cohort):
        rejected = metric.column == "rejected_fraction"
        value = _rejected_fraction(row) if rejected else text.finite(row.get(metric.column))
        if value is not None:
            yield _Scan(value, index, scan_kind(row), row)


def _is_series(row: TableRow) -> bool:
    return any(row.get(column) is not None for column in ("tau_pcr_s", "series_reason", "pcr_depletion"))


def _rejected_fraction(row: TableRow) -> float | None:
    """Share of the transients in the steady state that was rejected."""
    acquired, used = text.finite(row.get("transients")), text.finite(row.get("transients_used"))
    if not acquired or used is None:
        return None
    return 1 - used / (acquired - (text.finite(row.get("dummy_transients")) or 0))


def _distribution(metric: Metric, scans: Sequence[_Scan], limits: Sequence[tuple[float, str]]) -> Markup:
    values, many = np.array([scan.value for scan in scans]), len(scans) > MOST_POINTS
    low, high = robust_range(values, [value for value, _ in limits])
    low = max(low, -0.02 * high) if values.min() >= 0 else low
    x = Scale((low, high), (LEFT, RIGHT))
    places = [(float(x(value)), name, TOP - 8 - 15 * (i % 2)) for i, (value, name) in enumerate(limits)]
    ends = f"{text.number(values.min(), metric.decimals)} to {text.number(values.max(), metric.decimals)}"
    return svg(
        WIDTH,
        BOTTOM + 46,
        f"Distribution of {metric.label} over {text.plural(len(values), 'scan')}, {ends}",
        _bars(values, x) if many else Markup(""),
        x_axis(x, BOTTOM, metric.label, grid_top=BOTTOM),
        element("line", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM, class_="base"),
        *(element("line", x1=at, x2=at, y1=level - 9, y2=BOTTOM, class_="threshold") for at, _, level in places),
        *(_limit_name(at, name, level) for at, name, level in places),
        *_points(_remarkable(scans, values) if many else scans, x, metric.decimals + 1),
        class_="distribution",
    )


def _limit_name(at: float, name: str, level: float) -> Markup:
    """Name of a threshold at the height `level` [px], on the side that has room."""
    side, shift = ("end", -4.0) if at > RIGHT / 2 else ("start", 4.0)
    return element("text", name, x=at + shift, y=level, class_=f"note halo {side}")


def _remarkable(scans: Sequence[_Scan], values: Values) -> list[_Scan]:
    """Scans outside the statistics, those farthest from the median first, at most `MOST_REMARKABLE`."""
    middle = float(np.median(values))
    outside = (scan for scan in scans if scan.kind == "out")
    return sorted(outside, key=lambda scan: -abs(scan.value - middle))[:MOST_REMARKABLE]


def _points(scans: Sequence[_Scan], x: Scale, decimals: int) -> list[Markup]:
    """Points stacked where they would cover each other, in the order of their values; the ends hold what is beyond."""
    ordered = sorted(scans, key=lambda scan: scan.value)
    positions = np.clip(x([scan.value for scan in ordered]), LEFT, RIGHT)
    radius, columns = _stacks(positions)
    height: dict[int, int] = {}
    points: list[Markup] = []
    for scan, column in zip(ordered, columns, strict=True):
        level = height[column] = height.get(column, 0) + 1
        at = element(
            "circle", cx=LEFT + (2 * column + 1) * radius, cy=max(BOTTOM - (2 * level - 1) * radius, TOP), r=radius
        )
        points.append(
            element(
                "a",
                element("title", f"{scan_name(scan.row)}: {text.number(scan.value, decimals)}"),
                at,
                href=scan_link(scan.row),
                data_i=scan.index,
                class_=scan.kind,
                tabindex=-1 if points else 0,
            )
        )
    return points


def _stacks(positions: Any) -> tuple[float, list[int]]:
    """Largest radius [px] at which the stacks stay within the frame, and the column of each point."""
    for radius in np.geomspace(LARGEST_RADIUS, SMALLEST_RADIUS, 12).tolist():
        last = int((RIGHT - LEFT) / (2 * radius)) - 1
        columns = [min(int(column), last) for column in (positions - LEFT) / (2 * radius)]
        if not columns or max(columns.count(column) for column in set(columns)) * 2 * radius <= BOTTOM - TOP:
            break
    return radius, columns


def _bars(values: Values, x: Scale) -> Markup:
    """Number of scans in 48 bins; the end bins hold what lies beyond the axis."""
    edges = np.linspace(*x.domain, 49)
    counts, _ = np.histogram(np.clip(values, *x.domain), edges)
    y = Scale((0.0, float(counts.max())), (BOTTOM, TOP))
    boxes = [
        f"M{left + 0.5:.2f} {BOTTOM:g}V{float(y(count)):.2f}H{right - 0.5:.2f}V{BOTTOM:g}z"
        for left, right, count in zip(x(edges[:-1]), x(edges[1:]), counts.tolist(), strict=True)
        if count
    ]
    return element("path", d="".join(boxes), class_="bar")
