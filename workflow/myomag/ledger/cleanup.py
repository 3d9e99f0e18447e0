"""Removing the files of scans that are no longer in the study."""

from collections.abc import Iterable
from pathlib import Path

from myomag import pipeline
from myomag.errors import LedgerError
from myomag.io.files import PRIVATE, remove_files
from myomag.ledger.keep import identity
from myomag.ledger.rows import Row, activity_path, checked_ledger, output_path, read_ledger


def sweep(root: Path, ledgers: Iterable[Path]) -> None:
    """Remove the files of scans and batches that are no longer in the study.

    A ledger that is not as its step wrote it is ignored, and no entry in a ledger can remove files of a present scan.

    Parameters
    ----------
    root : Path
        The derivative.
    ledgers : iterable of Path
        Raw ledgers of the current batches of the study, relative to the derivative.
    """
    current = set(ledgers)
    present = [row for place in sorted(current) for row in read_ledger(root / place)]
    scans, participants = {identity(row) for row in present}, {row.participant_id for row in present}
    kept = {path for row in present for path in _files("scan", row) | _files("participant", row)}
    for path in sorted(root.glob("ledger/*/batch-*.tsv")):
        place = path.relative_to(root)
        for row in _rows(root, place):
            if row.participant_id not in participants:
                remove_files(root, _files("participant", row))
            if identity(row) not in scans and pipeline.BY_NAME[place.parent.name].kind != "participant":
                remove_files(root, _files("scan", row) - kept)
        if Path("ledger", "raw", path.name) not in current:
            remove_files(root, [str(place), str(activity_path(place))])


def remove_unfinished(root: Path) -> None:
    """Remove half-written files of a killed run."""
    for path in (root / PRIVATE / "unfinished").glob("*"):
        path.unlink(missing_ok=True)


def _files(kind: str, row: Row) -> set[str]:
    """Files that the steps of a kind may have written for one scan or participant."""
    steps = (step for step in pipeline.STEPS if step.kind == kind)
    return {output_path(file, row) for step in steps for file in step.writes}


def _rows(root: Path, place: Path) -> list[Row]:
    """Rows of a ledger, none if it is damaged or edited: its step refuses it, or rewrites it."""
    try:
        return checked_ledger(root, place)
    except LedgerError:
        return []
