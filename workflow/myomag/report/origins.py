"""Where the numbers of a scan come from: the record that holds each, and the command that traces it."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from myomag.cohort.columns import FIXED_COLUMNS
from myomag.io.tables import written

if TYPE_CHECKING:
    from myomag.report.participant import ScanView


def trace_command(target: str) -> str:
    """Command that follows `target` back to the raw data; STUDY stands for the folder of the study."""
    return f"myomag trace STUDY {shlex.quote(target)}"


def trace_targets(participant_id: str, scans: Sequence[tuple[str, str | None]]) -> list[str]:
    """Shortest name by which `myomag trace` knows each scan of a participant.

    Parameters
    ----------
    scans : sequence of (scan, session)
    """
    sessions = Counter(session for _, session in scans)
    return [_target(participant_id, scan, session, sessions) for scan, session in scans]


def _target(participant_id: str, scan: str, session: str | None, sessions: Mapping[str | None, int]) -> str:
    if sessions[session] > 1 or (session is None and len(sessions) > 1):
        return scan
    return f"{participant_id}/{session}" if session else participant_id


def number_origins(view: "ScanView", target: str) -> list[dict[str, Any]]:
    """Column, value, record, field and trace command of each number that the scan gives to cohort.tsv."""
    records = {role: getattr(view, role) for role in ("quality", "fit", "magnesium", "series")}
    files = {entry.get("role"): entry["file"] for entry in view.provenance}
    return [
        {
            "column": column.name,
            "value": written(getattr(record, column.path[1])),
            "units": column.units,
            "description": column.description,
            "file": files.get(column.path[0]),
            "field": ".".join(column.path[1:]),
            "command": trace_command(f"{target}:{column.name}"),
        }
        for column in FIXED_COLUMNS
        if column.numeric and (record := records[column.path[0]])
    ]
