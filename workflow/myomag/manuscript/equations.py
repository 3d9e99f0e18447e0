"""Calibrations as equations with the coefficients in use, and where these come from."""

from collections.abc import Callable, Mapping
from typing import Any

from myomag.core.families import mg_calibration, shift_calibration
from myomag.core.speciation import FAMILY as SPECIATION
from myomag.core.speciation import FORMS
from myomag.manuscript.blocks import listed
from myomag.wording.text import MINUS, line_label

FORM_NAMES = ("ATP⁴⁻", "HATP³⁻", "MgATP²⁻", "MgHATP⁻")


def equation(document: Mapping[str, Any]) -> str:
    """Equation of a calibration with its coefficients.

    Parameters
    ----------
    document : mapping
        Content of the calibration.
    """
    written: dict[str, Callable[[Any], str]] = {
        "henderson_hasselbalch": _ph,
        "iotti": _iotti,
        "gupta_moore": _gupta_moore,
        SPECIATION: _speciation,
    }
    return written[document["family"]](document["coefficients"])


def explained(document: Mapping[str, Any]) -> str:
    """What stands for what in the equation, as the rest of a sentence behind it."""
    if document["family"] == SPECIATION:
        shifts = "; ".join(_limits(line, known) for line, known in document["coefficients"].items())
        return (
            "where p are the fractions of ATP⁴⁻, HATP³⁻, MgATP²⁻ and MgHATP⁻ at the pH and the free Mg²⁺ "
            f"concentration. Their limiting shifts from PCr were {shifts}. pH and pMg were solved together by weighted "
            "least squares."
        )
    return {
        "henderson_hasselbalch": "where δ is the shift of Pi from PCr in ppm.",
        "iotti": "where δ is the shift of β-ATP from PCr in ppm and [Mg²⁺] = 1000·10^(−pMg) mmol/l.",
        "gupta_moore": "where δ is the distance between α-ATP and β-ATP in ppm.",
    }[document["family"]]


def source(document: Mapping[str, Any]) -> str:
    """Sentence on where the coefficients come from and how far that was checked; a placeholder where it was not."""
    quantity = document["quantity"]
    found = mg_calibration(document) if quantity == "mg" else shift_calibration(document, "ph")
    text = (
        f"The coefficients were those of the calibration {found.name} ({found.standing}): {found.source.rstrip('.')}."
    )
    if found.standing == "unverified":
        text += f" [source of the {'Mg' if quantity == 'mg' else 'pH'} calibration: to be checked before submission]"
    return text


def _ph(k: Mapping[str, float]) -> str:
    return f"pH = {k['pk']:g} + log₁₀[({_less('δ', k['acid_shift_ppm'])})/({k['base_shift_ppm']:g} {MINUS} δ)]"


def _iotti(k: Mapping[str, float]) -> str:
    above, below = _less("δ", k["lower_shift_ppm"]), f"{_signed(k['upper_shift_ppm'])} {MINUS} δ"
    exponents = k["lower_exponent"], k["upper_exponent"]
    return f"pMg = {k['pk']:g} {MINUS} log₁₀[({above})^{exponents[0]:g}/({below})^{exponents[1]:g}]"


def _gupta_moore(k: Mapping[str, float]) -> str:
    bound, free = k["bound_shift_ppm"], k["free_shift_ppm"]
    return f"[Mg²⁺] = {k['kd_umol_l']:g} µmol/l · ({free:g} {MINUS} δ)/({_less('δ', bound)})"


def _speciation(k: Mapping[str, Mapping[str, float]]) -> str:
    lines = listed([line_label(line) for line in k])
    return f"δ({lines}) = Σ pᵢδᵢ over ATP⁴⁻, HATP³⁻, MgATP²⁻ and MgHATP⁻"


def _limits(line: str, known: Mapping[str, float]) -> str:
    named = zip(FORM_NAMES, FORMS, strict=True)
    return f"{line_label(line)}: " + ", ".join(f"{_signed(known[form])} ({name})" for name, form in named) + " ppm"


def _signed(value: float) -> str:
    return f"{value:g}".replace("-", MINUS)


def _less(symbol: str, value: float) -> str:
    """`δ − 3.27`, or `δ + 18.58` where the value is negative."""
    return f"{symbol} {'+' if value < 0 else MINUS} {abs(value):g}"
