"""Results that are missing or not as recorded, and the jobs that remake them."""

import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from myomag import pipeline
from myomag.errors import LedgerError
from myomag.ledger.activity import last_entry
from myomag.ledger.rows import COLUMNS, activity_path, checked_ledger, checked_path, ledger_path

_OUTPUTS = COLUMNS.index("outputs") - len(COLUMNS)


@dataclass(frozen=True)
class Damage:
    """A ledger whose step must run again, and the files that are the reason."""

    ledger: str
    files: tuple[str, ...]

    @property
    def step(self) -> str:
        """Step that writes the ledger."""
        return self.ledger.split("/")[1]


def damaged(root: Path, batches: Collection[str], *, hashed: bool = False) -> list[Damage]:
    """Ledgers with missing files, in the order of the flow.

    Parameters
    ----------
    root : Path
        The derivative.
    batches : collection of str
        Batches that currently contain scans.
    hashed : bool
        Whether every file is read, and one that is not as recorded counts as missing; otherwise only existence is
        checked.
    """
    found = []
    for step in pipeline.STEPS[1:]:
        for batch in batches if step.batched else [""]:
            place = ledger_path(step.name, batch)
            if files := tuple(_missing(root, place, hashed=hashed)):
                found.append(Damage(place, files))
    return found


def _missing(root: Path, place: str, *, hashed: bool) -> Iterator[str]:
    record = activity_path(Path(place))
    if not (root / place).is_file():
        # Its step runs anyway.
        return
    if not last_entry(root / record):
        yield str(record)
        return
    if hashed:
        yield from _changed(root, Path(place))
        return
    for line in (root / place).read_text("utf-8", "replace").splitlines()[1:]:
        try:
            paths = [path for path, _ in json.loads(line.split("\t")[_OUTPUTS]).values()]
        except (ValueError, LookupError, TypeError, AttributeError):
            # Edited: the step that reads the ledger says so.
            return
        # As text: a Path for each of about ten files per scan doubles the time.
        yield from (path for path in paths if not os.path.isfile(f"{root}/{path}"))  # noqa: PTH113


def _changed(root: Path, place: Path) -> Iterator[str]:
    """Files of a ledger that are missing or have changed; the ledger itself if it is not as its step wrote it."""
    try:
        rows = checked_ledger(root, place)
    except LedgerError:
        yield str(place)
        return
    for row in rows:
        for path, sha in row.outputs.values():
            try:
                checked_path(root, path, sha, place.parent.name)
            except LedgerError:
                yield path
