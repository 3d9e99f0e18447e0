"""Series of a cohort: the mean course of each kind, and how their kinetics relate to other variables."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from myomag.cohort.design import build_design
from myomag.cohort.plan import ALL, Model
from myomag.cohort.statistics import samples_of_kinds
from myomag.io.tables import TableRow
from myomag.report.bland_altman import bland_altman_figures
from myomag.report.charts import Array, Scale, element, frame, path_data, robust_range, svg, x_axis, y_axis
from myomag.report.figures import Figure, csv_bytes
from myomag.report.scatter import scatter_figures
from myomag.wording.labels import Labels
from myomag.wording.text import finite

if TYPE_CHECKING:
    from myomag.cohort.sample import Sample

KINETICS = ("tau_pcr_s", "k_pcr_per_s", "pcr_depletion", "ph_end_exercise")
WORK = ("pcr_depletion", "ph_end_exercise")
"""Effects of exercise on which the time constant should not depend."""
FEWEST = 3
"""Series that a mean course is of, at least; and at least half of all at each time."""
WIDTH, LEFT, RIGHT, TOP = 720.0, 74.0, 706.0, 24.0
PANEL, GAP = 190.0, 14.0
PANELS = (("pcr", "PCr / rest"), ("ph", "pH"))


@dataclass(frozen=True)
class _Mean:
    """Mean of some courses, each of shape (times,); NaN where too few of them reach."""

    time_s: Array
    values: Mapping[str, Array]
    sds: Mapping[str, Array]
    numbers: Mapping[str, Array]


def series_figures(
    tables: Mapping[str, Sequence[TableRow]], sample: "Sample", sexes: Mapping[str, Any], labels: Labels
) -> Iterator[Figure]:
    """Figures of each kind of scans that are series; none for a study without.

    Parameters
    ----------
    tables : mapping
        Rows of the tables; of series and kinetics as far as there are.
    sample : Sample
        The included scans.
    sexes : mapping
        Sex of each participant, where it is known.
    """
    if not tables.get("series") or "tau_pcr_s" not in sample.columns:
        return
    courses = _courses(tables["series"], tables.get("kinetics", ()))
    found = {kind: part for kind, part in samples_of_kinds(sample).items() if _is_series(part, courses)}
    for kind, part in found.items():
        suffix, of_kind = (f"_{kind}", f", {kind}") if len(found) > 1 else ("", "")
        shown = [courses[str(scan)] for scan in part.column("scan") if str(scan) in courses]
        figure = _course_figure(shown, f"series_course{suffix}", of_kind)
        if figure is not None:
            yield figure
        models = [
            Model(name=f"series_{outcome}_{predictor}{suffix}", outcome=outcome, predictors=[predictor])
            for outcome, predictor in _pairs(labels.age)
        ]
        designs = ((model, ALL, build_design(part, model, ALL)) for model in models)
        for each in scatter_figures(designs, sexes, labels, ()):
            yield replace(each, title=each.title + of_kind, wide=False)
        yield from bland_altman_figures(part, "tau_pcr_s", labels.axis("tau_pcr_s"), f"_tau{suffix}")


def _pairs(age: str) -> Iterator[tuple[str, str]]:
    yield from ((outcome, age) for outcome in KINETICS)
    yield from (("tau_pcr_s", predictor) for predictor in WORK)


def _is_series(sample: "Sample", courses: Mapping[str, Any]) -> bool:
    return any(str(scan) in courses for scan in sample.column("scan"))


def _courses(series: Sequence[TableRow], kinetics: Sequence[TableRow]) -> dict[str, dict[str, Array]]:
    """Courses of each scan, time counted from the end of its first exercise; without rest or time there is none."""
    rest = {row["scan"]: finite(row["pcr_rest"]) for row in kinetics if row["bout"] == 1}
    rows = defaultdict(list)
    for row in series:
        rows[row["scan"]].append(row)
    found = {scan: _course(each, rest.get(scan)) for scan, each in rows.items()}
    return {str(scan): course for scan, course in found.items() if course is not None}


def _course(rows: Sequence[TableRow], rest: float | None) -> dict[str, Array] | None:
    """Course up to a second bout; PCr in units of its rest."""
    kinds = [row["phase"] for row in rows]
    times = [finite(row["time_s"]) for row in rows]
    if not rest or None in times or "exercise" not in kinds:
        return None
    first = kinds.index("exercise")
    end = next((k for k in range(first, len(kinds)) if kinds[k] != "exercise"), None)
    if end is None:
        return None
    second = next((k for k in range(end, len(kinds)) if kinds[k] == "exercise"), len(kinds))
    known = [None if str(row["spoiled"]).lower() == "true" else row for row in rows[:second]]
    columns = {"pcr": rest, "ph": 1.0}
    course = {
        name: np.array([np.nan if row is None or row[name] is None else float(row[name]) / unit for row in known])
        for name, unit in columns.items()
    }
    return course | {"time_s": np.array(times[:second], dtype=np.float64) - float(times[end] or 0.0)}


def _course_figure(courses: Sequence[Mapping[str, Array]], name: str, of_kind: str) -> Figure | None:
    if len(courses) < FEWEST:
        return None
    mean = _mean(courses)
    if np.isnan(mean.values["pcr"]).all():
        return None
    rows = (
        {"time_s": time} | {f"{key}_{part}": number for key in mean.values for part, number in _cells(mean, key, k)}
        for k, time in enumerate(mean.time_s.tolist())
    )
    note = (
        f"Mean of {len(courses)} series ± 1 SD, aligned at the end of the first exercise; drawn "
        "where at least half of them were measured."
    )
    return Figure(name, f"Mean course of PCr and pH{of_kind}", _drawing(mean, len(courses)), csv_bytes(rows), note)


def _cells(mean: _Mean, key: str, k: int) -> Iterator[tuple[str, float | int | None]]:
    value, sd = float(mean.values[key][k]), float(mean.sds[key][k])
    yield "mean", None if np.isnan(value) else value
    yield "sd", None if np.isnan(sd) else sd
    yield "n", int(mean.numbers[key][k])


def _mean(courses: Sequence[Mapping[str, Array]]) -> _Mean:
    """Mean and SD over courses, on times as far apart as the repetitions of most."""
    step = float(np.median([np.median(np.diff(course["time_s"])) for course in courses]))
    start, stop = (float(pick([pick(course["time_s"]) for course in courses])) for pick in (np.min, np.max))
    time = step * np.arange(np.floor(start / step), np.ceil(stop / step) + 1)
    values, sds, numbers = {}, {}, {}
    for name, _ in PANELS:
        every = np.array([_on(time, course["time_s"], course[name]) for course in courses])
        count = np.sum(~np.isnan(every), axis=0)
        enough = count >= max(FEWEST, len(courses) / 2)
        values[name], sds[name] = np.full(time.size, np.nan), np.full(time.size, np.nan)
        values[name][enough] = np.nanmean(every[:, enough], axis=0)
        sds[name][enough] = np.nanstd(every[:, enough], axis=0, ddof=1)
        numbers[name] = count
    return _Mean(time, values, sds, numbers)


def _on(wanted: Array, time: Array, values: Array) -> Array:
    known = ~np.isnan(values)
    if not known.any():
        return np.full(wanted.size, np.nan)
    return np.interp(wanted, time[known], values[known], left=np.nan, right=np.nan)


def _drawing(mean: _Mean, count: int) -> Markup:
    shown = [name for name, _ in PANELS if not np.isnan(mean.values[name]).all()]
    inside = ~np.isnan(mean.values["pcr"])
    x = Scale((float(mean.time_s[inside][0]), float(mean.time_s[inside][-1])), (LEFT, RIGHT))
    bottom = TOP + len(shown) * (PANEL + GAP) - GAP
    end = float(x(0.0))
    panels = [
        _panel(mean, name, label, x, TOP + at * (PANEL + GAP))
        for at, (name, label) in enumerate((name, label) for name, label in PANELS if name in shown)
    ]
    return svg(
        WIDTH,
        bottom + 48,
        f"Mean course of PCr and pH over {count} series",
        x_axis(x, bottom, "Time from the end of exercise (s)", grid_top=TOP, count=8),
        *panels,
        element("line", x1=end, x2=end, y1=TOP, y2=bottom, class_="base"),
        element("text", "recovery", x=end + 6, y=TOP - 7, class_="note"),
        class_="courses",
    )


def _panel(mean: _Mean, name: str, label: str, x: Scale, top: float) -> Markup:
    known = ~np.isnan(mean.values[name])
    value, sd = mean.values[name][known], mean.sds[name][known]
    y = Scale(robust_range(np.concatenate([value - sd, value + sd])), (top + PANEL, top))
    place = np.clip(np.asarray(x(mean.time_s[known])), LEFT, RIGHT)
    low, high = (np.clip(np.asarray(y(value + sign * sd)), top, top + PANEL) for sign in (-1, 1))
    band = path_data(np.concatenate([place, place[::-1]]), np.concatenate([low, high[::-1]]))
    return element(
        "g",
        y_axis(y, LEFT, label, grid_right=RIGHT),
        element("path", d=f"{band}z", class_="band"),
        element("path", d=path_data(place, np.asarray(y(value))), class_="mean-course"),
        frame(LEFT, top, RIGHT, top + PANEL),
    )
