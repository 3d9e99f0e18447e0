"""Data dictionaries (BIDS JSON) of the cohort's tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from myomag.cohort.columns import FIXED_COLUMNS
from myomag.cohort.exclusions import EXCLUSION_COLUMNS
from myomag.cohort.tables import JoinedColumn, StudyTable, joined_columns

Dictionary = dict[str, Any]


def cohort_dictionary(tables: Sequence[StudyTable]) -> Dictionary:
    """Describe cohort.tsv column by column; a joined column names the tables it comes from."""
    own = {column.name: _entry(column.description, column.units, column.levels) for column in FIXED_COLUMNS}
    return own | {joined.name: _joined_entry(joined) for joined in joined_columns(tables)}


def exclusions_dictionary() -> Dictionary:
    """Describe exclusions.tsv column by column."""
    own = {column.name: _entry(column.description, column.units, column.levels) for column in FIXED_COLUMNS}
    own["step"] = _entry("Step of the pipeline at which the scan was first objected to.")
    return {name: own[name] for name in EXCLUSION_COLUMNS}


def described(columns: Mapping[str, str]) -> Dictionary:
    """Describe a table whose columns are explained where it is built."""
    return {name: _entry(text) for name, text in columns.items()}


def units(dictionary: Mapping[str, Any]) -> dict[str, str]:
    """Units of the columns, as far as a dictionary gives them."""
    found = {name: entry.get("Units") for name, entry in dictionary.items() if isinstance(entry, Mapping)}
    return {name: str(unit) for name, unit in found.items() if unit}


def _entry(description: str, units: str | None = None, levels: Mapping[str, str] | None = None) -> Dictionary:
    entry: Dictionary = {"Description": description}
    entry |= {"Units": units} if units else {}
    return entry | ({"Levels": dict(levels)} if levels else {})


def _joined_entry(joined: JoinedColumn) -> Dictionary:
    """Entry of the most specific table that describes the column, with the tables it is taken from."""
    described: Any = next((t.descriptions[joined.column] for t in joined.tables if joined.column in t.descriptions), {})
    entry = dict(described) if isinstance(described, Mapping) else {}
    source = ", else ".join(f"column {joined.column!r} of {table.name}" for table in joined.tables)
    return {"Description": "Not described in the study."} | entry | {"Source": source}
