"""Covariance of fitted parameters."""

import numpy as np
from numpy.typing import NDArray


def parameter_covariance(
    information: NDArray[np.float64], free: NDArray[np.bool_], noise_sd: float
) -> NDArray[np.float64]:
    """Covariance of the free parameters at the minimum, shape (parameters, parameters).

    σ²·(JᵀJ)⁻¹ over the free parameters: the Cramér–Rao bound for white noise of variance σ² per real and imaginary
    channel (Cavassila et al. 2001, NMR Biomed 14:278). A parameter held at a bound is treated as known; one the data
    say nothing about (the width of a line of zero amplitude) has NaN.

    Parameters
    ----------
    information : ndarray, shape (parameters, parameters)
        JᵀJ over real and imaginary parts.
    free : ndarray of bool, shape (parameters,)
        Parameters away from their bounds.
    noise_sd : float
        Noise SD per channel [FID units].
    """
    size = len(information)
    covariance = np.zeros((size, size))
    diagonal = np.diag(information)
    informed = free & (diagonal > 0)
    covariance[free & ~informed, :] = covariance[:, free & ~informed] = np.nan
    if not informed.any():
        return covariance
    # Scaling to unit diagonal keeps the inversion well conditioned whatever the units.
    scale = 1 / np.sqrt(diagonal[informed])
    scaled = information[np.ix_(informed, informed)] * np.outer(scale, scale)
    try:
        inverse = np.linalg.inv(scaled)
    except np.linalg.LinAlgError:
        inverse = np.full_like(scaled, np.nan)
    inverse[:, np.diag(inverse) <= 0] = np.nan
    covariance[np.ix_(informed, informed)] = noise_sd**2 * inverse * np.outer(scale, scale)
    return covariance
