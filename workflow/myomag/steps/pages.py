"""Pages of the report, one per participant."""

from collections.abc import Iterator, Mapping, Sequence

from myomag.cohort.exclusions import decide
from myomag.io.nifti_mrs import read_nifti_mrs
from myomag.ledger.results import ScanResult
from myomag.report.participant import ScanView, participant_page
from myomag.settings.models import Settings
from myomag.steps.transients import read_transients


def participant_pages(
    results: Mapping[str, Sequence[ScanResult]], settings: Settings, reject: Mapping[str, str]
) -> Iterator[tuple[str, bytes]]:
    """Label and page of each participant, one at a time.

    Parameters
    ----------
    results : mapping of str to sequence of ScanResult
        Scans of each participant.
    settings : Settings
        Sections `qc`, `magnesium`, `cohort` and `report`.
    reject : mapping of str to str
        Manually rejected participants and scans, with the reason.
    """
    for participant, scans in results.items():
        yield participant, participant_page(participant, [_view(scan, settings, reject) for scan in scans], settings)


def _view(result: ScanResult, settings: Settings, reject: Mapping[str, str]) -> ScanView:
    outcome = result.outcome(reject)
    decision = decide(outcome, settings.cohort)
    preproc, converted = result.path("preproc"), result.path("fid")
    data = read_nifti_mrs(preproc) if preproc else None
    return ScanView(
        scan=outcome.scan,
        session_id=outcome.session_id,
        status=decision.status,
        step=decision.step,
        reason=decision.reason,
        fid=data.fid[:, 0, 0] if data else None,
        dwell_time_s=data.dwell_time_s if data else None,
        spectrometer_frequency_mhz=data.spectrometer_frequency_mhz if data else None,
        quality=outcome.quality,
        fit=outcome.fit,
        magnesium=outcome.magnesium,
        series=outcome.series,
        transients=read_transients(converted).fid if data and converted else None,
        provenance=result.provenance(),
    )
