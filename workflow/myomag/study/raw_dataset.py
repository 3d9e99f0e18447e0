"""Whether a folder is a raw dataset: results of a pipeline are not a study."""

import json
from pathlib import Path
from typing import Any

from myomag.errors import SettingsError
from myomag.io.files import printable

DESCRIPTION = "dataset_description.json"


def check_raw(study: Path) -> None:
    """Refuse a derivative as a study, and name the study that was probably meant.

    Raises
    ------
    SettingsError
        If the folder is described as a derivative.
    """
    said = _description(study)
    if str(said.get("DatasetType", "raw")).strip().lower() != "derivative":
        return
    makers = said.get("GeneratedBy")
    first = makers[0] if isinstance(makers, list) and makers and isinstance(makers[0], dict) else {}
    by = f" of {printable(str(first['Name']))}" if first.get("Name") else ""
    meant = _source(study, said)
    remedy = f"name the study it was made from: {meant}" if meant else "name the study it was made from"
    raise SettingsError(
        f"{study}: contains results{by}, not a study ({DESCRIPTION}: DatasetType derivative); {remedy}. If these are "
        "raw data, set DatasetType to raw."
    )


def _description(study: Path) -> dict[str, Any]:
    """Description of the dataset; empty if there is none that can be read, which `check` reports."""
    try:
        found = json.loads((study / DESCRIPTION).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _source(study: Path, said: dict[str, Any]) -> Path | None:
    """Study that a derivative names as its source, or that contains it; None if neither exists."""
    sources = said.get("SourceDatasets")
    entries = [each for each in sources if isinstance(each, dict)] if isinstance(sources, list) else []
    paths = [str(each.get("URL", "://")).removeprefix("file://") for each in entries]
    named = [(study / path).resolve() for path in paths if "://" not in path]
    above = [folder for folder in study.parents if (folder / DESCRIPTION).is_file()][:1]
    if "derivatives" in study.parts:
        above.append(Path(*study.parts[: study.parts.index("derivatives")]))
    for place in (*named, *above):
        kind = str(_description(place).get("DatasetType", "raw")).lower()
        if place != study and place.is_dir() and kind != "derivative":
            return place
    return None
