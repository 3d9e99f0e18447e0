"""Which scans entered a model, and why the others did not."""

from typing import Any

from myomag import pipeline
from myomag.audit.record import Derivative
from myomag.cohort.design import Design
from myomag.cohort.kinds import kind_of
from myomag.cohort.statistics import designs, included, row_name, samples_of_kinds
from myomag.io.tables import read_text_table, read_tsv
from myomag.settings.cohort import CohortSettings
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
    settings = Settings.model_validate(derivative.document).cohort
    of_kinds = _designs(derivative, name, settings)
    people = {kind: set(design.people) for kind, design in of_kinds.items()}
    entered, left_out = [], []
    for scan in _scans(derivative):
        identity: dict[str, Any] = {key: scan[key] for key in ("scan", "participant_id", "session_id")}
        identity["raw"] = _raw(derivative, str(scan["scan"]))
        person = str(scan["participant_id"])
        if scan["status"] != "included":
            step, reason = scan["step"] or scan["status"], scan["reason"]
            left_out.append(identity | {"step": step, "reason": reason})
            continue
        kind = kind_of(str(scan["scan"]), settings.kind_by)
        if person in people.get(kind, ()):
            entered.append(identity | {"sha256": _result(derivative, str(scan["scan"]))})
        else:
            design = of_kinds.get(kind, Design(problem=f"{kind} has no such model"))
            reason = design.left_out.get(person) or design.problem
            left_out.append(identity | {"step": "cohort", "reason": reason})
    return {"entered": entered, "not_entered": left_out}


def _designs(derivative: Derivative, name: str, settings: CohortSettings) -> dict[str, Design]:
    """Outcome and terms of the model of a row, for each kind of scans that has it."""
    samples = samples_of_kinds(included(read_tsv(derivative.root / "cohort.tsv"), settings))
    return {
        kind: design
        for kind, sample in samples.items()
        for model, stratum, design in designs(sample)
        if row_name(model, stratum) == name
    }


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
