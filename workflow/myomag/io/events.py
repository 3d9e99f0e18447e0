"""Events of a series: a BIDS events file with onset, duration and trial_type."""

import csv
import math
from pathlib import Path
from typing import NamedTuple

from myomag.errors import ScanError

KINDS = ("rest", "exercise", "recovery")
"""Values of trial_type that are read; others, such as a cue, are not."""
SUFFIX = "_events.tsv"
EVENTS_FIELD = "Events"
"""Field of the sidecar that has them after conversion, a list of [onset, duration, trial_type]."""
MOST = 10_000


class Event(NamedTuple):
    """What the muscle does from `onset` on for `duration` [s]."""

    onset: float
    duration: float
    trial_type: str


def read_events(path: Path) -> list[Event]:
    """Events of the known kinds, in the order of their onsets.

    Raises
    ------
    ScanError
        If the file cannot be read, lacks a column, holds no known kind, or a time that is none.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for _, row in zip(range(MOST), csv.DictReader(file, delimiter="\t"), strict=False)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScanError(f"{path.name}: cannot be read as a table of events ({error}).") from error
    missing = next((name for name in Event._fields if not rows or name not in rows[0]), None)
    if missing:
        raise ScanError(f"{path.name}: no column {missing}; a table of events has {', '.join(Event._fields)}.")
    found = [_event(row, path.name) for row in rows if str(row["trial_type"]).strip().lower() in KINDS]
    if not found:
        raise ScanError(f"{path.name}: no trial_type is one of {', '.join(KINDS)}.")
    return sorted(found)


def _event(row: dict[str, str], name: str) -> Event:
    try:
        onset, duration = float(row["onset"]), float(row["duration"])
    except (TypeError, ValueError):
        onset = duration = math.nan
    if not (math.isfinite(onset) and math.isfinite(duration) and duration > 0):
        raise ScanError(f"{name}: onset and duration must be numbers [s], the duration above 0.")
    return Event(onset, duration, row["trial_type"].strip().lower())
