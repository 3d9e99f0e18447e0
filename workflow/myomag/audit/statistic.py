"""Scans included in a model, why others are not, and its table recomputed from cohort.tsv alone."""

from collections.abc import Iterator
from typing import Any

from myomag import pipeline
from myomag.audit.record import DERIVATIVE, Derivative, File
from myomag.audit.values import COHORT, Value, table_cells
from myomag.cohort.catalogue import TABLES, Analysis
from myomag.cohort.design import Design
from myomag.cohort.kinds import kind_of
from myomag.cohort.scans import Scans
from myomag.cohort.statistics import designs, included, row_name, samples_of_kinds
from myomag.io.records import read_record
from myomag.io.tables import MISSING, number, read_text_table, read_tsv, table_rows, written
from myomag.settings.cohort import CohortSettings
from myomag.settings.models import Settings

FROM_COHORT = ("statistics", "comparisons", "measurement_error", "repeatability", "longitudinal", "demographics")
"""Tables made only from the included scans of cohort.tsv."""
TOLERANCE = 1e-6
"""Relative difference allowed: cohort.tsv has ten digits of the numbers used to estimate the models."""


def estimate_values(derivative: Derivative) -> Iterator[tuple[File, list[Value]]]:
    """Cells of the tables over the cohort that do not follow from cohort.tsv."""
    for name in FROM_COHORT:
        keys, path = TABLES[name].key, TABLES[name].file
        now = {" ".join(str(row[key]) for key in keys): row for row in estimated(derivative, name)}
        table = table_cells(derivative.root / path, keys)
        # A reason also depends on how the tables of the study were read.
        cells = (
            (key, column, cell) for key, row in table.items() for column, cell in row.items() if column != "reason"
        )
        found = ((key, column, cell, now.get(key, {}).get(column)) for key, column, cell in cells)
        yield (
            File(DERIVATIVE, path),
            [Value(f"{key} {column}", cell, other) for key, column, cell, other in found if not equal(cell, other)],
        )


def estimated(derivative: Derivative, name: str) -> list[dict[str, str | None]]:
    """Rows of a table of FROM_COHORT as recomputed from cohort.tsv, as text.

    Parameters
    ----------
    derivative : Derivative
        The record.
    name : str
        Table.
    """
    settings = Settings.model_validate(derivative.document)
    described = read_record(derivative.root / "cohort.json")
    scans = Scans.of((), settings.cohort)
    analysis = Analysis(scans, read_tsv(derivative.root / "cohort.tsv"), described, {}, settings)
    table = TABLES[name]
    made = table.build(analysis) if table.build else None
    return [] if made is None else [{str(key): _cell(value) for key, value in row.items()} for row in table_rows(made)]


def _cell(value: Any) -> str | None:
    text = written(value)
    return None if text == MISSING else text


def equal(one: str | None, other: str | None) -> bool:
    """Whether two cells are equal, numbers within the digits of the tables."""
    x, y = (number(text) if text is not None else None for text in (one, other))
    if x is None or y is None:
        return one == other
    return abs(x - y) <= TOLERANCE * max(abs(x), abs(y), TOLERANCE)


def scans_of(derivative: Derivative, name: str) -> dict[str, Any]:
    """Scans included in a model, and those not included, each with the reason.

    Parameters
    ----------
    derivative : Derivative
        The record.
    name : str
        Model, as in statistics.tsv.
    """
    settings = Settings.model_validate(derivative.document).cohort
    columns, of_kinds = _designs(derivative, name, settings)
    cells = table_cells(derivative.root / COHORT, ("scan",))
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
            own = cells.get(str(scan["scan"]), {})
            values = {column: own.get(column) for column in columns}
            entered.append(identity | {"values": values, "sha256": _result(derivative, str(scan["scan"]))})
        else:
            design = of_kinds.get(kind, Design(problem=f"{kind} has no such model"))
            reason = design.left_out.get(person) or design.problem
            left_out.append(identity | {"step": "cohort", "reason": reason})
    return {"entered": entered, "not_entered": left_out}


def _designs(derivative: Derivative, name: str, settings: CohortSettings) -> tuple[list[str], dict[str, Design]]:
    """Columns of the model of a row, and its design for each kind of scans with it."""
    samples = samples_of_kinds(included(read_tsv(derivative.root / COHORT), settings))
    found = {
        kind: (model, design)
        for kind, sample in samples.items()
        for model, stratum, design in designs(sample)
        if row_name(model, stratum) == name
    }
    columns = dict.fromkeys(column for model, _ in found.values() for column in model.columns)
    return list(columns), {kind: design for kind, (_, design) in found.items()}


def _scans(derivative: Derivative) -> list[dict[str, str | None]]:
    table = read_text_table(derivative.root / "exclusions.tsv")
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _raw(derivative: Derivative, scan: str) -> dict[str, str]:
    """Raw files of a scan with their SHA-256."""
    found = derivative.rows.get(scan, {}).get("raw")
    return {file.path: sha for _, file, sha in found[0].inputs(found[1])} if found else {}


def _result(derivative: Derivative, scan: str) -> dict[str, str]:
    """Records from which the tables take the values of a scan, with their SHA-256."""
    rows = derivative.rows.get(scan, {}).values()
    files = [item for ledger, row in rows for item in ledger.outputs(row)]
    return {file.path: sha for role, file, sha in files if role in pipeline.COHORT.reads}
