"""From a value, scan, participant, file or row of a table back to the raw data."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.audit.cells import table_part
from myomag.audit.lineage import Lineage, Step, file_record, lineage, step_of, step_record
from myomag.audit.record import DERIVATIVE, STUDY, Derivative, File
from myomag.audit.values import content, table_cells, unknown
from myomag.cohort.columns import FIXED_COLUMNS
from myomag.errors import SettingsError, StudyError
from myomag.io.tables import written
from myomag.study.ratings import names_rater

COHORT = File(DERIVATIVE, "cohort.tsv")


@dataclass(frozen=True)
class Trace:
    """A target and its origin.

    Attributes
    ----------
    target : str
        As requested.
    values : list of dict
        Cells of a table, each with the record it was taken from.
    table : dict or None
        Rows of another table, or cells of them; for a model, with the scans included and those not included.
    tops : list
        Files, and steps that failed, from which the tree starts.
    graph : Lineage
        Files and steps behind them.
    """

    target: str
    tops: list[File | Step]
    graph: Lineage
    values: list[dict[str, Any]] = field(default_factory=list)
    table: dict[str, Any] | None = None


def trace(derivative: Derivative, target: str) -> Trace:
    """Trace a target.

    Parameters
    ----------
    derivative : Derivative
        The record.
    target : str
        sub-001, sub-001/ses-1, the stem of a scan, one of these with a column of cohort.tsv (sub-001:mg_mmol_l), rows
        of a table by the value in its first column (statistics:mg_age), one column of them (statistics:mg_age:p), or a
        file.

    Raises
    ------
    SettingsError
        If there is no such target; similar names are given.
    """
    if file := _file(derivative, target):
        ledger = derivative.ledgers.get(file.path) if file.where == DERIVATIVE else None
        tops: list[File | Step] = [step_of(derivative, ledger, row) for row in ledger.rows] if ledger else []
        return _traced(derivative, target, tops or [file])
    name, _, column = target.partition(":")
    table = File(DERIVATIVE, f"{name}.tsv")
    if column and table in derivative.makers:
        found = table_part(derivative, table, column)
        if table == COHORT and "cells" in found:
            (cell, *_), rows = found["cells"], found["rows"]
            return _traced_values(derivative, target, [str(row["scan"]) for row in rows], cell["column"])
        return replace(_traced(derivative, target, [table]), table=found)
    scans = scans_named(derivative, name)
    if not scans:
        raise SettingsError(f"{target}: {unknown(name, known_names(derivative))}")
    if column:
        return _traced_values(derivative, target, scans, column)
    results = [top for scan in scans for top in _last(derivative, scan)]
    ratings = dict.fromkeys(file for scan in scans for file in _rejected_in(derivative, scan))
    return _traced(derivative, target, [*results, *ratings])


def _traced(derivative: Derivative, target: str, tops: list[File | Step]) -> Trace:
    files = [top for top in tops if isinstance(top, File)]
    steps = [top for top in tops if isinstance(top, Step)]
    return Trace(target, tops, lineage(derivative, files, steps))


def _traced_values(derivative: Derivative, target: str, scans: list[str], column: str) -> Trace:
    """Trace of cells of cohort.tsv, restricted to the sources of these cells."""
    values = [_value(derivative, scan, column) for scan in scans]
    sources = [file for value in values for file in value.pop("sources")]
    sources += [file for scan in scans for file in _rejected_in(derivative, scan)]
    failed = [top for scan in scans for top in _last(derivative, scan) if isinstance(top, Step)]
    graph = lineage(derivative, sources, failed)
    if COHORT in derivative.makers:
        ledger, row = derivative.makers[COHORT]
        step = Step(ledger, row, tuple(sources))
        graph.files[COHORT], graph.makers[COHORT] = row.outputs[COHORT.path][1], step
        graph.steps = {step.name: step} | graph.steps
    return Trace(target, [COHORT, *failed], graph, values)


def _file(derivative: Derivative, target: str) -> File | None:
    """File named by the target, relative to the derivative, the study or the working directory."""
    recorded = {*_recorded(derivative), *(File(DERIVATIVE, path) for path in derivative.ledgers)}
    for where, top in ((DERIVATIVE, derivative.root), (STUDY, derivative.study)):
        for path in (top / target, Path(target).absolute(), Path(target).resolve()):
            if path.is_relative_to(top) and (file := File(where, path.relative_to(top).as_posix())) in recorded:
                return file
    return None


def _recorded(derivative: Derivative) -> Iterator[File]:
    for ledger in derivative.ledgers.values():
        for row in ledger.rows:
            yield from (file for files in (ledger.outputs(row), ledger.inputs(row)) for _, file, _ in files)


def scans_named(derivative: Derivative, name: str) -> list[str]:
    """Scans of a participant, of a session or with that name."""
    found = []
    for scan, rows in derivative.rows.items():
        if name in derivative.names(*next(iter(rows.values()))):
            found.append(scan)
    return found


def _last(derivative: Derivative, scan: str) -> list[File | Step]:
    """Results of a scan that none of its later steps reads, or the step that failed."""
    rows = derivative.rows[scan]
    for step in reversed(pipeline.NAMES):
        if step in rows:
            ledger, row = rows[step]
            if row.status != "ok" and (row.step == step or pipeline.BY_NAME[step].kind == "entry"):
                return [step_of(derivative, ledger, row)]
            # A step without output for this scan, as `series` for most, is not the last.
            if row.status == "ok" and (own := {file for _, file, _ in ledger.named(row)}):
                return [*sorted(own | {file for role in _ends() for file in _outputs(derivative, scan, role)})]
    return []


def _ends() -> set[str]:
    """Roles of a scan that none of its steps reads."""
    steps = [step for step in pipeline.STEPS if step.kind == "scan"]
    return {file.role for step in steps for file in step.writes} - {role for step in steps for role in step.reads}


def _value(derivative: Derivative, scan: str, column: str) -> dict[str, Any]:
    """Cell of cohort.tsv, and the record it was taken from."""
    row = table_cells(derivative.place(COHORT), ("scan",)).get(scan)
    if row is None:
        raise StudyError(f"{COHORT.path}: no row for {scan}; the table was changed: myomag verify STUDY")
    if column not in row:
        raise SettingsError(f"{scan}:{column}: {unknown(column, list(row), 'column of cohort.tsv')}")
    value: dict[str, Any] = {"scan": scan, "column": column, "value": row[column], "table": COHORT.path}
    path = next((each.path for each in FIXED_COLUMNS if each.name == column), None)
    if path is None:
        stated = str((content(derivative.root / "cohort.json", column) or {}).get("Source"))
        return value | {"from": stated, "sources": derivative.joined_from(scan, stated)}
    source = next((file for file in _outputs(derivative, scan, path[0])), None) if len(path) > 1 else None
    if source is None:
        return value | {"from": None, "sources": list(_records(derivative, scan))}
    agrees = written(content(derivative.place(source), *path[1:])) == (row[column] or "n/a")
    return value | {"from": source.path, "field": ".".join(path[1:]), "agrees": agrees, "sources": [source]}


def _records(derivative: Derivative, scan: str) -> Iterator[File]:
    """Records of a scan that the cohort reads."""
    for role in pipeline.COHORT.reads:
        yield from _outputs(derivative, scan, role)


def _rejected_in(derivative: Derivative, scan: str) -> list[File]:
    """Tables of raters who had a scan left out."""
    reason = derivative.document["overrides"].get(scan, {}).get("reject", "")
    tables = [file for file in derivative.tables if file.path.startswith(f"{pipeline.RATINGS}/")]
    return [file for file in tables if file.path.endswith(".tsv") and names_rater(reason, Path(file.path).stem)]


def _outputs(derivative: Derivative, scan: str, role: str) -> Iterator[File]:
    for ledger, row in derivative.rows[scan].values():
        yield from (file for name, file, _ in ledger.outputs(row) if name == role)


def known_names(derivative: Derivative) -> list[str]:
    """Names of participants, sessions, scans and files."""
    rows = [next(iter(rows.values()))[1] for rows in derivative.rows.values()]
    sessions = [f"{row.participant_id}/{row.session_id}" for row in rows if row.session_id]
    paths = [file.path for file in derivative.makers]
    return [*(row.participant_id for row in rows), *sessions, *derivative.rows, "statistics:mg_age", *paths]


def _whole(derivative: Derivative, found: Trace) -> Lineage:
    """Files and steps behind a trace; for a table or page made from many scans, those of all of them."""
    makers = [found.graph.makers.get(top) if isinstance(top, File) else top for top in found.tops]
    if found.values or not any(step and pipeline.BY_NAME[step.ledger.step].kind == "study" for step in makers):
        return found.graph
    last = [top for scan in derivative.rows for top in _last(derivative, scan)]
    rest = lineage(derivative, [f for f in last if isinstance(f, File)], [s for s in last if isinstance(s, Step)])
    own = found.graph
    return Lineage(own.files | rest.files, rest.makers | own.makers, own.steps | rest.steps)


def trace_dict(derivative: Derivative, found: Trace) -> dict[str, Any]:
    """Content of a trace for a script."""
    graph = _whole(derivative, found)
    return {
        "target": found.target,
        "study": str(derivative.study),
        "derivative": str(derivative.root),
        "values": found.values,
        "table": found.table,
        "starts_at": [top.path if isinstance(top, File) else top.name for top in found.tops],
        "files": [file_record(derivative, graph, file) for file in sorted(graph.files)],
        "steps": {name: step_record(derivative, step) for name, step in graph.steps.items()},
    }
