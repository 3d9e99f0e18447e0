"""The part of docs/results.md that explains the columns of every result table, made from the catalogue."""

from collections.abc import Mapping
from typing import Any

from myomag import pipeline
from myomag.cohort.catalogue import TABLES, Table


def columns_tables() -> str:
    """Markdown tables of the columns of every result table, one section each, in the order of the catalogue."""
    return "\n\n".join(_section(table) for table in TABLES.values())


def _section(table: Table) -> str:
    """Heading, contents of the table, key of its rows, and its columns."""
    step, file = next((s, f) for s in pipeline.STEPS for f in s.writes if f.name == table.file)
    key = ", ".join(f"`{name}`" for name in table.key)
    rows = [(f"`{name}`", str(entry.get("Units", "")), _meaning(entry)) for name, entry in table.columns.items()]
    lines = [("column", "unit", "meaning"), ("---",) * 3, *rows]
    said = f"{file.description[:1].upper()}{file.description[1:]}. Written by `{step.name}`; one row per {key}."
    return "\n".join([f"### {table.file}", "", said, "", *(f"| {' | '.join(cells)} |" for cells in lines)])


def _meaning(entry: Mapping[str, Any]) -> str:
    levels = "; ".join(f"`{level}`: {meaning}" for level, meaning in entry.get("Levels", {}).items())
    text = f"{entry['Description']} {levels}{'.' if levels else ''}".strip()
    return text.replace("|", "\\|")
