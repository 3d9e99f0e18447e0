"""Nuclei: their names, gyromagnetic ratios, and what a frequency says about them."""

import math
import re
from typing import Any

from myomag.errors import ScanError

GYROMAGNETIC_RATIO_MHZ_T = {
    "1H": 42.577,
    "2H": 6.536,
    "3H": 45.415,
    "13C": 10.7084,
    "23Na": 11.262,
    "31P": 17.235,
    "129Xe": 11.777,
}
"""|γ|/2π [MHz/T] (found: public code of spec2nii); accurate to .01 %, used here within tolerances of 1 % and more."""

MIN_FIELD_T, MAX_FIELD_T = 0.2, 15.0
"""Fields a human scanner can have [T]."""

IDENTITY_TOLERANCE = 0.01
"""Frequency over field identifies a nucleus if it is this close to γ."""

FIELD_TOLERANCE = 0.05
"""A stated field may be this far from f/γ: magnets sold as 3 T run at 2.89 T."""

HERTZ_ABOVE = 1e5
"""A frequency above this number cannot be in MHz."""


def nucleus_name(value: Any, where: str) -> str:
    """Nucleus in the form 31P.

    Parameters
    ----------
    value : str
        Name as written in a file: 31P, P31, 31p, "31P", P-31.
    where : str
        File and field, for the message.

    Raises
    ------
    ScanError
        If it is not a nucleus with a known gyromagnetic ratio.
    """
    text = str(value).strip().strip("\"'^ ").lower()
    match = re.fullmatch(r"(\d{1,3})\W?([a-z]{1,2})", text) or re.fullmatch(r"([a-z]{1,2})\W?(\d{1,3})", text)
    parts = sorted(match.groups()) if match else []
    for name in GYROMAGNETIC_RATIO_MHZ_T:
        if "".join(parts) == name.lower():
            return name
    shown = text if text.isascii() and text.isprintable() and len(text) <= 8 else "?"
    raise ScanError(f"{where} = '{shown}' is not a known nucleus; write it as 31P.")


def nucleus_of_name(stem: str) -> str | None:
    """Nucleus in the `nuc-` entity of a BIDS name, None if there is no such entity."""
    match = re.search(r"(?:^|_)nuc-([A-Za-z0-9]+)(?:_|\.|$)", stem)
    return nucleus_name(match[1], f"{stem}: nuc- entity") if match else None


def nucleus_from_field(frequency: float, field_t: float | None) -> str | None:
    """Nucleus identified by frequency over field, 31P or 1H within 1 % of γ, else None.

    Parameters
    ----------
    frequency : float
        Spectrometer frequency [MHz, or Hz].
    field_t : float or None
        Static field [T] as stated in the file.
    """
    if not field_t or field_t <= 0:
        return None
    ratio = (frequency / 1e6 if frequency > HERTZ_ABOVE else frequency) / field_t
    for name in ("31P", "1H"):
        if abs(ratio / GYROMAGNETIC_RATIO_MHZ_T[name] - 1) <= IDENTITY_TOLERANCE:
            return name
    return None


def frequency_mhz(value: Any, nucleus: str, where: str) -> float:
    """Spectrometer frequency [MHz], converted from Hz if the number can only be in Hz.

    Raises
    ------
    ScanError
        If the field B0 = f/γ would not be that of a scanner.
    """
    number = positive(value, where)
    mhz = number / 1e6 if number > HERTZ_ABOVE else number
    field = mhz / GYROMAGNETIC_RATIO_MHZ_T[nucleus]
    if not MIN_FIELD_T <= field <= MAX_FIELD_T:
        raise ScanError(
            f"{where} = {number:g} is not a {nucleus} frequency in MHz (the field would be {field:.3g} T, "
            f"expected {MIN_FIELD_T:g}-{MAX_FIELD_T:g}); correct the frequency or the nucleus."
        )
    return mhz


def check_field(mhz: float, nucleus: str, field_t: float | None, where: str) -> None:
    """Refuse a stated field [T] that contradicts frequency [MHz] and nucleus."""
    if not field_t:
        return
    expected = mhz / GYROMAGNETIC_RATIO_MHZ_T[nucleus]
    if abs(field_t / expected - 1) > FIELD_TOLERANCE:
        raise ScanError(
            f"{where} = {field_t:g} T contradicts {nucleus} at {mhz:.6g} MHz ({expected:.3g} T); "
            "correct the nucleus, the frequency or the field."
        )


def positive(value: Any, where: str) -> float:
    """Finite positive number; a list of one number counts as that number.

    Raises
    ------
    ScanError
        If it is not, naming the field.
    """
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1e300 or math.isnan(value):
        shown = repr(value) if isinstance(value, int | float | bool) or value is None else type(value).__name__
        raise ScanError(f"{where} must be one number above 0, found {shown[:30]}.")
    return float(value)
