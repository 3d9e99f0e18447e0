"""Families of calibrations: formulas for pH and pMg from one shift, and calibrations from their documents.

A further family with one shift needs a class here and an entry in `FORMULAS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import log, log10
from typing import Any, ClassVar

import numpy as np

from myomag.core.calibration import Array, Formula, ShiftCalibration, weakest
from myomag.core.calibration_documents import check_document, check_order, numbers, text_of
from myomag.core.speciation import FAMILY as SPECIATION
from myomag.core.speciation import SpeciationCalibration, speciation_calibration

_MAX_NEWTON_STEPS = 100


@dataclass(frozen=True)
class HendersonHasselbalch(Formula):
    """pH = pK + log10[(δ − δA)/(δB − δ)], δ = Pi − PCr [ppm].

    Attributes
    ----------
    pk : float
        Apparent pK of H2PO4−.
    acid_shift_ppm, base_shift_ppm : float
        Shifts δA of H2PO4− and δB of HPO4²− [ppm from PCr].
    """

    quantity: ClassVar[str] = "ph"
    family: ClassVar[str] = "henderson_hasselbalch"
    lines: ClassVar[Mapping[str, float]] = {"Pi": 1.0}
    pk: float
    acid_shift_ppm: float
    base_shift_ppm: float

    @property
    def limits_ppm(self) -> tuple[float, float]:
        """Shifts δA and δB of the acid and the base [ppm from PCr]."""
        return self.acid_shift_ppm, self.base_shift_ppm

    def value(self, shift_ppm: Array) -> Array:
        """Intracellular pH at a Pi shift [ppm from PCr]."""
        ratio = (shift_ppm - self.acid_shift_ppm) / (self.base_shift_ppm - shift_ppm)
        return np.asarray(self.pk + np.log10(ratio))

    def slope(self, shift_ppm: Array) -> Array:
        """Slope of the pH against the Pi shift [1/ppm], positive."""
        return (1 / (shift_ppm - self.acid_shift_ppm) + 1 / (self.base_shift_ppm - shift_ppm)) / log(10)

    def shift_ppm(self, value: Array) -> Array:
        """Pi shift [ppm from PCr] at a pH: that of the acid and the base by their fractions."""
        base_fraction = 1 / (1 + 10 ** (self.pk - value))
        return self.acid_shift_ppm + base_fraction * (self.base_shift_ppm - self.acid_shift_ppm)


@dataclass(frozen=True)
class Iotti(Formula):
    """pMg = pK − log10[(d − dL)^a / (dU − d)^b], d = β-ATP − PCr [ppm] (form of Iotti et al. 1996, no pH term).

    Attributes
    ----------
    pk : float
        Constant pK.
    lower_shift_ppm, upper_shift_ppm : float
        Limiting shifts dL (no Mg) and dU (saturated) [ppm from PCr].
    lower_exponent, upper_exponent : float
        Exponents a and b.
    """

    quantity: ClassVar[str] = "mg"
    family: ClassVar[str] = "iotti"
    lines: ClassVar[Mapping[str, float]] = {"beta-ATP": 1.0}
    pk: float
    lower_shift_ppm: float
    upper_shift_ppm: float
    lower_exponent: float
    upper_exponent: float

    def __post_init__(self) -> None:
        """Refuse exponents with which the formula has no inverse."""
        if min(self.lower_exponent, self.upper_exponent) <= 0:
            raise ValueError("coefficients: lower_exponent and upper_exponent must be above zero")

    @property
    def limits_ppm(self) -> tuple[float, float]:
        """Limiting shifts dL and dU [ppm from PCr]."""
        return self.lower_shift_ppm, self.upper_shift_ppm

    def value(self, shift_ppm: Array) -> Array:
        """Free magnesium as pMg at a β-ATP shift [ppm from PCr]."""
        saturation = self.lower_exponent * np.log10(shift_ppm - self.lower_shift_ppm)
        saturation -= self.upper_exponent * np.log10(self.upper_shift_ppm - shift_ppm)
        return np.asarray(self.pk - saturation)

    def slope(self, shift_ppm: Array) -> Array:
        """Slope of the pMg against the β-ATP shift [1/ppm], negative."""
        slope = self.lower_exponent / (shift_ppm - self.lower_shift_ppm)
        slope += self.upper_exponent / (self.upper_shift_ppm - shift_ppm)
        return -slope / log(10)

    def shift_ppm(self, value: Array) -> Array:
        """β-ATP shift [ppm from PCr] at a pMg.

        Newton's method in u = ln[(d − dL)/(dU − d)], where the slope of pMg lies between −a/ln 10 and −b/ln 10.
        """
        low, high = self.lower_exponent, self.upper_exponent
        span = self.upper_shift_ppm - self.lower_shift_ppm
        target = log(10) * (self.pk - value) - (low - high) * log(span)
        u = np.zeros_like(target)
        for _ in range(_MAX_NEWTON_STEPS):
            bound = np.exp(-np.logaddexp(0, -u))
            error = high * np.logaddexp(0, u) - low * np.logaddexp(0, -u) - target
            u = u - error / (low * (1 - bound) + high * bound)
            if np.all(np.abs(error) < 1e-13 * (1 + np.abs(target))):
                break
        return np.asarray(self.lower_shift_ppm + span * np.exp(-np.logaddexp(0, -u)))


@dataclass(frozen=True)
class GuptaMoore(Formula):
    """[Mg] = Kd·(1/φ − 1), φ = (d − dB)/(dF − dB), d = α-ATP − β-ATP [ppm]; no pH term.

    Form of Gupta & Moore (from memory of the literature, unverified). Golding & Golding 1995 call it an
    oversimplification if pH varies.

    Attributes
    ----------
    kd_umol_l : float
        Dissociation constant of MgATP [µmol/l].
    free_shift_ppm, bound_shift_ppm : float
        Limiting distances dF of ATP without Mg and dB of MgATP [ppm].
    """

    quantity: ClassVar[str] = "mg"
    family: ClassVar[str] = "gupta_moore"
    standing: ClassVar[str] = "unverified"
    lines: ClassVar[Mapping[str, float]] = {"alpha-ATP": 1.0, "beta-ATP": -1.0}
    kd_umol_l: float
    free_shift_ppm: float
    bound_shift_ppm: float

    def __post_init__(self) -> None:
        """Refuse an invalid dissociation constant."""
        if self.kd_umol_l <= 0:
            raise ValueError("coefficients: kd_umol_l must be above zero")

    @property
    def limits_ppm(self) -> tuple[float, float]:
        """Limiting distances dB and dF [ppm]."""
        return self.bound_shift_ppm, self.free_shift_ppm

    def value(self, shift_ppm: Array) -> Array:
        """Free magnesium as pMg at a distance of α- and β-ATP [ppm]."""
        bound_over_free = (self.free_shift_ppm - shift_ppm) / (shift_ppm - self.bound_shift_ppm)
        return np.asarray(self._pkd - np.log10(bound_over_free))

    def slope(self, shift_ppm: Array) -> Array:
        """Slope of the pMg against the distance of α- and β-ATP [1/ppm], positive."""
        return (1 / (self.free_shift_ppm - shift_ppm) + 1 / (shift_ppm - self.bound_shift_ppm)) / log(10)

    def shift_ppm(self, value: Array) -> Array:
        """Distance of α- and β-ATP [ppm] at a pMg."""
        free = 1 / (1 + 10 ** (self._pkd - value))
        return self.bound_shift_ppm + free * (self.free_shift_ppm - self.bound_shift_ppm)

    @property
    def _pkd(self) -> float:
        return 6 - log10(self.kd_umol_l)


FORMULAS: tuple[type[Formula], ...] = (HendersonHasselbalch, Iotti, GuptaMoore)


def shift_calibration(document: Mapping[str, Any], quantity: str) -> ShiftCalibration:
    """Calibration of ph or mg by one shift from its document (as in config/calibrations).

    Raises
    ------
    ValueError
        With one line on what is wrong, such as a range beyond the limiting shifts, where the formula has no value.
    """
    check_document(document, quantity, _families(quantity))
    family = next(formula for formula in FORMULAS if formula.family == document["family"])
    limits = numbers(document["range"], ("lower_ppm", "upper_ppm"), "range")
    check_order(limits, "lower_ppm", "upper_ppm")
    keys = tuple(field.name for field in fields(family))  # type: ignore[arg-type]
    formula = family(**numbers(document["coefficients"], keys, "coefficients"))
    lower, upper = formula.limits_ppm
    if lower >= upper:
        raise ValueError(f"coefficients: limiting shifts {lower:g} and {upper:g} ppm are in the wrong order")
    if limits["lower_ppm"] < lower or limits["upper_ppm"] > upper:
        raise ValueError(
            f"range {limits['lower_ppm']:g}…{limits['upper_ppm']:g} ppm reaches beyond the limiting shifts "
            f"{lower:g}…{upper:g} ppm"
        )
    return ShiftCalibration(
        name=text_of(document, "name"),
        source=text_of(document, "source"),
        standing=weakest((document["standing"], formula.standing)),
        formula=formula,
        **limits,
    )


def mg_calibration(document: Mapping[str, Any]) -> ShiftCalibration | SpeciationCalibration:
    """Calibration of mg, by one shift or several, from its document; ValueError says what is wrong."""
    check_document(document, "mg", (*_families("mg"), SPECIATION))
    return speciation_calibration(document) if document["family"] == SPECIATION else shift_calibration(document, "mg")


def _families(quantity: str) -> tuple[str, ...]:
    return tuple(formula.family for formula in FORMULAS if formula.quantity == quantity)
