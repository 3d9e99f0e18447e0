"""Values that differ between two versions of a file: in a record by field, in a table by row and column."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myomag.audit.record import DERIVATIVE, Derivative, File
from myomag.cohort.catalogue import TABLES
from myomag.cohort.columns import FIXED_COLUMNS
from myomag.errors import StudyError, hint
from myomag.io.tables import MISSING, read_text_table, written
from myomag.ledger.rows import Row

KEYS = {table.file: table.key for table in TABLES.values()}
"""Tables of results, and the columns that pair their rows."""
MEASURED = [(column.name, *column.path) for column in FIXED_COLUMNS if len(column.path) > 1]
"""Columns of cohort.tsv with the record and field they are taken from, most relevant first."""
COHORT = TABLES["cohort"].file


@dataclass(frozen=True)
class Value:
    """A value that differs: its place, the value there, and the one compared with; None for no such value."""

    name: str
    present: str | None
    other: str | None

    def __str__(self) -> str:
        return f"{self.name}: {self.present or 'nothing'} against {self.other or 'nothing'}"


def differing_values(present: Path, other: Path) -> list[Value]:
    """Values that differ between two records or two tables; none for other files, or if one is not such a file."""
    if present.suffix == ".json":
        return list(_fields(content(present) or {}, content(other) or {}))
    return list(_cells(present, other)) if present.suffix == ".tsv" else []


def cell_values(
    derivative: Derivative, folder: Path, rows: Mapping[str, Mapping[str, Row]]
) -> Iterator[tuple[File, list[Value]]]:
    """Measured cells of cohort.tsv that differ from the records in a folder, by the rows of their ledgers."""
    table, values = table_cells(derivative.root / COHORT, ("scan",)), []
    for scan in rows:
        outputs = {role: path for row in rows[scan].values() for role, (path, _) in row.outputs.items()}
        cells = table.get(scan, {})
        for column, role, *fields in MEASURED:
            if role in outputs and column in cells:
                now = written(content(folder / outputs[role], *fields))
                if now != (cells[column] or MISSING):
                    values.append(Value(f"{scan} {column}", cells[column], now))
    yield File(DERIVATIVE, COHORT), values


def table_cells(path: Path, keys: tuple[str, ...] = ()) -> dict[str, dict[str, str | None]]:
    """Rows of a table by what pairs them; the first column if no key is known. Empty if there is no table.

    Parameters
    ----------
    path : Path
        The table.
    keys : tuple of str
        Columns that pair the rows.
    """
    try:
        table = read_text_table(path)
    except StudyError:
        return {}
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    named = [name for name in keys if name in table.columns] or list(table.columns[:1])
    return {" ".join(str(row[name]) for name in named): row for row in rows}


def unknown(name: str, known: list[str], kind: str = "participant, scan or file") -> str:
    """Message for a name that does not exist, with similar ones that do."""
    return f"no such {kind}; " + (hint(name, known, most=3) or f"known: {', '.join(known[:5])}, …")


def content(path: Path, *keys: str) -> Any:
    """Value under some keys of a JSON file; None if missing, or if the file is damaged."""
    try:
        found: Any = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _cells(present: Path, other: Path) -> Iterator[Value]:
    keys = KEYS.get(present.name, ())
    a, b = (table_cells(path, keys) for path in (present, other))
    for key in dict.fromkeys((*a, *b)):
        one, two = a.get(key, {}), b.get(key, {})
        for column in dict.fromkeys((*one, *two)):
            if one.get(column) != two.get(column):
                yield Value(f"{key} {column}", one.get(column), two.get(column))


def _fields(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Value]:
    """Fields of a record that differ, those in cohort.tsv first."""
    known = {".".join(fields): number for number, (_, _, *fields) in enumerate(MEASURED)}
    found = [Value(name, *values) for name, values in _leaves(a, b, "")]
    yield from sorted(found, key=lambda value: known.get(value.name, len(known)))


def _leaves(a: Any, b: Any, name: str) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    if a == b:
        return
    if isinstance(a, list) and isinstance(b, list):
        a, b = ({str(number): item for number, item in enumerate(each)} for each in (a, b))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in dict.fromkeys((*a, *b)):
            yield from _leaves(a.get(key), b.get(key), f"{name}.{key}" if name else str(key))
    else:
        yield name, (_text(a), _text(b))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, int | float | str):
        return written(value) if value is not None else None
    return json.dumps(value, ensure_ascii=False)[:80]
