"""Which scans enter the statistics, and the account of every scan that entered the pipeline."""

from collections.abc import Iterator
from dataclasses import dataclass

from myomag.cohort.kinds import differs, written
from myomag.ledger.results import ScanOutcome
from myomag.settings.cohort import CohortSettings

EXCLUSION_COLUMNS = ("participant_id", "session_id", "scan", "status", "step", "category", "reason")


@dataclass(frozen=True)
class Decision:
    """Fate of a scan; step and reason are None for an included one."""

    status: str
    step: str | None = None
    reason: str | None = None


def decide(outcome: ScanOutcome, settings: CohortSettings) -> Decision:
    """Fate of one scan: its first objection in the order of the flow gives the step, all of them the reason.

    Parameters
    ----------
    outcome : ScanOutcome
        How the scan ended, and what was found.
    settings : CohortSettings
        Verdicts that enter, and the largest probability of an undefined Mg.
    """
    if outcome.status == "failed":
        return Decision("failed", outcome.step, outcome.reason or "no reason recorded")
    if outcome.status == "rejected":
        return Decision("excluded", outcome.step, outcome.reason or "rejected in the settings")
    if outcome.status != "ok":
        raise ValueError(f"{outcome.scan}: unknown status {outcome.status!r}")
    objections = list(_objections(outcome, settings))
    if not objections:
        return Decision("included")
    return Decision("excluded", objections[0][0], "; ".join(reason for _, reason in objections))


def _objections(outcome: ScanOutcome, settings: CohortSettings) -> Iterator[tuple[str, str]]:
    quality, fit, magnesium = outcome.quality, outcome.fit, outcome.magnesium
    if quality is None or quality.verdict not in settings.include_verdicts:
        why = f" ({'; '.join(quality.reasons)})" if quality and quality.reasons else ""
        yield "qc", f"verdict {quality.verdict if quality else 'missing'}{why}"
    if fit is None or not fit.converged:
        yield "fit", f"fit not converged ({fit.message if fit else 'no fit result'})"
    if magnesium is None or magnesium.mg_mmol_l is None:
        yield "magnesium", f"Mg undefined ({magnesium.mg_reason if magnesium else 'no magnesium result'})"
    elif (p := magnesium.mg_p_undefined) is None or p > settings.max_p_undefined:
        stated = "unknown" if p is None else f"{p:.3g}"
        yield "magnesium", f"probability of an undefined Mg {stated}, allowed {settings.max_p_undefined:g}"
    if other := differs(outcome.scan, settings.kind):
        wanted = ", ".join(written(name, label) for name, label in settings.kind.items())
        yield "cohort", f"another kind of scan ({other}) than cohort.kind names ({wanted})"
