"""The ledger: per batch of scans and step, which files were read and written, with digests, and how it ended.

A ledger is a TSV with one row per scan. Snakemake tracks the ledger; the files it names are checked against their
digests whenever a step reads them.
"""

import csv
import io
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from myomag.errors import LedgerError, ScanError
from myomag.io.files import printable, remove_files, sha256_file, together
from myomag.io.records import digest
from myomag.ledger.activity import record_activity
from myomag.ledger.sidecars import with_origin
from myomag.study.names import split_stem

STEPS = ("raw", "convert", "qc", "begin_time", "fit", "magnesium")
COLUMNS = ("scan", "participant_id", "session_id", "status", "step", "reason", "settings", "code", "inputs", "outputs")

Files = dict[str, tuple[str, str]]
"""Role of a file → (path, SHA-256); raw paths are relative to the study, all others to the derivative."""

StepFunction = Callable[[str, Mapping[str, Path], Mapping[str, Any]], dict[str, bytes]]

OUTPUT_NAMES = {
    "convert": {"fid": "{stem}.nii.gz", "sidecar": "{stem}.json"},
    "qc": {
        "preproc": "{base}_desc-preproc_{suffix}.nii.gz",
        "preproc_sidecar": "{base}_desc-preproc_{suffix}.json",
        "quality": "{base}_desc-quality_mrs.json",
    },
    "begin_time": {"begintime": "{base}_desc-begintime_fit.json"},
    "fit": {"fit": "{base}_desc-amares_fit.json"},
    "magnesium": {"magnesium": "{base}_desc-magnesium_mrs.json"},
}
READS = {
    "convert": ("raw", "sidecar"),
    "qc": ("fid", "sidecar"),
    "begin_time": ("preproc", "preproc_sidecar", "quality"),
    "fit": ("preproc", "begintime", "quality"),
    "magnesium": ("fit", "preproc_sidecar"),
}
"""Roles a step reads; for raw files a role stands for its numbered companions too (raw, raw_1, …)."""

_FILES_TEXT = json.JSONEncoder(sort_keys=True).encode
"""Made once: json.dumps would make an encoder for each of the cells of a large study."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One scan in a ledger.

    Attributes
    ----------
    status : str
        "ok" or "failed".
    step, reason : str
        Step at which the scan failed, and why; the step of the ledger and "" otherwise.
    settings, code : str
        Digests of the settings that held for this scan and of the step's code.
    inputs, outputs : Files
        Files read and written.
    """

    scan: str
    participant_id: str
    session_id: str
    status: str = "ok"
    step: str = ""
    reason: str = ""
    settings: str = ""
    code: str = ""
    inputs: Files = field(default_factory=dict)
    outputs: Files = field(default_factory=dict)


def batch_of(participant_id: str, batches: int) -> int:
    """Batch of a participant: it depends on the label alone, never on who else is in the study."""
    return int.from_bytes(sha256(participant_id.encode("utf-8", "surrogateescape")).digest()[:8], "big") % batches


def ledger_path(step: str, batch: int | str) -> str:
    """Place of a ledger inside the derivative."""
    return f"ledger/{step}/batch-{batch}.tsv"


def ledger_bytes(rows: Iterable[Row]) -> bytes:
    """TSV text of a ledger, rows sorted by scan."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda row: row.scan):
        values = (getattr(row, name) for name in COLUMNS)
        writer.writerow([_FILES_TEXT(v) if isinstance(v, dict) else printable(v) or "n/a" for v in values])
    return text.getvalue().encode()


def read_ledger(path: Path) -> list[Row]:
    """Rows of a ledger.

    Raises
    ------
    LedgerError
        If the file is missing or is not a ledger.
    """
    try:
        return _rows(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise LedgerError(f"{path}: not a readable ledger ({error}). {_remedy(path.parent.name)}") from error


def _rows(text: str) -> list[Row]:
    header, *lines = text.splitlines()
    if tuple(header.split("\t")) != COLUMNS:
        raise ValueError("unexpected columns")
    return [_row(line) for line in lines]


def _row(line: str) -> Row:
    cells = dict(zip(COLUMNS, line.split("\t"), strict=True))
    files: dict[str, Any] = {
        name: {role: (str(path), str(sha)) for role, (path, sha) in json.loads(cells[name]).items()}
        for name in ("inputs", "outputs")
    }
    text = {name: "" if value == "n/a" else value for name, value in cells.items() if name not in files}
    return Row(**text | files)


def checked_ledger(path: Path) -> list[Row]:
    """Rows of a ledger, after checking that its step wrote it.

    Raises
    ------
    LedgerError
        If the ledger is not readable, or is not the one its step wrote.
    """
    rows = read_ledger(path)
    check_ledger(path)
    return rows


def check_ledger(path: Path) -> None:
    """Compare the digest of a ledger with the last line of its activity record.

    The raw ledgers have no such record: they are written anew whenever the pipeline starts.

    Raises
    ------
    LedgerError
        If the ledger is not the one its step wrote.
    """
    step = path.parent.name
    if step == "raw":
        return
    try:
        recorded = json.loads(activity_path(path).read_text(encoding="utf-8").splitlines()[-1])["ledger_sha256"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise LedgerError(f"{activity_path(path)}: not a readable activity record. {_remedy(step)}") from error
    if recorded != sha256_file(path):
        raise LedgerError(f"{path}: changed since step {step} wrote it. {_remedy(step)}")


def activity_path(ledger: Path) -> Path:
    """Place of the activity record of a ledger, beside it."""
    return ledger.with_suffix(".activity.jsonl")


def _remedy(step: str) -> str:
    return f"Restore it, or compute it again from there: myomag run STUDY -- --forcerun {step}"


def available_files(rows: Iterable[Row]) -> Files:
    """Files of one scan that the rows of several ledgers name; later rows win."""
    files: Files = {}
    for row in rows:
        files |= row.inputs | row.outputs
    return files


def checked_path(root: Path, path: str, sha: str, step: str) -> Path:
    """Path of a file the ledger names, after comparing its digest.

    Raises
    ------
    LedgerError
        If the file is missing, changed, or outside `root`.
    """
    place, remedy = root / path, _remedy(step)
    if not place.resolve().is_relative_to(_resolved(root)):
        raise LedgerError(f"{path}: the ledger names a file outside the derivative. {remedy}")
    try:
        found = sha256_file(place)
    except OSError as error:
        raise LedgerError(
            f"{path}: written by step {step}, but cannot be read now ({error.strerror}). {remedy}"
        ) from error
    if found != sha:
        raise LedgerError(
            f"{path}: changed since step {step} wrote it (expected SHA-256 {sha[:12]}…, found {found[:12]}…). {remedy}"
        )
    return place


@cache
def _resolved(root: Path) -> Path:
    return root.resolve()


def run_step(
    step: str,
    function: StepFunction,
    *,
    previous: Path,
    ledger: Path,
    spec: str,
    study: Path,
) -> None:
    """Run one step over one batch of scans and write its ledger.

    Bad data (`ScanError`) makes a failed row; a file that is not what the previous ledger says, or a bug, stops the
    job and leaves everything as it was. Files that an earlier run wrote for these scans and this one did not are
    removed.

    Parameters
    ----------
    step : str
        Name of the step.
    function : callable
        The step's pure function: scan, inputs by role, settings → outputs by role.
    previous, ledger : Path
        Ledger of the step before and of this one, relative to the derivative, which is the working directory.
    spec : str
        JSON with `settings`, `overrides` and `code`, as the rule has it.
    study : Path
        Study folder, in which raw files are looked up.
    """
    started = datetime.now(UTC)
    root = Path.cwd()
    content = json.loads(spec)
    before = checked_ledger(previous)
    rows: list[Row] = []
    with together(root) as write:
        for number, row in enumerate(before, start=1):
            rows.append(_run_scan(step, function, row, content, root, study, write))
            log.info("%s %d/%d %s: %s", step, number, len(before), row.scan, rows[-1].reason or rows[-1].status)
        write(str(ledger), ledger_bytes(rows))
    remove_files(root, left_over(step, rows))
    record_step(step, ledger, started=started, chain={"previous_ledger_sha256": sha256_file(previous)})


def settings_for(content: Mapping[str, Any], participant_id: str, scan: str) -> dict[str, Any]:
    """Settings of a spec as they hold for one scan, its overrides applied."""
    settings: dict[str, Any] = dict(content["settings"])
    for target in (participant_id, scan):
        settings |= content["overrides"].get(target, {})
    return settings


def _run_scan(
    step: str,
    function: StepFunction,
    row: Row,
    content: Mapping[str, Any],
    root: Path,
    study: Path,
    write: Callable[[str, bytes], str],
) -> Row:
    settings = settings_for(content, row.participant_id, row.scan)
    done = replace(row, settings=digest(settings), code=content["code"], inputs={}, outputs={})
    if row.status != "ok":
        return done
    files = available_files([row])
    wanted = {role: files[role] for role in sorted(files) if _reads(step, role)}
    try:
        paths = {
            role: _raw_path(study, path, sha) if step == "convert" else checked_path(root, path, sha, _writer(role))
            for role, (path, sha) in wanted.items()
        }
        results = function(row.scan, paths, settings)
    except ScanError as error:
        return replace(done, status="failed", step=step, reason=" ".join(str(error).split()), inputs=wanted)
    outputs: Files = {}
    for role, data in with_origin(step, results, (path for path, _ in wanted.values())).items():
        path = output_path(step, role, row)
        outputs[role] = (path, write(path, data))
    return replace(done, step=step, inputs=wanted, outputs=outputs)


def _reads(step: str, role: str) -> bool:
    return role in READS[step] or (step == "convert" and role.rstrip("0123456789").removesuffix("_") in READS[step])


def _writer(role: str) -> str:
    """Step that writes the files of a role."""
    return next(step for step, roles in OUTPUT_NAMES.items() if role in roles)


def _raw_path(study: Path, path: str, sha: str) -> Path:
    try:
        found = sha256_file(study / path)
    except OSError as error:
        raise ScanError(f"{PurePosixPath(path).name}: cannot be read ({error.strerror}).") from error
    if found != sha:
        raise LedgerError(f"{path}: the raw file changed while the pipeline ran; start it again.")
    return study / path


def output_path(step: str, role: str, row: Row) -> str:
    """Place of an output inside the derivative."""
    base, suffix = split_stem(row.scan)
    folder = PurePosixPath(row.participant_id, row.session_id, "mrs")
    return str(folder / OUTPUT_NAMES[step][role].format(stem=row.scan, base=base, suffix=suffix))


def left_over(step: str, rows: Iterable[Row]) -> set[str]:
    """Files that a step may have written for these scans before, and did not write now."""
    rows = list(rows)
    possible = {output_path(step, role, row) for row in rows for role in OUTPUT_NAMES[step]}
    return possible - {path for row in rows for path, _ in row.outputs.values()}


def record_step(step: str, ledger: Path, *, started: datetime, chain: Mapping[str, Any]) -> None:
    """Add a line to the activity record of a ledger that was just written, with what it rests on."""
    record_activity(
        Path.cwd(),
        str(activity_path(ledger)),
        started=started,
        step=step,
        content={"ledger_sha256": sha256_file(ledger), **chain},
    )


def checked_outputs(root: Path, ledger: Path) -> Row:
    """Row of a ledger with one row, after checking the digests of its outputs.

    Raises
    ------
    LedgerError
        If an output is missing or was changed.
    """
    (row,) = checked_ledger(ledger)
    for path, sha in row.outputs.values():
        checked_path(root, path, sha, row.step)
    return row
