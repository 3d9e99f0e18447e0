"""Small parts of SVG charts: scales, ticks, compact paths and escaped elements."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from myomag.wording.text import number

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """Linear map from data to the drawing; `pixels` may fall while `domain` rises."""

    domain: tuple[float, float]
    pixels: tuple[float, float]

    def __call__(self, values: Any) -> Any:
        """Position of `values` [px]."""
        (d0, d1), (p0, p1) = self.domain, self.pixels
        return p0 + (np.asarray(values, dtype=np.float64) - d0) * ((p1 - p0) / (d1 - d0))


def element(tag: str, *content: str | Markup, **attributes: Any) -> Markup:
    """SVG element; text and attribute values are escaped, `class_` and `stroke_width` lose their underscores.

    Attributes that are None are left out; floats are written with two decimals.
    """
    # Put together from escaped parts: Markup.format takes ten times as long, and a page has a thousand elements.
    parts = [f' {_attribute(name)}="{_value(value)}"' for name, value in attributes.items() if value is not None]
    inner = "".join(item if isinstance(item, Markup) else escape(item) for item in content)
    return Markup(f"<{tag}{''.join(parts)}>{inner}</{tag}>")  # noqa: S704 (parts are escaped)


def path_data(x: Array, y: Array) -> str:
    """Path through the points, in steps of .01 px relative to the point before."""
    points = np.rint(np.column_stack([x, y]) * 100).astype(np.int64)
    if len(points) == 0:
        return ""
    start = f"M{points[0, 0] / 100:g} {points[0, 1] / 100:g}"
    steps = "".join(map(_step, np.diff(points, axis=0).ravel().tolist()))
    return start + ("l" + steps.lstrip() if steps else "")


def thin(y: Array, tolerance: float = 0.05) -> NDArray[np.intp]:
    """Select the points that draw an evenly sampled curve within about `tolerance` [px], indices of shape (kept,).

    A chord over n steps misses a curve of second difference Δ²y by n²Δ²y/8, so points are kept with the density
    √(|Δ²y|/8 tolerance); noise keeps them all.
    """
    if len(y) < 3:
        return np.arange(len(y))
    bend = np.abs(np.gradient(np.gradient(y)))
    widest = bend.copy()
    np.maximum(widest[1:], bend[:-1], out=widest[1:])
    np.maximum(widest[:-1], bend[1:], out=widest[:-1])
    passed = np.floor(np.cumsum(np.sqrt(widest / (8 * tolerance))))
    keep = np.diff(passed, prepend=-1.0) > 0
    keep[[0, -1]] = True
    return np.flatnonzero(keep)


def ticks(low: float, high: float, count: int = 6) -> tuple[list[float], int]:
    """Round tick values inside `low` … `high`, rising, and the decimals they need.

    The step is 1, 2 or 5 times a power of ten.
    """
    raw = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)], max(0, -math.floor(math.log10(step) + 1e-9))


def x_axis(scale: Scale, y: float, label: str, *, grid_top: float, count: int = 6) -> Markup:
    """Axis below a panel with grid lines up to `grid_top`; labels follow the direction of the scale."""
    values, decimals = ticks(min(scale.domain), max(scale.domain), count)
    if scale.domain[0] > scale.domain[1]:
        values = values[::-1]
    marks = [
        element("line", x1=x, x2=x, y1=grid_top, y2=y + 5, class_="grid")
        + element("text", number(value, decimals), x=x, y=y + 19, class_="tick middle")
        for value, x in zip(values, scale(values).tolist(), strict=True)
    ]
    title = element("text", label, x=sum(scale.pixels) / 2, y=y + 40, class_="axis-title middle")
    return element("g", *marks, class_="ticks x") + title


def y_axis(scale: Scale, x: float, label: str, *, grid_right: float, count: int = 5, title_x: float = 14.0) -> Markup:
    """Axis left of a panel with grid lines to `grid_right`, its title at `title_x` [px]."""
    values, decimals = ticks(min(scale.domain), max(scale.domain), count)
    marks = [
        element("line", x1=x - 5, x2=grid_right, y1=y, y2=y, class_="grid")
        + element("text", number(value, decimals), x=x - 9, y=y + 4, class_="tick end")
        for value, y in zip(values, scale(values).tolist(), strict=True)
    ]
    middle = sum(scale.pixels) / 2
    title = element(
        "text", label, class_="axis-title middle", transform=f"translate({title_x:g} {middle:.2f}) rotate(-90)"
    )
    return element("g", *marks, class_="ticks y") + title


def svg(width: float, height: float, label: str, *content: str | Markup, **attributes: Any) -> Markup:
    """Complete drawing with a text alternative; one with links is a group, as an image can hold none."""
    return element(
        "svg",
        *content,
        viewBox=f"0 0 {width:g} {height:g}",
        role="group" if any("<a " in part for part in content) else "img",
        aria_label=label,
        **attributes,
    )


def frame(left: float, top: float, right: float, bottom: float) -> Markup:
    """Outline of a panel."""
    return element("rect", x=left, y=top, width=right - left, height=bottom - top, class_="frame")


def robust_range(values: Iterable[float], extra: Sequence[float] = ()) -> tuple[float, float]:
    """Range of the bulk of `values`, at most 3 interquartile ranges beyond the quartiles, and of all of `extra`."""
    known = np.asarray([*values], dtype=np.float64)
    q1, q3 = np.percentile(known, [25, 75])
    reach = 3 * (q3 - q1) if q3 > q1 else np.inf
    low = min([max(float(known.min()), q1 - reach), *extra])
    high = max([min(float(known.max()), q3 + reach), *extra])
    pad = 0.04 * (high - low) or 0.5 * abs(high) or 0.5
    return float(low - pad), float(high + pad)


@cache
def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _value(value: Any) -> str:
    """Value of an attribute as SVG; in a number nothing is to be escaped."""
    return f"{round(float(value), 2):g}" if isinstance(value, float | np.floating) else escape(value)


@lru_cache(maxsize=1 << 16)
def _step(cents: int) -> str:
    """One coordinate in the shortest form SVG allows: a minus sign separates by itself."""
    digits = f"{abs(cents) / 100:g}"
    digits = digits[1:] if digits.startswith("0.") else digits
    return f"-{digits}" if cents < 0 else f" {digits}"
