"""Free magnesium from one chemical shift of ATP."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import log, log10
from typing import Any, ClassVar

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

_MAX_NEWTON_STEPS = 100


@dataclass(frozen=True)
class MgCalibration(ABC):
    """Calibration of pMg by one shift: a line's from PCr, or the distance of two lines.

    Attributes
    ----------
    name, source, standing : str
        Name, where the coefficients come from, and how far that was checked (found, derived, unverified).
    lower_ppm, upper_ppm : float
        Range of shifts in which a pMg is given, at most the open interval between the limiting shifts [ppm].
    """

    lines: ClassVar[Mapping[str, float]]
    """Weights of the lines whose shifts from PCr add up to the shift that is read."""
    name: str
    source: str
    standing: str
    lower_ppm: float
    upper_ppm: float

    @abstractmethod
    def pmg(self, delta_ppm: Quantity) -> Quantity:
        """Free magnesium as pMg at a shift [ppm]; NaN outside the range."""

    @abstractmethod
    def dpmg_ddelta(self, delta_ppm: Quantity) -> Quantity:
        """Slope of the pMg against the shift [1/ppm]; NaN outside the range."""

    @abstractmethod
    def shift_ppm(self, pmg: Quantity) -> Quantity:
        """Shift [ppm] at a pMg: the inverse of `pmg`, not limited to the range."""

    def is_defined(self, delta_ppm: float) -> bool:
        """Whether a shift [ppm] has a pMg."""
        return self.lower_ppm < delta_ppm < self.upper_ppm


@dataclass(frozen=True)
class IottiCalibration(MgCalibration):
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

    lines: ClassVar[Mapping[str, float]] = {"beta-ATP": 1.0}
    pk: float
    lower_shift_ppm: float
    upper_shift_ppm: float
    lower_exponent: float
    upper_exponent: float

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


@dataclass(frozen=True)
class GuptaMooreCalibration(MgCalibration):
    """[Mg] = Kd·(1/φ − 1), φ = (d − dB)/(dF − dB), d = α-ATP − β-ATP [ppm]; no pH term.

    Form of Gupta & Moore (from memory of the literature, unverified). Called an oversimplification where pH varies by
    Golding & Golding 1995.

    Attributes
    ----------
    kd_umol_l : float
        Dissociation constant of MgATP [µmol/l].
    free_shift_ppm, bound_shift_ppm : float
        Limiting distances dF of ATP without Mg and dB of MgATP [ppm].
    """

    lines: ClassVar[Mapping[str, float]] = {"alpha-ATP": 1.0, "beta-ATP": -1.0}
    kd_umol_l: float
    free_shift_ppm: float
    bound_shift_ppm: float

    def pmg(self, delta_ppm: Quantity) -> Quantity:
        """Free magnesium as pMg at a distance of α- and β-ATP [ppm]; NaN outside the range."""
        delta = inside_or_nan(delta_ppm, self.lower_ppm, self.upper_ppm)
        bound_over_free = (self.free_shift_ppm - delta) / (delta - self.bound_shift_ppm)
        return as_given(self._pkd - np.log10(bound_over_free), delta_ppm)

    def dpmg_ddelta(self, delta_ppm: Quantity) -> Quantity:
        """Slope of the pMg against the distance of α- and β-ATP [1/ppm], positive; NaN outside the range."""
        delta = inside_or_nan(delta_ppm, self.lower_ppm, self.upper_ppm)
        slope = 1 / (self.free_shift_ppm - delta) + 1 / (delta - self.bound_shift_ppm)
        return as_given(slope / log(10), delta_ppm)

    def shift_ppm(self, pmg: Quantity) -> Quantity:
        """Distance of α- and β-ATP [ppm] at a pMg: the inverse of `pmg`, not limited to the range."""
        free = 1 / (1 + 10 ** (self._pkd - np.asarray(pmg, dtype=np.float64)))
        return as_given(self.bound_shift_ppm + free * (self.free_shift_ppm - self.bound_shift_ppm), pmg)

    @property
    def _pkd(self) -> float:
        return 6 - log10(self.kd_umol_l)


def mg_calibration(document: Mapping[str, Any]) -> MgCalibration:
    """Magnesium calibration by one shift from its document; ValueError says what is wrong with it."""
    family = document.get("family") if isinstance(document, Mapping) else None
    return _gupta_moore(document) if family == "gupta_moore" else _iotti(document)


def _iotti(document: Mapping[str, Any]) -> IottiCalibration:
    keys = ("pk", "lower_shift_ppm", "upper_shift_ppm", "lower_exponent", "upper_exponent")
    parsed = read_calibration(document, quantity="mg", family="iotti", coefficients=keys)
    values = parsed.coefficients
    check_range_within(parsed, values["lower_shift_ppm"], values["upper_shift_ppm"])
    if min(values["lower_exponent"], values["upper_exponent"]) <= 0:
        raise ValueError("coefficients: lower_exponent and upper_exponent must be above zero")
    return IottiCalibration(
        parsed.name, parsed.source, parsed.standing, parsed.lower_ppm, parsed.upper_ppm, *(values[key] for key in keys)
    )


def _gupta_moore(document: Mapping[str, Any]) -> GuptaMooreCalibration:
    """Whatever standing the document claims, the equation itself was not verified."""
    keys = ("kd_umol_l", "free_shift_ppm", "bound_shift_ppm")
    parsed = read_calibration(document, quantity="mg", family="gupta_moore", coefficients=keys)
    values = parsed.coefficients
    check_range_within(parsed, values["bound_shift_ppm"], values["free_shift_ppm"])
    if values["kd_umol_l"] <= 0:
        raise ValueError("coefficients: kd_umol_l must be above zero")
    return GuptaMooreCalibration(
        parsed.name, parsed.source, "unverified", parsed.lower_ppm, parsed.upper_ppm, *(values[key] for key in keys)
    )


def pmg_posterior(calibration: MgCalibration, *, delta_ppm: float, delta_sd_ppm: float) -> ShiftPosterior:
    """Free magnesium as pMg with SD, 95 % interval and P(undefined) from the shift it is read off and its SD [ppm].

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
