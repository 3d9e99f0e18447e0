"""What the calibrations of pH and magnesium share: documents, and the posterior of a quantity read off a shift."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import erfc, isfinite, sqrt
from statistics import NormalDist
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

STANDINGS = ("found", "derived", "unverified")
GIVEN = "given"
"""Standing of a number the user put into the settings without saying where it is from."""
KEYS = ("name", "quantity", "family", "coefficients", "range", "source", "standing")
_QUADRATURE_NODES = 2048
_STANDARD_NORMAL = NormalDist()

Quantity = TypeVar("Quantity", float, NDArray[np.float64])


@dataclass(frozen=True)
class CalibrationDocument:
    """A calibration file after its checks, whatever its formula."""

    name: str
    source: str
    standing: str
    lower_ppm: float
    upper_ppm: float
    coefficients: dict[str, float]


@dataclass(frozen=True)
class ShiftPosterior:
    """A quantity read off a shift: `value` is None where the calibration is undefined at the measured shift."""

    value: float | None
    sd: float | None
    ci95_low: float | None
    ci95_high: float | None
    p_undefined: float


def read_calibration(
    document: Mapping[str, Any], *, quantity: str, family: str, coefficients: Iterable[str]
) -> CalibrationDocument:
    """Check the document of a calibration; ValueError with one line on anything wrong.

    Parameters
    ----------
    document : mapping
        Keys name, quantity, family, coefficients, range (lower_ppm, upper_ppm), source, standing.
    quantity, family : str
        What the document must be for.
    coefficients : iterable of str
        Names of the coefficients of the family; all are needed and no other is allowed.
    """
    check_document(document, quantity=quantity, family=family)
    limits = numbers(document["range"], ("lower_ppm", "upper_ppm"), "range")
    check_order(limits, "lower_ppm", "upper_ppm")
    return CalibrationDocument(
        name=text_of(document, "name"),
        source=text_of(document, "source"),
        standing=document["standing"],
        coefficients=numbers(document["coefficients"], tuple(coefficients), "coefficients"),
        **limits,
    )


def check_document(document: Mapping[str, Any], *, quantity: str, family: str) -> None:
    """Refuse a document that lacks a key, has one too many, or is for something else."""
    check_keys(document, KEYS, "calibration")
    for key, expected in (("quantity", quantity), ("family", family)):
        if document[key] != expected:
            raise ValueError(f"{key} is {document[key]!r}; a calibration of {quantity} needs {expected!r}")
    if document["standing"] not in STANDINGS:
        raise ValueError(f"standing is {document['standing']!r}; it must be one of {', '.join(STANDINGS)}")


def check_order(limits: Mapping[str, float], lower: str, upper: str) -> None:
    """Refuse a range whose ends are in the wrong order."""
    if limits[lower] >= limits[upper]:
        raise ValueError(f"range: {lower} {limits[lower]:g} must be below {upper} {limits[upper]:g}")


def weakest(standings: Iterable[str]) -> str:
    """Standing of a result: the weakest of the numbers it rests on."""
    order = ("found", "derived", GIVEN, "unverified")
    return max(standings, key=order.index)


def check_range_within(document: CalibrationDocument, lower_ppm: float, upper_ppm: float) -> None:
    """Refuse a range that reaches beyond the limiting shifts, where the formula has no value."""
    if lower_ppm >= upper_ppm:
        raise ValueError(f"coefficients: limiting shifts {lower_ppm:g} and {upper_ppm:g} ppm are in the wrong order")
    if document.lower_ppm < lower_ppm or document.upper_ppm > upper_ppm:
        raise ValueError(
            f"range {document.lower_ppm:g}…{document.upper_ppm:g} ppm reaches beyond the limiting shifts "
            f"{lower_ppm:g}…{upper_ppm:g} ppm"
        )


def inside_or_nan(shift_ppm: float | NDArray[np.float64], lower_ppm: float, upper_ppm: float) -> NDArray[np.float64]:
    """Shifts [ppm] with those outside the open range of a calibration as NaN."""
    shift = np.asarray(shift_ppm, dtype=np.float64)
    return np.where((shift > lower_ppm) & (shift < upper_ppm), shift, np.nan)


def as_given(value: NDArray[np.float64], given: Quantity) -> Quantity:
    """Value as a float where a float was given, else as the array."""
    return value if isinstance(given, np.ndarray) else float(value)


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
    point value belongs to the measured shift; it is None, and with it SD and interval, where that lies outside.

    Parameters
    ----------
    transform : callable
        The calibration, shift [ppm] to quantity, monotone.
    shift_ppm, shift_sd_ppm : float
        Measured shift and its SD [ppm].
    lower_ppm, upper_ppm : float
        Ends of the interval where the calibration is defined [ppm].
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
    # Of nearly every scan all the mass is inside, to rounding.
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

    From the standard library: importing those of scipy costs a process more than it has to compute.
    """
    masses = np.append((np.arange(_QUADRATURE_NODES) + 0.5) / _QUADRATURE_NODES, [0.025, 0.975])
    return np.array([_STANDARD_NORMAL.inv_cdf(mass) for mass in (below + masses * inside).tolist()])


def check_keys(mapping: object, keys: tuple[str, ...], what: str) -> None:
    """Refuse a mapping whose keys are not exactly those given."""
    if not isinstance(mapping, Mapping):
        raise ValueError(f"{what}: expected a mapping with {', '.join(keys)}")
    if unknown := [str(key) for key in mapping if key not in keys]:
        raise ValueError(f"{what}: unknown key {unknown[0]!r}; known keys: {', '.join(keys)}")
    if missing := [key for key in keys if key not in mapping]:
        raise ValueError(f"{what}: {missing[0]!r} is missing")


def numbers(mapping: Mapping[str, Any], keys: tuple[str, ...], what: str) -> dict[str, float]:
    """Finite numbers of a mapping that holds exactly these keys."""
    check_keys(mapping, keys, what)
    for key in keys:
        value = mapping[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise ValueError(f"{what}.{key} is {value!r}; it must be a finite number")
    return {key: float(mapping[key]) for key in keys}


def text_of(document: Mapping[str, Any], key: str) -> str:
    """Text that is not empty."""
    value = document[key]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} is {value!r}; it must be a text")
    return value
