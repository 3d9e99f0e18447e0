"""Residual and begin time of each scan in the order in which the scans were acquired, as far as that is known."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

import numpy as np
from markupsafe import Markup

from myomag.io.tables import TableRow
from myomag.report.charts import Scale, element, frame, robust_range, svg, x_axis, y_axis
from myomag.report.distributions import FEWEST, MOST_POINTS, scan_kind, scan_name
from myomag.report.figures import Figure, csv_bytes
from myomag.report.page import scan_link
from myomag.wording import text

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 540.0, 62.0, 528.0, 22.0, 190.0
TIME = "acq_time"
FIRST_REAL_YEAR = 1925
"""BIDS moves dates that must not be known before this year, each participant by another span."""
MOST_MEDIANS = 6
QUANTITIES = (
    ("residual_over_noise", "Residual / noise", "dashed: 1, noise alone", 3),
    ("begin_time_us", "Begin time (µs)", "dashed: median of each protocol", 1),
)


def in_order(cohort: Sequence[TableRow]) -> tuple[list[tuple[int, TableRow]], str]:
    """Scans with their places in the table, in the order of acquisition where all times are known, and that order.

    Dates themselves reach no figure.
    """
    times = [_time(row.get(TIME)) for row in cohort]
    places = list(enumerate(cohort))
    if cohort and all(times):
        known = {index: time for index, time in enumerate(times) if time}
        return sorted(places, key=lambda place: (known[place[0]], place[0])), "in the order of acquisition"
    return places, "in the order of their names, because their times of acquisition are not known"


def _time(value: object) -> datetime | None:
    try:
        # Local times: only their order is used.
        time = datetime.fromisoformat(str(value)).replace(tzinfo=None)
    except ValueError:
        return None
    return time if time.year >= FIRST_REAL_YEAR else None


def over_scans(cohort: Sequence[TableRow]) -> Iterator[Figure]:
    """One figure for each quantity that enough scans have.

    Parameters
    ----------
    cohort : sequence of mapping
        Rows of cohort.tsv in the order of the table of scans.
    """
    ordered, order = in_order(cohort)
    for column, label, note, decimals in QUANTITIES:
        known = [
            (rank, index, value, row)
            for rank, (index, row) in enumerate(ordered, start=1)
            if (value := text.finite(row.get(column))) is not None
        ]
        if len(known) < FEWEST:
            continue
        drawing = _draw(known, column, label, decimals, len(ordered))
        data = csv_bytes(
            {
                "order": rank,
                "scan": row["scan"],
                "status": row["status"],
                "protocol": row.get("protocol"),
                column: value,
            }
            for rank, _, value, row in known
        )
        yield Figure(
            f"{column}_over_scans", f"{label} scan by scan", drawing, data, f"Scans {order}; {note}.", wide=False
        )


def _draw(
    known: Sequence[tuple[int, int, float, TableRow]], column: str, label: str, decimals: int, scans: int
) -> Markup:
    one = [1.0] if column == "residual_over_noise" else []
    x = Scale((0.0, scans + 1.0), (LEFT, RIGHT))
    y = Scale(robust_range([value for _, _, value, _ in known], one), (BOTTOM, TOP))
    lines = one or list(_medians(known))
    many = len(known) > MOST_POINTS
    points = _dots(known, x, y) if many else _points(known, x, y, decimals)
    return svg(
        WIDTH,
        BOTTOM + 46,
        f"{label} of {text.plural(len(known), 'scan')}",
        x_axis(x, BOTTOM, "Scan", grid_top=TOP),
        y_axis(y, LEFT, label, grid_right=RIGHT),
        frame(LEFT, TOP, RIGHT, BOTTOM),
        *(element("line", x1=LEFT, x2=RIGHT, y1=h, y2=h, class_="threshold") for h in map(float, map(y, lines))),
        *points,
        class_="over-scans distribution",
    )


def _medians(known: Sequence[tuple[int, int, float, TableRow]]) -> Iterator[float]:
    """Median of the included scans of each protocol, of the most frequent ones."""
    pairs = sorted((str(row.get("protocol")), value) for _, _, value, row in known if row["status"] == "included")
    groups = [[value for _, value in group] for _, group in groupby(pairs, key=lambda pair: pair[0])]
    for values in sorted(groups, key=len, reverse=True)[:MOST_MEDIANS]:
        yield float(np.median(values))


def _points(known: Sequence[tuple[int, int, float, TableRow]], x: Scale, y: Scale, decimals: int) -> Iterator[Markup]:
    """Point of each scan, which names it and opens it; what lies beyond the frame stands at its edge."""
    for number, (rank, index, value, row) in enumerate(known):
        yield element(
            "a",
            element("title", f"{scan_name(row)}: {text.number(value, decimals)}"),
            element("circle", cx=float(x(rank)), cy=float(y(np.clip(value, *y.domain))), r=3.5),
            href=scan_link(row),
            data_i=index,
            class_=scan_kind(row),
            tabindex=-1 if number else 0,
        )


def _dots(known: Sequence[tuple[int, int, float, TableRow]], x: Scale, y: Scale) -> Iterator[Markup]:
    """Small marks of many scans, each pixel marked once."""
    places = {(round(float(x(rank))), round(float(y(np.clip(value, *y.domain))))) for rank, _, value, _ in known}
    path = "".join(f"M{at} {height}h0" for at, height in sorted(places))
    yield element("path", d=path, class_="dots triangle")
