"""Shifts of ATP from pH and free magnesium: the mean over the species of ATP in fast exchange."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from myomag.core.calibration import Array, ShiftCalibration
from myomag.core.calibration_documents import check_document, check_keys, check_order, numbers, text_of
from myomag.core.energetics import Constants

FAMILY = "speciation"
ATP_LINES = ("alpha-ATP", "beta-ATP", "gamma-ATP")
FORMS = ("atp_ppm", "hatp_ppm", "mgatp_ppm", "mghatp_ppm")
"""Limiting shifts of ATP4−, HATP3−, MgATP2− and MgHATP−, as named in a document."""
_PROTONS, _MAGNESIUM = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0, 1.0])


@dataclass(frozen=True)
class SpeciationCalibration:
    """Shift of each ATP line as the mean of the limiting shifts of its forms, weighted by their populations.

    Attributes
    ----------
    name, source, standing : str
        Name, where the limiting shifts come from, and how far that was checked (found, derived, unverified).
    limits_ppm : mapping of str to ndarray, shape (4,)
        Limiting shifts of ATP4−, HATP3−, MgATP2− and MgHATP− per line [ppm from PCr].
    lower, upper : ndarray, shape (2,)
        Ends of the searched ranges of pH and pMg.
    """

    name: str
    source: str
    standing: str
    limits_ppm: Mapping[str, Array]
    lower: Array
    upper: Array


def speciation_calibration(document: Mapping[str, Any]) -> SpeciationCalibration:
    """Speciation calibration from its document; ValueError says what is wrong.

    `coefficients` names one line of ATP or more, each with the limiting shifts of the four forms; `range` has lower_ph,
    upper_ph, lower_pmg and upper_pmg.
    """
    check_document(document, "mg", (FAMILY,))
    limits = numbers(document["range"], ("lower_ph", "upper_ph", "lower_pmg", "upper_pmg"), "range")
    for quantity in ("ph", "pmg"):
        check_order(limits, f"lower_{quantity}", f"upper_{quantity}")
    coefficients = document["coefficients"]
    if not isinstance(coefficients, Mapping) or not coefficients:
        raise ValueError(f"coefficients: expected the limiting shifts of {' or '.join(ATP_LINES)}")
    lines = tuple(line for line in ATP_LINES if line in coefficients) or ATP_LINES
    check_keys(coefficients, lines, "coefficients")
    shifts = {line: numbers(coefficients[line], FORMS, f"coefficients.{line}") for line in lines}
    return SpeciationCalibration(
        name=text_of(document, "name"),
        source=text_of(document, "source"),
        standing=document["standing"],
        limits_ppm={line: np.array([shifts[line][form] for form in FORMS]) for line in lines},
        lower=np.array([limits["lower_ph"], limits["lower_pmg"]]),
        upper=np.array([limits["upper_ph"], limits["upper_pmg"]]),
    )


def atp_populations(constants: Constants, ph: Array, pmg: Array) -> Array:
    """Fractions of ATP4−, HATP3−, MgATP2− and MgHATP−, shape (..., 4): 1, H/Ka, Kb·Mg, KbH·H·Mg/Ka over their sum."""
    proton = 10**-ph / constants["ka_atp"]
    magnesium = 10**-pmg
    both = constants["kb_mghatp"] * magnesium * proton
    terms = np.stack([np.ones_like(proton), proton, constants["kb_mgatp"] * magnesium, both], axis=-1)
    populations: Array = terms / terms.sum(axis=-1, keepdims=True)
    return populations


@dataclass(frozen=True)
class ShiftModel:
    """Shifts from PCr as functions of pH and pMg.

    Attributes
    ----------
    lines : tuple of str
        Lines in the order of the shifts: Pi, if used, then ATP lines.
    constants : mapping of str to float
        Equilibrium constants at the temperature and ionic strength of the muscle.
    """

    calibration: SpeciationCalibration
    ph_calibration: ShiftCalibration
    constants: Constants
    lines: tuple[str, ...]

    def shifts_ppm(self, point: Array) -> tuple[Array, Array]:
        """Shifts, shape (..., lines), and their slopes in pH and pMg, shape (..., lines, 2).

        Parameters
        ----------
        point : ndarray, shape (..., 2)
            pH and pMg.
        """
        ph, pmg = point[..., 0], point[..., 1]
        shifts = np.empty((*ph.shape, len(self.lines)))
        slopes = np.zeros((*shifts.shape, 2))
        first = int(self.lines[0] == "Pi")
        if first:
            shifts[..., 0] = self.ph_calibration.shift_ppm(ph)
            slopes[..., 0, 0] = 1 / self.ph_calibration.formula.slope(shifts[..., 0])
        populations = atp_populations(self.constants, ph, pmg)
        limits = np.array([self.calibration.limits_ppm[line] for line in self.lines[first:]]).T
        shifts[..., first:] = populations @ limits
        for axis, bound in enumerate((_PROTONS, _MAGNESIUM)):
            # Covariance over the forms of the limiting shift and the ions bound.
            joint = populations @ (bound[:, None] * limits) - (populations @ bound)[..., None] * shifts[..., first:]
            slopes[..., first:, axis] = -log(10) * joint
        return shifts, slopes
