"""The phases of a series, from its events or from PCr."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.core.line_tracks import LineTracks
from myomag.core.phases import Phase, proposed_phases
from myomag.core.series_level import MOVED_SDS, MOVED_SHARE
from myomag.errors import ScanError
from myomag.io.events import Event, check_events
from myomag.io.nifti_mrs import MrsData, repetition_shape
from myomag.io.phase_records import PhaseRecord, Phases
from myomag.io.volume_timing import AVERAGES, VOLUME_TIMING

Real = NDArray[np.float64]

FEWEST_REST = 3
"""Fewest repetitions of rest for an average."""
SLOW_ONSET = 4
"""If phases are proposed, one in this many repetitions of rest, the last ones, may already be slow work."""
LEAST_FALL, LEAST_RISE = 0.15, 0.3
"""Without events a scan is a series if PCr falls by this fraction of rest and regains this fraction of the fall."""


@dataclass(frozen=True)
class TimeAxis:
    """When the repetitions of a series are measured.

    Attributes
    ----------
    each_s : float or None
        From one repetition to the next [s]; the median if uneven.
    stated_s : list of float or None
        Start of each, counted from the first [s], if VolumeTiming states it.
    middle_s : float
        From the start of a repetition to the mean time of its excitations [s].
    excitations : int
        Number of excitations averaged into a repetition.
    """

    each_s: float | None
    stated_s: list[float] | None = None
    middle_s: float = 0.0
    excitations: int = 1

    def edges_s(self, count: int) -> Real | None:
        """Starts of `count` repetitions and the end of the last one [s], shape (count + 1,); None for no time."""
        if self.each_s is None:
            return None
        if self.stated_s is None:
            return np.asarray(self.each_s * np.arange(count + 1))
        return np.array([*self.stated_s, self.stated_s[-1] + self.each_s])


def series_times(data: MrsData, sidecar: Mapping[str, Any]) -> TimeAxis:
    """Times of the repetitions of a series, from VolumeTiming, else from RepetitionTime."""
    transients, _ = repetition_shape(data.fid.shape[1], data.measurements)
    excitations = transients * int(sidecar.get(AVERAGES, 1))
    # Converted sidecars hold a number of s above 0 or none.
    tr: float | None = sidecar.get("RepetitionTime") or None
    stated = sidecar.get(VOLUME_TIMING)
    if stated is not None and len(stated) > 1:
        each_s = float(np.median(np.diff(stated)))
        starts = [float(start - stated[0]) for start in stated]
        return TimeAxis(each_s, starts, (excitations - 1) / 2 * (tr or each_s / excitations), excitations)
    return TimeAxis(None) if tr is None else TimeAxis(tr * transients, None, (excitations - 1) / 2 * tr, excitations)


def averaged_repetitions(fid: NDArray[np.complex128], measurements: int) -> NDArray[np.complex128]:
    """FID of each repetition, shape (points, repetitions), the mean of its transients."""
    if measurements <= 1:
        return fid
    return np.asarray(fid.reshape(len(fid), measurements, -1).mean(axis=2))


def stated_phases(events: Sequence[Event], axis: TimeAxis, repetitions: int, name: str) -> Phases:
    """Phases from the events of a scan; repetitions without an event are rest before exercise and recovery after it.

    Raises
    ------
    ScanError
        If the series has no repetition time, or the events do not fit it.
    """
    edges, each_s = axis.edges_s(repetitions), axis.each_s
    if edges is None or each_s is None:
        raise ScanError(f"{name}: has events, but no RepetitionTime; add it to the sidecar [s].")
    check_events(events, edges, each_s, name)
    spans = [(onset, onset + duration, kind) for onset, duration, kind in events]
    # After a pause the next repetition starts late, but the muscle was measured before the pause.
    middles = edges[:-1] + np.minimum(np.diff(edges), each_s) / 2
    kinds = ["rest"] * repetitions
    worked = False
    for k, middle in enumerate(middles):
        inside = next((kind for start, end, kind in spans if start <= middle < end), None)
        kinds[k] = inside or ("recovery" if worked else "rest")
        worked = worked or kinds[k] == "exercise"
    borders = [0, *(k for k in range(1, repetitions) if kinds[k] != kinds[k - 1]), repetitions]
    records: list[PhaseRecord] = []
    for first, end in pairwise(borders):
        starts = [start for start, _, kind in spans if kind == kinds[first] and abs(start - edges[first]) <= each_s]
        ends = [stop for _, stop, kind in spans if kind == kinds[first] and abs(stop - edges[end]) <= each_s]
        # Recovery starts where exercise ends, to a fraction of a repetition.
        start = starts[0] if starts else (records[-1].end_s if records else float(edges[first]))
        stop = ends[0] if ends else float(edges[end])
        records.append(PhaseRecord(kind=kinds[first], first=first, end=end, start_s=start, end_s=stop))
    return _phases(axis, records, proposed=False)


def averaged(phases: Phases) -> list[int]:
    """Repetitions that are averaged: the rest before all exercise, or without rest the last third of recovery."""
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


def phases_by_pcr(tracks: LineTracks, axis: TimeAxis, left_out: int = 0) -> Phases | None:
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
    found = [Phase(phase.kind, phase.first + left_out, phase.end + left_out) for phase in found]
    edges = axis.edges_s(left_out + len(pcr))
    return _phases(axis, [_record(phase, edges) for phase in found], proposed=True)


def _phases(axis: TimeAxis, records: list[PhaseRecord], *, proposed: bool) -> Phases:
    return Phases(
        repetition_s=axis.each_s,
        volume_timing_s=axis.stated_s,
        middle_s=axis.middle_s,
        excitations=axis.excitations,
        proposed=proposed,
        phases=records,
    )


def _record(phase: Phase, edges: Real | None) -> PhaseRecord:
    start_s, end_s = (None, None) if edges is None else (float(edges[phase.first]), float(edges[phase.end]))
    return PhaseRecord(kind=phase.kind, first=phase.first, end=phase.end, start_s=start_s, end_s=end_s)
