"""What a user should know about a study before running it, one line each."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from myomag.io.tables import labelled_rows
from myomag.pipeline import RATINGS
from myomag.study.ratings import Ratings
from myomag.study.search import Study

SPREADSHEETS = (".csv", ".xlsx", ".xls", ".ods", ".txt")


def study_remarks(found: Study, overridden: Iterable[str], ratings: Ratings) -> Iterator[str]:
    """Remarks on scans, tables, overrides and ratings.

    Parameters
    ----------
    found : Study
        Scans of the study.
    overridden : iterable of str
        Participants and scans named in the settings.
    ratings : Ratings
        Ratings of scans by people.
    """
    from myomag.study.tables import personal_columns

    yield from found.remarks
    yield from (f"{scan.stem}: {scan.problem}" for scan in found.scans if scan.problem)
    listed = listed_participants(found.root)
    for participant in found.participants if listed is not None else ():
        if participant not in (listed or ()):
            yield f"{participant}: has scans but no row in participants.tsv; add one to join age and sex."
    yield from personal_columns(found.root)
    yield from other_tables(found.root)
    names = {scan.stem for scan in found.scans} | set(found.participants)
    for target in overridden:
        if target not in names:
            yield f"overrides.{target}: no such participant or scan in the study."
    for rater, rated in ratings.items():
        if gone := sorted(rated.keys() - names):
            more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
            yield f"{RATINGS}/{rater}.tsv: {gone[0]}{more}: no such scan in the study; its rating is kept."


def other_tables(root: Path) -> Iterator[str]:
    """Tables in a format that is not read, without a readable one beside them."""
    for path in sorted(path for folder in (root, root / "phenotype") for path in folder.glob("*.*")):
        table = path.with_suffix(".tsv")
        known = path.parent.name == "phenotype" or path.stem == "participants"
        if known and path.suffix.lower() in SPREADSHEETS and not os.path.lexists(table):
            yield f"{path.relative_to(root)}: not read; save it as {table.name}, tab-separated."


def listed_participants(root: Path) -> set[str] | None:
    """Labels in participants.tsv; None if the file does not exist.

    Raises
    ------
    StudyError
        If the table is malformed or has no column participant_id.
    """
    path = root / "participants.tsv"
    if not os.path.lexists(path):
        return None
    _, rows = labelled_rows(path, "participant_id", "sub")
    return {label for _, label, _ in rows}
