"""Parts of a text, and the text as Markdown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """Heading of a section; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Paragraph; empty parts are left out."""

    text: str

    @classmethod
    def of(cls, *sentences: str) -> "Paragraph":
        """Paragraph of some sentences."""
        return cls(" ".join(filter(None, sentences)))


@dataclass(frozen=True)
class Equation:
    """Equation on a line of its own, in Unicode."""

    text: str


@dataclass(frozen=True)
class Listing:
    """Items below each other."""

    items: tuple[str, ...]


Block = Heading | Paragraph | Equation | Listing
# Characters that XML and terminals have no use for: of controls, line breaks and tabs are blanks in a text.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")


def markdown(blocks: Sequence[Block]) -> str:
    """Markdown text of some blocks, without markup or links that headers or tables brought into it."""
    text = "\n\n".join(_markdown(block) for block in blocks if block != Paragraph(""))
    safe = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text).replace("](", "] (")
    return (
        safe if safe == text else f"{safe}\n\nSome names hold characters of markup; they stand here as text."
    ) + "\n"


def plain(text: str) -> str:
    """Text on one line, without control characters."""
    return _CONTROLS.sub(" ", text)


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def counted(number: int, noun: str) -> str:
    """`1 scan`, `2 scans`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {plain(block.text)}"
    if isinstance(block, Listing):
        return "\n".join(f"- {plain(item)}" for item in block.items)
    return plain(block.text)
