"""Categories of lost scans, as a flow diagram of a publication (CONSORT, STROBE) counts them."""

from myomag.cohort.exclusions import Decision, decide
from myomag.ledger.results import ScanOutcome
from myomag.settings.cohort import CohortSettings

UNREADABLE, UNPROCESSED = "could not be read as a 31P spectrum", "could not be processed"
NOT_SELECTED, OTHER_KIND = "not selected for the analysis", "another kind of scan"
BY_READER, DUPLICATE = "rejected by the reader", "duplicate data"
UNDEFINED, NOT_DETECTED = "Mg undefined", "lines not detected"
CATEGORIES = {
    NOT_SELECTED: "not among the participants or sessions selected for the run",
    OTHER_KIND: "not of the kind named in the settings",
    UNREADABLE: "the file is damaged, is not a 31P scan, or lacks required information",
    UNPROCESSED: "read, but a later step could not use the spectrum",
    BY_READER: "rejected by hand",
    DUPLICATE: "contains the same data as another scan",
    "insufficient signal": "PCr SNR below the limit",
    "poor line width": "PCr line wider than the limit",
    "motion or rejected transients": "too many transients rejected, or the frequency drifted",
    "poor fit": "the fit did not converge, or its residual exceeded noise",
    "begin time not determined": "neither the header nor the data determine when the FID begins",
    "no rest measured": "a series without a resting phase",
    NOT_DETECTED: "a line needed for the result is not detected above noise and misfit",
    UNDEFINED: "the shift is, or may well be, outside the calibration",
}
"""Categories in the order in which scans leave, each with what belongs to it; a scan counts in its first one."""
_BY_CAUSE = {
    "signal": "insufficient signal",
    "line width": "poor line width",
    "transients": "motion or rejected transients",
    "drift": "motion or rejected transients",
    "convergence": "poor fit",
    "residual": "poor fit",
    "begin time": "begin time not determined",
    "no rest": "no rest measured",
}
_BY_STEP = {"selection": NOT_SELECTED, "overrides": BY_READER, "cohort": OTHER_KIND, "fit": "poor fit"}


def category(outcome: ScanOutcome, settings: CohortSettings) -> str | None:
    """Category of a scan by its first objection; None for an included one."""
    return _category(outcome, decide(outcome, settings))


def _category(outcome: ScanOutcome, decision: Decision) -> str | None:
    if decision.status == "included":
        return None
    if decision.status == "failed":
        return UNREADABLE if decision.step in ("raw", "convert") else UNPROCESSED
    if decision.step == "qc":
        if outcome.quality is None:
            return UNPROCESSED
        # A verdict of pass is left out only where the settings take others alone.
        return _BY_CAUSE[outcome.quality.decided_by] if outcome.quality.decided_by else NOT_SELECTED
    if decision.step == "magnesium":
        reason = outcome.magnesium.mg_reason if outcome.magnesium else None
        undetected = outcome.quality.undetected.values() if outcome.quality else ()
        return NOT_DETECTED if reason in undetected else UNDEFINED
    return _BY_STEP.get(str(decision.step), BY_READER)
