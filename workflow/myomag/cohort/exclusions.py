"""Which scans enter the statistics, and the account of every scan that entered the pipeline."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

EXCLUSION_COLUMNS = ("participant_id", "session_id", "scan", "status", "step", "reason")


@dataclass(frozen=True)
class Decision:
    """Fate of a scan; step and reason are None for an included one."""

    status: str
    step: str | None = None
    reason: str | None = None


def decide(row: Mapping[str, Any], settings: Mapping[str, Any]) -> Decision:
    """Fate of one scan: its first objection in the order of the flow gives the step, all of them the reason.

    Parameters
    ----------
    row : mapping
        See `columns.flat_result`.
    settings : mapping
        The section `cohort`: include_verdicts and max_p_undefined.
    """
    if row["status"] == "failed":
        return Decision("failed", row.get("step"), row.get("reason") or "no reason recorded")
    if row["status"] == "rejected":
        return Decision("excluded", row.get("step"), row.get("reason") or "rejected in the settings")
    if row["status"] != "ok":
        raise ValueError(f"{row['scan']}: unknown status {row['status']!r}")
    objections = list(_objections(row, settings))
    if not objections:
        return Decision("included")
    return Decision("excluded", objections[0][0], "; ".join(reason for _, reason in objections))


def _objections(row: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    quality, fit, magnesium = (row.get(key) or {} for key in ("quality", "fit", "magnesium"))
    verdict = quality.get("verdict")
    if verdict not in settings["include_verdicts"]:
        why = "; ".join(quality.get("reasons") or ())
        yield "qc", f"verdict {verdict or 'missing'}{f' ({why})' if why else ''}"
    if not fit.get("converged"):
        message = fit.get("message") or ("no message" if fit else "no fit result")
        yield "fit", f"fit not converged ({message})"
    if magnesium.get("mg_mmol_l") is None:
        yield "magnesium", f"Mg undefined ({magnesium.get('mg_reason') or 'no magnesium result'})"
    elif (p := magnesium.get("mg_p_undefined")) is None or p > settings["max_p_undefined"]:
        stated = "unknown" if p is None else f"{p:.3g}"
        yield "magnesium", f"probability of an undefined Mg {stated}, allowed {settings['max_p_undefined']:g}"
