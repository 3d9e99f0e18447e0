"""Page and figures of the cohort, with what its tables rest on."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from myomag import __version__
from myomag.cohort.dictionaries import units
from myomag.io.table_rows import read_table_rows
from myomag.io.tables import MISSING
from myomag.ledger.rows import Row
from myomag.report.cohort import cohort_report

METHODS, DICTIONARY, EXCLUSIONS = "methods.md", "cohort.json", "exclusions.tsv"


def report_files(
    root: Path, steps: Sequence[Row], settings: Mapping[str, Any], software: Mapping[str, Any]
) -> Iterator[tuple[str, bytes]]:
    """Path in the derivative and content of each figure of the cohort, as it is made, and of the page.

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
    tables = {
        path.removesuffix(".tsv"): _left_out(root / path) if path == EXCLUSIONS else read_table_rows(root / path)
        for path in made
        if path.endswith(".tsv")
    }
    methods = (root / METHODS).read_text(encoding="utf-8") if METHODS in made else ""
    columns = json.loads((root / DICTIONARY).read_text(encoding="utf-8")) if DICTIONARY in made else {}
    return cohort_report(
        tables, settings, provenance, versions | {"settings (SHA-256)": steps[0].settings}, methods, units(columns)
    )


def _left_out(path: Path) -> list[dict[str, str | None]]:
    """Rows of exclusions.tsv that the page shows: of a large study most scans are included, and would take memory."""
    with path.open(encoding="utf-8") as file:
        lines = (line.removesuffix("\n").split("\t") for line in file)
        names = next(lines)
        rows = (
            {name: None if cell == MISSING else cell for name, cell in zip(names, cells, strict=True)}
            for cells in lines
        )
        return [row for row in rows if row["status"] != "included"]
