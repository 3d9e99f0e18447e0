"""Plots of the cohort page, and the frequency of the transients of one scan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from myomag.report.charts import Scale, element, frame, path_data, robust_range, svg, x_axis, y_axis
from myomag.report.text import number, plural

MARKERS = {
    "circle": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "triangle": "M0-5L4.8 3.8H-4.8z",
    "diamond": "M0-5L5 0L0 5L-5 0z",
}
FEWEST_BINS, MOST_BINS = 10, 36


@dataclass(frozen=True)
class Point:
    """One scan in a scatter plot; the interval may be unknown or open."""

    x: float
    y: float
    low: float | None
    high: float | None
    label: str
    link: str


@dataclass(frozen=True)
class Group:
    """Points that share a marker and a colour."""

    name: str
    marker: str
    points: tuple[Point, ...]


def scatter(
    groups: Sequence[Group],
    *,
    x_label: str,
    y_label: str,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    width: float = 480.0,
) -> Markup:
    """Points with interval bars and the least-squares line through all of them.

    Points beyond the frame are drawn at its edge, so none disappears.
    """
    left, top, right, bottom = 58.0, 10.0, width - 10, 300.0
    x, y = Scale(x_range, (left, right)), Scale(y_range, (bottom, top))
    points = [point for group in groups for point in group.points]
    label = f"Scatter plot of {y_label} against {x_label}: {plural(len(points), 'scan')}"
    return svg(
        width,
        bottom + 46,
        label,
        x_axis(x, bottom, x_label, grid_top=top),
        y_axis(y, left, y_label, grid_right=right),
        frame(left, top, right, bottom),
        *(_intervals(group, x, y) for group in groups),
        *(_markers(group, x, y) for group in groups),
        _line(points, x, y),
        class_="scatter",
    )


def marker_definitions() -> Markup:
    """Shapes that the scatter plots of a page refer to; placed once per page."""
    shapes = (element("path", id=f"m-{name}", d=d, class_="shape") for name, d in MARKERS.items())
    return element("svg", element("defs", *shapes), class_="definitions", width=0, height=0, aria_hidden="true")


def beyond(points: Sequence[Point], y_range: tuple[float, float]) -> int:
    """Count the points outside the vertical range."""
    return sum(not y_range[0] <= point.y <= y_range[1] for point in points)


def _intervals(group: Group, x: Scale, y: Scale) -> Markup:
    low, high = y.domain
    bars = [
        f"M{x(point.x):.2f} {y(min(max(point.low, low), high)):.2f}V{y(min(max(point.high, low), high)):.2f}"
        for point in group.points
        if point.low is not None and point.high is not None
    ]
    return element("path", d="".join(bars), class_=f"interval {group.marker}") if bars else Markup("")


def _markers(group: Group, x: Scale, y: Scale) -> Markup:
    low, high = y.domain
    marks = [
        element(
            "a",
            element("title", point.label),
            element("use", href=f"#m-{group.marker}", x=float(x(point.x)), y=float(y(min(max(point.y, low), high)))),
            href=point.link,
            tabindex="-1",
        )
        for point in group.points
    ]
    return element("g", *marks, class_=group.marker)


def _line(points: Sequence[Point], x: Scale, y: Scale) -> Markup:
    abscissae = np.array([point.x for point in points])
    if len(points) < 3 or np.ptp(abscissae) == 0:
        return Markup("")
    slope, intercept = np.polyfit(abscissae, [point.y for point in points], 1)
    ends = np.array([abscissae.min(), abscissae.max()])
    return element("path", d=path_data(x(ends), y(intercept + slope * ends)), class_="regression")


def histogram(
    included: Sequence[float],
    others: Sequence[float],
    *,
    label: str,
    decimals: int,
    thresholds: Sequence[tuple[float, str]] = (),
) -> Markup:
    """Distribution over all scans, those outside the statistics stacked on top, with labelled thresholds.

    The end bins hold what lies beyond the axis.
    """
    left, top, right, bottom = 12.0, 40.0, 468.0, 144.0
    low, high = robust_range([*included, *others], [value for value, _ in thresholds])
    low = max(low, 0.0) if min(*included, *others, 0.0) >= 0 else low
    bins = min(max(int(2 * np.sqrt(len(included) + len(others))), FEWEST_BINS), MOST_BINS)
    edges = np.linspace(low, high, bins + 1)
    counts = [np.histogram(np.clip(values, low, high), edges)[0] for values in (included, others)]
    x = Scale((low, high), (left, right))
    y = Scale((0, float(np.max(counts[0] + counts[1]))), (bottom, top))
    places = [(float(x(value)), name, top - 6 - 15 * (i % 2)) for i, (value, name) in enumerate(sorted(thresholds))]
    total = plural(len(included) + len(others), "scan")
    return svg(
        480.0,
        bottom + 46,
        f"Distribution of {label} over {total}, {number(low, decimals)} to {number(high, decimals)}",
        _bars(x(edges), y, np.zeros(bins), counts[0], "bar-included"),
        _bars(x(edges), y, counts[0], counts[1], "bar-other"),
        x_axis(x, bottom, label, grid_top=bottom),
        element("line", x1=left, x2=right, y1=bottom, y2=bottom, class_="base"),
        *(element("line", x1=at, x2=at, y1=level - 9, y2=bottom, class_="threshold") for at, _, level in places),
        *(_threshold_name(at, name, level, right) for at, name, level in places),
        class_="histogram",
    )


def _bars(edges: Any, y: Scale, base: Any, counts: Any, kind: str) -> Markup:
    boxes = [
        f"M{left + 0.5:.2f} {y(below):.2f}V{y(below + count):.2f}H{right - 0.5:.2f}V{y(below):.2f}z"
        for left, right, below, count in zip(edges[:-1], edges[1:], base, counts, strict=True)
        if count
    ]
    return element("path", d="".join(boxes), class_=kind) if boxes else Markup("")


def _threshold_name(at: float, name: str, level: float, right: float) -> Markup:
    """Name of a threshold at the height `level` [px], on the side that has room."""
    side, shift = ("end", -4.0) if at > right / 2 else ("start", 4.0)
    return element("text", name, x=at + shift, y=level, class_=f"note halo {side}")


def transients_plot(shifts_hz: Sequence[float | None], rejected: Mapping[int, str]) -> Markup:
    """Frequency shift of each transient [Hz]; rejected ones are crosses that carry their reason."""
    left, top, right, bottom = 58.0, 10.0, 468.0, 198.0
    known = [shift for shift in shifts_hz if shift is not None]
    low, high = min(known), max(known)
    pad = max(0.08 * (high - low), 0.5)
    x = Scale((0.0, len(shifts_hz) + 1.0), (left, right))
    y = Scale((low - pad, high + pad), (bottom, top))
    marks = [
        _transient(index, shift, f"translate({x(index + 1):.2f} {y(shift):.2f})", rejected.get(index))
        for index, shift in enumerate(shifts_hz)
        if shift is not None
    ]
    return svg(
        480.0,
        bottom + 48,
        f"Frequency shift of {plural(len(shifts_hz), 'transient')}, {len(rejected)} rejected",
        x_axis(x, bottom, "Transient", grid_top=top, count=8),
        y_axis(y, left, "Shift (Hz)", grid_right=right),
        frame(left, top, right, bottom),
        *marks,
        class_="transients",
    )


def _transient(index: int, shift_hz: float, place: str, reason: str | None) -> Markup:
    label = f"transient {index + 1}: {number(shift_hz, 1)} Hz"
    if reason is None:
        return element("circle", element("title", label), r=2.6, transform=place, class_="used")
    title = element("title", f"{label}, rejected: {reason}")
    return element("path", title, d="M-4-4L4 4M-4 4L4-4", transform=place, class_="rejected")
