"""Tab-separated tables in the BIDS manner: UTF-8, one header line, `n/a` for missing values."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myomag.errors import StudyError, hint
from myomag.io.files import not_fetched, to_fetch
from myomag.io.formulas import loud, quiet
from myomag.io.records import SIGNIFICANT_DIGITS

if TYPE_CHECKING:
    import pandas as pd

TableRow = Mapping[str, Any]
"""Row of a result table: value by column, None if missing."""
MISSING = "n/a"
SEPARATORS = {",": "commas", ";": "semicolons", "|": "bars", " ": "spaces"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_PADDED = re.compile(r"[+-]?0\d")


@dataclass(frozen=True)
class TextTable:
    """A table as written; None is a missing value.

    Attributes
    ----------
    path : Path
        The file.
    columns : tuple of str
        Column names.
    rows : tuple of tuple of str or None
        One tuple per row, as long as `columns`.
    lines : tuple of int
        Line of each row in the file, from 1.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    lines: tuple[int, ...]


def read_text_table(path: Path) -> TextTable:
    """Read a TSV file, every value as text; quotes around values and blank rows are dropped.

    Raises
    ------
    StudyError
        If the file is unreadable, not UTF-8, empty, ragged, or has an empty or repeated column name.
    """
    columns, rows = open_table(path)
    numbers, values = [], []
    for number, cells in rows:
        numbers.append(number)
        values.append(tuple(map(cell_text, cells)))
    return TextTable(path, columns, tuple(values), tuple(numbers))


def open_table(path: Path) -> tuple[tuple[str, ...], Iterator[tuple[int, list[str]]]]:
    """Columns of a TSV file, and line and cells of each row as it is read: for tables too large for memory.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tuple of str
        Column names.
    iterator of (int, list of str)
        Line, from 1, and cells as written (see `cell_text`), one per column.

    Raises
    ------
    StudyError
        As `read_text_table`, for a row when it is reached.
    """
    lines = _lines(path)
    columns = tuple(_unquoted(name.strip()) for name in next(lines, "").split("\t"))
    _check_columns(path, columns)
    return columns, _cells(path, len(columns), lines)


def _cells(path: Path, columns: int, lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines, start=2):
        if "\t" in line and not line.strip():
            # Spreadsheets leave empty rows.
            continue
        values = line.split("\t")
        if len(values) != columns:
            raise StudyError(
                f"{path}: line {number}: {len(values)} values for {columns} columns; separate values by one tab and "
                f"write {MISSING} for missing ones."
            )
        yield number, values


def _lines(path: Path) -> Iterator[str]:
    """Lines of a text file, one at a time, without line ends and without trailing empty lines."""
    if path.exists() and not path.is_file():
        raise StudyError(f"{path}: is a directory, pipe or device, not a file; replace it with the table.")
    if not_fetched(path):
        raise StudyError(f"{path}: {to_fetch(path)}")
    empty = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line in file:
                text = line.rstrip("\n")
                if text:
                    yield from [""] * empty
                    empty = 0
                    yield text
                else:
                    empty += 1
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: not UTF-8 text (byte {_undecodable(path)}); save the table as UTF-8.") from error


def _undecodable(path: Path) -> int:
    """Position of the first byte that is not UTF-8; an incremental decoder gives its position within a chunk only."""
    try:
        path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return error.start
    return 0


def keyed_rows(table: TextTable, key: str, prefix: str) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    """Label with its prefix and other values of each row.

    Raises
    ------
    StudyError
        If the column is missing, or empty in a row.
    """
    if key not in table.columns:
        raise StudyError(f"{table.path}: {_without_key(table.columns, key)}")
    index = table.columns.index(key)
    for number, row in zip(table.lines, table.rows, strict=True):
        yield _label(table.path, number, row[index], key, prefix), row[:index] + row[index + 1 :]


def labelled_rows(path: Path, key: str, prefix: str) -> tuple[tuple[str, ...], Iterator[tuple[int, str, list[str]]]]:
    """Columns except the label column, and line, label with prefix and other cells of each row as it is read.

    Raises
    ------
    StudyError
        If the column is missing, or empty in a row, or as in `open_table`.
    """
    columns, rows = open_table(path)
    if key not in columns:
        raise StudyError(f"{path}: {_without_key(columns, key)}")
    index = columns.index(key)

    def labelled() -> Iterator[tuple[int, str, list[str]]]:
        for number, cells in rows:
            label = _label(path, number, cell_text(cells.pop(index)), key, prefix)
            yield number, label, cells

    return (*columns[:index], *columns[index + 1 :]), labelled()


def _label(path: Path, line: int, label: str | None, key: str, prefix: str) -> str:
    if label is None:
        raise StudyError(f"{path}: line {line}: {key} is missing; write {prefix}-<label>.")
    return prefixed(label, prefix)


def _without_key(columns: Sequence[str], key: str) -> str:
    """Message for a table without the label column: its values may not be separated by tabs."""
    for mark, name in SEPARATORS.items():
        if len(columns) == 1 and key in (part.strip(" \"'") for part in columns[0].split(mark)):
            return f"values are separated by {name}, not by tabs; save the table as tab-separated text (.tsv)."
    near = hint(key, columns)
    return f"no column {key!r}; add it as the first column{f' ({near})' if near else ''}."


def prefixed(text: str, prefix: str) -> str:
    """Label with its BIDS prefix; tables often leave it out."""
    return text if not text or text.startswith(f"{prefix}-") else f"{prefix}-{text}"


def read_tsv(path: Path) -> "pd.DataFrame":
    """Read a TSV file written by `tsv_bytes`: wholly numeric columns as numbers, others as text.

    Labels (`participant_id`, `session_id`, `scan`) and columns with zero-padded numbers stay text.
    """
    import pandas as pd

    table = read_text_table(path)
    return pd.DataFrame(
        {
            loud(name): typed_series(name, [cell and loud(cell) for cell in (row[at] for row in table.rows)])
            for at, name in enumerate(table.columns)
        }
    )


def typed_series(name: str, values: Sequence[str | None]) -> "pd.Series[Any]":
    """Values of one column as Int64 or float64 if every present value is such a number, else as text."""
    import pandas as pd

    present = [value for value in values if value is not None]
    label = name in ("participant_id", "session_id", "scan")
    if label or not present or any(number(value) is None or _PADDED.match(value) for value in present):
        return pd.Series(list(values), dtype="object")
    if all(_INTEGER.fullmatch(value) for value in present):
        return pd.Series([None if value is None else int(value) for value in values], dtype="Int64")
    return pd.Series([None if value is None else float(value) for value in values], dtype="float64")


def number(text: str) -> float | None:
    """Finite number written as text; None if it is not one (`nan`, `inf` and `1_000` are not)."""
    if not _NUMBER.fullmatch(text.strip()):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def table_bytes(frame: "pd.DataFrame") -> bytes:
    """TSV text of a frame, see `tsv_bytes`."""
    columns = (frame.iloc[:, at].tolist() for at in range(frame.shape[1]))
    return tsv_bytes(frame.columns, zip(*columns, strict=True))


def tsv_bytes(names: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    """TSV text of rows below a header line: the same values give the same bytes on every machine.

    Floats have at most 10 significant digits, missing values (None, NaN, NA, empty text) read `n/a`; tabs and line
    breaks inside a text become spaces, and an apostrophe precedes text that a spreadsheet may read as a formula.

    Raises
    ------
    ValueError
        If a number is infinite.
    """
    lines = ("\t".join(map(written, cells)) for cells in (names, *rows))
    return "".join(f"{line}\n" for line in lines).encode()


def table_rows(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Rows of a frame by column; a missing value is None."""
    rows: Any = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return list(rows)


def is_missing(value: object) -> bool:
    """Whether a table value is missing: None, NaN, pandas' NA or blank text."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    if isinstance(value, float):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType")


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    counts = Counter(columns)
    for name in columns:
        if not name:
            raise StudyError(f"{path}: the header line has an empty column name; name every column.")
        if counts[name] > 1:
            raise StudyError(f"{path}: column {name!r} appears more than once; rename or remove one.")


def _unquoted(text: str) -> str:
    """Text without the quotes that spreadsheets and R put around it."""
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1].replace('""', '"').strip() if quoted else text


def cell_text(value: str) -> str | None:
    """Text of a cell without surrounding quotes; None if missing."""
    stripped = _unquoted(value.strip())
    return None if stripped in ("", MISSING) else stripped


def written(value: object) -> str:
    """Text of one cell of a TSV file, on one line, and never a formula to a spreadsheet."""
    if is_missing(value):
        return MISSING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isinf(value):
            raise ValueError("a table contains a number that is not finite")
        return f"{value + 0.0:.{SIGNIFICANT_DIGITS}g}"
    return quiet(re.sub(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+", " ", str(value)).strip())
