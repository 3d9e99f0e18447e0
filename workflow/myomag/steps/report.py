"""Page and figures of the cohort, with the origin of its tables."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from myomag import __version__
from myomag.cohort.dictionaries import units
from myomag.io.tables import read_tsv
from myomag.ledger.rows import Row
from myomag.report.cohort import cohort_report
from myomag.settings.models import Settings

METHODS, DICTIONARY, SPECTRA = "methods.md", "cohort.json", "spectra.json"


def report_files(
    root: Path, steps: Sequence[Row], settings: Settings, software: Mapping[str, Any]
) -> Iterator[tuple[str, bytes]]:
    """Path in the derivative and content of each figure of the cohort, as it is made, and of the page.

    Parameters
    ----------
    root : Path
        Folder of the tables.
    steps : sequence of Row
        Rows of the steps cohort and protocols, which made the tables.
    settings : Settings
        Sections `qc`, `magnesium`, `cohort` and `report`.
    software : mapping
        Versions stated on the page: `python` and `packages`.
    """
    provenance = [
        {"step": row.step, "file": path, "sha256": sha, "settings_digest": row.settings, "source_digest": row.code}
        for row in steps
        for path, sha in row.outputs.values()
    ]
    versions = {"myomag": __version__, "Python": software["python"], **software["packages"]}
    made = [entry["file"] for entry in provenance]
    tables = {path.removesuffix(".tsv"): read_tsv(root / path) for path in made if path.endswith(".tsv")}
    methods = (root / METHODS).read_text(encoding="utf-8") if METHODS in made else ""
    columns = json.loads((root / DICTIONARY).read_text(encoding="utf-8")) if DICTIONARY in made else {}
    spectra = json.loads((root / SPECTRA).read_text(encoding="utf-8")) if SPECTRA in made else {}
    run = versions | {"settings (SHA-256)": steps[0].settings}
    return cohort_report(tables, settings, provenance, run, methods, units(columns), spectra)
