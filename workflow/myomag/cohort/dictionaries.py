"""Data dictionaries (BIDS JSON) of the cohort's tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from myomag.cohort.categories import CATEGORIES
from myomag.cohort.columns import FIXED_COLUMNS, FIXED_NAMES
from myomag.study.tables import JoinedColumn, StudyTable, joined_columns

Dictionary = Mapping[str, Mapping[str, Any]]


def described(columns: Mapping[str, str]) -> Dictionary:
    """Describe columns by their meaning alone."""
    return {name: _entry(text) for name, text in columns.items()}


def fixed_entries(names: Iterable[str] = FIXED_NAMES) -> Dictionary:
    """Describe fixed columns of cohort.tsv, and the step and category of exclusions.tsv."""
    own = {column.name: _entry(column.description, column.units, column.levels) for column in FIXED_COLUMNS}
    own["step"] = _entry("Step of the pipeline that first rejected the scan.")
    own["category"] = _entry("Category of the loss, as in the flow diagram of a publication.", levels=CATEGORIES)
    return {name: own[name] for name in names}


def joined_entries(tables: Sequence[StudyTable]) -> Dictionary:
    """Describe the columns that the study's tables add to cohort.tsv, each with the tables it comes from."""
    return {joined.name: _joined_entry(joined) for joined in joined_columns(tables, FIXED_NAMES)}


def units(dictionary: Mapping[str, Any]) -> dict[str, str]:
    """Units of the columns, as far as a dictionary gives them."""
    found = {name: entry.get("Units") for name, entry in dictionary.items() if isinstance(entry, Mapping)}
    return {name: str(unit) for name, unit in found.items() if unit}


def _entry(description: str, units: str | None = None, levels: Mapping[str, str] | None = None) -> dict[str, Any]:
    entry: dict[str, Any] = {"Description": description}
    entry |= {"Units": units} if units else {}
    return entry | ({"Levels": dict(levels)} if levels else {})


def _joined_entry(joined: JoinedColumn) -> dict[str, Any]:
    """Entry of the most specific table that describes the column, with the tables it is taken from."""
    described: Any = next((t.descriptions[joined.column] for t in joined.tables if joined.column in t.descriptions), {})
    entry = dict(described) if isinstance(described, Mapping) else {}
    source = ", else ".join(f"column {joined.column!r} of {table.name}" for table in joined.tables)
    return {"Description": "Not described in the study."} | entry | {"Source": source}
