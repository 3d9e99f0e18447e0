"""Bland-Altman plots: difference of two scans of a participant against their mean, bias and limits of agreement."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from myomag.cohort.agreement import BlandAltman, bland_altman
from myomag.cohort.regression import NotEstimable
from myomag.cohort.repeatability import repeat_kinds, repeated_values
from myomag.report.charts import Scale, element, frame, robust_range, svg, x_axis, y_axis
from myomag.report.figures import Figure, csv_bytes
from myomag.report.scatter import BOTTOM, LEFT, MOST_LINKED, TOP, dots, points
from myomag.report.series import Series
from myomag.wording.text import number, plural, uncertainty_decimals

if TYPE_CHECKING:
    from myomag.cohort.sample import Sample

WIDTH, MARGIN = 720.0, 96.0
LINES = (("bias", "bias"), ("upper_limit", "+1.96 SD"), ("lower_limit", "\N{MINUS SIGN}1.96 SD"))
NOTE = (
    "One point per participant: the second scan minus the first, against their mean. Lines: bias and limits of "
    "agreement, each with its 95 % interval. Points beyond the frame are drawn at its edge."
)


def bland_altman_figures(
    sample: "Sample", variable: str = "pmg", title: str = "pMg", suffix: str = ""
) -> Iterator[Figure]:
    """Plots of a variable for repeats within a session and between close sessions, as far as there are three pairs.

    Parameters
    ----------
    sample : Sample
        The included scans.
    variable, title : str
        Column of the cohort, and how a reader calls it.
    suffix : str
        End of the names of the files.
    """
    for kind, (groups, _) in repeat_kinds(sample).items():
        repeated = repeated_values(sample, variable, groups)
        first, second = (np.array([values[index] for _, values in repeated]) for index in (0, 1))
        try:
            limits = bland_altman(first, second)
        except NotEstimable:
            continue
        people = tuple(person for person, _ in repeated)
        series = Series("repeats", people, (first + second) / 2, second - first, None, None, None)
        rows = [
            {"participant_id": person, "first": a, "second": b, "mean": middle, "difference": difference}
            for person, a, b, middle, difference in zip(
                people, *(each.tolist() for each in (first, second, series.x, series.y)), strict=True
            )
        ]
        name = f"bland_altman_{kind.replace(' ', '_')}{suffix}"
        yield Figure(name, f"Repeated {title} {kind}", _draw(series, limits, title), csv_bytes(rows), NOTE, wide=False)


def _draw(series: Series, limits: BlandAltman, title: str) -> Markup:
    right = WIDTH - MARGIN
    ends = [limits.lower_limit_ci95_low, limits.upper_limit_ci95_high]
    x = Scale(robust_range(series.x.tolist()), (LEFT, right))
    y = Scale(robust_range(series.y.tolist(), ends), (BOTTOM, TOP - 20))
    return svg(
        WIDTH,
        BOTTOM + 46,
        f"Difference of repeated {title} against their mean: {plural(len(series.people), 'participant')}",
        x_axis(x, BOTTOM, f"Mean {title} of two scans", grid_top=TOP - 20),
        y_axis(y, LEFT, f"Second minus first {title}", grid_right=right),
        *_lines(limits, y, right),
        element("text", f"n = {len(series.people)}", x=right + 8, y=TOP - 8, class_="note"),
        frame(LEFT, TOP - 20, right, BOTTOM),
        (dots if len(series.people) > MOST_LINKED else points)(series, x, y),
        class_="scatter",
    )


def _lines(limits: BlandAltman, y: Scale, right: float) -> Sequence[Markup]:
    """Line, interval and value of the bias and of each limit."""
    parts = []
    decimals = min(uncertainty_decimals(limits.upper_limit_ci95_high - limits.upper_limit_ci95_low) + 1, 3)
    for key, label in LINES:
        value, low, high = (getattr(limits, f"{key}{end}") for end in ("", "_ci95_low", "_ci95_high"))
        at, top, bottom = (float(y(each)) for each in (value, high, low))
        kind = "bias" if key == "bias" else "limit"
        parts += [
            element("path", d=f"M{LEFT:g} {top:.2f}H{right:g}V{bottom:.2f}H{LEFT:g}z", class_="band all"),
            element("path", d=f"M{LEFT:g} {at:.2f}H{right:g}", class_=f"agreement {kind}"),
            element("text", label, x=right + 8, y=at - 3, class_="note"),
            element("text", number(value, decimals), x=right + 8, y=at + 12, class_="tick"),
        ]
    return parts
