"""Events of a series: a BIDS events file with onset, duration and trial_type."""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError

KINDS = ("rest", "exercise", "recovery")
"""Values of trial_type that are read; others, such as a cue, are not."""
SUFFIX = "_events.tsv"
EVENTS_FIELD = "Events"
"""Field of the sidecar that has them after conversion, a list of [onset, duration, trial_type]."""
MOST = 10_000
LEAST_APART = 1.5
"""Repetitions [s] from which on events that count these are told from events in s."""


class Event(NamedTuple):
    """Activity of the muscle from `onset` for `duration` [s]."""

    onset: float
    duration: float
    trial_type: str


def read_events(path: Path) -> list[Event]:
    """Events of the known kinds, in the order of their onsets.

    Raises
    ------
    ScanError
        If the file cannot be read, lacks a column, contains no known kind, or an invalid time.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for _, row in zip(range(MOST), csv.DictReader(file, delimiter="\t"), strict=False)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScanError(f"{path.name}: cannot be read as a table of events ({error}).") from error
    columns = list(rows[0]) if rows else []
    missing = next((name for name in Event._fields if name not in columns), None)
    if missing:
        raise ScanError(f"{path.name}: no column {missing}; {_remedy(columns)}.")
    kinds = [str(row["trial_type"] or "").strip().lower() for row in rows]
    found = [
        _event(row, kind, f"{path.name}: line {line}")
        for line, (row, kind) in enumerate(zip(rows, kinds, strict=True), start=2)
        if kind in KINDS
    ]
    if not found:
        others = ", ".join(sorted(set(kinds) - {""}))[:80]
        raise ScanError(f"{path.name}: no trial_type is one of {', '.join(KINDS)}{f'; found {others}' * bool(others)}.")
    return sorted(found)


def _remedy(columns: Sequence[str | None]) -> str:
    """Remedy for a table that lacks a column."""
    head = ", ".join(str(column)[:30] for column in columns[:8] if column)
    if len(columns) == 1 and re.search("[;,]| {2}", head):
        return "separate its columns by tabs"
    return f"a table of events has {', '.join(Event._fields)}{f', this one {head}' * bool(head)}"


def _event(row: Mapping[str, str], kind: str, where: str) -> Event:
    onset, duration = (_seconds(row[name], f"{where}: {name}") for name in ("onset", "duration"))
    if duration <= 0:
        raise ScanError(f"{where}: duration = {duration:g} s, must be above 0.")
    return Event(onset, duration, kind)


def _seconds(cell: str | None, where: str) -> float:
    text = (cell or "").strip()
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return value
    remedy = "; write a decimal point" if re.fullmatch(r"-?\d+,\d+", text) else ""
    raise ScanError(f"{where} = {text[:20]!r} is not a time in s{remedy}.")


def check_events(events: Sequence[Event], edges_s: NDArray[np.float64], each_s: float, name: str) -> None:
    """Refuse events that contradict each other, or the length of their series.

    Parameters
    ----------
    events : sequence of Event
        In the order of their onsets.
    edges_s : ndarray, shape (repetitions + 1,)
        Starts of the repetitions and end of the last one [s].
    each_s : float
        From one repetition to the next [s].
    name : str
        File, for messages.

    Raises
    ------
    ScanError
        If two overlap, or they do not seem to be in s.
    """
    for one, other in pairwise(events):
        if one.trial_type != other.trial_type and other.onset < one.onset + one.duration - each_s / 2:
            raise ScanError(
                f"{name}: events: {other.trial_type} starts at {other.onset:g} s, before {one.trial_type} ends at "
                f"{one.onset + one.duration:g} s; correct onset or duration."
            )
    repetitions, end_s = len(edges_s) - 1, float(edges_s[-1])
    length = f"the series has {repetitions} repetitions and lasts {end_s:g} s"
    if sum(event.onset < end_s for event in events) < min(len(events), 2):
        late = max(event.onset for event in events)
        raise ScanError(f"{name}: events: one starts at {late:g} s, {length}; write s from its start, not ms.")
    whole = all(float(number).is_integer() for event in events for number in event[:2])
    last = max(event.onset + event.duration for event in events)
    if len(events) > 1 and whole and abs(last - repetitions) <= 1 and end_s > LEAST_APART * repetitions:
        raise ScanError(
            f"{name}: events: they end at {last:g}, {length}; write s, not repetitions. If they are s, let the last "
            "one reach to the end."
        )
