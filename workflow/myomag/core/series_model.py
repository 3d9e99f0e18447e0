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
BROADEST = 2.5
"""Largest logarithm of a broadening: by some eleven widths."""
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
        Shift; the logarithm u of Lorentzian broadening by scale·(eᵘ − 1), or of Gaussian broadening by a variance of
        scale²·(eᵘ − 1), by which no line becomes narrower than it can be; and of two pools of one line the share of
        that at the lower shift, and their distance.
    pieces : ndarray, shape (repetitions, knots)
        Share of each knot in each repetition; rows sum to 1, or to 0 where there is none.
    start : ndarray, shape (repetitions,)
        Where it is sought, against the reference [Hz; a share has no unit].
    sd : ndarray, shape (repetitions,)
        SD expected about the start.
    scale_hz : float
        Broadening at u = ln 2.
    """

    name: str
    lines: tuple[str, ...]
    of: Literal["shift", "width", "spread", "share", "apart"]
    pieces: Real
    start: Real
    sd: Real
    scale_hz: float = 1.0

    def rate(self, value: float) -> tuple[complex, complex]:
        """Exponent per unit of time (its square for a spread) by which the line is multiplied, and its slope."""
        if self.of == "shift":
            return 2j * np.pi * value, 2j * np.pi
        # On the way to the minimum no line may be broadened away.
        value = min(value, BROADEST)
        scale = -np.pi * self.scale_hz if self.of == "width" else -2 * np.pi**2 * self.scale_hz**2
        return scale * np.expm1(value), scale * np.exp(value)


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
    pools = {motion.of: i for i, motion in enumerate(motions) if motion.of in POOLS}
    places = [[lines.names.index(name) for name in motion.lines] for motion in motions]
    moved = {i: motion.rate(float(values[i])) for i, motion in enumerate(motions) if motion.of not in POOLS}
    for i, (rate, _) in moved.items():
        by_square = motions[i].of == "spread"
        basis[places[i]] *= np.exp(rate.real * time**2) if by_square else _exponential(rate, time)
    if pools:
        share, apart = pools["share"], pools["apart"]
        line = places[share][0]
        both, *slopes = _split(float(values[share]), float(values[apart]), time)
        for i, of_pools in zip((share, apart), slopes, strict=True):
            changes[i] = own[line] * basis[line] * of_pools
        basis[line] *= both
    for i, (_, slope) in moved.items():
        changes[i] = slope * (time**2 if motions[i].of == "spread" else time) * (own[places[i]] @ basis[places[i]])
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
