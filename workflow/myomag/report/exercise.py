"""A series on the page: spectra over time, courses of PCr, Pi, pH and Mg, and the recovery of PCr."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from myomag.core.axes import frequency_axis_hz, spectrum, time_axis
from myomag.io.phase_records import PhaseRecord
from myomag.io.scan_records import Fit, Quality
from myomag.io.series_records import Series
from myomag.report.charts import Array, Scale, element, frame, path_data, robust_range, svg, x_axis, y_axis
from myomag.wording import text

WIDTH, LEFT, RIGHT, TOP = 720.0, 74.0, 706.0, 24.0
PANEL, LOW_PANEL, GAP = 130.0, 64.0, 14.0
MOST_SDS = 4.0
"""Half of the height of the panel of residuals."""
Z95 = 1.96
MOST_ROWS, SMOOTHING_HZ = 48, 12.0
WATERFALL, SPECTRA_RIGHT = 320.0, 624.0
SHOWN_PPM = (-18.0, 8.0)
PANELS = (
    ("pcr", "PCr / rest"),
    ("pi", "Pi / PCr at rest"),
    ("ph", "pH"),
    ("mg_mmol_l", "Mg²⁺ (mM)"),
)


def course_figure(series: Series) -> Markup:
    """Courses of PCr, Pi, pH and Mg with 95 % bands, the phases shaded, and the fitted recovery."""
    time = times(series)
    x = Scale((float(time[0]), float(time[-1]) + (series.repetition_s or 1.0)), (LEFT, RIGHT))
    drawn, y = [], TOP
    for name, label in PANELS:
        if (values := _values(series, name)) is not None:
            drawn.append(_panel(series, name, label, values, x, y))
            y += PANEL + GAP
            if name == "pcr" and (residual := _residual(series, x, y)):
                drawn.append(residual)
                y += LOW_PANEL + GAP
    bottom = y - GAP
    return svg(
        WIDTH,
        bottom + 48,
        f"Courses over {text.plural(series.repetitions, 'repetition')}",
        *_phases(series, x, bottom),
        x_axis(x, bottom, "Time (s)" if series.repetition_s else "Repetition", grid_top=TOP, count=8),
        *drawn,
        class_="courses",
    )


def times(series: Series) -> Array:
    """Place of each repetition on the axis: its start [s], or its number where no time is known."""
    known = [time for time in series.course.time_s if time is not None]
    return np.array(known) if known else np.arange(1.0, series.repetitions + 1)


def _values(series: Series, name: str) -> tuple[Array, Array, Array] | None:
    """Values with the ends of their 95 % intervals; None where there is none at all."""
    course, rest = series.course, rest_pcr(series)
    if name == "mg_mmol_l":
        parts = (course.mg_mmol_l, course.mg_ci95_low_mmol_l, course.mg_ci95_high_mmol_l)
        value, low, high = (np.array(part, dtype=np.float64) for part in parts)
    else:
        scale = 1.0 if name == "ph" else rest
        value = np.array(getattr(course, name), dtype=np.float64) / scale
        half = Z95 * np.array(getattr(course, f"{name}_sd"), dtype=np.float64) / scale
        low, high = value - half, value + half
    left_out = np.array(course.spoiled)
    value = np.where(left_out, np.nan, value)
    return None if np.all(np.isnan(value)) else (value, low, high)


def rest_pcr(series: Series) -> float:
    """PCr that counts as 1: at rest, else the largest."""
    known = next((bout.pcr_rest for bout in series.bouts if bout.pcr_rest), None)
    return known or float(np.max(series.course.pcr))


def _panel(series: Series, name: str, label: str, values: tuple[Array, Array, Array], x: Scale, top: float) -> Markup:
    value, low, high = values
    known = np.flatnonzero(~np.isnan(value))
    # Of the ends some reach far: most of the band is to be seen.
    ends = float(np.percentile(low[known], 10)), float(np.percentile(high[known], 90))
    y = Scale(robust_range(value[known], ends), (top + PANEL - 4, top + 4))
    place = np.asarray(x(times(series)[known]))
    ends = np.clip(np.asarray(y(np.array([low[known], high[known]]))), top, top + PANEL)
    band = path_data(np.concatenate([place, place[::-1]]), np.concatenate([ends[0], ends[1][::-1]]))
    heights = np.clip(np.asarray(y(value[known])), top, top + PANEL)
    marks = (
        element("circle", cx=float(a), cy=float(b), r=2.2, class_="point") for a, b in zip(place, heights, strict=True)
    )
    curves = [_curve(each, x, y) for each in _recoveries(series)] if name == "pcr" else []
    return element(
        "g",
        y_axis(y, LEFT, label, grid_right=RIGHT, count=4),
        element("path", d=f"{band}z", class_="band"),
        *marks,
        *curves,
        frame(LEFT, top, RIGHT, top + PANEL),
    )


@dataclass(frozen=True)
class _Recovery:
    """Fitted recovery of a bout, PCr in units of its rest."""

    phase: PhaseRecord
    start_s: float
    end_s: float
    end: float
    gain: float
    tau_s: float

    def pcr(self, time_s: Array) -> Array:
        """PCr at some times of the series."""
        return np.asarray(self.end + self.gain * (1 - np.exp(-(time_s - self.start_s) / self.tau_s)))


def _recoveries(series: Series) -> Iterator[_Recovery]:
    """Recoveries that have a time constant."""
    rest = rest_pcr(series)
    phases = [phase for phase in series.phases if phase.kind == "recovery"]
    recovering = [bout for bout in series.bouts if bout.recovery_s is not None]
    for phase, bout in zip(phases, recovering, strict=False):
        known = (phase.start_s, phase.end_s, bout.pcr_end, bout.v_pcr_per_s, bout.tau_pcr_s)
        start_s, end_s, end, rate, tau_s = known
        if start_s is None or end_s is None or end is None or rate is None or tau_s is None:
            continue
        yield _Recovery(phase, start_s, end_s, end / rest, rate * tau_s, tau_s)


def _curve(recovery: _Recovery, x: Scale, y: Scale) -> Markup:
    time = np.linspace(recovery.start_s, recovery.end_s, 60)
    inside = time <= x.domain[1]
    return element(
        "path", d=path_data(np.asarray(x(time[inside])), np.asarray(y(recovery.pcr(time[inside])))), class_="fit"
    )


def _residual(series: Series, x: Scale, top: float) -> Markup | None:
    """PCr less its fitted recovery, in SDs of each repetition; None where nothing is fitted."""
    marks, rest, time = [], rest_pcr(series), times(series)
    y = Scale((-MOST_SDS, MOST_SDS), (top + LOW_PANEL, top))
    for recovery in _recoveries(series):
        used = np.arange(recovery.phase.first, recovery.phase.end)
        used = used[~np.array(series.course.spoiled)[used]]
        value, sd = np.array(series.course.pcr)[used] / rest, np.array(series.course.pcr_sd)[used] / rest
        heights = np.clip((value - recovery.pcr(time[used])) / sd, -MOST_SDS, MOST_SDS)
        marks += [
            element("circle", cx=float(a), cy=float(b), r=2.0, class_="point")
            for a, b in zip(x(time[used]), y(heights), strict=True)
        ]
    if not marks:
        return None
    return element(
        "g",
        y_axis(y, LEFT, "Res. / SD", grid_right=RIGHT, count=4),
        element("line", x1=LEFT, x2=RIGHT, y1=float(y(0)), y2=float(y(0)), class_="base"),
        *marks,
        frame(LEFT, top, RIGHT, top + LOW_PANEL),
    )


def _phases(series: Series, x: Scale, bottom: float) -> list[Markup]:
    drawn = []
    for phase in series.phases:
        # Without times the axis counts repetitions from 1.
        ends = (phase.first + 1, phase.end + 1) if phase.start_s is None else (phase.start_s, phase.end_s)
        left, right = (float(np.clip(x(end), LEFT, RIGHT)) for end in ends)
        drawn.append(
            element(
                "rect", x=left, y=TOP, width=max(right - left, 0.0), height=bottom - TOP, class_=f"phase {phase.kind}"
            )
        )
        if right - left > 7 * len(phase.kind):
            drawn.append(element("text", phase.kind, x=(left + right) / 2, y=TOP - 7, class_="note middle"))
    return drawn


def waterfall(
    fids: NDArray[np.complex128], dwell_time_s: float, fit: Fit, quality: Quality, phases: Sequence[PhaseRecord]
) -> Markup:
    """Spectra of the repetitions over each other, the first below, phased as their rest; the phases beside them.

    Parameters
    ----------
    fids : ndarray, shape (points, transients)
        As measured, coils combined; of each repetition as many.
    """
    repetitions = phases[-1].end
    fids = fids.reshape(len(fids), repetitions, -1).mean(axis=2)
    shown = np.unique(np.linspace(0, fids.shape[1] - 1, MOST_ROWS).astype(int))
    time = time_axis(len(fids), dwell_time_s)
    turn = np.exp(-2j * np.pi * quality.pcr_offset_hz * time - np.pi * SMOOTHING_HZ * time)
    hz = frequency_axis_hz(len(fids), dwell_time_s)
    ppm = hz / fit.spectrometer_frequency_mhz
    inside = (ppm >= SHOWN_PPM[0]) & (ppm <= SHOWN_PPM[1])
    phase = np.deg2rad(fit.phase_deg) + 2e-6 * np.pi * hz[inside] * fit.begin_time_us
    spectra = np.real(np.array([spectrum(fids[:, k] * turn)[inside] for k in shown]) * np.exp(-1j * phase))
    x = Scale(SHOWN_PPM[::-1], (LEFT, SPECTRA_RIGHT))
    bottom = TOP + WATERFALL
    step = 0.62 * WATERFALL / len(shown)
    height = 0.33 * WATERFALL / float(spectra.max())
    rows = [
        element(
            "path",
            d=path_data(np.asarray(x(ppm[inside])), np.maximum(bottom - 6 - step * row - height * line, TOP)),
            class_="row",
        )
        for row, line in reversed(list(enumerate(spectra)))
    ]
    return svg(
        WIDTH,
        bottom + 48,
        f"Spectra of {text.plural(len(shown), 'repetition')}, the first below",
        x_axis(x, bottom, "Chemical shift (ppm, PCr = 0)", grid_top=TOP, count=13),
        *rows,
        frame(LEFT, TOP, SPECTRA_RIGHT, bottom),
        *_beside(phases, bottom - 6, step * len(shown) / repetitions),
        class_="waterfall",
    )


def _beside(phases: Sequence[PhaseRecord], bottom: float, step: float) -> Iterator[Markup]:
    """Extent of each phase right of the spectra; `step` is the height of a repetition."""
    at = SPECTRA_RIGHT + 8
    for phase in phases:
        low, high = bottom - step * phase.first, bottom - step * (phase.end - 1)
        yield element("line", x1=at, x2=at, y1=low, y2=high, class_=f"span {phase.kind}")
        yield element("text", phase.kind, x=at + 8, y=(low + high) / 2 + 4, class_="note")


def bout_rows(series: Series | None) -> list[dict[str, Any]]:
    """Rows of the table of bouts."""
    return [
        {
            "number": number,
            "depletion": text.with_sd(_percent(bout.pcr_depletion), _percent(bout.pcr_depletion_sd), 1),
            "tau": text.number(bout.tau_pcr_s, 1),
            "interval": text.interval(bout.tau_pcr_ci95_low_s, bout.tau_pcr_ci95_high_s, 1),
            "rate": text.significant(bout.k_pcr_per_s, 3),
            "ph_end": text.number(bout.ph_end_exercise, 2),
            "ph_min": text.number(bout.ph_min, 2),
            "qmax": text.significant(bout.qmax_linear_mmol_l_s, 3),
            "qmax_adp": text.significant(bout.qmax_adp_mmol_l_s, 3),
            "note": bout.reason or "",
        }
        for number, bout in enumerate(series.bouts if series else (), start=1)
    ]


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
