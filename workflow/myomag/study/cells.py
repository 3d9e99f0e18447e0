"""Cells of a column as users write them: numbers with decimal commas, codes and words for missing, codes for sex.

Unambiguous cells are read, others are left out, and each of those is reported with its line and a remedy. Nothing here
depends on which column it is.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myomag.io.tables import number
from myomag.study.faults import Cell, Faults, Remark, plain

WORDS_FOR_MISSING = frozenset(
    "na n/a n.a. n.a nan #n/a #na #n/a! #value! #null! null none nil ? . - -- missing unknown unk nd n.d. blank".split()  # noqa: SIM905
)
"""Notations for a missing value where numbers or sex are expected."""
WORDS_AMONG_TEXTS = frozenset(("NA", "N/A", "NaN", "nan", "#N/A", "?"))
"""The same in columns of text, where other words may be levels."""
_COMMA = re.compile(r"[+-]?\d*,\d+")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_CODE = re.compile(r"-?(?:7{2,}|8{2,}|9{2,})(?:\.0*)?|-[789](?:\.0*)?")
_MISSING_LEVEL = re.compile(
    r"missing|unknown|refus|no answer|not (?:known|recorded|available|measured|done|applicable|tested|reported)|"
    r"^n/?a$|fehl|unbekannt",
    re.IGNORECASE,
)
FEWEST_OTHERS = 5
"""With fewer values, outliers cannot be identified."""
FEWEST_REPEATS, FEWEST_VALUES = 3, 8
"""A code within the range of the others is queried from this many repeats, in columns of this many values."""
WOMEN = frozenset(("f", "female", "w", "woman", "women", "girl", "weiblich", "frau"))
MEN = frozenset(("m", "male", "man", "men", "boy", "männlich", "maennlich", "mann"))
OTHERS = frozenset(("o", "other", "intersex", "diverse", "d", "x"))
"""Other values of sex in BIDS and elsewhere; models of women and men leave them out."""


@dataclass(frozen=True)
class Reading:
    """Cells of a column as they were read.

    Attributes
    ----------
    kind : str
        number, sex or text.
    values : tuple of str or None
        Text of each cell for the cohort, numbers with a decimal point; None for a missing one.
    remarks : tuple of Remark
        What was wrong.
    left_out : tuple of str
        Distinct texts of cells taken as missing other than n/a.
    levels : mapping of str to str
        Meaning of the values if codes were replaced.
    """

    kind: str
    values: tuple[str | None, ...]
    remarks: tuple[Remark, ...] = ()
    left_out: tuple[str, ...] = ()
    levels: Mapping[str, str] | None = None


def read_numbers(
    name: str,
    cells: Sequence[Cell],
    *,
    low: float | None = None,
    high: float | None = None,
    levels: Mapping[str, str] | None = None,
) -> Reading:
    """Numbers of a column.

    Parameters
    ----------
    name : str
        Name of the column, for remarks.
    cells : sequence of Cell
        Its cells.
    low, high : float, optional
        Plausible range; a value outside is left out.
    levels : mapping of str to str, optional
        Meanings of single values in its data dictionary; values described as missing are treated so.
    """
    faults = Faults(name)
    decimal_comma = any(cell.text and _is_comma(cell.text) and not _THOUSANDS.fullmatch(cell.text) for cell in cells)
    values = [_number(cell, faults, decimal_comma, _missing_codes(levels)) for cell in cells]
    values = [_within(cell, text, faults, low, high) for cell, text in zip(cells, values, strict=True)]
    codes = _outlying_codes(values)
    for at, text in enumerate(values):
        if text is not None and float(plain(text)) in codes:
            faults.leave_out(
                cells[at], ("far from all other values, taken as a code for missing; correct it, or write n/a")
            )
            values[at] = None
    faults.ask(_doubtful_codes(cells, values))
    return Reading("number", tuple(values), tuple(faults.remarks()), faults.left_out)


def read_sex(name: str, cells: Sequence[Cell], levels: Mapping[str, str] | None = None) -> Reading:
    """Sex in each cell as written, or as F and M if a data dictionary defines the codes.

    Parameters
    ----------
    name : str
        Name of the column, for remarks.
    cells : sequence of Cell
        Its cells.
    levels : mapping of str to str, optional
        Meaning of single values in the data dictionary.
    """
    faults, missing = Faults(name), _missing_codes(levels)
    meanings = {plain(code): sex for code, said in (levels or {}).items() if (sex := _sex_in(said))}
    values = [_sex(cell, faults, meanings, missing) for cell in cells]
    translated = any(value != cell.text for cell, value in zip(cells, values, strict=True) if value is not None)
    used = {"F": "female", "M": "male"} if translated else None
    return Reading("sex", tuple(values), tuple(faults.remarks()), faults.left_out, used)


def read_texts(name: str, cells: Sequence[Cell]) -> Reading:
    """Levels of a text column; notations for a missing value are not levels."""
    faults = Faults(name)
    values = [cell.text for cell in cells]
    for at, cell in enumerate(cells):
        if cell.text in WORDS_AMONG_TEXTS:
            faults.leave_out(cell, "read as missing; write n/a")
            values[at] = None
    return Reading("text", tuple(values), tuple(faults.remarks()), faults.left_out)


def mostly_numbers(cells: Iterable[Cell]) -> bool:
    """Whether more than half of the non-missing cells are numbers."""
    said = [cell.text for cell in cells if cell.text is not None and cell.text.lower() not in WORDS_FOR_MISSING]
    return sum(number(plain(text)) is not None or _is_comma(text) for text in said) * 2 > len(said)


def sex_of(value: Any) -> str | None:
    """Sex meant by a code: women, men or None."""
    code = str(value).strip().lower()
    return "women" if code in WOMEN else "men" if code in MEN else None


def levels_of(description: Any) -> dict[str, str]:
    """Meanings of single values in an entry of a data dictionary."""
    levels = description.get("Levels") if isinstance(description, Mapping) else None
    found = levels.items() if isinstance(levels, Mapping) else ()
    return {
        str(code): str(said.get("Description", "")) if isinstance(said, Mapping) else str(said) for code, said in found
    }


def _is_comma(text: str) -> bool:
    return bool(_COMMA.fullmatch(text) or _THOUSANDS.fullmatch(text))


def _missing_codes(levels: Mapping[str, str] | None) -> frozenset[str]:
    return frozenset(code for code, said in (levels or {}).items() if _MISSING_LEVEL.search(said))


def _is_code(text: str, codes: Iterable[str]) -> bool:
    own = number(plain(text))
    return any(code == text or (own is not None and number(code) == own) for code in codes)


def _number(cell: Cell, faults: Faults, decimal_comma: bool, missing: frozenset[str]) -> str | None:
    """Number in a cell as text with a decimal point, None if there is none."""
    text = cell.text
    if text is None or _is_code(text, missing):
        return None
    if text.lower() in WORDS_FOR_MISSING:
        faults.leave_out(cell, "read as missing; write n/a")
        return None
    if number(plain(text)) is not None:
        return text
    if _is_comma(text) and text.count(",") == 1 and decimal_comma:
        faults.comma(cell)
        return text.replace(",", ".")
    if _is_comma(text):
        faults.leave_out(cell, "a thousand or a fraction? left out; write it without the comma")
    else:
        faults.leave_out(cell, "not a number, left out; write a number, or n/a if it is missing")
    return None


def _within(cell: Cell, text: str | None, faults: Faults, low: float | None, high: float | None) -> str | None:
    if text is None:
        return None
    value = float(plain(text))
    if (low is None or value >= low) and (high is None or value <= high):
        return text
    ends = f"{low:g} and above" if high is None else f"{high:g} and below" if low is None else f"{low:g} to {high:g}"
    faults.leave_out(cell, f"outside {ends} (cohort.plausible), left out; correct it, or write n/a")
    return None


def _outlying_codes(values: Iterable[str | None]) -> set[float]:
    """Values such as -99 and 999 that are farther from the others than these span."""
    known = [(text, float(plain(text))) for text in values if text is not None]
    others = [value for text, value in known if not _CODE.fullmatch(text)]
    if len(others) < FEWEST_OTHERS:
        return set()
    low, high = min(others), max(others)
    span = high - low
    codes = {value for text, value in known if _CODE.fullmatch(text)}
    return {value for value in codes if value > high + span or (value < low - span or value < 0 <= low)}


def _doubtful_codes(cells: Sequence[Cell], values: Sequence[str | None]) -> Iterator[Cell]:
    """Cells with a value such as 99 that is far from all others, or occurs more often than any other."""
    counts = Counter(text for text in values if text is not None)
    others = [float(plain(text)) for text in counts if not _CODE.fullmatch(text)]
    for code in (text for text in counts if _CODE.fullmatch(text) and others):
        most = max(count for text, count in counts.items() if text != code)
        often = counts[code] >= max(FEWEST_REPEATS, 2 * most) and counts.total() >= FEWEST_VALUES
        apart = (max(others) - min(others)) / 3
        if often or not min(others) - apart <= float(code) <= max(others) + apart:
            yield from (cell for cell, text in zip(cells, values, strict=True) if text == code)


def _sex_in(said: str) -> str | None:
    """F or M by the words of a description; None if it names neither or both."""
    found = {sex for word in re.findall(r"\w+", said) if (sex := sex_of(word))}
    return {"women": "F", "men": "M"}[found.pop()] if len(found) == 1 else None


def _sex(cell: Cell, faults: Faults, meanings: Mapping[str, str], missing: frozenset[str]) -> str | None:
    text = cell.text
    if text is None or _is_code(text, missing):
        return None
    if (known := next((sex for code, sex in meanings.items() if _is_code(text, (code,))), None)) is not None:
        return known
    if sex_of(text) or text.lower() in OTHERS:
        return text
    if text.lower() in WORDS_FOR_MISSING:
        faults.leave_out(cell, "read as missing; write n/a")
        return None
    why = "neither F nor M, left out; write F, M or n/a"
    if number(text) is not None:
        why = f'neither F nor M; define the codes in the JSON file beside the table: {faults.name}: {{"Levels": '
        why += '{"1": "male", "2": "female"}}, or the other way round'
    faults.leave_out(cell, why)
    return text
