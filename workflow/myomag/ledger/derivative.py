"""The derivative as a folder: where it may be, and its description as a BIDS dataset."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from myomag import __version__, pipeline
from myomag.errors import ScanError, SettingsError
from myomag.io.files import printable
from myomag.io.places import REPOSITORY
from myomag.io.records import read_record, record_bytes

BIDS_FILES = ("dataset_description.*", "descriptions.*")
"""Files of a derivative that BIDS defines."""
DESCRIPTION = "dataset_description.json"
RAW_LINK = "raw"
"""Name of the link to the study in the description of a derivative; that of a group links to its sites."""


def linked_datasets(root: Path) -> dict[str, Path]:
    """Folders that the DatasetLinks of a derivative point to, by name; none if the description is not readable."""
    try:
        links = read_record(root / DESCRIPTION).get("DatasetLinks", {})
        return {str(name): Path(os.path.normpath(root / str(link))) for name, link in links.items()}
    except (ScanError, AttributeError):
        return {}


def check_output(study: Path, root: Path) -> None:
    """Refuse a derivative folder in which results would mix with or overwrite something else.

    Raises
    ------
    SettingsError
        If the folder is the study or among its raw data, is the checkout of myomag, or contains other files.
    """
    remedy = "name another folder: myomag run STUDY --output DIR, snakemake --directory DIR, or the prefix of a module"
    root, study = root.resolve(), study.resolve()
    inside = root.relative_to(study).parts if root.is_relative_to(study) else ("elsewhere",)
    if not inside or inside[0].startswith(("sub-", "sourcedata", "phenotype")):
        raise SettingsError(f"{root}: results would be placed among the raw data of the study; {remedy}.")
    if root == REPOSITORY:
        raise SettingsError(f"{root}: this is the folder of myomag itself; {remedy}.")
    if root.is_dir() and not (root / "ledger").is_dir():
        own = ("logs", pipeline.RATINGS)
        others = sorted(path.name for path in root.iterdir() if not path.name.startswith(".") and path.name not in own)
        if others:
            raise SettingsError(f"{root}: contains other files ({printable(others[0])}, …); {remedy}.")


def derivative_description(study: Path, link: str = "../..") -> dict[str, bytes]:
    """Files that describe the derivative as a dataset, by name; `link` points from it to the study."""
    source = study / "dataset_description.json"
    name = printable(str(read_record(source).get("Name", "a study"))) if source.is_file() else "a study"
    # Target of bids:raw: in the Sources of a sidecar.
    return described(name, {RAW_LINK: link})


def described(name: str, links: Mapping[str, str]) -> dict[str, bytes]:
    """Files that describe a derivative of the datasets in `links`, by their short names."""
    description = {
        "Name": f"myomag: muscle magnesium and pH of {name}",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "myomag", "Version": __version__}],
        "DatasetLinks": dict(links),
        "SourceDatasets": [{"URL": link} for link in links.values()],
    }
    return {
        DESCRIPTION: record_bytes(description),
        "descriptions.tsv": _descriptions().encode(),
        ".bidsignore": _bidsignore().encode(),
    }


def _descriptions() -> str:
    """Meaning of each desc- entity in the plan; a sidecar is listed with the file it describes."""
    files = (file for step in pipeline.STEPS for file in step.writes if not file.describes)
    found = ((re.search(r"_(desc-[a-z]+)", file.name), file.description) for file in files)
    rows = [f"{match[1]}\t{text}" for match, text in found if match]
    return "\n".join(["desc_id\tdescription", *rows]) + "\n"


def _bidsignore() -> str:
    """Files of the derivative without BIDS rules: all those outside the folders of scans."""
    names = [file.name for step in pipeline.STEPS if step.kind == "study" for file in step.writes]
    top = dict.fromkeys(re.sub(r"\.(tsv|json)$", ".*", name) for name in names if "/" not in name)
    own = [name for name in top if name not in (*BIDS_FILES, ".bidsignore")]
    folders = dict.fromkeys(name.partition("/")[0] for name in names if "/" in name)
    return "\n".join(["*_desc-*", *own, *folders, pipeline.RATINGS, "ledger", "logs", "benchmarks"]) + "\n"
