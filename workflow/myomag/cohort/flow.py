"""Flow of participants and scans: entered, failed, excluded by reason, analysed; it adds up in both counts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from myomag.cohort.reasons import filled, reason_kind
from myomag.io.tables import TableRow, table_rows
from myomag.pipeline import NAMES

if TYPE_CHECKING:
    import pandas as pd

Kind = tuple[str, str, str, str]
"""Stage, step, category and reason of a loss."""
FLOW_COLUMNS = {
    "stage": "entered; failed: could not be processed to the end; excluded: processed, but left out; analysed. "
    "The rows of failed, excluded and analysed add up to the row entered, in scans and in participants.",
    "step": "Step of the pipeline at which the scans were lost; overrides: rejected by hand, in the "
    "settings or by raters; selection: not selected for the run.",
    "category": "Category of the reason, as in the flow diagram of a publication (see exclusions.json).",
    "reason": "Why; reasons that differ only in their numbers share one row, with the range of the numbers. What "
    "several raters said about a scan is in exclusions.tsv.",
    "scans": "Number of scans.",
    "participants": "Number of participants: analysed with at least one scan, else where their furthest scan was lost.",
}
"""Columns of flow.tsv and what they hold."""
_LOST = ("failed", "excluded")
_ORDER = ("selection", *NAMES, "overrides")


def build_flow(exclusions: "pd.DataFrame") -> "pd.DataFrame":
    """Build flow.tsv from the account of every scan that entered.

    Parameters
    ----------
    exclusions : DataFrame
        The table exclusions: participant_id, scan, status, step, category and reason.
    """
    import pandas as pd

    scans = table_rows(exclusions)
    numbers: dict[Kind, list[list[str]]] = {}
    for row in scans:
        if row["status"] != "included":
            kind, found = _kind(row)
            numbers.setdefault(kind, []).append(found)
    fates = _participant_fates(scans)
    rows = [_row("entered", None, None, None, len(scans), len(fates))]
    for kind in sorted(numbers, key=lambda kind: (_LOST.index(kind[0]), _reached(kind[1]), *kind[2:])):
        stage, step, category, reason = kind
        lost = sum(fate == kind for fate in fates.values())
        rows.append(_row(stage, step, category, filled(reason, numbers[kind]), len(numbers[kind]), lost))
    included = sum(row["status"] == "included" for row in scans)
    rows.append(_row("analysed", None, None, None, included, sum(fate is None for fate in fates.values())))
    return pd.DataFrame(rows, columns=list(FLOW_COLUMNS))


def _participant_fates(scans: Sequence[TableRow]) -> dict[str, Kind | None]:
    """Kind of loss of each participant, by the scan that got furthest; None for one who is analysed."""
    furthest: dict[str, TableRow] = {}
    for row in scans:
        known = furthest.get(row["participant_id"])
        if known is None or _distance(row) > _distance(known):
            furthest[row["participant_id"]] = row
    return {person: None if row["status"] == "included" else _kind(row)[0] for person, row in furthest.items()}


def _distance(row: TableRow) -> tuple[int, int]:
    """How far a scan got: included, excluded, failed; then the step at which it was lost."""
    return (*_LOST, "included").index(row["status"]), _reached(str(row["step"]))


def _reached(step: str) -> int:
    return _ORDER.index(step) if step in _ORDER else -1


def _kind(row: TableRow) -> tuple[Kind, list[str]]:
    reason, numbers = reason_kind(row)
    return (row["status"], str(row["step"] or "unknown"), row.get("category") or "", reason), numbers


def _row(stage: str, step: str | None, category: str | None, reason: str | None, *counts: int) -> dict[str, Any]:
    return dict(zip(FLOW_COLUMNS, (stage, step, category, reason, *counts), strict=True))
