"""Prior knowledge and calibrations named in the settings: shipped, in a file of the study, or written out in full."""

import os
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from myomag.errors import SettingsError, hint
from myomag.io.files import printable
from myomag.io.places import CONFIG_DIR
from myomag.settings.messages import one_line
from myomag.settings.yaml_text import read_yaml

RESOURCES = {
    "prior_knowledge": "prior_knowledge",
    "ph_calibration": "calibrations",
    "mg_calibration": "calibrations",
    "compare_calibrations": "calibrations",
}
"""Settings that name resources, with the folder of the shipped ones in config/."""
QUANTITIES = {"ph_calibration": "ph", "mg_calibration": "mg"}
"""Quantity that a calibration must be for, where only one makes sense."""


def with_resources(section: str, values: Mapping[str, Any], label: str, root: Path | None) -> dict[str, Any]:
    """Settings of a section, or some of them, with the name of every resource replaced by its content.

    Raises
    ------
    SettingsError
        If a name is unknown, a file lies outside `root`, or the content is invalid.
    """
    result = dict(values)
    for key in (key for key in RESOURCES if key in values):
        where, value = f"{label}: {section}.{key}", values[key]
        named = value if isinstance(value, list) else [value]
        documents = [_content(item, key, where, root) for item in named]
        try:
            for document in documents:
                _check(key, document)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            other = isinstance(value, str) and value in shipped(RESOURCES[key])
            remedy = f"; shipped: {', '.join(offered(key))}" if other else ""
            raise SettingsError(f"{where}: {one_line(error)}{remedy}.") from error
        result[key] = documents if isinstance(value, list) else documents[0]
    return result


def _check(key: str, document: Mapping[str, Any]) -> None:
    """Build what a document describes, so that a wrong one stops here and not in a job."""
    from myomag.core.families import mg_calibration, shift_calibration
    from myomag.core.prior_knowledge import PriorKnowledge

    if key == "prior_knowledge":
        PriorKnowledge.from_dict(document)
    elif key == "ph_calibration" or (key == "compare_calibrations" and document.get("quantity") == "ph"):
        shift_calibration(document, "ph")
    else:
        mg_calibration(document)


def _content(value: str | dict[str, Any], key: str, where: str, root: Path | None) -> dict[str, Any]:
    """Content of a resource, whether named or written out."""
    if isinstance(value, dict):
        return value
    if value in shipped(RESOURCES[key]):
        return shipped_document(RESOURCES[key], value)
    path = _inside(root, value, where, offered(key))
    try:
        content = _pyamares(path) if path.suffix == ".csv" else read_yaml(path)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{where}: {value}: {one_line(error)}.") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{where}: {value}: expected a mapping.")
    return content


def _pyamares(path: Path) -> dict[str, Any]:
    """Content of a pyAMARES prior-knowledge file in our own form."""
    from myomag.core.prior_knowledge import PriorKnowledge

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text (byte {error.start}); save the table as UTF-8") from error
    return PriorKnowledge.from_pyamares_csv(text, path.stem).to_dict()


def shipped(folder: str) -> list[str]:
    """Names of the prior knowledge or the calibrations in a folder of config/."""
    return sorted(path.stem for path in (CONFIG_DIR / folder).glob("*.yaml"))


def offered(key: str) -> list[str]:
    """Names of the shipped resources that a setting accepts: a calibration of Mg is not one of pH."""
    folder, wanted = RESOURCES[key], QUANTITIES.get(key)
    return [name for name in shipped(folder) if wanted in (None, shipped_document(folder, name).get("quantity"))]


def shipped_document(folder: str, name: str) -> dict[str, Any]:
    """Content of a shipped file, such as ("calibrations", "taylor1983")."""
    document: dict[str, Any] = deepcopy(_read_once(CONFIG_DIR / folder / f"{name}.yaml"))
    return document


@cache
def _read_once(path: Path) -> Any:
    """Content of a file that does not change; each layer of the settings asks for it again."""
    return read_yaml(path)


def _inside(root: Path | None, value: str, where: str, names: list[str]) -> Path:
    """Path of a file inside the study; a path outside it is refused."""
    remedy = hint(value, names) or f"shipped: {', '.join(names)}."
    if root is None:
        raise SettingsError(f"{where} = {value!r}: unknown name; {remedy}")
    path = Path(os.path.realpath(root / printable(value)))
    if not path.is_relative_to(root.resolve()):
        raise SettingsError(f"{where} = {value!r}: the file must be inside the study folder.")
    if not os.path.isfile(path):  # noqa: PTH113 (Path.is_file raises an error where a name is too long)
        raise SettingsError(f"{where} = {value[:80]!r}: neither a shipped name nor a file of the study; {remedy}")
    return path
