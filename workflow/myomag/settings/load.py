"""Settings: one pydantic section per step, read from YAML, resolved into one self-contained document.

Resolved settings hold the prior knowledge and the calibrations themselves, not their names, so that the record in
`derivatives/myomag/config.yaml` is enough to compute every result again.
"""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from myomag.errors import SettingsError
from myomag.settings.base import Section
from myomag.settings.cohort import CohortSettings
from myomag.settings.convert import ConvertSettings
from myomag.settings.documents import RESOURCES, with_resources
from myomag.settings.fit import FitSettings
from myomag.settings.magnesium import MagnesiumSettings
from myomag.settings.messages import read_mapping, validated
from myomag.settings.qc import QcSettings
from myomag.settings.report import ReportSettings

SCAN_SECTIONS = ("convert", "qc", "fit", "magnesium")


class Settings(Section):
    """All settings of one study."""

    batches: int = Field(
        16,
        ge=1,
        le=10_000,
        description="Number of batches the participants are spread over; one job handles one batch of one step.",
    )
    convert: ConvertSettings = Field(default_factory=ConvertSettings)
    qc: QcSettings = Field(default_factory=QcSettings)
    fit: FitSettings = Field(default_factory=FitSettings)
    magnesium: MagnesiumSettings = Field(default_factory=MagnesiumSettings)
    cohort: CohortSettings = Field(default_factory=CohortSettings)
    report: ReportSettings = Field(default_factory=ReportSettings)
    overrides: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Settings for one participant (sub-001) or one scan (its file stem) alone: "
        "{reject: reason} or settings of the sections convert, qc, fit, magnesium.",
    )


def load_settings(path: Path | None = None, *, root: Path | None = None) -> Settings:
    """Read, validate and resolve the settings of one file; none: the defaults.

    Raises
    ------
    SettingsError
        Naming file, key, value and remedy.
    """
    return load_layers([(path.name, path)] if path else [], root=root)


def load_layers(layers: Sequence[tuple[str, Mapping[str, Any] | Path]], *, root: Path | None = None) -> Settings:
    """Merge layers of settings, the later ones winning, validate them and resolve the result.

    The settings are validated after each layer, so that an error names the layer that brought it.

    Parameters
    ----------
    layers : sequence of (label, mapping or Path)
        Settings that differ from the defaults, with the name errors give them.
    root : Path, optional
        Folder in which relative prior-knowledge and calibration files are looked up (the study).

    Raises
    ------
    SettingsError
        Naming file, key, value and remedy.
    """
    merged: dict[str, Any] = {}
    settings = parse_settings({}, root=root)
    for label, layer in layers:
        content = read_mapping(label, layer) if isinstance(layer, Path) else dict(layer)
        if content:
            merged = _merged(merged, content)
            settings = parse_settings(merged, label=label, root=root)
    return settings


def _merged(base: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    """Sections are merged key by key and what is below a key is replaced; an empty section changes nothing."""
    result = dict(base)
    for key, value in update.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        if value is not None:
            result[key] = {**result[key], **value} if both else value
    return result


def parse_settings(data: Mapping[str, Any], *, label: str = "settings", root: Path | None = None) -> Settings:
    """Validate a mapping of settings and resolve prior knowledge, calibrations and overrides.

    Raises
    ------
    SettingsError
        Naming `label`, key, value and remedy.
    """
    settings = validated(Settings, data, label)
    resolved = with_resources(settings.model_dump(), label, root)
    resolved["overrides"] = {
        target: _resolve_override(resolved, target, override, label, root)
        for target, override in sorted(settings.overrides.items())
    }
    return Settings.model_validate(resolved)


def section_for(settings: Settings, section: str, *targets: str) -> dict[str, Any]:
    """Settings of one section as they hold for a scan, overrides of `targets` applied in turn.

    Parameters
    ----------
    targets : str
        Participant label and scan stem, from the general to the particular.
    """
    merged: dict[str, Any] = settings.model_dump()[section]
    for target in targets:
        merged |= settings.overrides.get(target, {}).get(section, {})
    return merged


def _resolve_override(
    resolved: Mapping[str, Any], target: str, override: Mapping[str, Any], label: str, root: Path | None
) -> dict[str, Any]:
    where = f"{label}: overrides.{target}"
    if not target.startswith("sub-"):
        raise SettingsError(f"{where}: name a participant (sub-001) or a scan by its file stem.")
    result: dict[str, Any] = {}
    for key, value in override.items():
        if key == "reject":
            if not isinstance(value, str) or not value.strip():
                raise SettingsError(f"{where}.reject: give the reason as text.")
            result[key] = value
            continue
        if key not in SCAN_SECTIONS:
            if key in Settings.model_fields:
                raise SettingsError(f"{where}.{key}: holds for all scans alike; set it outside overrides.")
            near = difflib.get_close_matches(key, ("reject", *SCAN_SECTIONS), n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known keys: reject, {', '.join(SCAN_SECTIONS)}."
            raise SettingsError(f"{where}.{key}: unknown key; {hint}")
        if not isinstance(value, dict):
            raise SettingsError(f"{where}.{key}: expected a mapping of settings.")
        validated(type(getattr(Settings(), key)), resolved[key] | value, where, f"{key}.")
        if not RESOURCES & value.keys():
            result[key] = value
            continue
        document = {section: dict(resolved[section]) for section in SCAN_SECTIONS}
        document[key] |= value
        complete = with_resources(document, where, root)[key]
        result[key] = {name: complete[name] for name in value}
    return result
