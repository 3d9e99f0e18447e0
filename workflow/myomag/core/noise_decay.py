"""Noise that decays along an FID, as apodisation leaves it."""

import numpy as np
from numpy.typing import NDArray

from myomag.core.objective import Objective

_BLOCKS = 16
_SIGNIFICANCE = 4.0


def noise_variance(objective: Objective, theta: NDArray[np.float64]) -> float:
    """Noise variance per channel where the signal lives, from the residual of a fit [FID units²].

    The mean over the FID, unless the power of the residual falls over its second half, where no signal is left: then
    the exponential found there is carried back to where the signal is, and weighted by the power of the model.
    """
    model = objective.model(theta)
    points = len(objective.fid)
    mean = model.residual_norm_sq / (2 * points)
    length = points // _BLOCKS
    if length < _BLOCKS or mean == 0:
        return mean
    residual = objective.fid.copy()
    residual[: len(model.residual)] = model.residual
    power = (np.abs(residual[: _BLOCKS * length]) ** 2).reshape(_BLOCKS, length).mean(axis=1)[_BLOCKS // 2 :]
    if not power.all():
        return mean
    blocks = np.arange(len(power)) - (len(power) - 1) / 2
    # The logarithm of a mean over n exponential values has the SD 1/√n.
    slope = float(blocks @ np.log(power) / (blocks @ blocks))
    if slope > -_SIGNIFICANCE / np.sqrt(length * (blocks @ blocks)):
        return mean
    time = np.arange(len(model.residual)) / length - (0.75 * _BLOCKS - 0.5)
    carried = np.exp(np.log(power).mean() + slope * time) / 2
    weight = np.abs(objective.fid[: len(model.residual)] - model.residual) ** 2
    return max(mean, float(weight @ carried / max(weight.sum(), np.finfo(float).tiny)))
