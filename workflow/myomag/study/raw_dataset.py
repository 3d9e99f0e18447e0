"""Whether a folder is a raw dataset: results of a pipeline are no study."""

import json
from pathlib import Path
from typing import Any

from myomag.errors import SettingsError
from myomag.io.files import printable

DESCRIPTION = "dataset_description.json"


def check_raw(study: Path) -> None:
    """Refuse a derivative as a study, with the way to what was meant.

    Raises
    ------
    SettingsError
        If the folder says that it is a derivative.
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
        f"{study}: holds results{by}, not a study ({DESCRIPTION}: DatasetType derivative); {remedy}. If these are "
        f"raw data after all, set DatasetType to raw."
    )


def _description(study: Path) -> dict[str, Any]:
    """What the folder says of itself; empty where it says nothing that can be read, which `check` tells of."""
    try:
        found = json.loads((study / DESCRIPTION).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _source(study: Path, said: dict[str, Any]) -> Path | None:
    """Study that a derivative names as its source, or that it lies in; None where neither is there."""
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
