"""Number of orders of the line shape that the data support."""

import numpy as np
from numpy.typing import NDArray

from myomag.core.noise_decay import noise_variance
from myomag.core.objective import Objective


def wanted_order(largest: Objective, theta: NDArray[np.float64], order: int) -> int:
    """Order with the best balance of fit and complexity.

    From the minimum of one order, a linear step gives the decrease of the sum of squares for every higher order,
    because the functions of an order contain those of lower orders. Each coefficient must lower χ² by ln(2·points)
    (Schwarz 1978, Ann Statist 6:461).

    Parameters
    ----------
    largest : Objective
        Problem with the highest order allowed.
    theta : ndarray, shape (parameters,)
        Minimum of the problem with `order`.
    order : int
        Order to start from.
    """
    known, total = len(theta), largest.size
    here = largest.evaluate(np.pad(theta, (0, total - known)))
    points, variance = len(largest.fid), noise_variance(largest, np.pad(theta, (0, total - known)))
    best, most = order, 0.0
    for added in range(2, total - known + 1, 2):
        gain = _gain(here.information, here.gradient, known + added) / variance - added * np.log(2 * points)
        if gain > most:
            best, most = order + added // 2, gain
    return best


def _gain(information: NDArray[np.float64], gradient: NDArray[np.float64], size: int) -> float:
    """How much a step of the first parameters lowers the sum of squares: gᵀ·I⁻¹·g."""
    use = np.flatnonzero(np.diag(information)[:size] > 0)
    scale = 1 / np.sqrt(np.diag(information)[use])
    scaled = information[np.ix_(use, use)] * np.outer(scale, scale)
    scaled[np.diag_indices_from(scaled)] += 1e-10
    return float(gradient[use] * scale @ np.linalg.solve(scaled, scale * gradient[use]))
