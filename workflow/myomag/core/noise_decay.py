"""Noise that decays along an FID, as apodisation leaves it."""

import numpy as np
from numpy.typing import NDArray

from myomag.core.objective import Objective

Real = NDArray[np.float64]

_BLOCKS = 16
# Second quarter and second half of the FID, in blocks: zero padding may have affected one or the other.
_QUIET = (slice(4, 8), slice(8, 16))
_SIGNIFICANCE = 4.0


def noise_variance(objective: Objective, theta: Real) -> float:
    """Noise variance per channel where the signal is, from the residual of a fit [FID units²].

    The mean over the FID, unless the power of the residual decays where little signal is left: then the exponential
    found there is extrapolated back to the signal, and weighted by the power of the model.
    """
    model = objective.model(theta)
    points = len(objective.fid)
    mean, length = model.residual_norm_sq / (2 * points), points // _BLOCKS
    if length < _BLOCKS or mean == 0:
        return mean
    residual = objective.fid.copy()
    residual[: len(model.residual)] = model.residual
    power = (np.abs(residual[: _BLOCKS * length]) ** 2).reshape(_BLOCKS, length).mean(axis=1)
    weight = np.abs(objective.fid[: len(model.residual)] - model.residual) ** 2
    time = np.arange(len(weight)) / length - 0.5
    carried = [_carried_back(power, quiet, length, time) for quiet in _QUIET]
    total = max(float(weight.sum()), np.finfo(float).tiny)
    return max(mean, *(float(weight @ each) / total / 2 for each in carried))


def _carried_back(power: Real, quiet: slice, length: int, time: Real) -> Real:
    """Exponential of the power in some blocks at other times [blocks]; zero if it does not decay.

    The logarithm of a mean over n exponential values has the SD 1/√n.
    """
    blocks, values = np.arange(len(power))[quiet], power[quiet]
    if not values.all():
        return np.zeros_like(time)
    centred = blocks - blocks.mean()
    slope = float(centred @ np.log(values) / (centred @ centred))
    if slope > -_SIGNIFICANCE / np.sqrt(length * (centred @ centred)):
        return np.zeros_like(time)
    return np.asarray(np.exp(np.log(values).mean() + slope * (time - blocks.mean())))
