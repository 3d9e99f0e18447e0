"""Channel combination with the largest SNR of all linear combinations."""

import numpy as np
from numpy.typing import NDArray

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

_SMOOTHING = np.full(17, 1 / 17)
_PASSES = 3
# Phases estimated from noise also increase the energy of the mean: the gain must be clearly larger.
_MARGIN = 1.3


def combine_coils(fid: Complex) -> Complex:
    """Combine coils by their noise covariance and sensitivities, shape (points, transients).

    With noise covariance Ψ = LL^H from the last quarter of each FID and u the whitened sensitivity profile, the
    combination u^H·L⁻¹·data has the largest SNR of all linear ones (Rodgers & Robson 2010, MRM 63:881). The profile is
    that of the mean over the phase-aligned transients, where the signal exceeds the noise: in single transients of many
    coils it would be that of the noise. The result is scaled so that amplitude and phase are those of the coil with the
    highest SNR.

    Parameters
    ----------
    fid : ndarray, shape (points, transients, coils)
    """
    points, transients, coils = fid.shape
    if coils == 1:
        return np.ascontiguousarray(fid[:, :, 0])
    tail = fid[-(points // 4) :].reshape(-1, coils)
    whiten = whitening(tail.T @ tail.conj() / tail.shape[0])
    white = (whiten @ fid.reshape(-1, coils).T).reshape(coils, points, transients)
    profile, energy = _of_mean(white)
    phased, more = _refined(white)
    if more > _MARGIN * energy:
        profile = phased
    sensitivity = np.linalg.solve(whiten, profile)
    strongest = int(np.argmax(np.abs(profile)))
    combined = sensitivity[strongest] * np.tensordot(profile.conj(), white, 1)
    return np.asarray(combined.reshape(points, transients))


def whitening(covariance: Complex) -> Complex:
    """L⁻¹ of the Cholesky factor of a noise covariance; the identity if there is no noise."""
    coils = covariance.shape[0]
    power = float(np.trace(covariance).real) / coils
    if power == 0:
        return np.eye(coils, dtype=np.complex128)
    # A channel without noise (unplugged, or simulated) must not get infinite weight.
    factor = np.linalg.cholesky(covariance + 1e-6 * power * np.eye(coils))
    return np.asarray(np.linalg.inv(factor))


def _of_mean(white: Complex) -> tuple[Complex, float]:
    """Profile of the plain mean over the transients, shape (coils,), and the signal energy of their combined mean."""
    mean = white.mean(axis=2)
    profile = _leading(mean)
    return profile, float(np.sum(_signal_energy((profile.conj() @ mean)[None], 1.0 / white.shape[2])))


def _refined(white: Complex) -> tuple[Complex, float]:
    """Profile and energy of the mean after phase alignment of the transients, first over all coils."""
    profile, energy = _of_mean(white * _turns(white))
    for _ in range(_PASSES):
        combined = np.tensordot(profile.conj(), white, 1)
        profile, energy = _of_mean(white * _turns(combined[None]))
    return profile, energy


def _turns(white: Complex) -> Complex:
    """Factors of unit modulus that align the phases of the transients of white data, shape (transients,).

    The phases are those of the first singular vector of the data as (coils × samples) by transients, over the samples
    in which the power most exceeds that at the end. If they scatter no more than expected from noise, they are not
    changed.

    Parameters
    ----------
    white : ndarray, shape (coils, points, transients)
        Noise of variance 1.
    """
    power = (np.abs(white) ** 2).mean(axis=(0, 2))
    excess = np.cumsum(power - power[-(len(power) // 4) :].mean()) / np.sqrt(np.arange(1, len(power) + 1))
    early = white[:, : int(excess.argmax()) + 1].reshape(-1, white.shape[2])
    values, vectors = np.linalg.eigh(early.conj().T @ early)
    phases = np.angle(vectors[:, -1])
    # For a transient with energy E the phase has the variance 1/(2E).
    strength = max((float(values[-1]) - len(early)) / white.shape[2], np.finfo(float).tiny)
    scatter = -2 * np.log(np.abs(np.exp(1j * phases).mean()))
    return np.exp(1j * phases) if scatter > 1.0 / strength else np.ones(white.shape[2], dtype=np.complex128)


def _signal_energy(values: Complex, noise: float) -> Real:
    """Energy of the signal at each sample, summed over coils, smoothed, minus the noise; shape (points,).

    Parameters
    ----------
    values : ndarray, shape (coils, points)
    noise : float
        Variance of the noise of one coil.
    """
    energy = np.convolve((np.abs(values) ** 2).sum(axis=0), _SMOOTHING, "same")
    floor = noise * len(values)
    significant = energy > floor * (1 + 3 / np.sqrt(_SMOOTHING.size * len(values)))
    return np.where(significant, energy - floor, 0.0)


def _leading(mean: Complex) -> Complex:
    """First left singular vector of a mean over transients, its samples weighted by their signal, shape (coils,)."""
    energy = _signal_energy(mean, float(np.mean(np.abs(mean[:, -(mean.shape[1] // 4) :]) ** 2)))
    # Without any sample above the noise, all have equal weight.
    used = mean[:, energy > 0] if energy.any() else mean
    return np.asarray(np.linalg.svd(used, full_matrices=False)[0][:, 0])
