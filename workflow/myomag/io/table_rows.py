"""Rows of a table as mappings that share its columns: some 500 bytes a scan, where a dict each takes ten times that."""

import csv
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from myomag.io.tables import MISSING, typed_series

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, Sequence[Any]]
COLUMNS_AT_ONCE = 8


class TableRow(Mapping[str, Any]):
    """One row; a missing value is None.

    Parameters
    ----------
    columns : mapping of str to sequence
        Columns of the table, NaN or None where a value is missing.
    place : int
        Place of the row in the columns.
    """

    __slots__ = ("_columns", "_place")

    def __init__(self, columns: Columns, place: int) -> None:
        self._columns, self._place = columns, place

    def __getitem__(self, name: str) -> Any:
        """Value of a column; NaN, the only value that is not itself, counts as missing."""
        value = self._columns[name][self._place]
        return value if value == value else None

    def __iter__(self) -> Iterator[str]:
        """Names of the columns."""
        return iter(self._columns)

    def __len__(self) -> int:
        """Number of columns."""
        return len(self._columns)


class TableRows(Sequence[TableRow]):
    """Rows of a table.

    Parameters
    ----------
    columns : mapping of str to sequence
        Columns of the table, NaN or None where a value is missing.
    count : int
        Number of rows.
    """

    def __init__(self, columns: Columns, count: int) -> None:
        self.columns, self._count = columns, count

    @overload
    def __getitem__(self, place: int) -> TableRow: ...
    @overload
    def __getitem__(self, place: slice) -> list[TableRow]: ...
    def __getitem__(self, place: int | slice) -> TableRow | list[TableRow]:
        """Row, or rows, at a place."""
        places = range(self._count)[place]
        if isinstance(places, int):
            return TableRow(self.columns, places)
        return [TableRow(self.columns, each) for each in places]

    def __len__(self) -> int:
        """Number of rows."""
        return self._count


def read_table_rows(path: Path) -> TableRows:
    """Rows of a table that myomag wrote, numbers as numbers and n/a as None."""
    import pandas as pd

    plain: dict[str, Any] = {"sep": "\t", "quoting": csv.QUOTE_NONE, "na_filter": False, "dtype": str}
    names = list(pd.read_csv(path, nrows=0, **plain).columns)
    columns: dict[str, Sequence[Any]] = {}
    count = 0
    # Some columns at a time: all cells of a large table as texts would take more memory than anything else.
    for start in range(0, len(names), COLUMNS_AT_ONCE):
        part = pd.read_csv(path, usecols=names[start : start + COLUMNS_AT_ONCE], **plain)
        columns |= {str(name): _column(str(name), part[name].tolist()) for name in part.columns}
        count = len(part)
    return TableRows(columns, count)


def rows_frame(rows: Sequence[Mapping[str, Any]]) -> "pd.DataFrame":
    """Frame of some rows with the columns of the first; of a table read, its numbers are not copied."""
    import pandas as pd

    columns = rows.columns if isinstance(rows, TableRows) else {name: [row[name] for row in rows] for name in rows[0]}
    series = {name: pd.Series(np.asarray(v) if isinstance(v, array) else v, copy=False) for name, v in columns.items()}
    return pd.DataFrame(series, copy=False)


def _column(name: str, texts: list[str]) -> Sequence[Any]:
    """Numbers in an array where they may be fractions; each text once."""
    values = typed_series(name, [None if text == MISSING else text for text in texts])
    if values.dtype == "float64":
        return array("d", values.to_numpy())
    seen: dict[Any, Any] = {}
    return [seen.setdefault(value, value) for value in values.astype(object).where(values.notna(), None)]
