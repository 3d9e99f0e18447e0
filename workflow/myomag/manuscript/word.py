"""Text and tables as DOCX, the same bytes for the same content.

python-docx writes the time into the container and compresses it by the zlib of the machine; here the parts are stored
as they are, with one date for all.
"""

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from myomag.manuscript.blocks import Block, Equation, Heading, Listing, Paragraph, plain
from myomag.manuscript.printed import PrintedTable

if TYPE_CHECKING:
    from docx.document import Document

DATE = datetime(1980, 1, 1)
BODY, SMALL = 11, 8
LONG_CM, SHORT_CM, MARGIN_CM = 29.7, 21, 1.5
"""Sides of the paper (A4), and the margins around tables [cm]."""
LONGEST = 32
"""Characters from which on a cell of a table may take another line."""
UNUSED = ("/stylesWithEffects", "/thumbnail", "/customXml")
"""Relations of the template to parts that nothing here uses."""


def text_document(blocks: Sequence[Block]) -> bytes:
    """DOCX of a text.

    Parameters
    ----------
    blocks : sequence of Block
        Its parts.
    """
    document = _empty("Methods", BODY)
    for block in blocks:
        _add(document, block)
    return _bytes(document)


def table_document(tables: Sequence[PrintedTable]) -> bytes:
    """DOCX of some tables in landscape, each on a page of its own with its title and notes."""
    from docx.enum.section import WD_ORIENT
    from docx.enum.text import WD_BREAK
    from docx.shared import Cm

    document = _empty("Tables", SMALL)
    (section,) = document.sections
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Cm(LONG_CM), Cm(SHORT_CM)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(MARGIN_CM)
    for number, table in enumerate(tables):
        if number:
            document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
        _add_table(document, table)
    return _bytes(document)


def _empty(title: str, size: int) -> "Document":
    """Document with the styles of the template, text of a size [pt], and nothing that tells who made it when."""
    import docx
    from docx.shared import Cm, Pt

    document = docx.Document()
    _lighten(document)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Times New Roman", Pt(size)
    if size == SMALL:
        normal.paragraph_format.space_after = Pt(2)
    section = document.sections[0]
    section.page_width, section.page_height = Cm(SHORT_CM), Cm(LONG_CM)
    properties = document.core_properties
    properties.title, properties.author, properties.last_modified_by, properties.comments = title, "myomag", "", ""
    properties.created = properties.modified = DATE
    return document


def _lighten(document: "Document") -> None:
    """Take out of the template what nothing here uses: styles of tables and of older programs, and its picture."""
    from docx.enum.style import WD_STYLE_TYPE

    for style in list(document.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style.name != "Normal Table":
            style.delete()
    for part in (document.part, document.part.package):
        unused = [key for key, each in part.rels.items() if each.reltype.endswith(UNUSED)]
        for key in unused:
            part.rels.pop(key)


def _add(document: "Document", block: Block) -> None:
    if isinstance(block, Heading):
        document.add_heading(plain(block.text), block.level - 1)
    elif isinstance(block, Listing):
        for item in block.items:
            document.add_paragraph(plain(item), style="List Bullet")
    elif isinstance(block, Equation):
        from docx.enum.text import WD_ALIGN_PARAGRAPH

        document.add_paragraph(plain(block.text)).alignment = WD_ALIGN_PARAGRAPH.CENTER
    elif isinstance(block, Paragraph) and block.text:
        document.add_paragraph(plain(block.text))


def _add_table(document: "Document", table: PrintedTable) -> None:
    """Title, grid with lines above and below its head and below its last row, notes."""
    document.add_paragraph().add_run(plain(table.title)).bold = True
    if table.rows:
        _add_grid(document, table)
    for note in table.notes:
        document.add_paragraph(plain(note))


def _add_grid(document: "Document", table: PrintedTable) -> None:
    grid = document.add_table(rows=0, cols=len(table.columns))
    # Before there are rows: their cells take the widths over.
    _fit_columns(grid, table)
    for number, cells in enumerate((table.columns, *table.rows)):
        row = grid.add_row().cells
        if len(cells) == 1:
            row[0].merge(row[-1])
        for cell, content in zip(row, cells, strict=False):
            cell.paragraphs[0].add_run(plain(content)).bold = True if number == 0 or len(cells) == 1 else None
    for number, edge in ((0, "top"), (0, "bottom"), (len(table.rows), "bottom")):
        _rule(grid.rows[number], edge)
    _repeat_head(grid.rows[0])


def _fit_columns(grid: Any, table: PrintedTable) -> None:
    """Widths by the longest cells, as of many columns of equal width the full ones would break into lines."""
    from docx.shared import Cm

    whole = (row for row in (table.columns, *table.rows) if len(row) > 1)
    longest = [min(max(map(len, column)), LONGEST) + 3 for column in zip(*whole, strict=True)]
    grid.autofit = False
    for column, length in zip(grid.columns, longest, strict=True):
        column.width = Cm((LONG_CM - 2 * MARGIN_CM) * length / sum(longest))


def _rule(row: Any, edge: str) -> None:
    """Line along an edge of a row, as journals have them, without lines between columns."""
    from docx.oxml.ns import qn

    for cell in row.cells:
        properties = cell._tc.get_or_add_tcPr()
        borders = properties.find(qn("w:tcBorders"))
        if borders is None:
            borders = properties.makeelement(qn("w:tcBorders"))
            properties.append(borders)
        line = {"val": "single", "sz": "6", "space": "0", "color": "000000"}
        borders.append(borders.makeelement(qn(f"w:{edge}"), {qn(f"w:{key}"): value for key, value in line.items()}))


def _repeat_head(row: Any) -> None:
    """Head that stands on each page the table reaches."""
    from docx.oxml.ns import qn

    properties = row._tr.get_or_add_trPr()
    properties.append(properties.makeelement(qn("w:tblHeader"), {qn("w:val"): "true"}))


def _bytes(document: "Document") -> bytes:
    """Bytes of a document: its parts in their order, not compressed, all of one date."""
    written, same = io.BytesIO(), io.BytesIO()
    document.save(written)
    with zipfile.ZipFile(written) as parts, zipfile.ZipFile(same, "w") as out:
        for name in parts.namelist():
            part = zipfile.ZipInfo(name, DATE.timetuple()[:6])
            # Of a file of Unix, on whichever system it is written.
            part.create_system, part.external_attr = 3, 0o600 << 16
            out.writestr(part, parts.read(name))
    return same.getvalue()
