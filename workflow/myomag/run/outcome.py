"""Outcome of a run in a few lines."""

import sys
from pathlib import Path

from myomag.io.tables import read_text_table
from myomag.progress import duration
from myomag.run.run_time import RUNTIME_PAGE


def _rows(root: Path, name: str) -> list[dict[str, str | None]]:
    """Rows of a table of the derivative as text; none if only a part of the flow was requested."""
    if not (root / f"{name}.tsv").is_file():
        return []
    table = read_text_table(root / f"{name}.tsv")
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _protocol_remarks(root: Path) -> list[str]:
    """Protocols whose begin times form two groups."""
    rows = _rows(root, "protocols")
    return [f"protocol {row['protocol']}: {row['remark']}" for row in rows if row.get("remark")]


def sum_up(root: Path, seconds: float) -> None:
    """Print the outcome, the duration and where the time went."""
    show_outcome(root)
    print(f"It took {duration(seconds)}; where the time went: {root / RUNTIME_PAGE}", file=sys.stderr)


def show_outcome(root: Path) -> None:
    """Print how many scans were included, excluded and failed, why, the data behind models, and where the report is."""
    from myomag.report.controls import control_lines
    from myomag.report.flow import participant_flow
    from myomag.report.summary import column_lines, kind_lines, model_lines
    from myomag.settings.cohort import CohortSettings
    from myomag.wording.labels import Labels

    flow = participant_flow(_rows(root, "flow"))
    parts = f"{flow.included} included, {flow.excluded_scans} excluded, {flow.failed_scans} failed"
    print(f"{flow.entered} scans: {parts}.")
    for status, losses in (("failed", flow.failed), ("excluded", flow.excluded)):
        for loss in losses:
            print(f"  {loss.scans} {status} at {loss.step}: {loss.reason}")
    for remark in _protocol_remarks(root):
        print(f"  WARNING: {remark}")
    if flow.included < flow.entered:
        print(f"  Which ones: {root / 'exclusions.tsv'}")
    kinds, columns = kind_lines(_rows(root, "cohort")), column_lines(_rows(root, "variables"))
    statistics = _rows(root, "statistics")
    warnings = control_lines(statistics, _rows(root, "controls"), Labels.of(CohortSettings()))
    for line in (*kinds, *columns, *model_lines(statistics), *warnings):
        print(line)
    print(f"Report: {root / 'report' / 'index.html'}")
