"""Which scans entered a row of statistics.tsv, and why the others did not."""

from typing import Any

from myomag.audit.record import Derivative
from myomag.audit.trace import STATISTICS, table_row
from myomag.cohort.statistics import Model, model_variables
from myomag.io.tables import read_text_table, read_tsv
from myomag.results import RECORDS


def statistic_of(derivative: Derivative, name: str) -> dict[str, Any]:
    """Row of statistics.tsv with the scans that entered it and those that did not, each with the reason.

    Parameters
    ----------
    derivative : Derivative
        The record.
    name : str
        Model of the row.

    Raises
    ------
    SettingsError
        If there is no such row.
    """
    row = table_row(derivative, STATISTICS, "model", name)
    model = Model(name, str(row["outcome"]), str(row["predictor"]), str(row["stratum"]))
    people, reasons = _participants(derivative, model)
    entered, left_out = [], []
    for scan in _scans(derivative):
        identity = {key: scan[key] for key in ("scan", "participant_id", "session_id")}
        if scan["status"] != "included":
            step, reason = scan["step"] or scan["status"], scan["reason"]
            left_out.append(identity | {"step": step, "reason": reason})
        elif scan["participant_id"] in people:
            entered.append(identity | {"sha256": _result(derivative, str(scan["scan"]))})
        else:
            left_out.append(identity | {"step": "cohort", "reason": reasons(str(scan["participant_id"]))})
    return {"row": row, "entered": entered, "not_entered": left_out}


def _participants(derivative: Derivative, model: Model) -> tuple[set[str], Any]:
    """Participants of a model, and a function that says why another one is not among them."""
    cohort = read_tsv(derivative.root / "cohort.tsv")
    included = cohort[cohort["status"] == "included"]
    missing = [name for name in (model.outcome, model.predictor) if name not in included.columns]
    if missing:
        return set(), lambda _: f"the study has no column {missing[0]}"
    outcome, predictor, people = model_variables(included, model, derivative.document["cohort"])

    def reason(participant: str) -> str:
        for name, variable in ((model.outcome, outcome), (model.predictor, predictor)):
            if participant not in variable.values:
                return f"no value of {name}"
        return f"not among the {model.stratum}"

    return set(people), reason


def _scans(derivative: Derivative) -> list[dict[str, str | None]]:
    table = read_text_table(derivative.root / "exclusions.tsv")
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _result(derivative: Derivative, scan: str) -> dict[str, str]:
    """Records of a scan from which the tables take its values, with their SHA-256."""
    rows = derivative.rows.get(scan, {}).values()
    files = [item for ledger, row in rows for item in ledger.outputs(row)]
    return {file.path: sha for role, file, sha in files if role in RECORDS}
