"""A derivative with its record as an RO-Crate, for an archive."""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myomag import pipeline
from myomag.audit.crate import Run, code_type, crate_id
from myomag.audit.crate_record import METADATA, RESULTS
from myomag.audit.lineage import code_origin
from myomag.audit.prov import PLACE, prov_document
from myomag.audit.record import DERIVATIVE, STUDY, Derivative, File
from myomag.errors import LedgerError, SettingsError
from myomag.io.files import sha256_bytes, sha256_file
from myomag.io.places import workflow_files
from myomag.io.records import read_record
from myomag.ledger.inputs import INPUTS
from myomag.ledger.rows import activity_path
from myomag.ledger.spec import step_code
from myomag.progress import progress

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

FORMATS = {
    ".json": "application/json",
    ".tsv": "text/tab-separated-values",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".html": "text/html",
    ".yaml": "application/yaml",
    ".gz": "application/gzip",
    ".py": "text/x-python",
    ".jsonl": "application/jsonl",
}


@dataclass(frozen=True)
class Export:
    """Result: the folder, the number of files in it, the SHA-256 of its metadata, and remarks."""

    folder: Path
    files: int
    anchor: str
    remarks: list[str]


def export_crate(derivative: Derivative, folder: Path, *, people: bool = False) -> Export:
    """Write a Workflow Run RO-Crate of the profile Provenance Run Crate.

    It contains the files of the derivative and the workflow. Raw data and tables of the study are identified by digest
    and not copied; users and hosts, with the activity records that name them, are left out unless `people`.

    Parameters
    ----------
    derivative : Derivative
        The record.
    folder : Path
        New or empty folder.
    people : bool
        Whether to name users and hosts.

    Raises
    ------
    SettingsError
        If the folder is not empty, or the derivative is a group.
    LedgerError
        If a file is not as recorded.
    """
    from rocrate.rocrate import ROCrate

    if derivative.sites:
        raise SettingsError(
            f"{derivative.root}: a group of sites; export each of them: myomag export SITE --ro-crate DIR"
        )
    folder = folder.expanduser().resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"{folder}: exists and is not empty; name a new folder for the crate.")
    crate = ROCrate(version="1.3")
    named = _named(derivative, people)
    _add_files(crate, derivative, named)
    _add_lineage(crate, derivative, named)
    _add_workflow_files(crate)
    _add_description(crate, derivative)
    Run(crate, derivative, {file: crate_id(file, sha) for file, sha in named.items()}, people).describe()
    crate.write(folder)
    files = sum(path.is_file() for path in folder.rglob("*"))
    return Export(folder, files, sha256_file(folder / METADATA), list(_remarks(derivative, people)))


def _named(derivative: Derivative, people: bool) -> dict[File, str]:
    """Files listed in the record, and those it consists of, with their SHA-256."""
    named: dict[File, str] = {}
    for ledger in derivative.ledgers.values():
        for row in ledger.rows:
            named |= {file: sha for files in (ledger.inputs(row), ledger.outputs(row)) for _, file, sha in files}
    records = [Path(path) for path in derivative.ledgers]
    records += [activity_path(path) for path in records if people and (derivative.root / activity_path(path)).is_file()]
    records += [Path(INPUTS)] if people and derivative.inputs else []
    for path in records:
        named[File(DERIVATIVE, path.as_posix())] = sha256_file(derivative.root / path)
    return named


def _add_files(crate: "ROCrate", derivative: Derivative, named: Mapping[File, str]) -> None:
    """Add the files listed in the record, after checking them."""
    with progress("files checked", len(named)) as advance:
        for number, (file, sha) in enumerate(sorted(named.items()), start=1):
            _add_file(crate, derivative, file, sha)
            advance(number)


def _add_lineage(crate: "ROCrate", derivative: Derivative, named: Mapping[File, str]) -> None:
    """Add the lineage in the terms of W3C PROV."""
    told = {file: sha for file, sha in named.items() if not file.path.startswith("ledger/")}
    content = json.dumps(prov_document(derivative, told), indent=1, ensure_ascii=False).encode()
    properties = {"name": "Lineage as W3C PROV (BIDS-Prov)", "encodingFormat": "application/ld+json"}
    place = f"{RESULTS}/{PLACE}"
    crate.add_file(io.BytesIO(content), place, properties=properties | {"sha256": sha256_bytes(content)})


def _add_file(crate: "ROCrate", derivative: Derivative, file: File, sha: str) -> None:
    place, properties = derivative.place(file), {"name": file.path, "sha256": sha}
    if form := FORMATS.get(place.suffix):
        properties["encodingFormat"] = form
    if file.where == STUDY:
        from rocrate.model.data_entity import DataEntity

        content: dict[str, Any] = {
            "@type": "File",
            "description": "File of the study, not part of this crate",
            **properties,
        }
        crate.add(DataEntity(crate, crate_id(file, sha), properties=content))
        return
    if not place.is_file() or sha256_file(place) != sha:
        raise LedgerError(f"{file.path}: not as recorded; check it first: myomag verify STUDY")
    content = properties | {"contentSize": str(place.stat().st_size)}
    crate.add_file(place, crate_id(file, sha), properties=content)


def _add_workflow_files(crate: "ROCrate") -> None:
    for name, path in workflow_files():
        form = {"encodingFormat": FORMATS[path.suffix]} if path.suffix in FORMATS else {}
        known = {"@type": code_type(name), "name": name, "sha256": sha256_file(path)}
        crate.add_file(path, name, properties=known | form)


def _add_description(crate: "ROCrate", derivative: Derivative) -> None:
    from rocrate.model.contextentity import ContextEntity

    described = read_record(derivative.root / "dataset_description.json")
    study = derivative.study / "dataset_description.json"
    stated = read_record(study).get("License") if study.is_file() else None
    crate.name = described.get("Name", "myomag")
    crate.description = "Free magnesium and pH of skeletal muscle from 31P-MRS, with the record of how they were made."
    ended = [each.activity["ended"] for each in derivative.ledgers.values() if "ended" in each.activity]
    crate.datePublished = max(ended)
    name = str(stated or "Not stated: ask the owners of the study")
    crate.add(ContextEntity(crate, "#license", properties={"@type": "CreativeWork", "name": name, "description": name}))
    crate.root_dataset["license"] = {"@id": "#license"}


def _remarks(derivative: Derivative, people: bool) -> Iterator[str]:
    for step in (each.name for each in pipeline.STEPS if each.kind != "entry"):
        ledgers = derivative.of_step(step)
        now = step_code(step)
        if any(row.code != now for ledger in ledgers for row in ledger.rows):
            origin = code_origin(ledgers[0].activity)
            yield f"the code of step {step} is not the one that ran; for an exact crate export from {origin}."
    if not people:
        yield "users, hosts and the activity records that name them are left out; to include them use --people."
    yield f"raw data are identified by their digest and not copied; results are in {RESULTS}/."
