"""Cells of a table that a spreadsheet may take for a formula: an apostrophe before them makes them text."""

import re

ACTIVE = ("=", "+", "-", "@", "'", "＝", "＋", "－", "＠")
"""How a text begins that a spreadsheet may take for a formula, and the sign that is put before it."""
_HARMLESS = re.compile(r"[+-][\d.,:%/ ]*([eE][+-]?\d+)?")
"""A number in whatever notation, or a dash: no spreadsheet does more with it than read it."""


def is_active(text: str) -> bool:
    """Whether a text may be a formula to a spreadsheet, or looks as `quiet` makes one."""
    return text.startswith(ACTIVE) and not _HARMLESS.fullmatch(text)


def quiet(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe is put before one; see `loud`."""
    return f"'{text}" if is_active(text) else text


def loud(cell: str) -> str:
    """Text that `quiet` made a cell of."""
    return cell[1:] if cell.startswith("'") else cell
