"""Table cells that a spreadsheet may read as formulas: a leading apostrophe makes them text."""

import re

ACTIVE = ("=", "+", "-", "@", "'", "＝", "＋", "－", "＠")
"""Beginnings of texts that a spreadsheet may read as a formula, and the sign put before them."""
_HARMLESS = re.compile(r"[+-][\d.,:%/ ]*([eE][+-]?\d+)?")
"""A number in any notation, or a dash: harmless in a spreadsheet."""


def is_active(text: str) -> bool:
    """Whether a spreadsheet may read a text as a formula, or it looks like the output of `quiet`."""
    return text.startswith(ACTIVE) and not _HARMLESS.fullmatch(text)


def quiet(text: str) -> str:
    """Text that no spreadsheet reads as a formula, with an apostrophe if needed; see `loud`."""
    return f"'{text}" if is_active(text) else text


def loud(cell: str) -> str:
    """Original text of a cell made by `quiet`."""
    return cell[1:] if cell.startswith("'") else cell
