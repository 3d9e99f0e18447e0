"""Covariance of fitted parameters: Cramér–Rao bound and observed information."""

import numpy as np
from numpy.typing import NDArray

ONE_SIDED_RISE = 2.7055
"""Square of the 95 % quantile of the normal distribution."""


def fitted_covariance(
    hessian: NDArray[np.float64], information: NDArray[np.float64], free: NDArray[np.bool_], noise_sd: float
) -> NDArray[np.float64]:
    """Covariance of the free parameters from the curvature of the sum of squares, shape (parameters, parameters).

    σ²·H⁻¹: the observed information describes the sharpness of the minimum for this FID and gives better coverage than
    the expected one (Efron & Hinkley 1978, Biometrika 65:457). If H is not positive definite, JᵀJ replaces it.

    Parameters
    ----------
    hessian : ndarray, shape (parameters, parameters)
        Half the Hessian of the sum of squares.
    information, free, noise_sd
        As in `parameter_covariance`.
    """
    informed = free & (np.diag(information) > 0)
    try:
        np.linalg.cholesky(hessian[np.ix_(informed, informed)])
    except np.linalg.LinAlgError:
        return parameter_covariance(information, free, noise_sd)
    return parameter_covariance(hessian, free, noise_sd)


def one_sided_distances(
    hessian: NDArray[np.float64], gradient: NDArray[np.float64], free: NDArray[np.bool_], noise_sd: float
) -> NDArray[np.float64]:
    """Distance of the far end of the one-sided 95 % interval of each held parameter from its bound, signed.

    A distance d increases the sum of squares, with the free parameters re-optimised, by 2|g|·d + S·d² with the Schur
    complement S of the free block; the interval ends where this is 2.71·σ² (profile likelihood, one-sided). NaN if the
    data do not limit the parameter.

    Parameters
    ----------
    hessian, free, noise_sd
        As in `fitted_covariance`.
    gradient : ndarray, shape (parameters,)
        Half the negative gradient of the sum of squares; it points outside the bounds for a held parameter.
    """
    held, usable = np.flatnonzero(~free), np.flatnonzero(free & (np.diag(hessian) > 0))
    scale = 1 / np.sqrt(np.diag(hessian)[usable])
    block = hessian[np.ix_(usable, usable)] * np.outer(scale, scale)
    # Slight damping, for parameters that cannot be distinguished.
    block[np.diag_indices_from(block)] += 1e-12
    coupling = hessian[np.ix_(usable, held)] * scale[:, None]
    curvature = np.diag(hessian)[held] - (coupling * np.linalg.solve(block, coupling)).sum(axis=0)
    curvature, slope = np.maximum(curvature, 0.0), np.abs(gradient[held])
    rise = ONE_SIDED_RISE * noise_sd**2
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = rise / (slope + np.sqrt(slope**2 + curvature * rise))
    return np.where(np.isfinite(distance), np.copysign(distance, -gradient[held]), np.nan)


def parameter_covariance(
    information: NDArray[np.float64], free: NDArray[np.bool_], noise_sd: float
) -> NDArray[np.float64]:
    """Cramér–Rao bound of the free parameters, shape (parameters, parameters).

    σ²·(JᵀJ)⁻¹ over the free parameters: the Cramér–Rao bound for white noise of variance σ² per real and imaginary
    channel (Cavassila et al. 2001, NMR Biomed 14:278). A parameter held at a bound is treated as known; one that the
    data do not determine (the width of a line of zero amplitude) has NaN.

    Parameters
    ----------
    information : ndarray, shape (parameters, parameters)
        JᵀJ over real and imaginary parts, or another matrix for the sharpness of the minimum.
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
