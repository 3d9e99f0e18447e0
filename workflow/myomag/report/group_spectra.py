"""Averaged spectra of a study over each other, by protocol, and thumbnails of the scans that fare worst."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from myomag.io.tables import TableRow
from myomag.report.charts import Array, Scale, element, frame, path_data, svg, x_axis
from myomag.report.figures import Figure, csv_bytes
from myomag.report.page import scan_link
from myomag.settings.report import ReportSettings
from myomag.wording import text

WIDTH, LEFT, RIGHT, TOP, PANEL, FOOT = 900.0, 20.0, 880.0, 30.0, 230.0, 58.0
FEWEST, MOST_PANELS = 2, 6
LINES = {"pi_ppm": "Pi", "gamma_atp_ppm": "γ-ATP", "alpha_atp_ppm": "α-ATP", "beta_atp_ppm": "β-ATP"}
"""Columns of the cohort whose medians say where to write the name of a line."""
AROUND_PCR_PPM = 1.0
LOWEST, HIGHEST = -0.12, 1.08
THUMB_WIDTH, THUMB_HEIGHT = 200.0, 90.0
WHY = {"residual": ("residual/noise", "residual_over_noise", 2), "snr": ("SNR", "pcr_snr", 1)}
NOTE = (
    "Real part of the averaged spectra, phased by their fits and scaled so that PCr is 1{cut}. Thin lines: "
    "{drawn} of {scans}{choice}. Blue: mean of {averaged}; orange: mean ± SD."
)


def spectra_figure(spectra: Mapping[str, Any], cohort: Sequence[TableRow], settings: ReportSettings) -> Figure | None:
    """Spectra of the included scans, a panel for each of the most frequent protocols; None for a single scan.

    Parameters
    ----------
    spectra : mapping
        Content of spectra.json.
    cohort : sequence of mapping
        Rows of cohort.tsv.
    settings : ReportSettings
        The range of shifts that is shown.
    """
    found = sorted(spectra.get("protocols", ()), key=lambda each: (-each["scans"], each["protocol"]))
    averaged = sum(each["scans"] for each in found)
    if averaged < FEWEST:
        return None
    shown, scans = found[:MOST_PANELS], spectra["scans"]
    ppm = np.array(spectra["ppm"])
    inside = _shown(ppm, settings)
    high = _highest(shown, ppm)
    parts = list[Markup]()
    names = dict(_names(cohort, ppm[inside]))
    for index, protocol in enumerate(shown):
        lines = [np.array(scan["data"])[inside] for scan in scans if scan["protocol"] == protocol["protocol"]]
        title = f"{text.plural(protocol['scans'], 'scan')}" + (
            f" of protocol {protocol['protocol']}" if len(found) > 1 else ""
        )
        top = TOP + index * (TOP + PANEL + FOOT)
        curves = [np.array(protocol[key])[inside] for key in ("mean", "sd")]
        parts += _panel(title, ppm[inside], lines, curves[0], curves[1], names, high, top)
    height = len(shown) * (TOP + PANEL + FOOT)
    drawing = svg(WIDTH, height, f"Averaged spectra of {text.plural(averaged, 'scan')}", *parts, class_="spectra")
    note = NOTE.format(
        cut=" (cut off, to leave room for the other lines)" if high < 1 else "",
        drawn=len(scans),
        scans=text.plural(spectra["included"], "included scan"),
        averaged="all of them" if averaged == spectra["included"] else f"{averaged} of them",
        choice="" if len(scans) == spectra["included"] else ", chosen at random by a hash of their names",
    )
    if len(found) > len(shown):
        note += f" {len(found) - len(shown)} rarer protocols are only in the CSV file."
    return Figure("spectra", "Spectra of the study", drawing, csv_bytes(_rows(ppm, found, scans)), note)


def _shown(ppm: Array, settings: ReportSettings) -> NDArray[np.bool_]:
    """Points within the range of the settings; all of them where it holds fewer than two."""
    inside = (ppm >= settings.spectrum_min_ppm) & (ppm <= settings.spectrum_max_ppm)
    return inside if np.sum(inside) > 1 else np.ones(len(ppm), dtype=bool)


def _highest(protocols: Sequence[Mapping[str, Any]], ppm: Array) -> float:
    """Upper end of the vertical axis: above all lines but PCr, which would leave them no height."""
    aside = np.abs(ppm) > AROUND_PCR_PPM
    heights = [float(np.max((np.array(each["mean"]) + np.array(each["sd"]))[aside])) for each in protocols]
    return min(max(1.4 * max(heights), 0.2), HIGHEST)


def _names(cohort: Sequence[TableRow], ppm: Array) -> Iterator[tuple[str, float]]:
    """Names of the lines and where they lie in the included scans."""
    yield "PCr", 0.0
    for column, name in LINES.items():
        rows = (row for row in cohort if row["status"] == "included")
        values = [value for row in rows if (value := text.finite(row.get(column))) is not None]
        if values and ppm[0] <= (middle := float(np.median(values))) <= ppm[-1]:
            yield name, middle


def _panel(
    title: str,
    ppm: Array,
    lines: Sequence[Array],
    mean: Array,
    sd: Array,
    names: Mapping[str, float],
    high: float,
    top: float,
) -> Iterator[Markup]:
    bottom = top + PANEL
    x = Scale((float(ppm[-1]), float(ppm[0])), (LEFT, RIGHT))
    y = Scale((LOWEST * high, high), (bottom, top))
    at = np.asarray(x(ppm))
    yield element("text", title, x=LEFT, y=top - 10, class_="label")
    yield x_axis(x, bottom, "Chemical shift (ppm, PCr = 0)", grid_top=top, count=15)
    yield element("line", x1=LEFT, x2=RIGHT, y1=float(y(0.0)), y2=float(y(0.0)), class_="base")
    yield from (element("path", d=path_data(at, _heights(line, y)), class_="one") for line in lines)
    yield from (element("path", d=path_data(at, _heights(edge, y)), class_="spread") for edge in (mean + sd, mean - sd))
    yield element("path", d=path_data(at, _heights(mean, y)), class_="average")
    yield frame(LEFT, top, RIGHT, bottom)
    for name, place in names.items():
        yield element("text", name, x=float(x(place)) + (12 if name == "PCr" else 0), y=top + 16, class_=_side(name))


def _side(name: str) -> str:
    """PCr is named beside its line, which leaves the panel at the top."""
    return "note halo" if name == "PCr" else "note halo middle"


def _heights(values: Array, y: Scale) -> Array:
    """Heights [px] in tenths, which a page of many lines can afford; what lies beyond stands at the edge."""
    return np.asarray(np.round(y(np.clip(values, *y.domain)), 1))


def _rows(
    ppm: Array, protocols: Sequence[Mapping[str, Any]], scans: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    columns = {f"{key} {each['protocol']}": each[key] for each in protocols for key in ("mean", "sd")}
    columns |= {scan["scan"]: scan["data"] for scan in scans}
    for index, shift in enumerate(ppm.tolist()):
        yield {"shift_ppm": shift, **{name: values[index] for name, values in columns.items()}}


def thumbnails(
    spectra: Mapping[str, Any], cohort: Sequence[TableRow], settings: ReportSettings
) -> list[dict[str, Any]]:
    """Scans with the largest residual and those with the lowest SNR: drawing, link, name and why each is shown."""
    rows = {str(row["scan"]): row for row in cohort}
    ppm = np.array(spectra.get("ppm", ()))
    inside = _shown(ppm, settings)
    found = []
    for scan in spectra.get("worst", ()):
        if (row := rows.get(scan["scan"])) is None:
            continue
        what, column, decimals = WHY[scan["why"]]
        visit = " ".join(str(row[key]) for key in ("participant_id", "session_id") if row.get(key))
        found.append(
            {
                "drawing": _thumbnail(ppm[inside], *(np.array(scan[key])[inside] for key in ("data", "fit"))),
                "link": scan_link(row),
                "name": visit,
                "why": f"{what} {text.number(row.get(column), decimals)}",
                "status": row["status"],
            }
        )
    return found


def _thumbnail(ppm: Array, data: Array, fit: Array) -> Markup:
    x = Scale((float(ppm[-1]), float(ppm[0])), (2.0, THUMB_WIDTH - 2))
    aside = np.abs(ppm) > AROUND_PCR_PPM
    high = min(max(1.2 * float(np.max(np.abs(data[aside]), initial=0.0)), 0.2), HIGHEST)
    y = Scale((-0.4 * high, high), (THUMB_HEIGHT - 2, 2.0))
    at = np.round(np.asarray(x(ppm)), 1)
    curves = (element("path", d=path_data(at, _heights(v, y)), class_=k) for v, k in ((data, "data"), (fit, "fit")))
    edge = frame(1, 1, THUMB_WIDTH - 1, THUMB_HEIGHT - 1)
    return svg(THUMB_WIDTH, THUMB_HEIGHT, "", edge, *curves, class_="thumbnail", aria_hidden="true")
