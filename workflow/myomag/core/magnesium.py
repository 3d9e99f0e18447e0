"""Free magnesium from the chemical shift of β-ATP."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from myomag.core.calibration import (
    Quantity,
    ShiftPosterior,
    as_given,
    check_range_within,
    inside_or_nan,
    read_calibration,
    shift_posterior,
)

FAMILY = "iotti"
_MAX_NEWTON_STEPS = 100


@dataclass(frozen=True)
class MgCalibration:
    """pMg = pK − log10[(d − dL)^a / (dU − d)^b], d = β-ATP − PCr [ppm] (form of Iotti et al. 1996, no pH term).

    Attributes
    ----------
    name, source, standing : str
        Name, where the coefficients come from, and how far that was checked (found, derived, unverified).
    lower_ppm, upper_ppm : float
        Range of β-ATP shifts in which a pMg is given, at most the open interval (dL, dU) [ppm].
    pk : float
        Constant pK.
    lower_shift_ppm, upper_shift_ppm : float
        Limiting shifts dL (no Mg) and dU (saturated) [ppm from PCr].
    lower_exponent, upper_exponent : float
        Exponents a and b.
    """

    name: str
    source: str
    standing: str
    lower_ppm: float
    upper_ppm: float
    pk: float
    lower_shift_ppm: float
    upper_shift_ppm: float
    lower_exponent: float
    upper_exponent: float

    def is_defined(self, delta_ppm: float) -> bool:
        """Whether a β-ATP shift [ppm from PCr] has a pMg."""
        return self.lower_ppm < delta_ppm < self.upper_ppm

    def pmg(self, delta_ppm: Quantity) -> Quantity:
        """Free magnesium as pMg at a β-ATP shift [ppm from PCr]; NaN outside the range."""
        delta = inside_or_nan(delta_ppm, self.lower_ppm, self.upper_ppm)
        saturation = self.lower_exponent * np.log10(delta - self.lower_shift_ppm)
        saturation -= self.upper_exponent * np.log10(self.upper_shift_ppm - delta)
        return as_given(self.pk - saturation, delta_ppm)

    def dpmg_ddelta(self, delta_ppm: Quantity) -> Quantity:
        """Slope of the pMg against the β-ATP shift [1/ppm], negative; NaN outside the range."""
        delta = inside_or_nan(delta_ppm, self.lower_ppm, self.upper_ppm)
        slope = self.lower_exponent / (delta - self.lower_shift_ppm)
        slope += self.upper_exponent / (self.upper_shift_ppm - delta)
        return as_given(-slope / log(10), delta_ppm)

    def shift_ppm(self, pmg: Quantity) -> Quantity:
        """β-ATP shift [ppm from PCr] at a pMg: the inverse of `pmg`, not limited to the range.

        Newton's method in u = ln[(d − dL)/(dU − d)], where the slope of pMg lies between −a/ln 10 and −b/ln 10.
        """
        low, high = self.lower_exponent, self.upper_exponent
        span = self.upper_shift_ppm - self.lower_shift_ppm
        target = log(10) * (self.pk - np.asarray(pmg, dtype=np.float64)) - (low - high) * log(span)
        u = np.zeros_like(target)
        for _ in range(_MAX_NEWTON_STEPS):
            bound = np.exp(-np.logaddexp(0, -u))
            error = high * np.logaddexp(0, u) - low * np.logaddexp(0, -u) - target
            u = u - error / (low * (1 - bound) + high * bound)
            if np.all(np.abs(error) < 1e-13 * (1 + np.abs(target))):
                break
        return as_given(self.lower_shift_ppm + span * np.exp(-np.logaddexp(0, -u)), pmg)


def mg_calibration(document: Mapping[str, Any]) -> MgCalibration:
    """Magnesium calibration from its document (as in config/calibrations); ValueError says what is wrong with it."""
    keys = ("pk", "lower_shift_ppm", "upper_shift_ppm", "lower_exponent", "upper_exponent")
    parsed = read_calibration(document, quantity="mg", family=FAMILY, coefficients=keys)
    values = parsed.coefficients
    check_range_within(parsed, values["lower_shift_ppm"], values["upper_shift_ppm"])
    if min(values["lower_exponent"], values["upper_exponent"]) <= 0:
        raise ValueError("coefficients: lower_exponent and upper_exponent must be above zero")
    return MgCalibration(
        parsed.name, parsed.source, parsed.standing, parsed.lower_ppm, parsed.upper_ppm, *(values[key] for key in keys)
    )


def pmg_posterior(calibration: MgCalibration, *, delta_ppm: float, delta_sd_ppm: float) -> ShiftPosterior:
    """Free magnesium as pMg with SD, 95 % interval and P(undefined) from a β-ATP shift and its SD [ppm from PCr].

    The interval is conditional on Mg being defined; see `calibration.shift_posterior`.
    """
    return shift_posterior(
        calibration.pmg,
        shift_ppm=delta_ppm,
        shift_sd_ppm=delta_sd_ppm,
        lower_ppm=calibration.lower_ppm,
        upper_ppm=calibration.upper_ppm,
    )


def mg_mmol_l(pmg: Quantity) -> Quantity:
    """Free Mg2+ concentration [mmol/l] at a pMg: [Mg] = 1000·10^−pMg."""
    return as_given(1000 * 10 ** -np.asarray(pmg, dtype=np.float64), pmg)
