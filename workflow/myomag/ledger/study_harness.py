"""The harness of steps over many scans: their results, and the tables and pages made from them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.errors import LedgerError
from myomag.io.files import Content, remove_files, sha256_file, together
from myomag.ledger.harness import Job, ledger_files, record_job
from myomag.ledger.results import ScanResult, by_participant, read_results
from myomag.ledger.rows import Files, Row, checked_ledger, checked_outputs, ledger_bytes, output_path


def results(task: Job) -> Iterator[ScanResult]:
    """Scans in the ledgers that a job reads, batch by batch."""
    return read_results(task.root, [path for path in task.ledgers if path.stem.startswith("batch-")])


def made(task: Job) -> list[Row]:
    """Rows of the study-level steps whose files a job reads, their digests checked."""
    return [checked_outputs(task.root, path) for path in task.ledgers]


def write_study(task: Job, outputs: Iterable[tuple[str, Content]], inputs: Files | None = None, **said: Any) -> None:
    """Write the files of a step over many scans, its ledger and its activity record.

    Parameters
    ----------
    task : Job
        The job.
    outputs : iterable of (str, bytes or iterable of bytes)
        Path inside the derivative and content of each file; it need not outlive its writing.
    inputs : Files, optional
        Files the step read, by role; None for the ledgers of the job.
    **said
        Additional entries of the activity record.
    """
    started, name = datetime.now(UTC), task.spec.step
    read = ledger_files(task.root, task.ledgers) if inputs is None else inputs
    with together(task.root) as write:
        written: Files = {path: (path, write(path, data)) for path, data in outputs}
        row = Row(name, "", "", "ok", name, "", task.spec.digest_of_study(), task.spec.code, read, written)
        write(str(task.ledger), ledger_bytes([row]))
    kept = {path for path, _ in written.values()}
    patterns = (file.name for file in task.step.writes if "*" in file.name)
    remove_files(task.root, {str(p.relative_to(task.root)) for each in patterns for p in task.root.glob(each)} - kept)
    record_job(task, started, **said)


def write_participants(
    task: Job, pages: Callable[[Mapping[str, list[ScanResult]]], Iterable[tuple[str, bytes]]]
) -> None:
    """Write one file per participant of a batch, and the ledger that lists the files each was made from.

    Parameters
    ----------
    task : Job
        The job.
    pages : callable
        Takes the scans of each participant; yields label and content, one at a time.
    """
    started = datetime.now(UTC)
    scans = by_participant(results(task))
    (file,) = task.step.writes
    rows = []
    with together(task.root) as write:
        for participant, page in pages(scans):
            read = {f"{role}:{r.last.scan}": named for r in scans[participant] for role, named in r.read.items()}
            row = Row(participant, participant, "", "ok", task.spec.step, "", inputs=read)
            path = output_path(file, row)
            outputs = {file.role: (path, write(path, page))}
            rows.append(replace(row, settings=task.spec.digest_of_study(), code=task.spec.code, outputs=outputs))
        write(str(task.ledger), ledger_bytes(rows))
    record_job(task, started)


def checked_tables(task: Job) -> None:
    """Check that the tables of the study and of the raters are those the run started with.

    Raises
    ------
    LedgerError
        If one has changed in the meantime.
    """
    for ledger in (path for path in task.ledgers if path.parent.name == pipeline.STEPS[0].name):
        for row in checked_ledger(task.root, ledger):
            for role, (path, sha) in row.inputs.items():
                place = (task.root if role == pipeline.RATINGS else task.study) / path
                if not place.is_file() or sha256_file(place) != sha:
                    raise LedgerError(f"{path}: the table changed while the pipeline was running; start it again.")


def check_summaries(root: Path) -> None:
    """Check the ledgers of a derivative, and the tables and pages that were made from many scans.

    They are few enough to check in every run; the files of each scan are checked by the step that reads them.

    Raises
    ------
    LedgerError
        Naming the file that is missing or not as its step wrote it, and the remedy.
    """
    for path in sorted(root.glob("ledger/*/*.tsv")):
        place = path.relative_to(root)
        if place.stem == "all":
            checked_outputs(root, place)
        else:
            checked_ledger(root, place)
