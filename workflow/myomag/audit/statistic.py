"""Which scans entered a model, and why the others did not."""

from typing import Any

from myomag import pipeline
from myomag.audit.record import Derivative
from myomag.cohort.design import Design
from myomag.cohort.statistics import designs, included, row_name
from myomag.io.tables import read_text_table, read_tsv
from myomag.settings.models import Settings


def scans_of(derivative: Derivative, name: str) -> dict[str, Any]:
    """Scans that entered a model, and those that did not, each with the reason.

    Parameters
    ----------
    derivative : Derivative
        The record.
    name : str
        Model, as in statistics.tsv.
    """
    design = _design(derivative, name)
    people = set(design.people)
    entered, left_out = [], []
    for scan in _scans(derivative):
        identity: dict[str, Any] = {key: scan[key] for key in ("scan", "participant_id", "session_id")}
        identity["raw"] = _raw(derivative, str(scan["scan"]))
        person = str(scan["participant_id"])
        if scan["status"] != "included":
            step, reason = scan["step"] or scan["status"], scan["reason"]
            left_out.append(identity | {"step": step, "reason": reason})
        elif person in people:
            entered.append(identity | {"sha256": _result(derivative, str(scan["scan"]))})
        else:
            reason = design.left_out.get(person) or design.problem
            left_out.append(identity | {"step": "cohort", "reason": reason})
    return {"entered": entered, "not_entered": left_out}


def _design(derivative: Derivative, name: str) -> Design:
    """Outcome and terms of the model of a row."""
    settings = Settings.model_validate(derivative.document).cohort
    sample = included(read_tsv(derivative.root / "cohort.tsv"), settings)
    return next(design for model, stratum, design in designs(sample) if row_name(model, stratum) == name)


def _scans(derivative: Derivative) -> list[dict[str, str | None]]:
    table = read_text_table(derivative.root / "exclusions.tsv")
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _raw(derivative: Derivative, scan: str) -> dict[str, str]:
    """Raw files of a scan with their SHA-256."""
    found = derivative.rows.get(scan, {}).get("raw")
    return {file.path: sha for _, file, sha in found[0].inputs(found[1])} if found else {}


def _result(derivative: Derivative, scan: str) -> dict[str, str]:
    """Records of a scan from which the tables take its values, with their SHA-256."""
    rows = derivative.rows.get(scan, {}).values()
    files = [item for ledger, row in rows for item in ledger.outputs(row)]
    return {file.path: sha for role, file, sha in files if role in pipeline.COHORT.reads}
