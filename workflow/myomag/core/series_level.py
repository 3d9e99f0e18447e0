"""Whether the signal of ATP, which work leaves as it is, steps: the gain or the place of the muscle has changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

STEP_SDS, STEP_SHARE = 6.0, 0.08
"""A step stands out by so many SDs, and by such a share: less is within what ATP does in work."""
BESIDE, SHARPNESS = 5, 0.6
"""So much of it has to be between the means of so many repetitions before and behind: the rest is drift."""
MOVED_SDS, MOVED_SHARE = 4.0, 0.12
"""A repetition whose ATP lies so many SDs and by such a share off the others is spoiled."""


@dataclass(frozen=True)
class Level:
    """Signal of ATP over a series.

    Attributes
    ----------
    step : int or None
        First repetition behind a step.
    ratio : float
        Signal behind it over that before it; 1 without one.
    moved : ndarray of bool, shape (repetitions,)
        Repetitions that lie off those on their side of the step: the muscle has moved against the coil.
    """

    step: int | None
    ratio: float
    moved: NDArray[np.bool_]


def atp_level(atp: Real, sd: Real) -> Level:
    """Step and outliers of the signal of ATP.

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
    """First repetition behind the step that explains most; None without a clear one."""
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
