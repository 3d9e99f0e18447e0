"""Ledgers: per batch of scans and step, files read and written, with digests, and the outcome.

A ledger is a TSV with one row per scan. Snakemake tracks the ledger; the files listed in it are checked against their
digests whenever a step reads them.
"""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from myomag import pipeline
from myomag.errors import LedgerError
from myomag.io.files import printable, sha256_file
from myomag.pipeline import File
from myomag.study.names import split_stem

COLUMNS = ("scan", "participant_id", "session_id", "status", "step", "reason", "settings", "code", "inputs", "outputs")

Files = dict[str, tuple[str, str]]
"""Role of a file → (path, SHA-256); raw paths are relative to the study, all others to the derivative."""

REMEDY = "Restore it, or remake it: myomag run STUDY --repair"
"""Remedy if a file of a step cannot be relied on."""
LEFT_OUT = "left out"
"""Status of a scan outside the selection of a run."""

_FILES_TEXT = json.JSONEncoder(sort_keys=True).encode
"""Made once: json.dumps would create an encoder for every cell of a large study."""


@dataclass(frozen=True)
class Row:
    """One scan in a ledger.

    Attributes
    ----------
    status : str
        "ok", "failed" or LEFT_OUT.
    step, reason : str
        Step at which the scan failed or was left out, and why; the step of the ledger and "" otherwise.
    settings, code : str
        Digests of the settings used for this scan and of the step's code.
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
    """Batch of a participant: it depends only on the label, never on other participants."""
    return int.from_bytes(sha256(participant_id.encode("utf-8", "surrogateescape")).digest()[:8], "big") % batches


def ledger_path(step: str, batch: int | str = "") -> str:
    """Place of a ledger inside the derivative: of a batch, of the tables of the study, or of a study-level step."""
    name = "all" if batch == "" else batch if batch == "tables" else f"batch-{batch}"
    return f"ledger/{step}/{name}.tsv"


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
        return parse_ledger(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise LedgerError(f"{path}: not a readable ledger ({error}). {REMEDY}") from error


def parse_ledger(text: str) -> list[Row]:
    """Rows of a ledger from its text.

    Raises
    ------
    ValueError, TypeError, LookupError or AttributeError
        If it is not the text of a ledger.
    """
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


def checked_ledger(root: Path, place: Path) -> list[Row]:
    """Rows of a ledger, after comparing its digest with the last line of its activity record.

    The raw ledgers have no such record: they are rewritten whenever the pipeline starts.

    Parameters
    ----------
    root, place : Path
        Derivative, and the ledger in it.

    Raises
    ------
    LedgerError
        If the ledger is not readable, or is not as its step wrote it.
    """
    rows, step = read_ledger(root / place), place.parent.name
    if pipeline.BY_NAME[step].kind == "entry":
        return rows
    record = activity_path(place)
    try:
        recorded = json.loads((root / record).read_text(encoding="utf-8").splitlines()[-1])["ledger_sha256"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise LedgerError(f"{record}: not a readable activity record. {REMEDY}") from error
    if recorded != sha256_file(root / place):
        raise LedgerError(f"{place}: changed since step {step} wrote it. {REMEDY}")
    return rows


def activity_path(ledger: Path) -> Path:
    """Place of the activity record of a ledger, beside it."""
    return ledger.with_suffix(".activity.jsonl")


def checked_path(root: Path, path: str, sha: str, step: str) -> Path:
    """Path of a file in the ledger, after checking its digest.

    Raises
    ------
    LedgerError
        If the file is missing, changed, or outside `root`.
    """
    place = root / path
    if not place.resolve().is_relative_to(_resolved(root)):
        raise LedgerError(f"{path}: the ledger names a file outside the derivative. {REMEDY}")
    try:
        found = sha256_file(place)
    except OSError as error:
        raise LedgerError(
            f"{path}: written by step {step}, but can no longer be read ({error.strerror}). {REMEDY}"
        ) from error
    if found != sha:
        change = f"expected SHA-256 {sha[:12]}…, found {found[:12]}…"
        raise LedgerError(f"{path}: changed since step {step} wrote it ({change}). {REMEDY}")
    return place


@cache
def _resolved(root: Path) -> Path:
    return root.resolve()


def output_path(file: File, row: Row) -> str:
    """Place of a file of a scan or a participant inside the derivative."""
    base, suffix = split_stem(row.scan)
    name = file.name.format(stem=row.scan, base=base, suffix=suffix, participant=row.participant_id)
    return name if "/" in name else str(PurePosixPath(row.participant_id, row.session_id, "mrs", name))


def checked_outputs(root: Path, place: Path) -> Row:
    """Row of a ledger with one row, after checking the digests of its outputs.

    Raises
    ------
    LedgerError
        If an output is missing or has changed.
    """
    (row,) = checked_ledger(root, place)
    for path, sha in row.outputs.values():
        checked_path(root, path, sha, row.step)
    return row
