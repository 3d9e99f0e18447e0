"""Rest, exercise and recovery of a series, proposed from the course of PCr if they are not recorded."""

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
Kind = Literal["rest", "exercise", "recovery"]

LEAST_FALL, LEAST_SDS = 0.08, 5.0
"""PCr must fall by this share of its resting value, and by this many SDs of a running median."""
FEWEST = 3
"""Smallest number of repetitions of a bout."""
SEARCHED = 4
"""Repetitions around the lowest one, and around the first low one, among which an end and a start are sought."""
SPIKE_SHARE = 0.12
"""A repetition further from the median of five than this share of rest, and `LEAST_SDS`, is not a muscle's course."""
TAUS = np.geomspace(1.5, 100.0, 12)
"""Time constants tried for the fall and the recovery [repetitions]."""


@dataclass(frozen=True)
class Phase:
    """Consecutive repetitions of one kind: from `first` up to but not including `end`."""

    kind: Kind
    first: int
    end: int

    @property
    def repetitions(self) -> range:
        """Their numbers from 0."""
        return range(self.first, self.end)


def proposed_phases(pcr: Real, noise_sd: float, lost: NDArray[np.bool_] | None = None) -> list[Phase]:
    """Phases from the course of PCr; all rest if it does not fall.

    In a bout, PCr is clearly below its resting value. Its start and end give the best fit of a constant, an exponential
    fall towards a constant and an exponential recovery towards another.

    Parameters
    ----------
    pcr : ndarray, shape (repetitions,)
        Amplitude of PCr.
    noise_sd : float
        SD of each due to noise.
    lost : ndarray of bool, shape (repetitions,), optional
        Repetitions left out because motion spoiled them.
    """
    pcr = _without_spikes(pcr, noise_sd, np.zeros(len(pcr), dtype=bool) if lost is None else lost)
    smooth = _running_median(pcr, 1)
    rest = float(np.quantile(smooth, 0.9))
    low = smooth < rest - max(LEAST_FALL * rest, LEAST_SDS * noise_sd / np.sqrt(3))
    runs = _runs(low)
    phases: list[Phase] = []
    after = 0
    for number, (first, end) in enumerate(runs):
        window = range(after, runs[number + 1][0] if number + 1 < len(runs) else len(pcr))
        onset, stop = _bout(pcr, window, first, first + int(np.argmin(smooth[first:end])))
        phases += [Phase("rest" if after == 0 else "recovery", after, onset)] if onset > after else []
        phases.append(Phase("exercise", onset, stop))
        after = stop
    phases.append(Phase("recovery" if runs else "rest", after, len(pcr)))
    return [phase for phase in phases if phase.end > phase.first]


def _running_median(values: Real, beside: int) -> Real:
    padded = np.pad(values, beside, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * beside + 1), axis=1))


def _without_spikes(pcr: Real, noise_sd: float, lost: NDArray[np.bool_]) -> Real:
    """Course with straight lines in place of repetitions that are lost, or stand out by themselves."""
    index = np.arange(len(pcr))
    if lost.all():
        return pcr
    filled = np.interp(index, index[~lost], pcr[~lost])
    limit = max(SPIKE_SHARE * float(np.quantile(filled, 0.9)), LEAST_SDS * noise_sd)
    good = np.abs(filled - _running_median(filled, 2)) <= limit
    return np.asarray(np.interp(index, index[good], filled[good]))


def _runs(low: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last repetitions of bouts; gaps of one or two repetitions are ignored."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], low.astype(int), [0]])))
    found: list[tuple[int, int]] = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if found and first - found[-1][1] < FEWEST:
            found[-1] = found[-1][0], end
        else:
            found.append((first, end))
    return [(first, end) for first, end in found if end - first >= FEWEST]


def _bout(pcr: Real, window: range, first: int, lowest: int) -> tuple[int, int]:
    """First repetition of exercise, and first after it, by least squares."""
    onsets = range(max(window.start, first - SEARCHED), min(first + 2, lowest) + 1)
    stops = range(max(first + 1, lowest - SEARCHED), min(lowest + SEARCHED, window.stop - 1) + 1)
    tried = [
        (onset, stop, down, up)
        for onset, stop in itertools.product(onsets, stops)
        for down, up in itertools.product(TAUS, TAUS)
        if stop > onset
    ]
    best = int(
        np.argmin(_costs(pcr[window.start : window.stop], np.arange(window.start, window.stop), np.array(tried)))
    )
    return int(tried[best][0]), int(tried[best][1])


def _costs(values: Real, index: NDArray[np.intp], tried: Real) -> Real:
    """Squared residual of rest or recovery, exponential fall from an onset and recovery from a stop, for each pair.

    The repetition at the onset is the first of exercise, at its very start; the muscle works up to the stop.
    """
    onset, stop, down, up = (column[:, None] for column in tried.T)
    fall = 1 - np.exp(-np.clip(index - onset, 0, stop - onset) / down)
    rise = 1 - np.exp(-np.clip(index - stop, 0, None) / up)
    # After an earlier bout PCr may still be recovering when the next one starts.
    before = 1 - np.exp(-np.clip(np.minimum(index, onset) - index[0], 0, None) / up) * (index[0] > 0)
    basis = np.stack([np.ones_like(fall), fall, rise, before], axis=2)
    # A window that ends with the exercise has no recovery to fit, and one that starts with rest none before it.
    gram = basis.transpose(0, 2, 1) @ basis + 1e-9 * np.eye(4)
    right = basis.transpose(0, 2, 1) @ values
    found = np.linalg.solve(gram, right[:, :, None])[:, :, 0]
    return np.asarray(values @ values - np.sum(right * found, axis=1))
