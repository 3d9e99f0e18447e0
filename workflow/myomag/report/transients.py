"""The transients of one scan around PCr, as measured and after alignment, and the frequency of each."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from myomag.core.alignment import phasors
from myomag.core.axes import time_axis
from myomag.io.scan_records import Quality
from myomag.report.charts import Array, Scale, element, frame, path_data, svg, x_axis, y_axis
from myomag.wording.text import number, plural

LEFT, RIGHT, WIDTH = 58.0, 456.0, 480.0
MEAN_TOP, MEAN_BOTTOM, MAP_TOP = 10.0, 100.0, 108.0
STEPS, SHADES, MOST_ROWS = 96, 8, 128
BEFORE_STEADY_STATE = "acquired before the steady state"
LINE_WIDTHS, LEAST_HZ, MOST_HZ = 2.5, 15.0, 150.0
FAINT = 0.01
"""Weight below which samples no longer show in a shade."""


def transient_maps(transients: NDArray[np.complex128], dwell_time_s: float, quality: Quality) -> list[dict[str, Any]]:
    """Drawings of the transients before and after alignment with the words below them; none for a single transient.

    Each shows the mean spectrum above, and below one row per transient, the darker the higher its spectrum.

    Parameters
    ----------
    transients : ndarray, shape (points, transients)
        Coils combined, physicist's sign.
    quality : Quality
        Shifts, phases, transients left out, and the PCr line.
    """
    points, count = transients.shape
    shifts_hz, phases_deg = np.array(quality.frequency_shifts_hz), np.array(quality.phases_deg)
    if count < 2 or not shifts_hz.size == phases_deg.size == count:
        return []
    out = left_out(quality)
    weight = np.exp(-np.pi * quality.pcr_fwhm_hz / 2 * time_axis(points, dwell_time_s))
    weight = weight[weight > FAINT]
    measured = weight[:, None] * transients[: weight.size]
    aligned = measured * phasors(-shifts_hz, -np.deg2rad(phases_deg), weight.size, dwell_time_s)
    offset_hz = _offsets(quality, shifts_hz)
    before, after = _spectra([measured, aligned], dwell_time_s, offset_hz, quality)
    used = [index for index in range(count) if index not in out]
    means = before.mean(axis=1), after[:, used].mean(axis=1)
    top, mean_top = float(np.quantile(after[:, used].max(axis=0), 0.9)), float(max(mean.max() for mean in means))
    names = (f"As measured: mean of {plural(count, 'transient')}", f"Aligned: mean of the {len(used)} used")
    return [
        {"figure": _panel(offset_hz, spectra / top, mean / mean_top, out, name), "name": name}
        for spectra, mean, name in zip((before, after), means, names, strict=True)
    ]


def left_out(quality: Quality) -> dict[int, str]:
    """Why each transient is not in the average, by its number from 0."""
    dummies = dict.fromkeys(range(quality.dummy_transients), BEFORE_STEADY_STATE)
    return dummies | {each.transient: f"rejected: {each.reason}" for each in quality.rejected_transients}


def _offsets(quality: Quality, shifts_hz: Array) -> Array:
    """Frequencies from PCr to show [Hz]: the line, and as far as transients were moved."""
    reach = LINE_WIDTHS * quality.pcr_fwhm_hz + float(np.max(np.abs(shifts_hz)))
    half = min(max(reach, LEAST_HZ), MOST_HZ)
    return np.linspace(-half, half, STEPS + 1)


def _spectra(
    fids: Sequence[NDArray[np.complex128]], dwell_time_s: float, offset_hz: Array, quality: Quality
) -> list[Array]:
    """Spectra around PCr of weighted FIDs in the phase of the average, shapes (offsets, transients)."""
    frequency_hz = offset_hz + quality.pcr_offset_hz
    phase_rad = np.deg2rad(quality.phase_deg)
    turns = phasors(-frequency_hz, np.full(frequency_hz.size, -phase_rad), len(fids[0]), dwell_time_s)
    return [np.real(turns.T @ fid) for fid in fids]


def _panel(offset_hz: Array, spectra: Array, mean: Array, out: Mapping[int, str], name: str) -> Markup:
    """Mean spectrum above the map of all transients; those left out are marked beside their row."""
    count = spectra.shape[1]
    bottom = MAP_TOP + min(max(10.0 * count, 80.0), 220.0)
    x = Scale((float(offset_hz[-1]), float(offset_hz[0])), (LEFT, RIGHT))
    height = Scale((min(float(mean.min()), 0.0) - 0.03, 1.06), (MEAN_BOTTOM, MEAN_TOP))
    row = Scale((0.5, count + 0.5), (MAP_TOP, bottom))
    return svg(
        WIDTH,
        bottom + 48,
        f"{name}; spectra around PCr, {len(out)} left out",
        x_axis(x, bottom, "Frequency from PCr (Hz)", grid_top=MEAN_TOP),
        _map(x(offset_hz), spectra, row),
        element("path", d=path_data(x(offset_hz), height(mean)), class_="fit"),
        frame(LEFT, MEAN_TOP, RIGHT, MEAN_BOTTOM),
        frame(LEFT, MAP_TOP, RIGHT, bottom),
        y_axis(row, LEFT, "Transient", grid_right=LEFT, count=4),
        *(_mark(index, row, out[index]) for index in sorted(out)),
        class_="transient-map",
    )


def _map(positions: Array, spectra: Array, row: Scale) -> Markup:
    """Rows of shades from nothing (0 and below) to full (1 and above); more rows than can be seen are thinned."""
    shown = np.unique(np.linspace(0, spectra.shape[1] - 1, MOST_ROWS).astype(int))
    shades = np.clip(np.rint(spectra[:, shown] * SHADES), 0, SHADES).astype(int)
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    thickness = abs(row.pixels[1] - row.pixels[0]) / len(shown)
    runs: dict[int, list[str]] = {shade: [] for shade in range(1, SHADES + 1)}
    for line, column in enumerate(shades.T):
        y = row.pixels[0] + (line + 0.5) * thickness
        ends = [0, *(np.flatnonzero(np.diff(column)) + 1).tolist(), len(column)]
        for start, end in itertools.pairwise(ends):
            if shade := int(column[start]):
                # Half a step belongs to either side of a frequency, except at the frame.
                left = positions[0] + max(start - 0.5, 0) * step
                right = positions[0] + min(end - 0.5, len(column) - 1) * step
                runs[shade].append(f"M{left:.1f} {y:.1f}h{right - left:.1f}")
    drawn = (
        element("path", d="".join(parts), stroke_width=thickness, stroke=_shade(shade / SHADES))
        for shade, parts in runs.items()
        if parts
    )
    return element("g", *drawn, class_="map")


def _shade(share: float) -> str:
    """Blue on the paper; opaque, so that rows that share a pixel do not darken it."""
    return f"color-mix(in srgb, var(--blue) {share:.1%}, var(--paper))"


def _mark(index: int, row: Scale, reason: str) -> Markup:
    title = element("title", f"transient {index + 1}, {reason}")
    place = f"translate({RIGHT + 10:.0f} {float(row(index + 1)):.2f})"
    return element("path", title, d="M-4-4L4 4M-4 4L4-4", transform=place, class_="rejected")


def frequency_plot(shifts_hz: Sequence[float], out: Mapping[int, str]) -> Markup:
    """Frequency shift of each transient [Hz]; those left out are crosses that carry their reason."""
    top, right, bottom = 10.0, 468.0, 198.0
    low, high = min(shifts_hz), max(shifts_hz)
    pad = max(0.08 * (high - low), 0.5)
    x = Scale((0.0, len(shifts_hz) + 1.0), (LEFT, right))
    y = Scale((low - pad, high + pad), (bottom, top))
    marks = [
        _transient(index, shift, f"translate({x(index + 1):.2f} {y(shift):.2f})", out.get(index))
        for index, shift in enumerate(shifts_hz)
    ]
    return svg(
        WIDTH,
        bottom + 48,
        f"Frequency shift of {plural(len(shifts_hz), 'transient')}, {len(out)} left out",
        x_axis(x, bottom, "Transient", grid_top=top, count=8),
        y_axis(y, LEFT, "Shift (Hz)", grid_right=right),
        frame(LEFT, top, right, bottom),
        *marks,
        class_="transients",
    )


def _transient(index: int, shift_hz: float, place: str, reason: str | None) -> Markup:
    label = f"transient {index + 1}: {number(shift_hz, 1)} Hz"
    if reason is None:
        return element("circle", element("title", label), r=2.6, transform=place, class_="used")
    title = element("title", f"{label}, {reason}")
    return element("path", title, d="M-4-4L4 4M-4 4L4-4", transform=place, class_="rejected")
