"""Spectrum and page of a scan without a study."""

from pathlib import Path

from myomag.io.files import sha256_file
from myomag.io.nifti_mrs import read_nifti_mrs
from myomag.report.participant import ScanView, participant_page
from myomag.single.scan import ScanSteps, SingleResult
from myomag.steps.curves import Curves, displayed_curves
from myomag.steps.transients import read_transients


def curves_of(steps: ScanSteps, result: SingleResult) -> Curves | None:
    """Curves of the averaged spectrum and its fit; None if the scan was not averaged."""
    if "preproc" not in steps.files:
        return None
    average, quality, limits = read_nifti_mrs(steps.files["preproc"]), result.outcome.quality, steps.settings.report
    return displayed_curves(
        average.fid[:, 0, 0],
        average.dwell_time_s,
        average.spectrometer_frequency_mhz,
        result.outcome.fit,
        range_ppm=(limits.spectrum_min_ppm, limits.spectrum_max_ppm),
        phase_deg=quality.phase_deg if quality else 0.0,
        noise_sd=quality.noise_sd if quality else None,
    )


def scan_page(steps: ScanSteps, result: SingleResult) -> bytes:
    """Page of the scan, HTML in one file.

    Parameters
    ----------
    steps : ScanSteps
        The scan, after its steps.
    result : SingleResult
        Their results.
    """
    outcome, source = result.outcome, steps.source
    average = read_nifti_mrs(steps.files["preproc"]) if "preproc" in steps.files else None
    view = ScanView(
        scan=source.shown,
        session_id=None,
        status=result.flat["status"],
        step=outcome.step,
        reason=result.flat["reason"],
        fid=average.fid[:, 0, 0] if average else None,
        dwell_time_s=average.dwell_time_s if average else None,
        spectrometer_frequency_mhz=average.spectrometer_frequency_mhz if average else None,
        quality=outcome.quality,
        fit=outcome.fit,
        magnesium=outcome.magnesium,
        series=outcome.series,
        transients=read_transients(steps.files["fid"]).fid if average else None,
    )
    files = [(source.private.masked(path.name), _digest(path)) for path in source.files.values()]
    return participant_page(source.shown, [view], steps.settings, files=files)


def _digest(path: Path) -> str:
    return sha256_file(path) if path.is_file() else "not here"
