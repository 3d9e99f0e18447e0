"""Where the moving lines of a series are sought, and how finely their courses can be resolved."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from myomag.core.phases import Phase
from myomag.core.series_fit import SeriesFit, fit_series
from myomag.core.series_model import PCR, WIDTH_SD, Lines

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

KEPT_DECAYS = 4.0
"""Samples are used up to so many decay times of PCr: beyond lie e^−8 of the energy of a line."""
FREQUENCY_STEP_HZ = 1.0
STEP_HZ = 2.0
"""Step of the shifts that are tried."""
WANDERING = 1.0
"""Penalty on a move by a line width from one repetition to the next [χ²]."""


def line_path(
    residual: Complex, line: Complex, time_s: Real, *, noise_sd: float, range_hz: tuple[float, float], width_hz: float
) -> Real:
    """Most likely course of a line's shift [Hz], shape (repetitions,), found by dynamic programming (Viterbi 1967).

    Each shift of a grid gains, in each repetition, what a line there takes off χ²; a move costs its square.

    Parameters
    ----------
    residual : ndarray, shape (points, repetitions)
        FIDs without all other lines, turned to the phase and frequency of the reference.
    line : ndarray, shape (points,)
        The line at amplitude 1 in its reference place.
    range_hz : (float, float)
        Lowest and highest shift against the reference.
    width_hz : float
        Width of the line.
    """
    grid = np.arange(range_hz[0], range_hz[1] + STEP_HZ, STEP_HZ)
    filters = np.exp(np.multiply.outer(grid, 2j * np.pi * time_s)) * line
    found = (filters.conj() @ residual).real
    gain = np.clip(found, 0, None) ** 2 / (noise_sd**2 * float(np.vdot(line, line).real))
    cost = WANDERING * ((grid[:, None] - grid[None, :]) / width_hz) ** 2
    best = gain[:, 0]
    came_from = np.empty((gain.shape[1], len(grid)), dtype=int)
    for k in range(1, gain.shape[1]):
        reached = best[None, :] - cost
        came_from[k] = np.argmax(reached, axis=1)
        best = reached[np.arange(len(grid)), came_from[k]] + gain[:, k]
    path = [int(np.argmax(best))]
    for k in range(gain.shape[1] - 1, 0, -1):
        path.append(int(came_from[k][path[-1]]))
    return grid[path[::-1]]


def knots_of(information: Real, phases: Sequence[Phase], sd_hz: float) -> Real:
    """Shares of knots by which a shift is known with a stated SD, shape (repetitions, knots).

    A phase whose repetitions each tell the shift that well has a knot in each; else knots stand so far apart that each
    rests on enough of them, and a phase that is too short has one at each end.

    Parameters
    ----------
    information : ndarray, shape (repetitions,)
        1/variance of the shift by each repetition [1/Hz²].
    sd_hz : float
        SD wanted [Hz].
    """
    count = len(information)
    knots: set[float] = set()
    for phase in phases:
        mean = float(np.mean(information[phase.first : phase.end]))
        apart = max(1, int(np.ceil(1.5 / (mean * sd_hz**2)))) if mean > 0 else count
        if apart == 1:
            knots |= set(map(float, phase.repetitions))
            continue
        pieces = max(1, (phase.end - phase.first) // apart)
        # A change of pace is at the border of two phases, which both share.
        knots |= set(np.linspace(phase.first, min(phase.end, count - 1), pieces + 1).tolist())
    places = np.array(sorted(knots))
    return straight_pieces(np.arange(count), places, slice(None))


def straight_pieces(repetitions: NDArray[np.intp], knots: Real, inside: slice) -> Real:
    """Share of each knot in a course of straight pieces, shape (repetitions, knots); 0 but for some repetitions."""
    found = np.zeros((len(repetitions), len(knots)))
    found[inside] = np.stack([np.interp(repetitions[inside], knots, unit) for unit in np.eye(len(knots))], axis=1)
    return found


def used_lines(lines: Lines, pcr_fwhm_hz: float) -> Lines:
    """Lines up to the sample after which nothing of a line is left."""
    last = lines.time_s[0] + KEPT_DECAYS / (np.pi * pcr_fwhm_hz)
    points = max(int(np.searchsorted(lines.time_s, last)), 8 * len(lines.names))
    return replace(lines, fids=lines.fids[:, :points], time_s=lines.time_s[:points])


def still_amplitudes(
    fids: Complex, lines: Lines, *, noise_sd: float, pcr_fwhm_hz: float, moving: Sequence[str], max_shift_hz: float
) -> tuple[Lines, SeriesFit]:
    """Amplitudes of the lines that do not move, each repetition by itself: a first look, and the start of the rest.

    Parameters
    ----------
    fids : ndarray, shape (points, repetitions)
    lines : Lines
        All lines of the reference, for the same samples.
    moving : sequence of str
        Lines that are left out.
    max_shift_hz : float
        How far PCr is sought from its place in the reference [Hz].
    """
    pcr = lines.fids[lines.names.index(PCR)]
    grid = np.arange(-max_shift_hz, max_shift_hz + FREQUENCY_STEP_HZ, FREQUENCY_STEP_HZ)
    found = (np.exp(np.multiply.outer(grid, 2j * np.pi * lines.time_s)) * pcr).conj() @ fids
    best = np.argmax(np.abs(found), axis=0)
    places = [place for place, name in enumerate(lines.names) if name not in moving]
    still = Lines(tuple(lines.names[place] for place in places), lines.fids[places], lines.time_s)
    fit = fit_series(
        fids,
        still,
        noise_sd=noise_sd,
        motions=(),
        start_phase_rad=np.angle(found[best, np.arange(fids.shape[1])]),
        start_frequency_hz=grid[best],
        width_sd_hz=WIDTH_SD * pcr_fwhm_hz,
    )
    return still, fit
