"""Rows of a table as mappings that share its columns: some 500 bytes a scan, where a dict each takes ten times that."""

import csv
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from myomag.io.tables import MISSING, typed_series

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, Sequence[Any]]
LARGE_BYTES = 1_000_000
"""Size of a table from which it is read column by column."""


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


class StoredColumns(Mapping[str, Sequence[Any]]):
    """Columns of a table that myomag wrote, those of a large one read when they are asked for: a page needs but some.

    Parameters
    ----------
    path : Path
        The table.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: dict[str, Sequence[Any]] = {}
        self._names = [str(name) for name in self._texts(nrows=0).columns]
        self._at_once = self._names if path.stat().st_size < LARGE_BYTES else []

    def __getitem__(self, name: str) -> Sequence[Any]:
        """Values of a column, numbers as numbers, None or NaN where one is missing."""
        if name in self._names and name not in self._read:
            texts = self._texts(usecols=self._at_once or [name])
            self._read |= {str(each): _column(str(each), texts[each].tolist()) for each in texts.columns}
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        """Names of the columns."""
        return iter(self._names)

    def __len__(self) -> int:
        """Number of columns."""
        return len(self._names)

    def _texts(self, **options: Any) -> "pd.DataFrame":
        import pandas as pd

        plain: dict[str, Any] = {"sep": "\t", "quoting": csv.QUOTE_NONE, "na_filter": False, "dtype": str}
        texts: pd.DataFrame = pd.read_csv(self._path, **plain, **options)
        return texts


@dataclass(frozen=True)
class SeriesTable:
    """Columns as series that are made when they are asked for; missing values as in a frame.

    Attributes
    ----------
    columns : mapping of str to sequence
        Columns of the table, NaN or None where a value is missing.
    """

    columns: Columns

    def __getitem__(self, name: str) -> "pd.Series[Any]":
        """Column as a series."""
        import pandas as pd

        values = self.columns[name]
        return pd.Series(np.asarray(values) if isinstance(values, array) else values, name=name, copy=False)


def read_table_rows(path: Path) -> TableRows:
    """Rows of a table that myomag wrote, numbers as numbers and n/a as None."""
    columns = StoredColumns(path)
    return TableRows(columns, len(columns[next(iter(columns))]))


def series_table(rows: Sequence[Mapping[str, Any]]) -> SeriesTable:
    """Series of some rows with the columns of the first; of a table read, its numbers are not copied."""
    return SeriesTable(
        rows.columns if isinstance(rows, TableRows) else {name: [row[name] for row in rows] for name in rows[0]}
    )


def _column(name: str, texts: list[str]) -> Sequence[Any]:
    """Numbers in an array where they may be fractions; each text once."""
    values = typed_series(name, [None if text == MISSING else text for text in texts])
    if values.dtype == "float64":
        return array("d", values.to_numpy())
    seen: dict[Any, Any] = {}
    return [seen.setdefault(value, value) for value in values.astype(object).where(values.notna(), None)]
