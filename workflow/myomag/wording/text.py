"""Numbers as a reader wants them: sensible digits, a proper minus sign, uncertainty beside the value."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EN DASH}"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_GREEK = {"alpha": "α", "beta": "β", "gamma": "γ"}


def finite(value: Any) -> float | None:
    """`value` as a finite float, or None where it is missing or not a number."""
    if value is None or isinstance(value, bool):
        return None
    try:
        result = float(value)
    except (TypeError, ValueError):
        return None
    return result if math.isfinite(result) else None


def number(value: Any, decimals: int = 2) -> str:
    """`value` with a fixed number of decimals; an en dash where it is missing."""
    if (known := finite(value)) is None:
        return MISSING
    rounded = f"{known:.{max(decimals, 0)}f}"
    if float(rounded) == 0:
        rounded = rounded.lstrip("-")
    return rounded.replace("-", MINUS)


def significant(value: Any, digits: int = 3) -> str:
    """`value` with `digits` significant digits, as a power of ten outside 0.001 … 100,000."""
    if (known := finite(value)) is None:
        return MISSING
    if known == 0:
        return "0"
    exponent = _exponent(known, digits)
    if -3 <= exponent < 5:
        return number(known, digits - 1 - exponent)
    return f"{number(known / 10.0**exponent, digits - 1)} × {power_of_ten(exponent)}"


def with_sd(value: Any, sd: Any, most: int = 6) -> str:
    """`value ± sd`, both to the second significant digit of the standard deviation.

    Parameters
    ----------
    most : int
        Decimals to stop at, unless the first digit of the standard deviation needs more.
    """
    known, spread = finite(value), finite(sd)
    if known is None:
        return MISSING
    if spread is None or spread <= 0:
        return number(known, most) if most < 6 else significant(known, 4)
    decimals = min(uncertainty_decimals(spread), max(most, uncertainty_decimals(spread, 1)))
    return f"{number(known, decimals)} ± {number(spread, decimals)}"


def interval(low: Any, high: Any, decimals: int | None = None) -> str:
    """`low to high`, to the second significant digit of the half width."""
    lower, upper = finite(low), finite(high)
    if lower is None and upper is None:
        return MISSING
    if decimals is None:
        decimals = 3 if lower is None or upper is None else uncertainty_decimals((upper - lower) / 2)
    ends = ("undefined" if end is None else number(end, decimals) for end in (lower, upper))
    return " to ".join(ends)


def open_interval(low: Any, high: Any, decimals: int) -> str:
    """`low to high` of an interval that may lack an end."""
    ends = ["unbounded" if finite(end) is None else number(end, decimals) for end in (low, high)]
    return " to ".join(dict.fromkeys(ends) if ends[0] == "unbounded" else ends)


def p_value(p: Any) -> str:
    """P value with its relation sign: three decimals, never `= 0`."""
    if (known := finite(p)) is None:
        return MISSING
    return "< 0.001" if known < 0.001 else f"= {number(known, 3)}"


def r_squared(value: Any) -> str:
    """R² with three decimals, never `0.000`."""
    known = finite(value)
    return "< 0.001" if known is not None and 0 < known < 0.0005 else number(known, 3)


def probability(p: Any) -> str:
    """Probability that is neither rounded to 0 nor to 1; one of 0 is small, as records keep 12 decimals."""
    if (known := finite(p)) is None:
        return MISSING
    if known < 0.001:
        return "< 0.001"
    return "> 0.999" if 0.999 < known < 1 else significant(known, 2)


def equals(text: str) -> str:
    """`= text`, unless the text brings its own relation sign."""
    return text if text.startswith(("<", ">", "=")) else f"= {text}"


def magnesium(value: Any, low: Any, high: Any, p_undefined: Any) -> str:
    """Free Mg with its interval [mM]; `undefined (P = …)` where the calibration gives none."""
    if (known := finite(value)) is None:
        return MISSING if finite(p_undefined) is None else f"undefined (P {equals(probability(p_undefined))})"
    if finite(low) is None and finite(high) is None:
        return number(known, 3)
    return f"{number(known, 3)} [{interval(low, high, 3)}]"


def power_of_ten(exponent: int) -> str:
    """`10` with a superscript exponent."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def uncertainty_decimals(spread: float, digits: int = 2) -> int:
    """Decimals that show `digits` significant digits of `spread`, between 0 and 6."""
    if not spread > 0:
        return 3
    return min(max(digits - 1 - _exponent(spread, digits), 0), 6)


def common_exponent(values: Sequence[Any]) -> int:
    """Power of ten (a multiple of 3) to print `values` by; 0 where they read well as they are."""
    known = [abs(item) for value in values if (item := finite(value))]
    if not known or 0.1 <= max(known) < 1e5:
        return 0
    return 3 * math.floor(math.log10(max(known)) / 3)


def line_label(name: str) -> str:
    """Name of a line as it is written on a spectrum: `beta-ATP` is β-ATP."""
    head, dash, tail = name.partition("-")
    return f"{_GREEK[head]}{dash}{tail}" if dash and head in _GREEK else name


def text(value: Any) -> str:
    """`value` of a table or a setting as plain text."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value, 0) if value.is_integer() and abs(value) < 1e6 else f"{value:.6g}".replace("-", MINUS)
    if isinstance(value, int):
        return str(value).replace("-", MINUS)
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {text(value[key])}" for key in sorted(value, key=str))
    if isinstance(value, list | tuple):
        return ", ".join(text(item) for item in value)
    return str(value)


def plural(count: int, noun: str) -> str:
    """`1 scan`, `2 scans`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def natural_key(name: Any) -> str:
    """Sort key that puts `run-2` before `run-10`: each number behind its length, and before any text."""
    return re.sub(r"\d+", lambda digits: f"\0{len(number := str(int(digits[0]))):04d}{number}", str(name))


def _exponent(value: float, digits: int) -> int:
    """Decimal exponent of `value` once it is rounded to `digits` significant digits."""
    return int(f"{abs(value):.{digits - 1}e}".partition("e")[2])
