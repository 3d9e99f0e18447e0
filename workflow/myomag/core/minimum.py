"""Minimum of the sum of squares of an AMARES model within its bounds."""

import numpy as np
from numpy.typing import NDArray

from myomag.core.newton import Minimum, minimise
from myomag.core.objective import Objective
from myomag.core.parameters import FREQUENCY, GAUSSIAN, LORENTZIAN, ParameterMap

Real = NDArray[np.float64]

_SHAPE_REACH = 0.5
"""Longest step of a coefficient of the line shape [rad or neper]: beyond it the model is not linear."""


def minimised(objective: Objective, theta: Real, held: int | None = None, steps: int | None = None) -> Minimum:
    """Minimum starting from θ (line-shape coefficients missing in θ start at zero), optionally with one parameter held.

    Parameters
    ----------
    held : int, optional
        Parameter to hold.
    steps : int, optional
        Largest number of steps.
    """
    lower, upper = bounds(objective)
    if held is not None:
        lower[held] = upper[held] = theta[held]
    theta = np.pad(theta, (0, len(lower) - len(theta)))
    reach = _reach_hz(objective.layout, theta[: len(objective.layout.names)])
    reach = np.append(reach, np.full(len(theta) - len(reach), _SHAPE_REACH))
    floor = 1e-20 * len(objective.fid)
    return minimise(objective, theta, lower=lower, upper=upper, reach=reach, floor=floor, most=steps)


def bounds(objective: Objective) -> tuple[Real, Real]:
    """Bounds of θ; a line shape has none."""
    layout, free = objective.layout, np.full(objective.size - len(objective.layout.names), np.inf)
    return np.append(layout.lower, -free), np.append(layout.upper, free)


def _reach_hz(layout: ParameterMap, theta: Real) -> Real:
    """Longest step of each parameter: half a line width for a frequency, so that a line does not jump off its peak."""
    lines = layout.lines(theta)
    widths = lines[LORENTZIAN] + np.sqrt(lines[GAUSSIAN])
    moved = layout.line_matrix[FREQUENCY] != 0
    return np.where(moved.any(axis=0), (moved * widths[:, None]).max(axis=0) / 2, np.inf)
