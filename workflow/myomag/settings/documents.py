"""Prior knowledge and calibrations that settings name: shipped, in a file of the study, or spelt out."""

import difflib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from myomag.errors import SettingsError
from myomag.io.files import printable
from myomag.io.places import CONFIG_DIR
from myomag.settings.messages import one_line, read_yaml

RESOURCES = frozenset({"prior_knowledge", "ph_calibration", "mg_calibration", "compare_calibrations"})
"""Settings that name resources."""


def with_resources(document: dict[str, Any], label: str, root: Path | None) -> dict[str, Any]:
    """Settings with the content of every resource in place of its name.

    Raises
    ------
    SettingsError
        If a name is unknown, a file lies outside `root`, or a content is not what it should be.
    """
    fit, magnesium = document["fit"], document["magnesium"]
    fit["prior_knowledge"] = _resource(fit["prior_knowledge"], "prior_knowledge", f"{label}: fit.prior_knowledge", root)
    for key in ("ph_calibration", "mg_calibration"):
        magnesium[key] = _resource(magnesium[key], "calibrations", f"{label}: magnesium.{key}", root)
    magnesium["compare_calibrations"] = [
        _resource(value, "calibrations", f"{label}: magnesium.compare_calibrations", root)
        for value in magnesium["compare_calibrations"]
    ]
    _check_resources(document, label)
    return document


def _check_resources(document: Mapping[str, Any], label: str) -> None:
    """Build the prior knowledge and the calibrations once, so that a wrong file stops here and not in a job."""
    from myomag.core.families import mg_calibration, shift_calibration
    from myomag.core.prior_knowledge import PriorKnowledge

    def build_ph(calibration: dict[str, Any]) -> object:
        return shift_calibration(calibration, "ph")

    def build_all(calibrations: list[dict[str, Any]]) -> None:
        for calibration in calibrations:
            (build_ph if calibration.get("quantity") == "ph" else mg_calibration)(calibration)

    builders: tuple[tuple[str, str, Callable[[Any], object]], ...] = (
        ("fit", "prior_knowledge", PriorKnowledge.from_dict),
        ("magnesium", "ph_calibration", build_ph),
        ("magnesium", "mg_calibration", mg_calibration),
        ("magnesium", "compare_calibrations", build_all),
    )
    for section, key, build in builders:
        try:
            build(document[section][key])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SettingsError(f"{label}: {section}.{key}: {one_line(error)}.") from error


def _resource(value: str | dict[str, Any], folder: str, where: str, root: Path | None) -> dict[str, Any]:
    """Content of a prior-knowledge or calibration file named in the settings."""
    if isinstance(value, dict):
        return value
    path = CONFIG_DIR / folder / f"{value}.yaml"
    if value not in (shipped := sorted(p.stem for p in (CONFIG_DIR / folder).glob("*.yaml"))):
        path = _inside(root, value, where, shipped)
    try:
        if path.suffix == ".csv":
            return _pyamares_csv(path)
        content = read_yaml(path)
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{where}: {value}: {one_line(error)}.") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{where}: {value}: expected a mapping.")
    return content


def _pyamares_csv(path: Path) -> dict[str, Any]:
    """Content of a prior-knowledge file of pyAMARES as that of one of ours."""
    from myomag.core.prior_knowledge import PriorKnowledge

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text (byte {error.start}); save the table as UTF-8") from error
    return PriorKnowledge.from_pyamares_csv(text, path.stem).to_dict()


def _inside(root: Path | None, value: str, where: str, shipped: list[str]) -> Path:
    """Path of a file inside the study; a path that leaves it is refused."""
    near = difflib.get_close_matches(value, shipped, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"shipped: {', '.join(shipped)}."
    if root is None:
        raise SettingsError(f"{where} = {value!r}: unknown name; {hint}")
    path = Path(os.path.realpath(root / printable(value)))
    if not path.is_relative_to(root.resolve()):
        raise SettingsError(f"{where} = {value!r}: the file must lie inside the study folder.")
    if not os.path.isfile(path):  # noqa: PTH113 (Path.is_file raises an error where a name is too long)
        raise SettingsError(f"{where} = {value[:80]!r}: neither a shipped name nor a file of the study; {hint}")
    return path
