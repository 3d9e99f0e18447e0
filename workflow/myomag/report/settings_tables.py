"""Settings and software as tables of keys and values."""

from collections.abc import Mapping, Sequence
from typing import Any

from myomag.report import text

# Documents of their own: shown by name and source, kept in full in config.yaml.
DOCUMENTS = ("prior_knowledge", "ph_calibration", "mg_calibration", "compare_calibrations")
SECTIONS = ("convert", "qc", "fit", "magnesium", "cohort", "report", "overrides")


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


def sections(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """All settings except the documents they name."""
    pairs: list[tuple[str, str]] = []
    for section in (name for name in SECTIONS if isinstance(settings.get(name), Mapping)):
        content = {key: _named(key, item) for key, item in settings[section].items()}
        pairs += flatten(content, f"{section}.")
    return pairs


def calibrations(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Name, formula, coefficients, source and standing of the calibrations in use."""
    magnesium = settings.get("magnesium", {})
    found = (("pH", magnesium.get("ph_calibration")), ("Free Mg²⁺", magnesium.get("mg_calibration")))
    return [{"quantity": quantity, **_calibration(value)} for quantity, value in found if value]


def prior_knowledge(settings: Mapping[str, Any]) -> tuple[str, str] | None:
    """Name and description of the prior knowledge in use."""
    value = settings.get("fit", {}).get("prior_knowledge")
    if isinstance(value, Mapping):
        return str(value.get("name", "unnamed")), str(value.get("description") or "")
    return (str(value), "") if value else None


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
