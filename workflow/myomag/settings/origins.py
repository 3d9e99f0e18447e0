"""Where each setting came from, recorded when a run starts: only then are all its sources at hand."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from myomag.errors import LedgerError
from myomag.io.files import sha256_bytes, sha256_file, write_if_changed
from myomag.io.records import digest
from myomag.ledger.rows import Row, activity_path, checked_ledger, ledger_bytes, record_step
from myomag.settings.load import SCAN_SECTIONS, Settings

STEP = "settings"
LEDGER = "ledger/settings/all.tsv"
DEFAULT = "default"
COMMAND_LINE = "--config"
DESCRIPTION = "dataset_description.json"
"""File of the study whose name for it goes into the description of the derivative."""


def record_settings(
    study: Path,
    name: str,
    files: Mapping[str, bytes],
    settings: Settings,
    given: Mapping[str, Any],
    started: datetime,
) -> None:
    """Write the ledger of what a run starts from, and where its settings came from, where that changed.

    Parameters
    ----------
    study : Path
        Study folder.
    name : str
        Name of its settings file, which need not exist.
    files : mapping of str to bytes
        Contents of the files that hold the settings and describe the derivative, the working directory.
    settings : Settings
        Resolved settings.
    given : mapping
        Settings of the command line, which win.
    started : datetime
        Start of the run, with time zone.
    """
    read = {path: (path, sha256_file(study / path)) for path in _present(study, name)}
    written = {path: (path, sha256_bytes(content)) for path, content in files.items()}
    row = Row(STEP, "", "", step=STEP, settings=digest(settings.model_dump()), inputs=read, outputs=written)
    typed = {key: value for key, value in given.items() if key != "study"}
    # As JSON, for a date of YAML has no other place there.
    chain = {
        "origins": setting_origins(name, study / name, given),
        "command_line": json.loads(json.dumps(typed, default=str)),
    }
    if _recorded(*chain) != chain or Path(LEDGER).read_bytes() != ledger_bytes([row]):
        write_if_changed(Path.cwd(), LEDGER, ledger_bytes([row]))
        record_step(STEP, Path(LEDGER), started=started, chain=chain)


def settings_moved(study: Path, root: Path, name: str) -> bool:
    """Whether the settings file, or a file written from it, is not the recorded one; False before the first run."""
    if not (root / LEDGER).is_file():
        return False
    try:
        (row,) = checked_ledger(root / LEDGER)
    except (LedgerError, ValueError):
        return True
    if set(_present(study, name)) != set(row.inputs):
        return True
    files = [*((study, file) for file in row.inputs.values()), *((root, file) for file in row.outputs.values())]
    return any(not (top / path).is_file() or sha256_file(top / path) != sha for top, (path, sha) in files)


def _present(study: Path, name: str) -> list[str]:
    """Files of the study that a run starts from, as far as they exist."""
    return [path for path in (DESCRIPTION, name) if (study / path).is_file()]


def _recorded(*keys: str) -> dict[str, Any] | None:
    """What the last line of the activity record says; None where the record is missing or was changed."""
    try:
        checked_ledger(Path(LEDGER))
        lines = activity_path(Path(LEDGER)).read_text(encoding="utf-8").splitlines()
    except (LedgerError, OSError):
        return None
    entry = json.loads(lines[-1])
    return {key: entry.get(key) for key in keys}


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
