"""Figures of the cohort: a drawing for the page, the same as a file that stands alone, and the data plotted as CSV."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from myomag.io.tables import written
from myomag.report.page import TEMPLATES

FOLDER = "report/figures"


@dataclass(frozen=True)
class Figure:
    """One figure as papers print it.

    Attributes
    ----------
    name : str
        Stem of its files.
    title : str
        What it shows, one line.
    drawing : Markup
        SVG element whose style is `templates/figure.css`.
    csv : bytes
        The plotted data, see `csv_bytes`; as rows they would outweigh the page of a large study tenfold.
    note : str
        How to read it.
    wide : bool
        Whether it takes the whole width of the page.
    """

    name: str
    title: str
    drawing: Markup
    csv: bytes
    note: str = ""
    wide: bool = True

    def files(self) -> dict[str, bytes]:
        """Content of the figure's files by their path in the derivative."""
        stem = f"{FOLDER}/{self.name}"
        return {f"{stem}.svg": standalone(self), f"{stem}.csv": self.csv}


def standalone(figure: Figure) -> bytes:
    """SVG file that needs no other: with its style, on white, its links to pages left out."""
    drawing = re.sub(r' (href|tabindex)="[^"]*"', "", str(figure.drawing))
    head, body = drawing.split(">", 1)
    width, height = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', head)[0]
    head = head.replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" ', 1)
    paper = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    content = f"{head}><title>{escape(figure.title)}</title><style>{_plain_style()}</style>{paper}{body}\n"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{content}'.encode()


def csv_bytes(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as CSV, all with the keys of the first; a missing value is an empty cell."""
    content = io.BytesIO()
    writer = csv.writer(text := io.TextIOWrapper(content, encoding="utf-8", newline=""), lineterminator="\n")
    for number, row in enumerate(rows):
        if not number:
            writer.writerow(row)
        writer.writerow("" if value is None else written(value) for value in row.values())
    text.flush()
    return content.getvalue()


def _plain_style() -> str:
    """Style of the figures with the light colours in place of their names, which drawing programs do not know."""
    page, own = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "figure.css"))
    colours = dict(re.findall(r"--([\w-]+): (?:light-dark\()?(#\w+)", page))
    return re.sub(r"var\(--([\w-]+)\)", lambda match: colours[match[1]], own)
