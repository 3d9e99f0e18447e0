"""What a planned study needs: lines for the terminal, and the curve of power against participants as SVG."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from myomag.cohort.power import FEWEST, LOWER_ICCS, Plan, participants_needed, power
from myomag.errors import SettingsError
from myomag.report.charts import Scale, element, frame, path_data, svg, x_axis, y_axis
from myomag.report.figures import Figure, standalone

WIDTH, LEFT, TOP, BOTTOM = 560.0, 62.0, 20.0, 300.0
POINTS = 40
WHAT = {
    "correlation": "a correlation of {effect:g}",
    "groups": "a difference of {effect:g} between two groups",
    "change": "a difference of {effect:g} between the changes of two arms",
    "crossover": "a difference of {effect:g} between two conditions in the same participants",
}


def study_size(plan: Plan, wanted: float, participants: int | None) -> dict[str, Any]:
    """Numbers of a plan: participants needed, power with those given, the curve, and the need at other ICCs."""
    needed = participants_needed(plan, wanted)
    counts = np.unique(np.linspace(FEWEST, 2 * max(needed, participants or 0), POINTS).astype(int) // 2 * 2).tolist()
    return {
        **vars(plan),
        "power": wanted,
        "participants_needed": needed,
        "participants": participants,
        "power_with_participants": None if participants is None else power(plan, participants),
        "curve": [{"participants": count, "power": power(plan, count)} for count in counts],
        "participants_needed_by_icc": {f"{icc:g}": _needed_at(plan, icc, wanted) for icc in LOWER_ICCS},
    }


def _needed_at(plan: Plan, icc: float, wanted: float) -> int | None:
    """Participants needed at another ICC with the same SD of single measurements; None where none is known."""
    try:
        return participants_needed(replace(plan, icc=icc), wanted)
    except SettingsError:
        return None


def size_lines(found: dict[str, Any]) -> Iterator[str]:
    """Lines for the terminal."""
    what, several = WHAT[found["design"]].format(**found), f", mean of {found['scans']} measurements"
    spread = "" if found["design"] == "correlation" else f"SD {found['sd']:g}, "
    yield (
        f"To find {what} ({spread}ICC {found['icc']:g}{several if found['scans'] > 1 else ''}) with a two-sided test "
        f"at {found['alpha']:g} and a power of {found['power']:g}: {found['participants_needed']} participants in all."
    )
    if found["participants"] is not None:
        yield f"With {found['participants']} the power is {found['power_with_participants']:.2f}."
    yield "participants  power"
    step = max(1, len(found["curve"]) // 10)
    yield from (f"{row['participants']:12d}  {row['power']:.2f}" for row in found["curve"][::step])
    known = {icc: count for icc, count in found["participants_needed_by_icc"].items() if count is not None}
    yield "Participants needed at other ICCs: " + ", ".join(f"{icc}: {count}" for icc, count in known.items()) + "."


def power_curve(found: dict[str, Any]) -> bytes:
    """Curve of power against participants as an SVG file."""
    counts = np.array([row["participants"] for row in found["curve"]], dtype=float)
    values = np.array([row["power"] for row in found["curve"]])
    x, y = Scale((0.0, float(counts[-1])), (LEFT, WIDTH - 12)), Scale((0.0, 1.0), (BOTTOM, TOP))
    at = float(y(found["power"]))
    needed = float(x(found["participants_needed"]))
    drawing = svg(
        WIDTH,
        BOTTOM + 46,
        "Power against participants",
        x_axis(x, BOTTOM, "Participants in all", grid_top=TOP),
        y_axis(y, LEFT, "Power", grid_right=WIDTH - 12),
        frame(LEFT, TOP, WIDTH - 12, BOTTOM),
        element("path", d=f"M{LEFT:g} {at:.2f}H{needed:.2f}V{BOTTOM:g}", class_="whisker"),
        element("path", d=path_data(np.asarray(x(counts)), np.asarray(y(values))), class_="regression all"),
        class_="scatter",
    )
    return standalone(Figure("power", f"Power to find {WHAT[found['design']].format(**found)}", drawing, b""))
