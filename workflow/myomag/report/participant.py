"""The page of one participant: every scan with its spectrum, numbers, verdict and origin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from myomag.io.scan_records import Fit, Magnesium, Quality
from myomag.io.series_records import Series
from myomag.report import energetics_tables, scan_tables
from myomag.report.correlations import correlations
from myomag.report.exercise import bout_rows, course_figure, waterfall
from myomag.report.origins import number_origins, trace_targets
from myomag.report.page import render, scan_anchor
from myomag.report.signals import page_signal
from myomag.report.spectrum import COLOURS, close_up, spectrum_figure
from myomag.report.transients import transient_maps
from myomag.settings.base import content
from myomag.settings.models import Settings
from myomag.settings.report import ReportSettings
from myomag.steps.curves import Curves, displayed_curves
from myomag.wording import text

SCRIPTS = ("common.js", "signal.js", "export.js", "spectrum.js", "participant.js")
# Line, half width of the close-up [ppm], what it decides.
CLOSE_UPS = (("Pi", 1.0, "Pi, whose shift gives pH"), ("beta-ATP", 1.4, "β-ATP, whose shift gives Mg"))


@dataclass(frozen=True)
class ScanView:
    """What the page shows of one scan; whatever the scan did not reach is None.

    Parameters
    ----------
    fid : ndarray, shape (points,), optional
        Averaged, aligned FID, physicist's sign, PCr at 0 Hz.
    dwell_time_s, spectrometer_frequency_mhz : float, optional
        Sampling interval [s] and carrier frequency [MHz] of `fid`.
    status : str
        included, excluded or failed.
    step, reason : str, optional
        Where and why the scan failed or was excluded.
    quality, fit, magnesium, series : record, optional
        What the steps found.
    transients : ndarray, shape (points, transients), optional
        As converted, coils combined, sampled as `fid`.
    provenance : sequence of mapping
        One entry per file: step, role, file (relative to the derivative), sha256, settings_digest, source_digest.
    """

    scan: str
    session_id: str | None
    status: str
    step: str | None = None
    reason: str | None = None
    fid: NDArray[np.complex64] | None = None
    dwell_time_s: float | None = None
    spectrometer_frequency_mhz: float | None = None
    quality: Quality | None = None
    fit: Fit | None = None
    magnesium: Magnesium | None = None
    series: Series | None = None
    transients: NDArray[np.complex128] | None = None
    provenance: Sequence[Mapping[str, str | None]] = ()


def participant_page(
    participant_id: str, scans: Sequence[ScanView], settings: Settings, *, files: Sequence[tuple[str, str]] = ()
) -> bytes:
    """Page `report/<participant_id>.html`.

    Parameters
    ----------
    participant_id : str
        Label with its prefix (sub-001).
    scans : sequence of ScanView
        All scans of the participant; shown in natural order of session and name.
    settings : Settings
        Sections `report`, `qc` and `magnesium`.
    files : sequence of (str, str)
        Names and SHA-256 of the raw files of a scan that belongs to no study, whose page leads to nothing but itself.

    Returns
    -------
    bytes
        UTF-8 HTML, the same for the same input.
    """
    ordered = sorted(scans, key=lambda view: (text.natural_key(view.session_id or ""), text.natural_key(view.scan)))
    targets = trace_targets(participant_id, [(view.scan, view.session_id) for view in ordered])
    sections = [
        _section(view, settings, f"s{index}", targets[index - 1]) for index, view in enumerate(ordered, start=1)
    ]
    if files:
        sections = [_alone(section) for section in sections]
    return render("participant.html.j2", SCRIPTS, participant_id=participant_id, sections=sections, files=files)


def _alone(section: dict[str, Any]) -> dict[str, Any]:
    """Section of a scan without a study: there are no records and no ledger that its numbers could lead to."""
    return section | {"origins": [], "columns": set(), "headline": [(*item[:3], "") for item in section["headline"]]}


def _section(view: ScanView, settings: Settings, identifier: str, target: str) -> dict[str, Any]:
    """Everything the template needs of one scan."""
    headline = scan_tables.headline(view.quality, view.magnesium)
    shown, origins = _shown(view, settings.report), number_origins(view, target)
    curves = displayed_curves(**shown) if shown else None
    return {
        "anchor": scan_anchor(view.scan),
        "target": target,
        "view": view,
        "figure": spectrum_figure(curves, view.scan, identifier, _at_peaks(view)) if curves else None,
        "signal": page_signal(**shown) if shown else None,
        "fitted": bool(curves and curves.components),
        "close_ups": _close_ups(curves, content(settings.magnesium.mg_calibration)) if curves else [],
        "components": [(part.name, index % COLOURS) for index, part in enumerate(curves.components)] if curves else [],
        "shown": {label: value for label, value, *_ in headline},
        "headline": [(*item[:3], f"#{scan_anchor(view.scan)}.{item[3]}") for item in headline],
        "lines": scan_tables.line_table(view.fit),
        "fit_facts": scan_tables.fit_facts(view.fit),
        "correlations": correlations(view.fit),
        "results": scan_tables.results(view.magnesium),
        "calibrations": scan_tables.calibrations(view.magnesium),
        "sensitivity": energetics_tables.sensitivity(view.magnesium),
        "energetics": energetics_tables.energetics(view.magnesium),
        "assumptions": energetics_tables.assumptions(view.magnesium),
        "metrics": scan_tables.metrics(view.quality, settings.qc),
        "transients": scan_tables.transients(view.quality),
        "transient_maps": _transient_maps(view),
        "courses": course_figure(view.series) if view.series else None,
        "waterfall": _waterfall(view),
        "bouts": bout_rows(view.series),
        "origins": origins,
        "columns": {origin["column"] for origin in origins},
    }


def _shown(view: ScanView, settings: ReportSettings) -> dict[str, Any] | None:
    """What the spectrum is drawn from: the parameters of `displayed_curves` and `page_signal`."""
    if view.fid is None or view.dwell_time_s is None or view.spectrometer_frequency_mhz is None:
        return None
    return {
        "fid": view.fid,
        "dwell_time_s": view.dwell_time_s,
        "spectrometer_frequency_mhz": view.spectrometer_frequency_mhz,
        "fit": view.fit,
        "range_ppm": (settings.spectrum_min_ppm, settings.spectrum_max_ppm),
        "phase_deg": view.quality.phase_deg if view.quality else 0.0,
        "noise_sd": view.quality.noise_sd if view.quality else None,
    }


def _at_peaks(view: ScanView) -> dict[str, str]:
    """Results written at the lines that gave them."""
    record = view.magnesium
    if record is None:
        return {}
    ph = f"pH {text.number(record.ph, 2)}" if record.ph is not None else "no pH"
    if record.mg_mmol_l is not None:
        mg = f"Mg {text.number(record.mg_mmol_l, 3)} mM"
    else:
        mg = "Mg undefined" if record.mg_p_undefined else "no Mg"
    return {"Pi": ph, "beta-ATP": mg}


def _waterfall(view: ScanView) -> Markup | None:
    if view.series is None or view.transients is None or view.quality is None or view.fit is None:
        return None
    return waterfall(view.transients, view.fit.dwell_time_s, view.fit, view.quality, view.series.phases)


def _transient_maps(view: ScanView) -> list[dict[str, Any]]:
    if view.transients is None or view.dwell_time_s is None or view.quality is None:
        return []
    return transient_maps(view.transients, view.dwell_time_s, view.quality)


def _close_ups(curves: Curves, calibration: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Close-ups of the two lines that decide the results; the undefined range of the Mg calibration is shaded."""
    limit = calibration["range"]["upper_ppm"] if calibration["family"] == "iotti" else None
    figures = []
    for name, half_width_ppm, meaning in CLOSE_UPS:
        limit_ppm = limit if name == "beta-ATP" else None
        if figure := close_up(curves, name, half_width_ppm, limit_ppm=limit_ppm):
            shaded = "; shaded: shifts at which Mg is undefined on this scale" if limit_ppm is not None else ""
            caption = f"{meaning}: data, fit, and the contribution of this line; dashed: its centre{shaded}."
            figures.append({"figure": figure, "caption": caption})
    return figures
