"""Two pools of Pi in a series, as from working and resting fibres: where to seek them, and the evidence for them.

Of each pair of shifts what two lines there take off χ² is known in each repetition; the most likely course of the pair,
one line or two, follows by dynamic programming (Viterbi 1967). From there the pools of a bout are fitted with all else:
a share and a distance that change slowly. They are kept where χ² falls by more than noise would make it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.phases import Phase

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
Indices = NDArray[np.intp]

GRID_WIDTHS, MOST_SHIFTS = 0.3, 64
"""Step of the shifts that are tried, in widths of PCr, and how many there are at most."""
LEAST_APART = 0.6
"""Nearer each other [widths of PCr] two lines are one that is broader."""
WANDERING = 1.0
"""Penalty on a move by a line width from one repetition to the next [χ²]."""
EACH, ENTRY = 2.0, 8.0
"""Penalty on a repetition of two pools, and on each change between one and two [χ²]."""
FEWEST = 3
"""Repetitions that two pools are there at least."""
FEW, MANY = 0.05, 0.95
"""Shares of the acid pool from which a fit starts."""
PER_KNOT, LOOKED = 2.0, 20.0
"""Two pools cost this in χ² for each knot of their share and distance, and this in all.

By noise alone χ² falls by one for each parameter. With 10 knots a fall by 2·10 + 20 has a probability of 1.7e-5 (χ² of
10 degrees of freedom); the some 14 places where a second line may be sought by chance make that 3 of 10,000 bouts.
"""


@dataclass(frozen=True)
class Start:
    """Two pools of one bout, from which the fit starts.

    Attributes
    ----------
    phases : sequence of Phase
        Exercise and what follows, up to the next exercise.
    share : float
        Share of the pool at the lower shift.
    mean_hz, apart_hz : ndarray, shape (repetitions of the bout,)
        Mean of both shifts by amplitude, NaN where one line was likelier, and their distance.
    """

    phases: Sequence[Phase]
    share: float
    mean_hz: Real
    apart_hz: Real

    @property
    def repetitions(self) -> slice:
        """Numbers of its repetitions from 0."""
        return slice(self.phases[0].first, self.phases[-1].end)


def bouts_of(phases: Sequence[Phase]) -> list[list[Phase]]:
    """Phases of each bout: exercise, and what follows up to the next one."""
    found: list[list[Phase]] = []
    for phase in phases:
        if phase.kind == "exercise":
            found.append([])
        if found:
            found[-1].append(phase)
    return found


def pools_to_try(
    residual: Complex,
    line: Complex,
    time_s: Real,
    phases: Sequence[Phase],
    *,
    noise_sd: float,
    range_hz: tuple[float, float],
    width_hz: float,
) -> list[Start]:
    """Bouts in which two lines may be more likely than one.

    Parameters
    ----------
    residual : ndarray, shape (points, repetitions)
        FIDs without all other lines, turned to the phase and frequency of the reference.
    line : ndarray, shape (points,)
        The line at amplitude 1 in its reference place.
    phases : sequence of Phase
        Of the series.
    range_hz : (float, float)
        Lowest and highest shift against the reference.
    width_hz : float
        Width of the line.
    """
    steps = int((range_hz[1] - range_hz[0]) / (GRID_WIDTHS * width_hz)) + 1
    grid = np.linspace(*range_hz, min(steps, MOST_SHIFTS))
    starts: list[Start] = []
    for bout in bouts_of(phases):
        inside = slice(bout[0].first, bout[-1].end)
        gains, shares = _gains(residual[:, inside], line, time_s, grid, noise_sd, LEAST_APART * width_hz)
        path = _path(gains, WANDERING * ((grid[:, None] - grid[None, :]) / width_hz) ** 2)
        two = np.flatnonzero(path[:, 0] != path[:, 1])
        if two.size < FEWEST:
            continue
        upper, lower = grid[path].T
        share = float(np.clip(np.median(shares[two, path[two, 0], path[two, 1]]), FEW, MANY))
        mean = np.full(len(path), np.nan)
        mean[two] = ((1 - share) * upper + share * lower)[two]
        starts.append(Start(bout, share, mean, np.interp(np.arange(len(path)), two, (upper - lower)[two])))
    return starts


def log_odds(fall: float, knots: int) -> float:
    """Logarithm of the odds of two pools against one, by the fall of χ² and the number of knots they have."""
    return 0.5 * (fall - PER_KNOT * knots - LOOKED)


def _gains(
    residual: Complex, line: Complex, time_s: Real, grid: Real, noise_sd: float, apart_hz: float
) -> tuple[Real, Real]:
    """What lines at each pair of shifts take off χ², on the diagonal one line, and the share of the second of them.

    Both have the shape (repetitions, shifts, shifts).

    Only pairs whose first shift is the higher one count, and amplitudes above 0.
    """
    turns = np.exp(np.multiply.outer(grid, 2j * np.pi * time_s))
    found = ((turns * line).conj() @ residual).real / noise_sd
    power = float(np.vdot(line, line).real)
    # Of two lines only the distance counts: Re Σ|B|²·exp(i2πΔδ·t).
    beside = grid[:, None] - grid[None, :]
    overlap = (np.exp(np.multiply.outer(beside, 2j * np.pi * time_s)) @ np.abs(line) ** 2).real
    determinant = power**2 - overlap**2
    allowed = beside >= apart_hz
    determinant[~allowed] = 1.0
    gains = np.full((residual.shape[1], len(grid), len(grid)), -np.inf)
    shares = np.zeros_like(gains)
    each = np.arange(len(grid))
    for k, value in enumerate(found.T):
        one, other = value[:, None], value[None, :]
        first, second = power * one - overlap * other, power * other - overlap * one
        both = (first * one + second * other) / determinant - EACH
        gains[k] = np.where(allowed & (first > 0) & (second > 0), both, -np.inf)
        shares[k] = second / np.where(first + second > 0, first + second, 1.0)
        gains[k, each, each] = np.clip(value, 0, None) ** 2 / power
    return gains, shares


def _path(gains: Real, cost: Real) -> Indices:
    """Most likely places of the pair in each repetition, shape (repetitions, 2); equal ones are a single line."""
    size = len(cost)
    single = np.eye(size, dtype=bool)
    best = gains[0]
    came: list[Indices] = []
    for gain in gains[1:]:
        # A change between one and two pools costs on either way.
        kept, kept_from = _reached(np.where(single, best - ENTRY, best), cost)
        back, back_from = _reached(np.where(single, best, best - ENTRY), cost)
        best = np.where(single, back, kept) + gain
        came.append(np.where(single, back_from, kept_from))
    at = int(np.argmax(best))
    path = [at]
    for back_to in reversed(came):
        at = int(back_to.flat[at])
        path.append(at)
    return np.stack(np.divmod(np.array(path[::-1]), size), axis=1)


def _reached(best: Real, cost: Real) -> tuple[Real, Indices]:
    """Best value of each pair by a move of each of its lines, and the number of the pair it came from."""
    size = len(cost)
    by_first = best[None, :, :] - cost[:, :, None]
    from_first = np.argmax(by_first, axis=1)
    moved = np.take_along_axis(by_first, from_first[:, None, :], axis=1)[:, 0]
    by_second = moved[:, None, :] - cost[None, :, :]
    from_second = np.argmax(by_second, axis=2)
    reached = np.take_along_axis(by_second, from_second[:, :, None], axis=2)[:, :, 0]
    return reached, np.take_along_axis(from_first, from_second, axis=1) * size + from_second
