"""Validate an RO-Crate with roc-validator, offline; run by the Python of the environment that holds it.

It knows RO-Crate 1.3, and of the profiles of workflow runs those before, 0.5, which build on RO-Crate 1.1. What 0.6
asks for is the same under other names, so that the crate is held against 1.3 as it is, and against 0.5 with its names.
The contexts come from the package rocrate and not from the network.
"""

import importlib
import json
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

METADATA = "ro-crate-metadata.json"
BEFORE = {
    "https://w3id.org/ro/crate/1.3": "https://w3id.org/ro/crate/1.1",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.1": "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
    **{
        f"https://w3id.org/ro/wfrun/{name}/0.6": f"https://w3id.org/ro/wfrun/{name}/0.5"
        for name in ("process", "workflow", "provenance")
    },
}


def checked(crate: Path, profile: str, context: str) -> tuple[int, list[dict[str, str]]]:
    """Number of checks, and the REQUIRED ones that fail."""
    services = importlib.import_module("rocrate_validator.services")
    models = importlib.import_module("rocrate_validator.models")
    http = importlib.import_module("rocrate_validator.utils.http")
    # Terms of Bioschemas have moved since RO-Crate 1.1.
    contexts = {
        "https://w3id.org/ro/crate/1.3/context": context,
        "https://w3id.org/ro/crate/1.1/context": context.replace("bioschemas.org/terms/", "bioschemas.org/"),
    }

    def get(_: object, url: str, **__: object) -> SimpleNamespace:
        if url not in contexts:
            raise RuntimeError(f"{url}: the crate needs another document from the network")
        headers = {"Content-Type": "application/ld+json"}
        text = contexts[url]
        return SimpleNamespace(status_code=200, headers=headers, text=text, json=lambda: json.loads(text))

    http.HttpRequester.get = get
    settings = services.ValidationSettings(
        rocrate_uri=str(crate),
        profile_identifier=profile,
        requirement_severity=models.Severity.REQUIRED,
        skip_availability_check=True,
    )
    result = services.validate(settings)
    issues = [
        {"check": issue.check.identifier, "message": issue.message, "entity": str(issue.violatingEntity)}
        for issue in result.get_issues()
    ]
    return len(result.executed_checks), issues


def with_names_before(crate: Path, folder: Path) -> Path:
    """The crate under the names of the profiles before: its files by links."""
    for path in crate.iterdir():
        if path.name != METADATA:
            (folder / path.name).symlink_to(path)
    text = (crate / METADATA).read_text(encoding="utf-8")
    for name, before in BEFORE.items():
        text = text.replace(name, before)
    (folder / METADATA).write_text(text, encoding="utf-8")
    return folder


def main(crate: str, context: str) -> None:
    text = Path(context).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        before = with_names_before(Path(crate).resolve(), Path(folder))
        found = [checked(Path(crate), "ro-crate-1.3", text), checked(before, "provenance-run-crate-0.5", text)]
    print(json.dumps({"checks": [count for count, _ in found], "issues": [i for _, issues in found for i in issues]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
