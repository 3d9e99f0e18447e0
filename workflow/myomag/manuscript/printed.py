"""Tables as journals print them, and the way numbers stand in them."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myomag.io.formulas import quiet
from myomag.manuscript.blocks import plain
from myomag.wording.text import MISSING, finite, number, uncertainty_decimals


@dataclass(frozen=True)
class PrintedTable:
    """Table with its title and the notes under it.

    Attributes
    ----------
    name : str
        Stem of its file.
    title : str
        What it shows.
    columns : tuple of str
        Heads of the columns.
    rows : tuple of tuple of str
        Cells; a row of one cell is a heading across the table.
    notes : tuple of str
        Sentences below it.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def csv(self) -> bytes:
        """The table as CSV: head, rows, title and notes; with a mark by which spreadsheets know it as UTF-8."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in (self.columns, *self.rows, (self.title,), *((note,) for note in self.notes)):
            writer.writerow([quiet(plain(cell)) for cell in row])
        return text.getvalue().encode("utf-8-sig")


def p_value(p: Any) -> str:
    """P value without a leading zero: `<.001`, `.034`, `>.999`."""
    if (known := finite(p)) is None:
        return MISSING
    if known < 0.001:
        return "<.001"
    return ">.999" if known > 0.9995 else number(known, 3).removeprefix("0")


def share(value: Any) -> str:
    """R², correlation or reliability with two decimals, without a leading zero."""
    return number(value, 2).replace("0.", ".", 1) if abs(finite(value) or 0) < 0.995 else number(value, 2)


def with_interval(row: Mapping[str, Any], key: str, low: str, high: str, decimals: int) -> str:
    """`−0.12 (−0.31 to 0.07)`; an interval that lacks an end is `unbounded` there."""
    if finite(row.get(key)) is None:
        return MISSING
    ends = [number(row[end], decimals) if finite(row.get(end)) is not None else "unbounded" for end in (low, high)]
    return f"{number(row[key], decimals)} ({' to '.join(ends)})"


def decimals_of(row: Mapping[str, Any], se: str, low: str, high: str) -> int:
    """Decimals that show two significant digits of the standard error, or of a quarter of the interval."""
    known = finite(row.get(se))
    if known is None and None not in (lower := finite(row.get(low)), upper := finite(row.get(high))):
        known = (upper - lower) / 4  # type: ignore[operator]
    return uncertainty_decimals(known) if known else 2


def distinct(rows: Sequence[Mapping[str, Any]], key: str) -> list[Any]:
    """Values of a column, each once, in their order."""
    return list(dict.fromkeys(row.get(key) for row in rows))
