"""Removing what belongs to scans that are no longer in the study."""

from collections.abc import Iterable
from pathlib import Path

from myomag.errors import LedgerError
from myomag.io.files import PRIVATE, remove_files
from myomag.ledger.rows import OUTPUT_NAMES, Row, activity_path, checked_ledger, ledger_path, output_path, read_ledger


def sweep(root: Path, batches: Iterable[int | str]) -> None:
    """Remove what belongs to scans and batches that are no longer in the study, and files left unfinished.

    A ledger that is not the one its step wrote is not believed, and no name in a ledger costs a present scan its files.

    Parameters
    ----------
    root : Path
        The derivative.
    batches : iterable of int or str
        Batches the study has now; their raw ledgers list the scans it has now.
    """
    current = {ledger_path("raw", batch) for batch in batches}
    present = [row for path in sorted(current) for row in read_ledger(root / path)]
    scans, participants = {_identity(row) for row in present}, {row.participant_id for row in present}
    kept = {path for row in present for path in _files(row)}
    for path in sorted(root.glob("ledger/*/batch-*.tsv")):
        for row in _rows(path):
            if row.participant_id not in participants:
                remove_files(root, [page_path(row.participant_id)])
            if _identity(row) not in scans and path.parent.name != "pages":
                remove_files(root, _files(row) - kept)
        if ledger_path("raw", path.stem.removeprefix("batch-")) not in current:
            remove_files(root, [str(place.relative_to(root)) for place in (path, activity_path(path))])
    for path in (root / PRIVATE / "unfinished").glob("*"):
        path.unlink(missing_ok=True)


def page_path(participant_id: str) -> str:
    """Place of a participant's page inside the derivative."""
    return f"report/{participant_id}.html"


def _identity(row: Row) -> tuple[str, str, str]:
    return row.participant_id, row.session_id, row.scan


def _files(row: Row) -> set[str]:
    """Files that all steps together may have written for one scan."""
    return {output_path(step, role, row) for step, roles in OUTPUT_NAMES.items() for role in roles}


def _rows(path: Path) -> list[Row]:
    """Rows of a ledger, none where it is damaged or edited: its step refuses it, or writes it anew."""
    try:
        return checked_ledger(path)
    except LedgerError:
        return []
