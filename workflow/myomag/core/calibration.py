"""Calibration of pH or pMg by one shift, and the posterior of the derived quantity."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import erfc, isfinite, sqrt
from statistics import NormalDist
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

GIVEN = "given"
"""Standing of a number that the user has set without a source."""
_QUADRATURE_NODES = 2048
_STANDARD_NORMAL = NormalDist()

Quantity = TypeVar("Quantity", float, NDArray[np.float64])


@dataclass(frozen=True)
class ShiftPosterior:
    """A quantity derived from a shift: `value` is None if the calibration is undefined at the measured shift."""

    value: float | None
    sd: float | None
    ci95_low: float | None
    ci95_high: float | None
    p_undefined: float


class Formula(ABC):
    """Formula of a family of calibrations: a frozen dataclass whose fields are the coefficients.

    Attributes
    ----------
    quantity : str
        Derived quantity: ph or mg (as pMg).
    family : str
        Name of the family in documents.
    standing : str
        How far the formula itself was checked; a calibration's standing is no better.
    lines : mapping of str to float
        Weights of the lines whose shifts from PCr add up to the shift used.
    """

    quantity: ClassVar[str]
    family: ClassVar[str]
    standing: ClassVar[str] = "found"
    lines: ClassVar[Mapping[str, float]]

    @property
    @abstractmethod
    def limits_ppm(self) -> tuple[float, float]:
        """Limiting shifts [ppm], between which the formula has a value."""

    @abstractmethod
    def value(self, shift_ppm: Array) -> Array:
        """Value (pH or pMg) at shifts [ppm] between the limiting ones, shape as the shifts."""

    @abstractmethod
    def slope(self, shift_ppm: Array) -> Array:
        """Slope of the value against the shift [1/ppm], shape as the shifts."""

    @abstractmethod
    def shift_ppm(self, value: Array) -> Array:
        """Shift [ppm] at a pH or pMg, shape as the values."""


@dataclass(frozen=True)
class ShiftCalibration:
    """Calibration of pH or pMg by one shift: of a line from PCr, or between two lines.

    Attributes
    ----------
    name, source, standing : str
        Name, source of the coefficients, and how far that was checked (found, derived, unverified).
    lower_ppm, upper_ppm : float
        Range of shifts in which a value is given, at most the open interval between the limiting shifts [ppm].
    formula : Formula
        Formula with its coefficients.
    """

    name: str
    source: str
    standing: str
    lower_ppm: float
    upper_ppm: float
    formula: Formula

    @property
    def lines(self) -> Mapping[str, float]:
        """Weights of the lines whose shifts from PCr add up to the shift used."""
        return self.formula.lines

    def value(self, shift_ppm: Quantity) -> Quantity:
        """Value (pH or pMg) at a shift [ppm]; NaN outside the range."""
        return as_given(self.formula.value(self._inside(shift_ppm)), shift_ppm)

    def slope(self, shift_ppm: Quantity) -> Quantity:
        """Slope of the value against the shift [1/ppm]; NaN outside the range."""
        return as_given(self.formula.slope(self._inside(shift_ppm)), shift_ppm)

    def shift_ppm(self, value: Quantity) -> Quantity:
        """Shift [ppm] at a pH or pMg: the inverse of `value`, not limited to the range."""
        return as_given(self.formula.shift_ppm(np.asarray(value, dtype=np.float64)), value)

    def posterior(self, shift_ppm: float, shift_sd_ppm: float) -> ShiftPosterior:
        """Value with SD, 95 % interval and P(undefined) at a shift and its SD [ppm] (`shift_posterior`)."""
        return shift_posterior(
            self.value,
            shift_ppm=shift_ppm,
            shift_sd_ppm=shift_sd_ppm,
            lower_ppm=self.lower_ppm,
            upper_ppm=self.upper_ppm,
        )

    def _inside(self, shift_ppm: float | Array) -> Array:
        """Shifts [ppm] with those outside the open range as NaN."""
        shift = np.asarray(shift_ppm, dtype=np.float64)
        return np.where((shift > self.lower_ppm) & (shift < self.upper_ppm), shift, np.nan)


def mg_mmol_l(pmg: Quantity) -> Quantity:
    """Free Mg2+ concentration [mmol/l] at a pMg: [Mg] = 1000·10^−pMg."""
    return as_given(1000 * 10 ** -np.asarray(pmg, dtype=np.float64), pmg)


def as_given(value: NDArray[np.float64], given: Quantity) -> Quantity:
    """Value as a float if a float was given, else as the array."""
    return value if isinstance(given, np.ndarray) else float(value)


def weakest(standings: Iterable[str]) -> str:
    """Standing of a result: the weakest of the numbers it depends on."""
    order = ("found", "derived", GIVEN, "unverified")
    return max(standings, key=order.index)


def shift_posterior(
    transform: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    shift_ppm: float,
    shift_sd_ppm: float,
    lower_ppm: float,
    upper_ppm: float,
) -> ShiftPosterior:
    """Posterior of a quantity that is a monotone function of a shift defined on an open interval only.

    The shift is Gaussian. P(undefined) is its mass outside the interval. SD and the central 95 % interval are those of
    the Gaussian truncated to the interval, that is conditional on the quantity being defined: the SD by quadrature over
    equal masses (a slope at the centre would understate it near a pole), the interval by mapping the quantiles. The
    point value belongs to the measured shift; it is None, like SD and interval, if that shift is outside.

    Parameters
    ----------
    transform : callable
        The calibration, shift [ppm] to quantity, monotone.
    shift_ppm, shift_sd_ppm : float
        Measured shift and its SD [ppm].
    lower_ppm, upper_ppm : float
        Ends of the interval in which the calibration is defined [ppm].
    """
    if not (isfinite(shift_ppm) and isfinite(shift_sd_ppm) and shift_sd_ppm >= 0):
        raise ValueError(f"a shift of {shift_ppm} ± {shift_sd_ppm} ppm is not a measurement")
    inside = lower_ppm < shift_ppm < upper_ppm
    if shift_sd_ppm == 0:
        value = float(transform(np.array(shift_ppm))) if inside else None
        return ShiftPosterior(value, 0.0 if inside else None, value, value, 0.0 if inside else 1.0)
    below = _normal_cdf((lower_ppm - shift_ppm) / shift_sd_ppm)
    above = _normal_cdf((shift_ppm - upper_ppm) / shift_sd_ppm)
    if not inside:
        return ShiftPosterior(None, None, None, None, min(below + above, 1.0))
    # For nearly every scan all the mass is inside, to rounding.
    quantiles = _quantiles(0.0, 1.0) if below + above < 1e-20 else _quantiles(below, 1 - below - above)
    shifts = shift_ppm + shift_sd_ppm * quantiles
    # Rounding may carry an extreme node onto the pole itself.
    margin = 1e-12 * (upper_ppm - lower_ppm)
    values = transform(np.clip(shifts, lower_ppm + margin, upper_ppm - margin))
    low, high = sorted(values[-2:].tolist())
    return ShiftPosterior(
        float(transform(np.array(shift_ppm))), float(np.std(values[:-2])), low, high, min(below + above, 1.0)
    )


def _normal_cdf(z: float) -> float:
    return erfc(-z / sqrt(2)) / 2


@lru_cache(maxsize=4)
def _quantiles(below: float, inside: float) -> NDArray[np.float64]:
    """Standard normal quantiles of the nodes of equal mass, then of .025 and .975, within the mass inside the interval.

    From the standard library: importing scipy would take longer than the computation.
    """
    masses = np.append((np.arange(_QUADRATURE_NODES) + 0.5) / _QUADRATURE_NODES, [0.025, 0.975])
    return np.array([_STANDARD_NORMAL.inv_cdf(mass) for mass in (below + masses * inside).tolist()])
