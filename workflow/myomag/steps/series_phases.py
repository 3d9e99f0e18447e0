"""The phases of a series: as its events state them, or as PCr shows them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.core.line_tracks import LineTracks
from myomag.core.phases import Phase, proposed_phases
from myomag.errors import ScanError
from myomag.io.events import Event
from myomag.io.nifti_mrs import MrsData
from myomag.io.phase_records import PhaseRecord, Phases

FEWEST_REST = 3
"""Repetitions of rest that make an average."""
SLOW_ONSET = 4
"""Where phases are proposed, one in so many repetitions of rest, the last ones, may be work that begins slowly."""
MOVED_SDS, MOVED_SHARE = 4.0, 0.12
"""A repetition whose ATP lies so many SDs and by such a share off the others tells no phase."""
LEAST_FALL, LEAST_RISE = 0.15, 0.3
"""Without events a series is where PCr falls by this share of its rest, and by this share of that comes back."""


def repetition_s(data: MrsData, sidecar: Mapping[str, Any]) -> float | None:
    """Time from one repetition of a series to the next [s]."""
    tr, transients = sidecar.get("RepetitionTime"), data.fid.shape[1]
    if isinstance(tr, bool) or not isinstance(tr, int | float) or tr <= 0:
        return None
    return float(tr) * (transients // data.measurements if data.measurements > 1 else 1)


def averaged_repetitions(fid: NDArray[np.complex128], measurements: int) -> NDArray[np.complex128]:
    """FID of each repetition, shape (points, repetitions), the mean of its transients."""
    if measurements <= 1:
        return fid
    return np.asarray(fid.reshape(len(fid), measurements, -1).mean(axis=2))


def stated_phases(events: Sequence[Event], each_s: float | None, repetitions: int, name: str) -> Phases:
    """Phases by the events of a scan; what no event names is rest before exercise and recovery behind it.

    Raises
    ------
    ScanError
        If the series has no repetition time.
    """
    if each_s is None:
        raise ScanError(f"{name}: has events, but no RepetitionTime; add it to the sidecar [s].")
    spans = [(onset, onset + duration, kind) for onset, duration, kind in events]
    middles = each_s * (np.arange(repetitions) + 0.5)
    kinds = ["rest"] * repetitions
    worked = False
    for k, middle in enumerate(middles):
        inside = next((kind for start, end, kind in spans if start <= middle < end), None)
        kinds[k] = inside or ("recovery" if worked else "rest")
        worked = worked or kinds[k] == "exercise"
    borders = [0, *(k for k in range(1, repetitions) if kinds[k] != kinds[k - 1]), repetitions]
    records: list[PhaseRecord] = []
    for first, end in pairwise(borders):
        starts = [start for start, _, kind in spans if kind == kinds[first] and abs(start - each_s * first) <= each_s]
        ends = [stop for _, stop, kind in spans if kind == kinds[first] and abs(stop - each_s * end) <= each_s]
        # Recovery starts where exercise ends, to the part of a repetition.
        start = starts[0] if starts else (records[-1].end_s if records else each_s * first)
        records.append(
            PhaseRecord(kind=kinds[first], first=first, end=end, start_s=start, end_s=ends[0] if ends else each_s * end)
        )
    return Phases(repetition_s=each_s, proposed=False, phases=records)


def averaged(phases: Phases) -> list[int]:
    """Repetitions that are averaged: the rest before all exercise, or without one the last third of recovery."""
    if has_rest(phases):
        return rest_of(phases, phases.phases)
    last = phases.phases[-1]
    return list(range(last.first + 2 * (last.end - last.first) // 3, last.end))


def rest_of(phases: Phases, before: Sequence[PhaseRecord]) -> list[int]:
    """Repetitions of rest before the first exercise among some phases."""
    found: list[int] = []
    for phase in before:
        if phase.kind != "rest":
            break
        found += range(phase.first, phase.end)
    return found[: len(found) - len(found) // SLOW_ONSET] if phases.proposed else found


def has_rest(phases: Phases) -> bool:
    """Whether there is enough rest before all exercise to be averaged."""
    return len(rest_of(phases, phases.phases)) >= FEWEST_REST


def phases_by_pcr(tracks: LineTracks, each_s: float | None, left_out: int = 0) -> Phases | None:
    """Phases proposed by PCr; None for a course that shows no rest, exercise and recovery.

    Parameters
    ----------
    left_out : int
        Repetitions before the first one of the tracks.
    """
    pcr, atp = tracks.pcr.values, tracks.atp.values
    middle = float(np.median(atp))
    moved = np.abs(atp - middle) > max(MOVED_SDS * tracks.atp.noise_sd, MOVED_SHARE * abs(middle))
    found = proposed_phases(pcr, tracks.pcr.noise_sd, moved)
    kinds = [phase.kind for phase in found]
    if kinds[:3] != ["rest", "exercise", "recovery"] or found[0].end < FEWEST_REST:
        return None
    rest = float(np.median(pcr[found[0].first : found[0].end]))
    worked, recovered = found[1], found[2]
    end = float(np.median(pcr[max(worked.end - 3, worked.first) : worked.end]))
    last = float(np.median(pcr[max(recovered.end - 3, recovered.first) : recovered.end]))
    if rest - end < LEAST_FALL * rest or last - end < LEAST_RISE * (rest - end):
        return None
    return Phases(
        repetition_s=each_s, proposed=True, phases=[_record(phase, each_s or 1.0, left_out) for phase in found]
    )


def _record(phase: Phase, each_s: float, left_out: int) -> PhaseRecord:
    first, end = phase.first + left_out, phase.end + left_out
    return PhaseRecord(kind=phase.kind, first=first, end=end, start_s=each_s * first, end_s=each_s * end)
