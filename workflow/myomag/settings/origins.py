"""Where each setting came from, recorded when a run starts: only then are all sources available."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from myomag.pipeline import SETTINGS_FILE
from myomag.settings.load import NOT_SETTINGS, load_settings
from myomag.settings.yaml_text import entries

COMMAND_LINE = "--config"
RECORDED = "config.yaml"
"""Origin of a setting when the record says nothing more."""
DESCRIPTION = "dataset_description.json"
"""File of the study that gives the name used in the description of the derivative."""


def sources(study: Path) -> list[str]:
    """Files of a study that a run starts from, other than scans and tables, as far as they exist."""
    return [path for path in (DESCRIPTION, SETTINGS_FILE) if (study / path).is_file()]


def setting_origins(label: str, path: Path, given: Mapping[str, Any]) -> dict[str, str]:
    """Origin of each setting that is not left at its default, such as {"qc.min_snr": "myomag.yaml line 3"}.

    Parameters
    ----------
    label : str
        Name of the settings file in messages.
    path : Path
        Settings file of the study; need not exist.
    given : mapping
        Settings from the command line, which take precedence.
    """
    origins = {key: f"{label} line {line}" for key, line in _lines(path)}
    for section, content in given.items():
        for key in content if isinstance(content, Mapping) else ():
            name = f"{section}.{key}"
            # An override on the command line replaces everything set for this participant or scan.
            origins = {k: v for k, v in origins.items() if not k.startswith(f"{name}.")} | {name: COMMAND_LINE}
        if section not in NOT_SETTINGS and not isinstance(content, Mapping):
            origins[section] = COMMAND_LINE
    return dict(sorted(origins.items()))


def not_default(document: Mapping[str, Any]) -> dict[str, str]:
    """Settings of a recorded document that differ from the defaults, when their origin is no longer known."""
    defaults = load_settings().model_dump()
    own = {
        f"{section}.{key}": RECORDED
        for section, content in document.items()
        if section != "overrides" and isinstance(content, Mapping)
        for key, value in content.items()
        if value != defaults.get(section, {}).get(key)
    }
    overrides = document.get("overrides") or {}
    return own | {
        f"overrides.{target}.{name}": RECORDED
        for target, content in overrides.items()
        for section, values in content.items()
        for name in ([f"{section}.{key}" for key in values] if isinstance(values, Mapping) else [section])
    }


def _lines(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted keys of a settings file, down to single settings, with their line numbers."""
    for keys, value, line in entries(path) if path.is_file() else ():
        deepest = 4 if keys[0] == "overrides" else 2
        if len(keys) == deepest or (len(keys) < deepest and value is not None and not isinstance(value, Mapping)):
            yield ".".join(keys), line
