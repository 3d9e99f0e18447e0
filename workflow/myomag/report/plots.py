"""Plots of the cohort page."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from myomag.report.charts import Scale, element, frame, path_data, svg, x_axis, y_axis
from myomag.report.text import plural

MARKERS = {
    "circle": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "triangle": "M0-5L4.8 3.8H-4.8z",
    "diamond": "M0-5L5 0L0 5L-5 0z",
}


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
