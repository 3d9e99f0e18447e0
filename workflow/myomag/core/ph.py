"""Intracellular pH from the chemical shift of inorganic phosphate."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from myomag.core.calibration import (
    Quantity,
    ShiftPosterior,
    as_given,
    check_range_within,
    inside_or_nan,
    read_calibration,
    shift_posterior,
)

FAMILY = "henderson_hasselbalch"


@dataclass(frozen=True)
class PhCalibration:
    """pH = pK + log10[(δ − δA)/(δB − δ)], δ = Pi − PCr [ppm] (Henderson–Hasselbalch).

    Attributes
    ----------
    name, source, standing : str
        Name, where the coefficients come from, and how far that was checked (found, derived, unverified).
    lower_ppm, upper_ppm : float
        Range of Pi shifts in which a pH is given, at most the open interval (δA, δB) [ppm].
    pk : float
        Apparent pK of H2PO4−.
    acid_shift_ppm, base_shift_ppm : float
        Shifts δA of H2PO4− and δB of HPO4²− [ppm from PCr].
    """

    lines: ClassVar[Mapping[str, float]] = {"Pi": 1.0}
    """Weights of the lines whose shifts from PCr add up to the shift that is read."""
    name: str
    source: str
    standing: str
    lower_ppm: float
    upper_ppm: float
    pk: float
    acid_shift_ppm: float
    base_shift_ppm: float

    def is_defined(self, delta_ppm: float) -> bool:
        """Whether a Pi shift [ppm from PCr] has a pH."""
        return self.lower_ppm < delta_ppm < self.upper_ppm

    def ph(self, delta_ppm: Quantity) -> Quantity:
        """Intracellular pH at a Pi shift [ppm from PCr]; NaN outside the range."""
        delta = inside_or_nan(delta_ppm, self.lower_ppm, self.upper_ppm)
        ratio = (delta - self.acid_shift_ppm) / (self.base_shift_ppm - delta)
        return as_given(self.pk + np.log10(ratio), delta_ppm)

    def dph_ddelta(self, delta_ppm: Quantity) -> Quantity:
        """Slope of the pH against the Pi shift [1/ppm]; NaN outside the range."""
        delta = inside_or_nan(delta_ppm, self.lower_ppm, self.upper_ppm)
        slope = 1 / (delta - self.acid_shift_ppm) + 1 / (self.base_shift_ppm - delta)
        return as_given(slope / log(10), delta_ppm)

    def shift_ppm(self, ph: Quantity) -> Quantity:
        """Pi shift [ppm from PCr] at a pH: the inverse of `ph`, not limited to the range."""
        return as_given(self.acid_shift_ppm + self._base_fraction(ph) * self._span_ppm, ph)

    def dshift_dph(self, ph: Quantity) -> Quantity:
        """Slope of the Pi shift against the pH [ppm]."""
        base = self._base_fraction(ph)
        return as_given(log(10) * base * (1 - base) * self._span_ppm, ph)

    @property
    def _span_ppm(self) -> float:
        return self.base_shift_ppm - self.acid_shift_ppm

    def _base_fraction(self, ph: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Fraction of Pi that is HPO4²−."""
        fraction: NDArray[np.float64] = 1 / (1 + 10 ** (self.pk - np.asarray(ph, dtype=np.float64)))
        return fraction


def ph_calibration(document: Mapping[str, Any]) -> PhCalibration:
    """Calibration of pH from its document (as in config/calibrations); ValueError says what is wrong with it."""
    keys = ("pk", "acid_shift_ppm", "base_shift_ppm")
    parsed = read_calibration(document, quantity="ph", family=FAMILY, coefficients=keys)
    values = parsed.coefficients
    check_range_within(parsed, values["acid_shift_ppm"], values["base_shift_ppm"])
    return PhCalibration(
        parsed.name, parsed.source, parsed.standing, parsed.lower_ppm, parsed.upper_ppm, *(values[key] for key in keys)
    )


def ph_posterior(calibration: PhCalibration, *, delta_ppm: float, delta_sd_ppm: float) -> ShiftPosterior:
    """Intracellular pH with SD and 95 % interval from a Pi shift and its SD [ppm from PCr] (`shift_posterior`)."""
    return shift_posterior(
        calibration.ph,
        shift_ppm=delta_ppm,
        shift_sd_ppm=delta_sd_ppm,
        lower_ppm=calibration.lower_ppm,
        upper_ppm=calibration.upper_ppm,
    )
