"""Page and figures of the cohort, with what its tables rest on."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from myomag import __version__
from myomag.cohort.dictionaries import units
from myomag.io.table_rows import read_table_rows
from myomag.ledger import Row
from myomag.report.cohort import cohort_report

METHODS, DICTIONARY = "methods.md", "cohort.json"


def report_files(
    root: Path, steps: Sequence[Row], settings: Mapping[str, Any], software: Mapping[str, Any]
) -> dict[str, bytes]:
    """Content of the page of the cohort and of its figures, by path in the derivative.

    Parameters
    ----------
    root : Path
        Folder of the tables.
    steps : sequence of Row
        Rows of the steps cohort and protocols, which made the tables.
    settings : mapping
        Sections `qc`, `magnesium`, `cohort` and `report`.
    software : mapping
        Versions that the page states: `python` and `packages`.
    """
    provenance = [
        {"step": row.step, "file": path, "sha256": sha, "settings_digest": row.settings, "source_digest": row.code}
        for row in steps
        for path, sha in row.outputs.values()
    ]
    versions = {"myomag": __version__, "Python": software["python"], **software["packages"]}
    made = [entry["file"] for entry in provenance]
    tables: dict[str, Sequence[Mapping[str, Any]]]
    tables = {path.removesuffix(".tsv"): read_table_rows(root / path) for path in made if path.endswith(".tsv")}
    # Of a large study most scans are included, which this table does not show.
    if "exclusions" in tables:
        tables["exclusions"] = [dict(row) for row in tables["exclusions"] if row["status"] != "included"]
    methods = (root / METHODS).read_text(encoding="utf-8") if METHODS in made else ""
    columns = json.loads((root / DICTIONARY).read_text(encoding="utf-8")) if DICTIONARY in made else {}
    return cohort_report(
        tables, settings, provenance, versions | {"settings (SHA-256)": steps[0].settings}, methods, units(columns)
    )
