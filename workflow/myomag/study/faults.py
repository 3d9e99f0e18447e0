"""Faulty cells of a table, grouped by text and reason, reported with line and remedy."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from myomag.io.files import printable

TOP_CODED = re.compile(r"(\d+(\.\d+)?)\+")
"""BIDS writes high ages as 89+ for privacy."""
MOST_LINES = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its file, line, and text, None if it is empty or n/a."""

    file: str
    line: int
    text: str | None


@dataclass(frozen=True)
class Remark:
    """Report on some cells of a column: where they are, and a sentence with the remedy."""

    file: str
    problem: str


class Faults:
    """Faulty cells of one column, grouped by text and reason."""

    def __init__(self, name: str) -> None:
        self.name = printable(name)
        self._found: dict[tuple[str, str, str], list[int]] = {}
        self._commas: list[Cell] = []
        self._texts: dict[str, None] = {}

    @property
    def left_out(self) -> tuple[str, ...]:
        """Texts that were left out."""
        return tuple(self._texts)

    def leave_out(self, cell: Cell, why: str) -> None:
        """Add a cell whose value is left out."""
        self._texts[str(cell.text)] = None
        self.note(cell, why)

    def note(self, cell: Cell, why: str) -> None:
        """Add a cell to report."""
        self._found.setdefault((cell.file, str(cell.text), why), []).append(cell.line)

    def comma(self, cell: Cell) -> None:
        """Add a number with a decimal comma."""
        self._commas.append(cell)

    def ask(self, doubtful: Iterable[Cell]) -> None:
        """Add cells that may be values or codes."""
        for cell in doubtful:
            self.note(cell, "kept as a value; if a code for missing, write n/a, or say so in Levels")

    def remarks(self) -> Iterator[Remark]:
        """One remark for each text and reason, with its lines."""
        for (file, text, why), lines in self._found.items():
            yield Remark(file, f"{_lines(lines)}: {self.name} is {text[:40]!r}: {why}.")
        if self._commas:
            first = self._commas[0]
            lines = [cell.line for cell in self._commas if cell.file == first.file]
            example = f"{first.text!r} as {plain(str(first.text).replace(',', '.'))}"
            yield Remark(
                first.file,
                f"{_lines(lines)}: {self.name} has decimal commas ({len(self._commas)}, read {example}); "
                "write decimal points.",
            )


def _lines(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, sorted(lines)[:MOST_LINES]))
    more = f" and {len(lines) - MOST_LINES} more" if len(lines) > MOST_LINES else ""
    return f"line{'s' if len(lines) > 1 else ''} {shown}{more}"


def plain(text: str) -> str:
    """Number as text without the mark of top-coding."""
    coded = TOP_CODED.fullmatch(text.strip())
    return coded[1] if coded else text.strip()
