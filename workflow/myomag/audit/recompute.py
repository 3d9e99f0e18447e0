"""The scan-level steps rerun in another folder, with recorded settings, by the harness of the pipeline."""

import multiprocessing
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.audit.record import Derivative, File
from myomag.io.files import sha256_bytes, sha256_file, write_atomic
from myomag.ledger.activity import record_activity
from myomag.ledger.harness import Job, run_scans
from myomag.ledger.pooled import pooled_begin_times
from myomag.ledger.results import ScanResult, by_participant, read_results
from myomag.ledger.rows import Row, activity_path, checked_path, ledger_bytes, ledger_path, output_path
from myomag.ledger.spec import Spec, resolve, step_code
from myomag.pipeline import reads_study
from myomag.progress import progress
from myomag.run.jobs import out_of_reach_of_ctrl_c
from myomag.settings.models import Settings
from myomag.single.functions import step_function
from myomag.steps.cohort import cohort_tables
from myomag.steps.pages import participant_pages
from myomag.steps.protocols import protocol_tables
from myomag.steps.report import report_files
from myomag.study.ratings import read_ratings
from myomag.study.tables import read_tables


def recompute(derivative: Derivative, scans: Sequence[str], folder: Path, cores: int) -> dict[str, bytes]:
    """Run all steps for some scans in an empty folder.

    With all scans of the study, the results over many scans are also remade; with some, the fit uses the recorded
    pooled begin times. If the study is not here, the converted scans are used as they are, and results that need its
    tables are left out.

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
    pooling = pipeline.NAMES.index("protocols")
    taken = steps_taken(derivative)
    for step in taken:
        _take(derivative, step, set(scans), folder)
    before = [step for step in pipeline.SCAN_STEPS if pipeline.NAMES.index(step) < pooling and step not in taken]
    _run(derivative, batches, before, folder, cores, {})
    tables, pooled = {}, derivative.pooled
    if whole:
        tables = protocol_tables(_results(folder, "protocols"))
        for path, content in tables.items():
            write_atomic(folder, path, content)
        pooled = pooled_begin_times(folder)
    behind = [step for step in pipeline.SCAN_STEPS if pipeline.NAMES.index(step) > pooling]
    _run(derivative, batches, behind, folder, cores, pooled)
    if not whole:
        return {}
    made = tables | _pages(derivative, folder)
    if not derivative.has_study:
        return made
    made |= _tables(derivative, folder)
    return made | _report(derivative, made, folder)


def steps_taken(derivative: Derivative) -> tuple[str, ...]:
    """Steps that are not recomputed, because the study that they read is not here."""
    return () if derivative.has_study else tuple(s for s in pipeline.SCAN_STEPS if reads_study(pipeline.BY_NAME[s]))


def _take(derivative: Derivative, step: str, scans: set[str], folder: Path) -> None:
    """Put the products of a step for some scans into the folder, after checking digests."""
    for ledger in derivative.of_step(step):
        rows = [row for row in ledger.rows if row.scan in scans]
        for path, sha in (file for row in rows for file in row.outputs.values()):
            source, target = checked_path(derivative.root, path, sha, step), folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        if rows:
            write_atomic(folder, ledger.path, ledger_bytes(rows))
            record = str(activity_path(Path(ledger.path)))
            said = {"ledger_sha256": sha256_file(folder / ledger.path)}
            record_activity(folder, record, started=datetime.now(UTC), step=step, content=said)


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
    pooled: Mapping[str, Any],
) -> None:
    specs = {step: resolve(step, derivative.document, pooled=pooled) for step in steps}
    context = multiprocessing.get_context("spawn")
    processes = min(cores, len(batches)) or 1
    with ProcessPoolExecutor(processes, mp_context=context) as pool, progress("batches", len(batches)) as advance:
        with out_of_reach_of_ctrl_c():
            done = pool.map(partial(run_batch, specs=specs, folder=folder, study=derivative.study), batches)
        for number, _ in enumerate(done, start=1):
            advance(number)


def run_batch(batch: str, specs: Mapping[str, Spec], folder: Path, study: Path) -> None:
    """Run some steps in sequence over one batch in `folder`."""
    for step, spec in specs.items():
        read = tuple(Path(ledger_path(name, batch)) for name in pipeline.ledgers_read(step))
        run_scans(Job(spec, read, Path(ledger_path(step, batch)), folder, study), step_function(step))


def _results(folder: Path, step: str) -> Iterator[ScanResult]:
    """Scans as read by a study-level step."""
    found = (path for name in pipeline.ledgers_read(step) for path in folder.glob(ledger_path(name, "*")))
    return read_results(folder, sorted(path.relative_to(folder) for path in found))


def _tables(derivative: Derivative, folder: Path) -> dict[str, bytes]:
    spec = resolve("cohort", derivative.document)
    read = partial(read_tables, derivative.study)
    ratings = read_ratings(derivative.root)
    return cohort_tables(_results(folder, "cohort"), read, Settings.only(spec.settings), spec.reject, ratings)


def _pages(derivative: Derivative, folder: Path) -> dict[str, bytes]:
    spec = resolve("pages", derivative.document)
    pages = participant_pages(by_participant(_results(folder, "pages")), Settings.only(spec.settings), spec.reject)
    (file,) = pipeline.BY_NAME["pages"].writes
    return {output_path(file, Row(participant, participant, "")): page for participant, page in pages}


def _report(derivative: Derivative, made: Mapping[str, bytes], folder: Path) -> dict[str, bytes]:
    """Page and figures of the cohort from recomputed tables; it states the recorded software versions."""
    steps = [*pipeline.ledgers_read("report"), "report"]
    ledgers = [derivative.ledgers.get(ledger_path(step)) for step in steps]
    recorded = [ledger for ledger in ledgers if ledger and ledger.rows]
    if len(recorded) < len(ledgers):
        return {}
    for path, content in made.items():
        write_atomic(folder, path, content)
    made_by = [
        replace(
            ledger.rows[0],
            code=step_code(ledger.step),
            outputs={path: (path, sha256_bytes(made[path])) for path in ledger.rows[0].outputs if path in made},
        )
        for ledger in recorded[:-1]
    ]
    settings = Settings.only(derivative.spec(recorded[-1]).settings)
    return dict(report_files(folder, made_by, settings, recorded[-1].activity))


def recomputed_rows(folder: Path) -> dict[str, dict[str, Row]]:
    """Rows of the ledgers in a folder by scan and step."""
    rows = Derivative(folder, folder).rows
    return {scan: {step: row for step, (_, row) in steps.items()} for scan, steps in rows.items()}


def raw_files(derivative: Derivative, scan: str) -> dict[File, str]:
    """Raw files of a scan with their recorded SHA-256."""
    rows = derivative.rows[scan]
    ledger, row = rows["raw"]
    return {file: sha for _, file, sha in ledger.inputs(row)}
