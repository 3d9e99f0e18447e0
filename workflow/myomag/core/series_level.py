"""Steps of the ATP signal, which exercise does not change: the gain or the position of the muscle changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

STEP_SDS, STEP_SHARE = 6.0, 0.08
"""Least size of a step in SDs and as a fraction: smaller changes of ATP occur in exercise."""
BESIDE, SHARPNESS = 5, 0.6
"""This fraction of a step must lie between the means of this many repetitions on either side; the rest is drift."""
MOVED_SDS, MOVED_SHARE = 4.0, 0.12
"""A repetition whose ATP differs from the others by this many SDs and this fraction is spoiled."""


@dataclass(frozen=True)
class Level:
    """ATP signal over a series.

    Attributes
    ----------
    step : int or None
        First repetition after a step.
    ratio : float
        Signal after it over that before it; 1 without a step.
    moved : ndarray of bool, shape (repetitions,)
        Repetitions that differ from the others on their side of the step: the muscle moved relative to the coil.
    """

    step: int | None
    ratio: float
    moved: NDArray[np.bool_]


def atp_level(atp: Real, sd: Real) -> Level:
    """Step and outliers of the ATP signal.

    Parameters
    ----------
    atp, sd : ndarray, shape (repetitions,)
        Amplitude of ATP and its SD.
    """
    alike = np.abs(atp - np.median(atp)) < 0.5 * np.median(atp)
    step = _step(np.flatnonzero(alike), atp[alike], sd[alike])
    sides = [slice(None)] if step is None else [slice(None, step), slice(step, None)]
    moved = np.zeros(len(atp), dtype=bool)
    middles = [float(np.median(atp[side])) for side in sides]
    for side, middle in zip(sides, middles, strict=True):
        beside = np.abs(atp[side] - middle)
        moved[side] = (beside > MOVED_SDS * sd[side]) & (beside > MOVED_SHARE * middle)
    return Level(step, middles[-1] / middles[0], moved)


def _step(places: NDArray[np.intp], atp: Real, sd: Real) -> int | None:
    """First repetition after the step that explains most; None without a clear step."""
    count = len(atp)
    if count < 4 * BESIDE:
        return None
    splits = np.arange(BESIDE, count - BESIDE + 1)
    weight = 1 / sd**2
    total, sums = np.cumsum(weight), np.cumsum(weight * atp)
    before, behind = (
        sums[splits - 1] / total[splits - 1],
        (sums[-1] - sums[splits - 1]) / (total[-1] - total[splits - 1]),
    )
    error = np.sqrt(1 / total[splits - 1] + 1 / (total[-1] - total[splits - 1]))
    best = int(np.argmax(np.abs(behind - before) / error))
    jump, split = float(behind[best] - before[best]), int(splits[best])
    near = float(np.median(atp[split : split + BESIDE]) - np.median(atp[split - BESIDE : split]))
    clear = abs(jump) > STEP_SDS * error[best] and abs(jump) > STEP_SHARE * before[best]
    return int(places[split]) if clear and near / jump > SHARPNESS else None
