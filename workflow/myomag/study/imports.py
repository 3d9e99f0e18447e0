"""Origin of the raw files of a study: `sourcedata/import.tsv`, written by `myomag import make`."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from myomag.errors import StudyError
from myomag.io.files import printable
from myomag.io.formulas import loud
from myomag.io.tables import read_text_table, tsv_bytes

IMPORTS = "sourcedata/import.tsv"


@dataclass(frozen=True)
class Import:
    """One file that was put into the study.

    Attributes
    ----------
    scan : str
        BIDS stem of its scan.
    path : str
        Place in the study, POSIX.
    original : str
        Original path, as in the plan.
    bytes : str
        Size.
    sha256 : str
        Digest of its content.
    time : str
        Time of the import, UTC.
    how : str
        copy, link or move.
    """

    scan: str
    path: str
    original: str
    bytes: str
    sha256: str
    time: str
    how: str


def read_imports(study: Path) -> dict[str, Import]:
    """Files of a study that were imported, by their place in it.

    Raises
    ------
    StudyError
        If the table exists but was not written by an import.
    """
    path = study / IMPORTS
    if not path.is_file():
        return {}
    table = read_text_table(path)
    if table.columns != tuple(field.name for field in fields(Import)):
        raise StudyError(f"{path}: not the table written by myomag import; restore it, or move it elsewhere.")
    rows = (Import(*(loud(cell or "") for cell in row)) for row in table.rows)
    return {row.path: row for row in rows}


def imports_bytes(rows: Iterable[Import]) -> bytes:
    """The table, sorted by place; a cell that a spreadsheet could interpret as a formula begins with an apostrophe."""
    cells = (map(printable, astuple(row)) for row in sorted(rows, key=lambda row: row.path))
    return tsv_bytes([field.name for field in fields(Import)], cells)
