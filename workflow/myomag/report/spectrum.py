"""Frame of the interactive spectrum, and close-ups of the two lines that decide the results."""

from collections.abc import Mapping

import numpy as np
from markupsafe import Markup

from myomag.report.charts import Array, Scale, element, frame, path_data, svg, thin, x_axis
from myomag.steps.curves import Curves
from myomag.wording.text import line_label, number

COLOURS = 14
WIDTH, LEFT, RIGHT, TOP = 1000.0, 20.0, 980.0, 8.0
MAIN_BOTTOM, GAP, RESIDUAL = 462.0, 10.0, 110.0


def spectrum_figure(curves: Curves, title: str, identifier: str, results: Mapping[str, str]) -> Markup:
    """Frame of the spectrum with fit, lines and residual, in which spectrum.js draws the curves.

    Parameters
    ----------
    results : mapping of str to str
        What is written at the peak of a line, by its name.
    """
    x = Scale(curves.range_ppm[::-1], (LEFT, RIGHT))
    bottom = MAIN_BOTTOM + (GAP + RESIDUAL if curves.components else 0.0)
    return svg(
        WIDTH,
        bottom + 48,
        _description(curves, title, results),
        x_axis(x, bottom, "Chemical shift (ppm, PCr = 0)", grid_top=TOP, count=15),
        _panel(f"{identifier}-main", TOP, MAIN_BOTTOM, _curves(curves)),
        _residual(identifier, bottom) if curves.components else "",
        *(_label(curves, index, results) for index in range(len(curves.components))),
        element("line", class_="cursor", x1=LEFT, x2=LEFT, y1=TOP, y2=bottom),
        element("rect", class_="drag", x=LEFT, y=TOP, width=0, height=bottom - TOP),
        class_="spectrum",
        data_left=LEFT,
        data_top=TOP,
        data_main=MAIN_BOTTOM,
        data_bottom=bottom,
    )


def _panel(identifier: str, top: float, bottom: float, content: Markup) -> Markup:
    """Outlined panel; `content` is cut to it."""
    box = {"x": LEFT, "y": top, "width": RIGHT - LEFT, "height": bottom - top}
    clip = element("clipPath", element("rect", class_="across", **box), id=identifier)
    inside = element("g", content, clip_path=f"url(#{identifier})")
    return clip + inside + element("rect", class_="frame across", **box)


def _curves(curves: Curves) -> Markup:
    lines = (
        element(
            "g",
            element("path", class_="component"),
            data_part=f"component-{index}",
            class_=f"of-shift c{index % COLOURS}",
        )
        for index in range(len(curves.components))
    )
    fit = element("g", element("path", class_="fit"), data_part="fit") if curves.components else ""
    data = element("g", element("path", class_="data"), data_part="data")
    return element("line", x1=LEFT, x2=RIGHT, class_="zero across") + Markup("").join([*lines, data, fit])


def _residual(identifier: str, bottom: float) -> Markup:
    top = bottom - RESIDUAL
    zero = {"y1": top + RESIDUAL / 2, "y2": top + RESIDUAL / 2}
    content = element(
        "g",
        element("rect", x=LEFT, width=RIGHT - LEFT, class_="noise across"),
        element("line", x1=LEFT, x2=RIGHT, **zero, class_="zero across"),
        element("path", class_="residual"),
        data_part="residual",
    )
    note = element("text", "residual", x=LEFT + 8, y=top + 16, class_="note halo enlarged")
    return _panel(f"{identifier}-residual", top, bottom, content) + note


def _label(curves: Curves, index: int, results: Mapping[str, str]) -> Markup:
    """Name of a line with the result that rests on it, and a leader down to its peak."""
    part = curves.components[index]
    result = results.get(part.name)
    return element(
        "g",
        element("line", x1=0, x2=0, class_="leader"),
        element("text", line_label(part.name), class_="label middle halo"),
        element("text", result, y=15, class_="result middle halo") if result else "",
        class_="peak",
        data_ppm=f"{part.shift_ppm:.4f}",
        data_part=f"component-{index}",
    )


def _curve(x: Scale, curves: Curves, heights: Array, part: str) -> Markup:
    keep = thin(heights)
    return element("path", d=path_data(np.asarray(x(curves.ppm))[keep], heights[keep]), class_=part)


def _description(curves: Curves, title: str, results: Mapping[str, str]) -> str:
    lines = ", ".join(
        f"{line_label(part.name)} {number(part.shift_ppm)} ppm"
        + (f" ({results[part.name]})" if part.name in results else "")
        for part in curves.components
    )
    return f"31P spectrum of {title}" + (f" with its fit: {lines}" if lines else ", not fitted")


def close_up(curves: Curves, name: str, half_width_ppm: float, *, limit_ppm: float | None = None) -> Markup:
    """Close-up of one line with data and fit, at its own scale; empty where the line is not in range.

    Parameters
    ----------
    limit_ppm : float, optional
        Shift at and above which the magnesium calibration is undefined [ppm]; shaded.
    """
    part = next((item for item in curves.components if item.name == name), None)
    if part is None or not curves.ppm[0] < part.shift_ppm < curves.ppm[-1]:
        return Markup("")
    left, right, top, bottom = LEFT, 468.0, TOP, 198.0
    shown = np.abs(curves.ppm - part.shift_ppm) <= half_width_ppm
    local = Curves(curves.range_ppm, curves.ppm[shown], curves.data[shown], (), None, curves.spectrometer_frequency_mhz)
    fit = curves.fit[shown]
    low, high = min(0.0, *local.data, *fit), max(*local.data, *fit)
    x = Scale((part.shift_ppm + half_width_ppm, part.shift_ppm - half_width_ppm), (left, right))
    y = Scale((low, high + 0.05 * (high - low)), (bottom - 6, top + 6))
    at, zero = float(x(part.shift_ppm)), float(y(0.0))
    colour = [item.name for item in curves.components].index(name) % COLOURS
    return svg(
        480.0,
        bottom + 48,
        f"Close-up of {line_label(name)} at {number(part.shift_ppm, 3)} ppm: data, fit and line",
        _undefined_region(x, limit_ppm, top, bottom),
        x_axis(x, bottom, f"{line_label(name)} (ppm)", grid_top=top, count=6),
        element("line", x1=left, x2=right, y1=zero, y2=zero, class_="zero"),
        element("g", _area(x(local.ppm), y(fit), y(fit - part.values[shown])), class_=f"c{colour}"),
        _curve(x, local, y(local.data), "data"),
        _curve(x, local, y(fit), "fit"),
        element("line", x1=at, x2=at, y1=top, y2=bottom, class_="marker"),
        frame(left, top, right, bottom),
        class_="close-up",
    )


def _area(positions: Array, upper: Array, lower: Array) -> Markup:
    """Area between two curves [px]: what a line adds to all the others."""
    outline = path_data(np.concatenate([positions, positions[::-1]]), np.concatenate([upper, lower[::-1]]))
    return element("path", d=f"{outline}z", class_="component")


def _undefined_region(x: Scale, limit_ppm: float | None, top: float, bottom: float) -> Markup:
    left, right = x.pixels
    edge = left if limit_ppm is None else min(float(x(limit_ppm)), right)
    if edge <= left:
        return Markup("")
    label = element("text", "Mg undefined", x=left + 6, y=top + 16, class_="note") if edge - left > 90 else ""
    return element("rect", x=left, y=top, width=edge - left, height=bottom - top, class_="undefined") + label
