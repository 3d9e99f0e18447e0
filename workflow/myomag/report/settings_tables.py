"""Settings and software as tables of keys and values."""

from collections.abc import Mapping
from typing import Any

from myomag.pipeline import REPORT
from myomag.settings.base import content
from myomag.settings.magnesium import MagnesiumSettings
from myomag.settings.models import Settings
from myomag.wording import text


def flatten(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Dotted keys and values as text, sorted."""
    pairs: list[tuple[str, str]] = []
    for key in sorted(value, key=str):
        item = value[key]
        if isinstance(item, Mapping) and item:
            pairs += flatten(item, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", text.text(item)))
    return pairs


def sections(settings: Settings) -> list[tuple[str, str]]:
    """Settings that the page is made with; calibrations, kept in full in config.yaml, by their names."""
    pairs: list[tuple[str, str]] = []
    for name in REPORT.sections:
        shown = {key: _named(key, value) for key, value in getattr(settings, name).model_dump().items()}
        pairs += flatten(shown, f"{name}.")
    return pairs


def calibrations(magnesium: MagnesiumSettings) -> list[dict[str, Any]]:
    """Name, formula, coefficients, source and standing of the calibrations in use."""
    found = (("pH", magnesium.ph_calibration), ("Free Mg²⁺", magnesium.mg_calibration))
    return [{"quantity": quantity, **_calibration(content(document))} for quantity, document in found]


def _calibration(document: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: text.text(document[key]) for key in ("name", "family", "source", "standing")}
    return {**plain, "coefficients": flatten(document["coefficients"]), "range": flatten(document["range"])}


def _named(key: str, value: Any) -> Any:
    if not key.endswith(("calibration", "calibrations")):
        return value
    return [_named(key, one) for one in value] if isinstance(value, list) else content(value)["name"]
