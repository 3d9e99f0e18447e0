"""Model of one repetition of a series: lines of a reference, and what of them changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

PCR, PI = "PCr", "Pi"
WIDTH_SD = 0.2
"""SD expected of the change of the width of all lines, in widths of PCr."""
PER_REPETITION = 3
"""Phase, frequency and width come behind the amplitudes of a repetition."""
POOLS = ("share", "apart")
"""What tells two pools of one line; they come together."""


@dataclass(frozen=True)
class Lines:
    """Lines of a reference.

    Attributes
    ----------
    names : tuple of str
    fids : ndarray, shape (lines, points)
        FID of each at amplitude 1, from the first sample that is fitted on.
    time_s : ndarray, shape (points,)
        Time of the samples from the excitation [s].
    """

    names: tuple[str, ...]
    fids: Complex
    time_s: Real


@dataclass(frozen=True)
class Motion:
    """What of some lines changes smoothly over the series.

    Attributes
    ----------
    name : str
    lines : tuple of str
        Lines that change together.
    of : {"shift", "width", "spread", "share", "apart"}
        Shift, Lorentzian broadening, variance of Gaussian broadening [Hz²], and of two pools of one line the share of
        that at the lower shift, and their distance.
    pieces : ndarray, shape (repetitions, knots)
        Share of each knot in each repetition; rows sum to 1, or to 0 where there is none.
    start : ndarray, shape (repetitions,)
        Where it is sought, against the reference [Hz; a share has no unit].
    sd : float
        SD expected about the start.
    """

    name: str
    lines: tuple[str, ...]
    of: Literal["shift", "width", "spread", "share", "apart"]
    pieces: Real
    start: Real
    sd: float


def repetition_lines(lines: Lines, motions: Sequence[Motion], own: Real, values: Real) -> tuple[Complex, Complex]:
    """Lines of a repetition at amplitude 1, shape (lines, points), and how the model changes by each motion.

    Parameters
    ----------
    own : ndarray, shape (lines + 3,)
        Amplitudes, phase [rad], frequency and change of the width [Hz] of the repetition.
    values : ndarray, shape (motions,)
    """
    phase, frequency, width = own[-PER_REPETITION:]
    time = lines.time_s
    basis: Complex = lines.fids * _exponential(2j * np.pi * frequency - np.pi * width, time, np.exp(1j * phase))
    changes = np.zeros((len(motions), len(time)), dtype=np.complex128)
    turns = {"shift": 2j * np.pi * time, "width": -np.pi * time, "spread": -2 * np.pi**2 * time**2}
    pools = {motion.of: i for i, motion in enumerate(motions) if motion.of in POOLS}
    moved = [i for i, motion in enumerate(motions) if motion.of in turns]
    places = [[lines.names.index(name) for name in motion.lines] for motion in motions]
    rates = {"shift": 2j * np.pi, "width": -np.pi}
    for i in moved:
        of, value = motions[i].of, float(values[i])
        basis[places[i]] *= _exponential(rates[of] * value, time) if of in rates else np.exp(value * turns[of])
    if pools:
        share, apart = pools["share"], pools["apart"]
        line = places[share][0]
        both, *slopes = _split(float(values[share]), float(values[apart]), time)
        for i, slope in zip((share, apart), slopes, strict=True):
            changes[i] = own[line] * basis[line] * slope
        basis[line] *= both
    for i in moved:
        changes[i] = turns[motions[i].of] * (own[places[i]] @ basis[places[i]])
    return basis, changes


def _exponential(rate: complex, time_s: Real, factor: complex = 1.0) -> Complex:
    """factor·exp(rate·t) at evenly spaced times, as the product of a coarse and a fine grid: few exponentials."""
    count, step = len(time_s), time_s[1] - time_s[0]
    fine = int(np.sqrt(count)) + 1
    first = factor * np.exp(rate * (time_s[0] + step * np.arange(fine)))
    coarse = np.exp(rate * step * fine * np.arange(-(-count // fine)))
    return np.asarray(np.multiply.outer(coarse, first).ravel()[:count])


def _split(share: float, apart_hz: float, time_s: Real) -> tuple[Complex, Complex, Complex]:
    """What two pools make of a line, P(τ), and its slopes against their share and their distance [1/Hz]."""
    turn = 2j * np.pi * time_s
    upper = _exponential(2j * np.pi * share * apart_hz, time_s)
    lower = _exponential(-2j * np.pi * (1 - share) * apart_hz, time_s)
    both = (1 - share) * upper + share * lower
    return both, lower - upper + turn * apart_hz * both, turn * share * (1 - share) * (upper - lower)
