"""Where each setting came from, recorded when a run starts: only then are all its sources at hand."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from myomag.pipeline import SETTINGS_FILE
from myomag.settings.load import SCAN_SECTIONS

DEFAULT = "default"
COMMAND_LINE = "--config"
DESCRIPTION = "dataset_description.json"
"""File of the study whose name for it goes into the description of the derivative."""


def sources(study: Path) -> list[str]:
    """Files of a study that a run starts from beside scans and tables, as far as they exist."""
    return [path for path in (DESCRIPTION, SETTINGS_FILE) if (study / path).is_file()]


def setting_origins(label: str, path: Path, given: Mapping[str, Any]) -> dict[str, str]:
    """Origin of each setting that is not left at its default, such as {"qc.min_snr": "myomag.yaml line 3"}.

    Parameters
    ----------
    label : str
        How the settings file is called.
    path : Path
        Settings file of the study; need not exist.
    given : mapping
        Settings of the command line, which win.
    """
    origins = {key: f"{label} line {line}" for key, line in _lines(path)}
    for section, content in given.items():
        for key in content if isinstance(content, Mapping) else ():
            name = f"{section}.{key}"
            # An override given on the command line replaces all that is set for this participant or scan.
            origins = {k: v for k, v in origins.items() if not k.startswith(f"{name}.")} | {name: COMMAND_LINE}
        if section != "study" and not isinstance(content, Mapping):
            origins[section] = COMMAND_LINE
    return dict(sorted(origins.items()))


def _lines(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted keys of a settings file with their lines, counted from 1."""
    if not path.is_file():
        return
    for section, content, line in _entries(yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)):
        if isinstance(content, yaml.ScalarNode) and content.tag != "tag:yaml.org,2002:null":
            yield section, line
        for key, below, key_line in _entries(content):
            if section == "overrides":
                yield from _override_lines(f"{section}.{key}", below)
            else:
                yield f"{section}.{key}", key_line


def _override_lines(target: str, node: yaml.Node) -> Iterator[tuple[str, int]]:
    for section, content, line in _entries(node):
        if section not in SCAN_SECTIONS:
            yield f"{target}.{section}", line
        for key, _, key_line in _entries(content):
            yield f"{target}.{section}.{key}", key_line


def _entries(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node, int]]:
    """Key, value and line of each entry of a mapping; nothing for any other node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value, key.start_mark.line + 1
