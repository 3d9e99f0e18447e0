"""The scan-level steps run again in another folder, with recorded settings, by the harness that the pipeline uses."""

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import chdir
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from myomag.audit.record import Derivative, File
from myomag.io.files import sha256_bytes, write_atomic
from myomag.io.places import SCRIPTS
from myomag.io.records import canonical
from myomag.ledger.cleanup import page_path
from myomag.ledger.code import code_digest
from myomag.ledger.results import ScanResult, by_participant, read_results
from myomag.ledger.rows import STEPS, Row, ledger_bytes, ledger_path, run_step
from myomag.progress import progress
from myomag.run.jobs import out_of_reach_of_ctrl_c
from myomag.single.scan import STEPS as FUNCTIONS
from myomag.steps.cohort import cohort_tables
from myomag.steps.pages import participant_pages
from myomag.steps.protocols import protocol_tables
from myomag.steps.report import report_files

BEFORE_POOLING = ("convert", "qc", "begin_time")
AFTER_POOLING = ("fit", "magnesium")


def recompute(derivative: Derivative, scans: Sequence[str], folder: Path, cores: int) -> dict[str, bytes]:
    """Run all steps for some scans in an empty folder.

    With all scans of the study, what is made from many of them is made again too; with some, the fit takes the pooled
    begin times that are recorded.

    Parameters
    ----------
    derivative : Derivative
        The record, whose settings are used.
    scans : sequence of str
        Scans to compute.
    folder : Path
        Empty folder for the ledgers and results.
    cores : int
        Number of processes.

    Returns
    -------
    dict of str to bytes
        Contents of the tables and pages, by path; empty with some of the scans.
    """
    batches = _write_raw_ledgers(derivative, set(scans), folder)
    whole = set(scans) == set(derivative.rows)
    _run(derivative, batches, BEFORE_POOLING, folder, cores, {})
    tables, protocols = {}, derivative.protocols
    if whole:
        with chdir(folder):
            tables = protocol_tables(_results(folder, *STEPS[: STEPS.index("begin_time") + 1]), folder)
        for path, content in tables.items():
            write_atomic(folder, path, content)
        protocols = Derivative(derivative.study, folder).protocols
    _run(derivative, batches, AFTER_POOLING, folder, cores, protocols)
    if not whole:
        return {}
    made = tables | _tables_and_pages(derivative, folder)
    return made | _report(derivative, made, folder)


def _write_raw_ledgers(derivative: Derivative, scans: set[str], folder: Path) -> list[str]:
    """Write the raw ledgers of some scans; returns their batches."""
    batches = []
    for ledger in derivative.of_step("raw"):
        rows = [row for row in ledger.rows if row.scan in scans]
        if ledger.batch and rows:
            write_atomic(folder, ledger.path, ledger_bytes(rows))
            batches.append(ledger.batch)
    return batches


def _run(
    derivative: Derivative,
    batches: Sequence[str],
    steps: Sequence[str],
    folder: Path,
    cores: int,
    protocols: Mapping[str, Any],
) -> None:
    specs = {step: _spec(derivative.document, step, protocols) for step in steps}
    context = multiprocessing.get_context("spawn")
    processes = min(cores, len(batches)) or 1
    with ProcessPoolExecutor(processes, mp_context=context) as pool, progress("batches", len(batches)) as advance:
        with out_of_reach_of_ctrl_c():
            done = pool.map(partial(run_batch, specs=specs, folder=folder, study=derivative.study), batches)
        for number, _ in enumerate(done, start=1):
            advance(number)


def run_batch(batch: str, specs: Mapping[str, str], folder: Path, study: Path) -> None:
    """Run some steps, one after the other, over one batch in `folder`."""
    with chdir(folder):
        for step, spec in specs.items():
            previous = STEPS[STEPS.index(step) - 1]
            paths = [Path(ledger_path(name, batch)) for name in (previous, step)]
            run_step(step, FUNCTIONS[step][0], previous=paths[0], ledger=paths[1], spec=spec, study=study)


def _spec(document: Mapping[str, Any], step: str, protocols: Mapping[str, Any]) -> str:
    """Settings, overrides and code of a step, as its rule has them."""
    section = FUNCTIONS[step][1]
    settings = dict(document[section]) | ({"protocols": protocols} if step == "fit" else {})
    overrides = {target: own[section] for target, own in document["overrides"].items() if section in own}
    return canonical({"settings": settings, "overrides": overrides, "code": code_digest(SCRIPTS / f"{step}.py")})


def _results(folder: Path, *steps: str) -> Iterator[ScanResult]:
    return read_results([path for step in steps for path in sorted(folder.glob(f"ledger/{step}/batch-*.tsv"))])


def _tables_and_pages(derivative: Derivative, folder: Path) -> dict[str, bytes]:
    document = derivative.document
    reject = {target: own["reject"] for target, own in document["overrides"].items() if "reject" in own}
    tables = cohort_tables(_results(folder, "qc", "fit", "magnesium"), folder, derivative.study, document, reject)
    pages = participant_pages(by_participant(_results(folder, *STEPS)), folder, document, reject)
    whole = {path: content if isinstance(content, bytes) else b"".join(content) for path, content in tables.items()}
    return whole | {page_path(participant): page for participant, page in pages}


def _report(derivative: Derivative, made: Mapping[str, bytes], folder: Path) -> dict[str, bytes]:
    """Page and figures of the cohort from tables computed now; the versions it states are those that were recorded."""
    ledgers = [derivative.ledgers.get(f"ledger/{step}/all.tsv") for step in ("cohort", "protocols", "report")]
    recorded = [ledger for ledger in ledgers if ledger and ledger.rows]
    if len(recorded) < len(ledgers):
        return {}
    for path, content in made.items():
        write_atomic(folder, path, content)
    steps = [
        replace(
            ledger.rows[0],
            code=code_digest(SCRIPTS / f"{ledger.step}.py"),
            outputs={path: (path, sha256_bytes(made[path])) for path in ledger.rows[0].outputs if path in made},
        )
        for ledger in recorded[:2]
    ]
    settings = derivative.settings(recorded[2], recorded[2].rows[0])["settings"]
    return dict(report_files(folder, steps, settings, recorded[2].activity))


def recomputed_rows(folder: Path) -> dict[str, dict[str, Row]]:
    """Rows of the ledgers in a folder by scan and step."""
    rows = Derivative(folder, folder).rows
    return {scan: {step: row for step, (_, row) in steps.items()} for scan, steps in rows.items()}


def raw_files(derivative: Derivative, scan: str) -> dict[File, str]:
    """Raw files of a scan with their recorded SHA-256."""
    rows = derivative.rows[scan]
    ledger, row = rows["raw"]
    return {file: sha for _, file, sha in ledger.inputs(row)}
