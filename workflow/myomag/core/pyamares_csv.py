"""Prior-knowledge CSV files of pyAMARES, parsed cell by cell and never evaluated.

The file has a row `Index` with the line names and two blocks of rows, `Initial Values` and `Bounds`. A cell of the
first is a number or a tie (`BATP`, `BATP/2`, `BATP*0.5`, `AATP-16Hz`, `AATP-0.1ppm`), one of the second `(low, high)`
either side of which may be open. Rows that start with # are comments.
"""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence

from myomag.core.prior_knowledge import QUANTITIES, WIDTHS, Line, Tie, Value

ROWS = ("amplitude", "chemicalshift", "linewidth", "phase", "g")
BLOCKS = ("initial values", "bounds")
_ROW_OF = {
    "amplitude": "amplitude",
    "shift_ppm": "chemicalshift",
    "lorentzian_hz": "linewidth",
    "gaussian_hz": "linewidth",
    "phase_deg": "phase",
}
# No part can match the same text in two ways, so that a hostile cell costs linear time.
_UNSIGNED = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_NUMBER = rf"[+-]?{_UNSIGNED}"

Block = Mapping[str, Mapping[str, str]]


def pyamares_lines(text: str) -> tuple[Line, ...]:
    """Lines of the prior knowledge in the text of a CSV file of pyAMARES.

    Lines with g = 0 become Lorentzian, with g = 1 Gaussian, whose linewidth is taken as the FWHM. (pyAMARES itself
    ignores g unless told otherwise, and then lets such a line decay by exp(−π·linewidth·t²).)

    Raises
    ------
    ValueError
        Naming the row and the column of a cell that cannot be understood.
    """
    try:
        table = csv.reader(io.StringIO(text, newline=""))
        rows = [row for row in table if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ValueError(f"not a CSV file: {error}") from error
    names, initial, bounds = _blocks(rows)
    return tuple(
        Line(name, {quantity: _entry(quantity, name, initial, bounds, names) for quantity in QUANTITIES})
        for name in names
    )


def _blocks(rows: Sequence[Sequence[str]]) -> tuple[list[str], Block, Block]:
    """Line names, and the cells of the two blocks by row and line name."""
    blocks: dict[str, dict[str, dict[str, str]]] = {block: {} for block in BLOCKS}
    names: list[str] = []
    block = ""
    for row in rows:
        label, cells = row[0].strip().lower(), [cell.strip() for cell in row[1:]]
        if label.startswith("#"):
            continue
        if label == "index" and not names:
            names = _names(cells)
        elif label in blocks:
            block = label
        elif not block or not names or label not in ROWS:
            raise ValueError(
                f"row {label or 'without a name'!r}: expected Index, Initial Values, Bounds or {', '.join(ROWS)}"
            )
        elif label in blocks[block]:
            raise ValueError(f"row {label} is given twice in {block}")
        elif any(cells[len(names) :]):
            raise ValueError(f"row {label} in {block}: a cell is outside the {len(names)} columns of Index")
        else:
            blocks[block][label] = dict(zip(names, cells, strict=False))
    if not names or not blocks["initial values"]:
        raise ValueError("not a pyAMARES prior-knowledge file: rows 'Index' and 'Initial Values' are expected")
    if missing := [row for row in ROWS[:4] if row not in blocks["initial values"]]:
        raise ValueError(f"row {missing[0]} is missing among the initial values")
    return names, blocks["initial values"], blocks["bounds"]


def _names(cells: Sequence[str]) -> list[str]:
    """Line names of the row Index; empty columns may only follow them."""
    while cells and not cells[-1]:
        cells = cells[:-1]
    for column, name in enumerate(cells, start=2):
        if not name:
            raise ValueError(f"row Index: column {column} has no name")
    return list(cells)


def _entry(quantity: str, name: str, initial: Block, bounds: Block, names: Sequence[str]) -> Value | Tie:
    """Entry of one quantity of one line; a width belongs to the Lorentzian or the Gaussian part as `g` says."""
    if quantity == "j_hz" or (quantity in WIDTHS and (quantity == "gaussian_hz") != _is_gaussian(name, initial, names)):
        return Value(0.0, 0.0, 0.0)
    row = _ROW_OF[quantity]
    where = f"{row} of {name}"
    cell = initial[row].get(name, "")
    try:
        if not re.fullmatch(_NUMBER, cell):
            return _tie(cell, names, quantity)
        lower, upper = _bounds(bounds.get(row, {}).get(name, ""))
        return Value(float(cell), 0.0 if quantity in WIDTHS and lower == -math.inf else lower, upper)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _is_gaussian(name: str, initial: Block, names: Sequence[str]) -> bool:
    """Whether `g` of a line, or of the line it is tied to, is 1."""
    seen = [name]
    while (shape := initial.get("g", {}).get(seen[-1], "") or "0") in names and shape not in seen:
        seen.append(shape)
    if not re.fullmatch(_NUMBER, shape) or float(shape) not in (0.0, 1.0):
        raise ValueError(f"g of {name}: {_quoted(shape)}: only 0 (Lorentzian) and 1 (Gaussian) can be imported")
    return float(shape) == 1.0


def _tie(cell: str, names: Sequence[str], quantity: str) -> Tie:
    """`LINE`, `LINE/2`, `LINE*0.5`, `LINE-16Hz` or `LINE-0.1ppm`."""
    for line in sorted(names, key=len, reverse=True):
        if not cell.startswith(line):
            continue
        rest = cell[len(line) :].strip()
        if not rest:
            return Tie(line)
        if match := re.fullmatch(rf"([/*])\s*({_NUMBER})", rest):
            factor = float(match[2])
            if factor == 0:
                raise ValueError(f"{_quoted(cell)}: the factor of a tie is zero")
            return Tie(line, scale=1 / factor if match[1] == "/" else factor)
        if quantity == "shift_ppm" and (match := re.fullmatch(rf"([+-])\s*({_UNSIGNED})\s*(Hz|ppm)", rest, re.I)):
            offset = float(match[1] + match[2])
            return Tie(line, offset_ppm=offset) if match[3].lower() == "ppm" else Tie(line, offset=offset)
    raise ValueError(f"{_quoted(cell)} is neither a number nor a tie such as BATP, BATP/2 or BATP-15Hz")


def _bounds(cell: str) -> tuple[float, float]:
    """`(low, high)`, either side possibly left open."""
    if not cell:
        return -math.inf, math.inf
    match = re.fullmatch(rf"\(?\s*({_NUMBER})?\s*,\s*({_NUMBER})?\s*\)?", cell)
    if not match:
        raise ValueError(f"bounds {_quoted(cell)} are not of the form (low, high)")
    return float(match[1] or -math.inf), float(match[2] or math.inf)


def _quoted(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else f"{cell[:40]}…")
