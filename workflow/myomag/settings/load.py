"""Reading settings: layers of YAML, merged, validated and resolved into one self-contained document.

Resolved settings contain the prior knowledge and calibrations themselves, not their names, so that the record in
`derivatives/myomag/config.yaml` suffices to recompute every result.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from myomag.errors import SettingsError
from myomag.io.places import CONFIG_DIR
from myomag.pipeline import SETTINGS_FILE
from myomag.settings.documents import with_resources
from myomag.settings.messages import one_line, validated
from myomag.settings.models import SCAN_SECTIONS, Settings
from myomag.settings.yaml_text import parse_yaml, read_yaml

NOT_SETTINGS = ("study", "participants", "sessions")
"""Keys of Snakemake's configuration that say what is analysed, not how."""


def load_settings(path: Path | None = None, *, root: Path | None = None) -> Settings:
    """Read, validate and resolve the settings of one file; without a file, the defaults.

    Raises
    ------
    SettingsError
        Naming file, key, value and remedy.
    """
    return load_layers([(path.name, path)] if path else [], root=root)


def study_settings(study: Path, given: Mapping[str, Any]) -> Settings:
    """Settings of a study: defaults, then its myomag.yaml, then the command line.

    Raises
    ------
    SettingsError
        Naming file, key, value and remedy.
    """
    layers: list[tuple[str, Mapping[str, Any] | Path]] = [("config/config.yaml", CONFIG_DIR / "config.yaml")]
    if os.path.lexists(study / SETTINGS_FILE):
        layers.append((SETTINGS_FILE, study / SETTINGS_FILE))
    layers.append(("--config", {key: _typed(value) for key, value in given.items() if key not in NOT_SETTINGS}))
    return load_layers(layers, root=study)


def load_layers(layers: Sequence[tuple[str, Mapping[str, Any] | Path]], *, root: Path | None = None) -> Settings:
    """Merge layers of settings, later ones winning; validate them and resolve the result.

    The settings are validated after each layer, so that an error names the layer it came from.

    Parameters
    ----------
    layers : sequence of (label, mapping or Path)
        Settings that differ from the defaults, with the name used in error messages.
    root : Path, optional
        Folder in which relative prior-knowledge and calibration files are looked up (the study).

    Raises
    ------
    SettingsError
        Naming file, key, value and remedy.
    """
    merged: dict[str, Any] = {}
    settings = None
    for label, layer in layers:
        content = _read_mapping(label, layer) if isinstance(layer, Path) else dict(layer)
        if content:
            merged = _merged(merged, content)
            settings = parse_settings(merged, label=label, root=root)
    return settings or parse_settings({})


def parse_settings(data: Mapping[str, Any], *, label: str = "settings", root: Path | None = None) -> Settings:
    """Validate a mapping of settings and resolve prior knowledge, calibrations and overrides.

    Raises
    ------
    SettingsError
        Naming `label`, key, value and remedy.
    """
    settings = validated(Settings, data, label)
    document = settings.model_dump()
    for section in SCAN_SECTIONS:
        document[section] = with_resources(section, document[section], label, root)
    given = document["overrides"]
    document["overrides"] = {
        target: _resolved_override(document, given, target, f"{label}: overrides.{target}", root)
        for target in sorted(given)
    }
    return Settings.model_validate(document)


def _read_mapping(label: str, path: Path) -> dict[str, Any]:
    """Content of a YAML file with a mapping of sections; an empty file is an empty mapping."""
    try:
        content = read_yaml(path)
    except OSError as error:
        raise SettingsError(f"{label}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise SettingsError(f"{label}: not valid YAML: {one_line(error)}.") from error
    if not isinstance(content, dict | None):
        raise SettingsError(f"{label}: expected a mapping of sections, found {type(content).__name__}.")
    return content or {}


def _typed(value: Any) -> Any:
    """A value given by --config, where Snakemake leaves numbers, booleans and nulls as text."""
    if isinstance(value, Mapping):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    try:
        typed = parse_yaml(value) if isinstance(value, str) and value else value
    except ValueError:
        return value
    return value if isinstance(typed, str | Mapping | list | date) else typed


def _merged(base: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    """Merge sections key by key, replacing everything below a key; an empty section changes nothing."""
    result = dict(base)
    for key, value in update.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        if value is not None:
            result[key] = {**result[key], **value} if both else value
    return result


def _resolved_override(
    document: Mapping[str, Any], given: Mapping[str, Any], target: str, where: str, root: Path | None
) -> dict[str, Any]:
    """Override with typed values and resource contents, validated together with the settings of its participant."""
    result = dict(given[target])
    for section in SCAN_SECTIONS:
        if changes := result.get(section):
            complete = document[section] | given.get(target.partition("_")[0], {}).get(section, {}) | changes
            typed = validated(SCAN_SECTIONS[section], complete, where, f"{section}.").model_dump()
            result[section] = with_resources(section, {key: typed[key] for key in changes}, where, root)
    return result
