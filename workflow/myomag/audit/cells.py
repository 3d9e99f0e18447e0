"""Requested rows and cells of the tables over many scans, and whether they follow from cohort.tsv."""

from typing import Any

from myomag.audit.record import Derivative, File
from myomag.audit.values import KEYS, unknown
from myomag.errors import SettingsError
from myomag.io.tables import read_text_table

SAME_SAMPLE = ("statistics", "measurement_error")
"""Tables whose rows are named by a model and include the participants that have all its values."""

TextRow = dict[str, str | None]


def table_part(derivative: Derivative, file: File, target: str) -> dict[str, Any]:
    """Content of a table: rows, or one column of them as cells, and the scans behind a model.

    Parameters
    ----------
    derivative : Derivative
        The record.
    file : File
        A table of the derivative.
    target : str
        ROW or ROW:COLUMN; a row by the value in its first column, or by all identifying columns.

    Raises
    ------
    SettingsError
        If there is no such row or column; similar names are given.
    """
    rows, column = _asked(derivative, file, target)
    name, first = file.path.removesuffix(".tsv"), next(iter(rows[0]))
    found: dict[str, Any] = {"table": file.path, "rows": rows}
    if column:
        found["cells"] = _cells(derivative, name, rows, column)
    if name in SAME_SAMPLE:
        from myomag.audit.statistic import scans_of

        found |= scans_of(derivative, str(rows[0][first]))
    return found


def _asked(derivative: Derivative, file: File, target: str) -> tuple[list[TextRow], str | None]:
    table = read_text_table(derivative.place(file))
    rows: list[TextRow] = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    first = table.columns[0]
    if whole := _matching(rows, first, file, target):
        return whole, None
    name, _, column = target.rpartition(":")
    if chosen := _matching(rows, first, file, name):
        if column not in table.columns:
            raise SettingsError(f"{target}: {unknown(column, list(table.columns), f'column of {file.path}')}")
        return chosen, column
    names = list(dict.fromkeys(str(row[first]) for row in rows))
    raise SettingsError(f"{target}: {unknown(name or target, names, f'{first} in {file.path}')}")


def _matching(rows: list[TextRow], first: str, file: File, name: str) -> list[TextRow]:
    return [row for row in rows if name in (row[first], _key(row, file.path))]


def _key(row: TextRow, path: str) -> str:
    return " ".join(str(row[column]) for column in KEYS.get(path, ()) if column in row)


def _cells(derivative: Derivative, name: str, rows: list[TextRow], column: str) -> list[dict[str, Any]]:
    """Cells of a column, and their values recomputed from cohort.tsv if the table follows from it alone."""
    from myomag.audit.statistic import FROM_COHORT, equal, estimated

    path = f"{name}.tsv"
    follows = name in FROM_COHORT and column != "reason"
    now = {_key(row, path): row.get(column) for row in estimated(derivative, name)} if follows else {}
    cells = []
    for row in rows:
        key = _key(row, path)
        label = " ".join(filter(None, (row.get(each) for each in KEYS.get(path, ())))) or next(iter(row.values()))
        cell: dict[str, Any] = {"row": label, "column": column, "value": row[column]}
        if follows:
            cell |= {"from": "cohort.tsv", "computed": now.get(key), "agrees": equal(row[column], now.get(key))}
        cells.append(cell)
    return cells
