"""Page of the cohort, with what its tables rest on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from myomag.ledger import Row
from myomag.report.cohort import cohort_page
from myomag.steps.pages import table_rows

PAGE = "report/index.html"
TABLES = ("cohort.tsv", "exclusions.tsv", "statistics.tsv", "protocols.tsv")


def report_page(root: Path, steps: Sequence[Row], settings: Mapping[str, Any], software: Mapping[str, Any]) -> bytes:
    """Page of the cohort, UTF-8 HTML.

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
    run = {"Python": software["python"], **software["packages"], "settings (SHA-256)": steps[0].settings}
    cohort, exclusions, statistics, protocols = (table_rows(root / name) for name in TABLES)
    return cohort_page(
        settings["report"]["title"], cohort, exclusions, statistics, protocols, settings, provenance, run
    )
