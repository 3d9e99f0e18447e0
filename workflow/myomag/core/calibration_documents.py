"""Documents of calibrations (as in config/calibrations): the checks common to all families."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

KEYS = ("name", "quantity", "family", "coefficients", "range", "source", "standing")
STANDINGS = ("found", "derived", "unverified")


def check_document(document: Mapping[str, Any], quantity: str, families: tuple[str, ...]) -> None:
    """Refuse a document that lacks a key, has an extra one, or is for another quantity or family."""
    check_keys(document, KEYS, "calibration")
    if document["quantity"] != quantity:
        raise ValueError(f"quantity is {document['quantity']!r}; a calibration of {quantity} needs {quantity!r}")
    if document["family"] not in families:
        known = f"{'one of ' * (len(families) > 1)}{', '.join(families)}"
        raise ValueError(f"family is {document['family']!r}; a calibration of {quantity} needs {known}")
    if document["standing"] not in STANDINGS:
        raise ValueError(f"standing is {document['standing']!r}; it must be one of {', '.join(STANDINGS)}")


def check_order(limits: Mapping[str, float], lower: str, upper: str) -> None:
    """Refuse a range whose ends are in the wrong order."""
    if limits[lower] >= limits[upper]:
        raise ValueError(f"range: {lower} {limits[lower]:g} must be below {upper} {limits[upper]:g}")


def check_keys(mapping: object, keys: tuple[str, ...], what: str) -> None:
    """Refuse a mapping whose keys are not exactly those given."""
    if not isinstance(mapping, Mapping):
        raise ValueError(f"{what}: expected a mapping with {', '.join(keys)}")
    if unknown := [str(key) for key in mapping if key not in keys]:
        raise ValueError(f"{what}: unknown key {unknown[0]!r}; known keys: {', '.join(keys)}")
    if missing := [key for key in keys if key not in mapping]:
        raise ValueError(f"{what}: {missing[0]!r} is missing")


def numbers(mapping: Mapping[str, Any], keys: tuple[str, ...], what: str) -> dict[str, float]:
    """Finite numbers of a mapping with exactly these keys."""
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
        raise ValueError(f"{key} is {value!r}; it must be text")
    return value
