"""Validate an RO-Crate with roc-validator, offline; run by the Python of the environment that holds it.

The validator would load the RO-Crate 1.1 context from the network. It gets the one of the package rocrate, which is
newer and has all terms of 1.1; those of Bioschemas have moved since and are put back.
"""

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


def main(crate: str, context: str) -> None:
    services = importlib.import_module("rocrate_validator.services")
    models = importlib.import_module("rocrate_validator.models")
    http = importlib.import_module("rocrate_validator.utils.http")
    text = Path(context).read_text(encoding="utf-8").replace("https://bioschemas.org/terms/", "https://bioschemas.org/")

    def get(_: object, url: str, **__: object) -> SimpleNamespace:
        if url != CONTEXT:
            raise RuntimeError(f"{url}: the crate needs another document from the network")
        headers = {"Content-Type": "application/ld+json"}
        return SimpleNamespace(status_code=200, headers=headers, text=text, json=lambda: json.loads(text))

    http.HttpRequester.get = get
    settings = services.ValidationSettings(
        rocrate_uri=crate,
        profile_identifier="provenance-run-crate-0.5",
        requirement_severity=models.Severity.REQUIRED,
        skip_availability_check=True,
    )
    result = services.validate(settings)
    issues = [
        {"check": issue.check.identifier, "message": issue.message, "entity": str(issue.violatingEntity)}
        for issue in result.get_issues()
    ]
    print(json.dumps({"checks": len(result.executed_checks), "issues": issues}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
