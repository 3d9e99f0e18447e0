"""Settings and software as tables of keys and values."""

from collections.abc import Mapping, Sequence
from typing import Any

from myomag.report import text
from myomag.settings.load import Settings
from myomag.settings.magnesium import MagnesiumSettings

# Documents of their own: shown by name and source, kept in full in config.yaml.
DOCUMENTS = ("ph_calibration", "mg_calibration", "compare_calibrations")
SECTIONS = ("qc", "magnesium", "cohort", "report")


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
    """Settings of the sections that judge and analyse the results, the documents they name by their names."""
    pairs: list[tuple[str, str]] = []
    for name in SECTIONS:
        content = {key: _named(key, item) for key, item in getattr(settings, name).model_dump().items()}
        pairs += flatten(content, f"{name}.")
    return pairs


def calibrations(magnesium: MagnesiumSettings) -> list[dict[str, Any]]:
    """Name, formula, coefficients, source and standing of the calibrations in use."""
    found = (("pH", magnesium.ph_calibration), ("Free Mg²⁺", magnesium.mg_calibration))
    return [{"quantity": quantity, **_calibration(value)} for quantity, value in found]


def _calibration(value: Any) -> dict[str, Any]:
    known: Mapping[str, Any] = value if isinstance(value, Mapping) else {"name": value}
    plain = {key: text.text(known.get(key)) for key in ("name", "family", "source", "standing")}
    numbers: Sequence[tuple[str, str]] = flatten(known.get("coefficients") or {})
    return {**plain, "coefficients": numbers, "range": flatten(known.get("range") or {})}


def _named(key: str, item: Any) -> Any:
    if key in DOCUMENTS and isinstance(item, list):
        return [_named(key, one) for one in item]
    if key in DOCUMENTS and isinstance(item, Mapping):
        return item.get("name", "given in full")
    return item
