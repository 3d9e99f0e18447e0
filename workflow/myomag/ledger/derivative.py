"""The derivative as a folder: where it may lie, and how it describes itself as a BIDS dataset."""

from pathlib import Path

from myomag import __version__
from myomag.errors import SettingsError
from myomag.io.files import printable
from myomag.io.places import REPOSITORY
from myomag.io.records import read_record, record_bytes

BEYOND_BIDS: tuple[str, ...] = ("*_desc-*", "config.yaml", "cohort.*", "exclusions.*", "statistics.*")
BEYOND_BIDS += ("demographics.*", "flow.*", "comparisons.*", "measurement_error.*", "sensitivity.*", "repeatability.*")
BEYOND_BIDS += ("longitudinal.*", "mrsinmrs.*", "methods.md", "protocols.*")
BEYOND_BIDS += ("ledger", "report", "logs", "benchmarks")
"""What the derivative holds beside the files that BIDS has rules for."""


def check_output(study: Path, root: Path) -> None:
    """Refuse a derivative folder in which results would mix with, or overwrite, something else.

    Raises
    ------
    SettingsError
        If the folder is the study or lies among its raw data, is the checkout of myomag, or holds other files.
    """
    remedy = "name another folder: myomag run STUDY --output DIR, or snakemake --directory DIR"
    root, study = root.resolve(), study.resolve()
    inside = root.relative_to(study).parts if root.is_relative_to(study) else ("elsewhere",)
    if not inside or inside[0].startswith(("sub-", "sourcedata", "phenotype")):
        raise SettingsError(f"{root}: results would lie among the raw data of the study; {remedy}.")
    if root == REPOSITORY:
        raise SettingsError(f"{root}: this is the folder of myomag itself; {remedy}.")
    if root.is_dir() and not (root / "ledger").is_dir():
        others = sorted(path.name for path in root.iterdir() if not path.name.startswith(".") and path.name != "logs")
        if others:
            raise SettingsError(f"{root}: holds other files ({printable(others[0])}, …); {remedy}.")


def derivative_description(study: Path, link: str = "../..") -> dict[str, bytes]:
    """Files that describe the derivative as a dataset, by name; `link` leads from it to the study."""
    source = study / "dataset_description.json"
    name = printable(str(read_record(source).get("Name", "a study"))) if source.is_file() else "a study"
    description = {
        "Name": f"myomag: muscle magnesium and pH of {name}",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "myomag", "Version": __version__}],
        # Where bids:raw: in the Sources of a sidecar leads.
        "DatasetLinks": {"raw": link},
        "SourceDatasets": [{"URL": link}],
    }
    meanings = {
        "preproc": "average of the aligned transients, PCr at 0 ppm",
        "quality": "quality metrics of the averaged spectrum and the verdict with its reasons",
        "begintime": "begin time as this scan alone tells it, before pooling over its protocol",
        "amares": "lines of the AMARES fit with their covariance",
        "magnesium": "pH and free magnesium with intervals",
    }
    rows = ["desc_id\tdescription", *(f"desc-{key}\t{value}" for key, value in meanings.items())]
    return {
        "dataset_description.json": record_bytes(description),
        "descriptions.tsv": ("\n".join(rows) + "\n").encode(),
        ".bidsignore": ("\n".join(BEYOND_BIDS) + "\n").encode(),
    }
