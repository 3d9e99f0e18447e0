"""Rows that a job may keep from the last time: those of scans whose inputs have not changed."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from myomag.errors import LedgerError
from myomag.io.files import PRIVATE, sha256_file
from myomag.ledger.activity import last_entry, surroundings
from myomag.ledger.rows import Files, Row, activity_path, read_ledger

Identity = tuple[str, str, str]
_REMEMBERED = Path(PRIVATE, "remembered")


def identity(row: Row) -> Identity:
    """Unique identity of a scan, even if its name is invalid."""
    return row.participant_id, row.session_id, row.scan


@dataclass(frozen=True)
class Kept:
    """Rows of the ledger that a job is about to rewrite.

    Attributes
    ----------
    root : Path
        The derivative.
    rows : mapping of Identity to Row
        Rows of that ledger; none if it is not as its step wrote it, or was made with different software.
    """

    root: Path
    rows: Mapping[Identity, Row] = field(default_factory=dict)

    def row(self, now: Row) -> Row | None:
        """Row of the last time, if settings, code and inputs equal those of `now` and its files are unchanged."""
        old = self.rows.get(identity(now))
        same = old and (old.status, old.step) == ("ok", now.step)
        if not old or not same or (old.settings, old.code, old.inputs) != (now.settings, now.code, now.inputs):
            return None
        return old if as_recorded(self.root, old.outputs) else None


def kept_rows(root: Path, ledger: Path, software: str) -> Kept:
    """Rows that a job may keep.

    Parameters
    ----------
    root, ledger : Path
        The derivative, and the place in it of the ledger that the job writes.
    software : str
        Digest of the versions of the packages that the step imports.
    """
    then, now = last_entry(root / activity_path(ledger)), surroundings() | {"software_sha256": software}
    if any(then.get(name) != value for name, value in now.items()):
        return Kept(root)
    try:
        known = sha256_file(root / _REMEMBERED / ledger) == then.get("ledger_sha256")
        return Kept(root, {identity(row): row for row in read_ledger(root / _REMEMBERED / ledger)} if known else {})
    except (OSError, LedgerError):
        return Kept(root)


def remember(root: Path, ledger: Path) -> None:
    """Give a ledger a second name, under which the next job of its batch finds it: Snakemake removes the first one.

    If the file system has no hard links, that job repeats its whole batch.
    """
    name = root / _REMEMBERED / ledger
    with suppress(OSError):
        name.parent.mkdir(parents=True, exist_ok=True)
        name.unlink(missing_ok=True)
        name.hardlink_to(root / ledger)


def as_recorded(root: Path, files: Files) -> bool:
    """Whether files of the derivative exist and match a ledger."""
    try:
        return all(sha256_file(root / path) == sha for path, sha in files.values())
    except OSError:
        return False
