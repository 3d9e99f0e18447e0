"""The lineage of all results in the terms of W3C PROV, as JSON-LD after BIDS-Prov (BEP 28)."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from myomag import __version__, pipeline
from myomag.audit.lineage import Step, code_origin, step_of
from myomag.audit.record import STUDY, Derivative, File
from myomag.io.records import digest
from myomag.ledger.activity import ENVIRONMENT

PLACE = "prov/prov-myomag.jsonld"
"""Place in the derivative, as in BIDS-Prov."""
_ID = {"@type": "@id"}
CONTEXT = {
    "@version": 1.1,
    "prov": "http://www.w3.org/ns/prov#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "schema": "http://schema.org/",
    "Id": "@id",
    "Type": "@type",
    "Records": "@nest",
    "Label": "rdfs:label",
    "Version": "schema:softwareVersion",
    "BIDSProvVersion": "schema:schemaVersion",
    "OperatingSystem": "schema:operatingSystem",
    "AtLocation": {"@id": "prov:atLocation", "@type": "xsd:string"},
    "StartedAtTime": {"@id": "prov:startedAtTime", "@type": "xsd:dateTime"},
    "EndedAtTime": {"@id": "prov:endedAtTime", "@type": "xsd:dateTime"},
    "GeneratedBy": {"@id": "prov:wasGeneratedBy", **_ID},
    "AssociatedWith": {"@id": "prov:wasAssociatedWith", **_ID},
    "Used": {"@id": "prov:used", **_ID},
    "Command": "schema:description",
    "Digest": {"@id": "schema:sha256", "@type": "@json"},
    "Parameters": {"@id": "schema:additionalProperty", "@type": "@json"},
    "Packages": {"@id": "schema:softwareRequirements", "@type": "@json"},
    **{
        name: {"@id": "prov:hadMember", "@container": "@set", "@nest": "Records"}
        for name in ("Software", "Environments", "Activities", "ProvEntities")
    },
}
"""Written out, so that no other document from the network is needed; all records are members of one collection."""


def prov_document(derivative: Derivative, files: Mapping[File, str]) -> dict[str, Any]:
    """Content of the JSON-LD file.

    Parameters
    ----------
    derivative : Derivative
        The record.
    files : mapping of File to str
        Files to describe, with their SHA-256.
    """
    steps = [
        step_of(derivative, ledger, row)
        for ledger in derivative.ledgers.values()
        for row in ledger.rows
        if pipeline.BY_NAME[ledger.step].kind != "entry" and row.step in ("", ledger.step)
    ]
    makers = {file: step for step in steps for _, file, _ in step.ledger.outputs(step.row)}
    environments = {item["Id"]: item for item in map(_environment, steps)}
    software = {item["Id"]: item for item in map(_software, steps)}
    return {
        "@context": CONTEXT,
        "BIDSProvVersion": "BEP028",
        "Id": "bids::prov#record",
        "Type": "prov:Collection",
        "Records": {
            "Software": list(software.values()),
            "Environments": list(environments.values()),
            "Activities": [_activity(step) for step in steps],
            "ProvEntities": [_entity(file, sha, makers) for file, sha in sorted(files.items())],
        },
    }


def _activity(step: Step) -> dict[str, Any]:
    row, activity = step.row, step.ledger.activity
    used = [_file_id(file) for file in dict.fromkeys(step.used)]
    used += ["bids::config.yaml"] if step.ledger.step != pipeline.SETTINGS.name else []
    content = {
        "Id": _step_id(step),
        "Type": "prov:Activity",
        "Label": f"{step.ledger.step}: {pipeline.BY_NAME[step.ledger.step].purpose}",
        "Command": f"myomag run, step {step.name}",
        "AssociatedWith": _software(step)["Id"],
        "Used": [*used, _environment(step)["Id"]],
        "StartedAtTime": activity.get("started"),
        "EndedAtTime": activity.get("ended"),
        "Parameters": {
            "settings_sha256": row.settings or None,
            "code_sha256": row.code or None,
            "outcome": _outcome(step),
        },
    }
    return {key: value for key, value in content.items() if value is not None}


def _outcome(step: Step) -> str:
    return step.row.reason or step.row.status


def _entity(file: File, sha: str, makers: Mapping[File, Step]) -> dict[str, Any]:
    content = {
        "Id": _file_id(file),
        "Type": "prov:Entity",
        "Label": PurePosixPath(file.path).name,
        "AtLocation": file.path,
        "Digest": {"SHA-256": sha},
    }
    return content | ({"GeneratedBy": _step_id(makers[file])} if file in makers else {})


def _environment(step: Step) -> dict[str, Any]:
    """Software and machine of a step; who ran it where is left out."""
    found = {key: step.ledger.activity.get(key) for key in ENVIRONMENT}
    packages = {"python": found["python"], **(found["packages"] or {})}
    return {
        "Id": f"bids::prov#environment-{digest(found)[:12]}",
        "Type": "prov:Entity",
        "Label": f"Python {found['python']} on {found['platform']}",
        "OperatingSystem": found["platform"],
        "Packages": packages,
    }


def _software(step: Step) -> dict[str, Any]:
    activity = step.ledger.activity
    version = f"{activity.get('version') or __version__}, {code_origin(activity)}"
    return {
        "Id": f"bids::prov#myomag-{digest(version)[:12]}",
        "Type": "prov:SoftwareAgent",
        "Label": "myomag",
        "Version": version,
    }


def _step_id(step: Step) -> str:
    return f"bids::prov#{quote(step.name.replace(' ', '-'))}"


def _file_id(file: File) -> str:
    """BIDS URI of a file: in the source study, or in the derivative."""
    return f"bids:{'raw' if file.where == STUDY else ''}:{quote(file.path)}"
