"""Drawing of a fitted spectrum, and of the two lines that decide the results."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from myomag.report.charts import Array, Scale, element, frame, path_data, svg, thin, x_axis
from myomag.report.curves import Curves
from myomag.report.text import line_label, number

COLOURS = 7
WIDTH, LEFT, RIGHT, TOP = 1000.0, 16.0, 984.0, 8.0
HEADROOM, PANEL, GAP = 54.0, 400.0, 10.0
RESIDUAL_MIN, RESIDUAL_MAX = 56.0, 150.0
LABEL_WIDTH_PER_CHARACTER, LABEL_HEIGHT = 8.5, 16.0


def spectrum_figure(curves: Curves, title: str, identifier: str) -> Markup:
    """Spectrum with fit, components and residual; the ppm axis falls from left to right."""
    x = Scale(curves.range_ppm[::-1], (LEFT, RIGHT))
    y = _height_scale(curves)
    main_bottom = TOP + HEADROOM + PANEL
    parts: list[Markup] = [
        _clip(f"{identifier}-clip", TOP, main_bottom),
        element("g", _curves(curves, x, y), class_="curves", data_base=float(y(0.0))),
    ]
    bottom = main_bottom
    if curves.components:
        centre, height = _residual_place(curves, y, main_bottom)
        bottom = main_bottom + GAP + height
        parts += [
            _clip(f"{identifier}-clip-residual", main_bottom + GAP, bottom),
            element("g", _residual(curves, x, y, centre), class_="curves", data_base=centre),
            element("text", "residual", x=LEFT + 8, y=main_bottom + GAP + 16, class_="note halo"),
            frame(LEFT, main_bottom + GAP, RIGHT, bottom),
        ]
    parts[1] = element("g", parts[1], clip_path=f"url(#{identifier}-clip)")
    if curves.components:
        parts[3] = element("g", parts[3], clip_path=f"url(#{identifier}-clip-residual)")
    axis = x_axis(x, bottom, "Chemical shift (ppm, PCr = 0)", grid_top=TOP, count=15)
    return svg(
        WIDTH,
        bottom + 48,
        _description(curves, title),
        axis,
        *parts,
        frame(LEFT, TOP, RIGHT, main_bottom),
        _labels(curves, x, y),
        element("line", class_="cursor", x1=LEFT, x2=LEFT, y1=TOP, y2=bottom),
        element("rect", class_="drag", x=LEFT, y=TOP, width=0, height=bottom - TOP),
        class_="spectrum",
        data_high=f"{x.domain[0]:.6f}",
        data_low=f"{x.domain[1]:.6f}",
        data_left=LEFT,
        data_right=RIGHT,
        data_top=TOP,
        data_bottom=bottom,
        data_mhz=f"{curves.spectrometer_frequency_mhz:.6f}",
    )


def _height_scale(curves: Curves) -> Scale:
    shown = [curves.data, *([curves.fit] if curves.components else [])]
    low = min(0.0, *(float(values.min()) for values in shown))
    high = max(float(values.max()) for values in shown)
    pad = 0.03 * (high - low) or 1.0
    return Scale((low - pad, high), (TOP + HEADROOM + PANEL, TOP + HEADROOM))


def _residual_place(curves: Curves, y: Scale, main_bottom: float) -> tuple[float, float]:
    """Zero line and height [px] of the residual panel, which has the scale of the main one."""
    offset = y(curves.data - curves.fit) - y(0.0)
    up, down = max(-float(offset.min()), 8.0), max(float(offset.max()), 8.0)
    height = min(max(1.15 * (up + down), RESIDUAL_MIN), RESIDUAL_MAX)
    return main_bottom + GAP + height * up / (up + down), height


def _curve(x: Scale, curves: Curves, heights: Array, part: str, *, base: float | None = None) -> Markup:
    """One curve; a filled area down to `base` [px] where that is given, cut to where it is visible."""
    positions = np.asarray(x(curves.ppm))
    if base is not None:
        seen = np.flatnonzero(np.abs(heights - base) > 0.1)
        if len(seen) == 0:
            seen = np.array([0])
        window = slice(max(int(seen[0]) - 1, 0), int(seen[-1]) + 2)
        positions, heights = positions[window], heights[window]
    keep = thin(heights)
    d = path_data(positions[keep], heights[keep])
    if base is not None:
        d += f"V{base:.2f}H{positions[keep][0]:.2f}z"
    return element("path", d=d, class_=part)


def _curves(curves: Curves, x: Scale, y: Scale) -> Markup:
    zero = float(y(0.0))
    drawn = [element("line", x1=LEFT, x2=RIGHT, y1=zero, y2=zero, class_="zero")]
    drawn += [
        element(
            "g",
            _curve(x, curves, y(part.values), "component", base=zero),
            data_part=f"component-{index}",
            class_=f"c{index % COLOURS}",
        )
        for index, part in enumerate(curves.components)
    ]
    drawn.append(element("g", _curve(x, curves, y(curves.data), "data"), data_part="data"))
    if curves.components:
        drawn.append(element("g", _curve(x, curves, y(curves.fit), "fit"), data_part="fit"))
    return Markup("").join(drawn)


def _residual(curves: Curves, x: Scale, y: Scale, centre: float) -> Markup:
    heights = y(curves.data - curves.fit) - y(0.0) + centre
    band = Markup("")
    if curves.noise_sd:
        reach = 2 * abs(float(y(curves.noise_sd) - y(0.0)))
        band = element("rect", x=LEFT, y=centre - reach, width=RIGHT - LEFT, height=2 * reach, class_="noise")
    zero = element("line", x1=LEFT, x2=RIGHT, y1=centre, y2=centre, class_="zero")
    return element("g", band, zero, _curve(x, curves, heights, "residual"), data_part="residual")


def _labels(curves: Curves, x: Scale, y: Scale) -> Markup:
    """Names above the peaks, lifted where they would overlap, with a leader down to the peak."""
    drawn: list[Markup] = []
    placed: list[tuple[float, float, float]] = []
    tops = y(np.maximum(curves.data, curves.fit)) if curves.components else np.array([])
    order = sorted(range(len(curves.components)), key=lambda index: -curves.components[index].shift_ppm)
    for index in order:
        part = curves.components[index]
        if not curves.ppm[0] <= part.shift_ppm <= curves.ppm[-1]:
            continue
        near = np.abs(curves.ppm - part.shift_ppm) < 0.5
        peak = float(np.min(tops[near]))
        at, half = float(x(part.shift_ppm)), LABEL_WIDTH_PER_CHARACTER * len(line_label(part.name)) / 2
        level = _free_level(placed, at, half, peak - 14)
        placed.append((at, half, level))
        drawn.append(
            element(
                "g",
                element("line", x1=0, x2=0, y1=level + 3, y2=peak - 4, class_="leader"),
                element("text", line_label(part.name), x=0, y=level, class_="label middle"),
                transform=f"translate({at:.2f} 0)",
                class_="peak",
                data_ppm=f"{part.shift_ppm:.4f}",
                data_lift=level - peak,
                data_peak=peak,
                data_part=f"component-{index}",
            )
        )
    return Markup("").join(drawn)


def _free_level(placed: Sequence[tuple[float, float, float]], at: float, half: float, level: float) -> float:
    """Highest position at or above `level` [px] that no label placed before covers."""
    clash = True
    while clash:
        clash = False
        for other, other_half, other_level in placed:
            if abs(other - at) < half + other_half and abs(other_level - level) < LABEL_HEIGHT:
                level, clash = other_level - LABEL_HEIGHT, True
    return max(level, TOP + 13)


def _clip(identifier: str, top: float, bottom: float) -> Markup:
    box = element("rect", x=LEFT, y=top, width=RIGHT - LEFT, height=bottom - top)
    return element("clipPath", box, id=identifier)


def _description(curves: Curves, title: str) -> str:
    lines = ", ".join(f"{line_label(part.name)} {number(part.shift_ppm)} ppm" for part in curves.components)
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
