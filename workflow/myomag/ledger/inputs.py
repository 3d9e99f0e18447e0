"""Raw files and tables found by every run; the raw ledgers describe only the last one."""

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from myomag.errors import LedgerError
from myomag.io.files import together
from myomag.ledger.chained import chained, entry_of, line_digest
from myomag.ledger.rows import Row, ledger_path, read_ledger
from myomag.pipeline import RATINGS
from myomag.study.ratings import rating_files

INPUTS = "ledger/raw/inputs.activity.jsonl"
"""One line for each raw ledger that a run found changed, with the digests of new or changed files."""


def files_of(rows: Sequence[Row]) -> dict[str, str]:
    """SHA-256 of the files in a raw ledger, by path."""
    return {path: sha for row in rows for path, sha in row.inputs.values()}


def change(root: Path, ledger: str, files: Mapping[str, str]) -> dict[str, Any] | None:
    """Changes about to be made to a raw ledger; None if there are none."""
    known = _present(root, ledger) if (root / INPUTS).is_file() else {}
    new = {path: sha for path, sha in files.items() if known.get(path) != sha}
    gone = sorted(known.keys() - files.keys())
    return {"ledger": ledger, "files": new, "gone": gone} if new or gone else None


def record_changes(root: Path, changes: Sequence[Mapping[str, Any]]) -> None:
    """Add a line for each raw ledger that changed."""
    if not changes:
        return
    found = datetime.now(UTC).isoformat(timespec="milliseconds")
    with together(root) as write:
        write(INPUTS, (line.encode() for line in _lines(root / INPUTS, found, changes)))


def earlier_inputs(lines: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Times and SHA-256 at which a file of the study was found, by path, earliest first."""
    history: dict[str, list[tuple[str, str]]] = {}
    for entry in filter(None, map(entry_of, lines)):
        for path, sha in entry["files"].items():
            seen = history.setdefault(path, [])
            if not seen or seen[-1][1] != sha:
                seen.append((entry["found"], sha))
    return history


def last_inputs(lines: Sequence[str]) -> dict[str, dict[str, str]]:
    """Result of all lines: SHA-256 of the files of each raw ledger."""
    state: dict[str, dict[str, str]] = {}
    for entry in filter(None, map(entry_of, lines)):
        files = state.setdefault(entry["ledger"], {})
        files |= entry["files"]
        for path in entry["gone"]:
            files.pop(path, None)
    return {ledger: files for ledger, files in state.items() if files}


def lost_ratings(root: Path) -> list[str]:
    """Tables of ratings that the last run found and that are gone: the scans they left out would silently return."""
    try:
        rows = read_ledger(root / ledger_path("settings"))
    except LedgerError:
        # No run yet, or a ledger that its step makes again.
        return []
    known = {path for row in rows for path, _ in row.inputs.values() if path.startswith(f"{RATINGS}/")}
    return sorted(path for path in known - set(rating_files(root)) if path.endswith(".tsv"))


def _present(root: Path, ledger: str) -> dict[str, str]:
    try:
        return files_of(read_ledger(root / ledger))
    except LedgerError:
        return {}


def _lines(path: Path, found: str, changes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    before = None
    with path.open(encoding="utf-8", newline="\n") if path.is_file() else io.StringIO() as present:
        for line in present:
            before = line_digest(line)
            yield line
    for each in changes:
        line = chained({"found": found, **each}, before)
        before = line_digest(line)
        yield f"{line}\n"
