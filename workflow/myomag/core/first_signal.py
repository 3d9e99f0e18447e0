"""Start of the signal of an FID: samples before it contain noise or zeros and belong to no line.

A scanner that opens its receiver early, or counts to a centre column, stores them; fitted as signal they turn every
line relative to PCr (eight samples at 3000 Hz: β-ATP by 2.2 cycles at 3 T).
"""

import numpy as np
from numpy.typing import NDArray

Complex = NDArray[np.complex128]

NOISE_LIMIT = 4.5
"""Noise exceeds this many SDs per channel once in 25,000 samples."""

WEAK = 0.15
"""Below this fraction of the early signal a first sample is suspect; a half-weighted first sample is not."""

MODEL_ERROR = 0.15
"""Error of the extrapolated signal [fraction of the early signal], which lacks broad signals."""

EVIDENCE = 10.0
"""Log-likelihood ratio that decides between signal and none: odds of 20,000 to 1."""

BROAD_S = 1.2e-3
"""Broad signals have decayed after this time [s]: the extrapolation starts there."""

_WINDOW, _LEVEL, _FEW = 256, 16, 4
_POWERS = 20
_LARGEST_GROWTH, _LARGEST_RANK, _HANKEL_NOISE = 20.0, 30, 1.3


def leading_samples_to_cut(fid: NDArray[np.complexfloating], *, dwell_time_s: float) -> int:
    """Number of samples before the signal, 0 for an FID that starts with it.

    Suspects are the samples before the first one that exceeds the noise and 15 % of the early signal. The signal after
    them is decomposed into damped exponentials (HSVD; Barkhuijsen et al. 1987, J Magn Reson 73:553 [U]) and
    extrapolated backwards to n < k: they are removed if Σ(|y − s|² − |y|²)/2σ² > 10, that is if a signal of that size
    is clearly absent, and kept otherwise (lines of opposite phase cancel at the start of some FIDs).

    Parameters
    ----------
    fid : ndarray, shape (points, ...)
        One FID, or transients and coils of one scan, whose strongest common FID is used.
    dwell_time_s : float
        Sampling interval [s].

    Raises
    ------
    ValueError
        If the first samples are undecided, or the signal starts after the first eighth of the samples.
    """
    common = _common(np.asarray(fid, dtype=np.complex128))
    noise, level = _noise_sd(common), _early_level(common)
    suspects = _suspects(common, noise, level)
    if not suspects:
        return 0
    start = suspects + min(max(int(np.ceil(BROAD_S / dwell_time_s)), 2), common.size // 16)
    signal = _extrapolated(common[start : start + _WINDOW], start, noise)[:suspects]
    evidence = _evidence(common[:suspects], signal, float(np.hypot(noise, MODEL_ERROR * level)))
    cut = int(np.argmax(evidence))
    if evidence[cut] > EVIDENCE:
        return cut
    if suspects < _FEW or evidence[-1] < -EVIDENCE:
        return 0
    raise ValueError(
        f"the first {suspects} samples may precede the signal, which the header does not say; export the scan from "
        "its start"
    )


def _suspects(fid: Complex, noise: float, level: float) -> int:
    """Number of samples before the first clear one; 0 if the whole signal is hardly above the noise."""
    if level <= NOISE_LIMIT * noise:
        return 0
    suspects = int(np.argmax(np.abs(fid) > max(NOISE_LIMIT * noise, WEAK * level)))
    if suspects > fid.size // 8:
        raise ValueError(f"the signal starts after {suspects} of {fid.size} samples; export the scan again")
    return suspects


def _common(fid: Complex) -> Complex:
    """FID common to transients and coils up to amplitude and phase, shape (points,)."""
    columns = fid.reshape(fid.shape[0], -1)
    if columns.shape[1] == 1:
        return columns[:, 0]
    # The first singular vector, by powers of the matrix: thousands of transients are too many for all of them.
    common = columns[:, np.argmax(np.linalg.norm(columns, axis=0))]
    for _ in range(_POWERS):
        share = columns.conj().T @ common
        # An FID of zeros remains zero.
        common = columns @ (share / (np.linalg.norm(share) or 1.0))
    return np.asarray(common)


def _noise_sd(fid: Complex) -> float:
    """Noise SD per channel from the spectrum of the last quarter, most of which is free of lines."""
    tail = fid[-(fid.size // 4) :]
    window = np.hanning(tail.size)
    # The median of a Rayleigh magnitude is √(2 ln 2) SDs.
    median = np.median(np.abs(np.fft.fft(tail * window)))
    return float(median / np.sqrt(2 * np.log(2) * np.sum(window**2)))


def _early_level(fid: Complex) -> float:
    """Largest rms magnitude over some samples within the first quarter."""
    power = np.abs(fid[: fid.size // 4 + _LEVEL]) ** 2
    return float(np.sqrt(np.convolve(power, np.ones(_LEVEL) / _LEVEL, "valid").max()))


def _evidence(held: Complex, signal: Complex, sd: float) -> NDArray[np.float64]:
    """Log-likelihood ratio that none of the first 0, 1, ... samples contains the signal, against that they do."""
    gain = np.abs(held - signal) ** 2 - np.abs(held) ** 2
    return np.concatenate([[0.0], np.cumsum(gain) / (2 * sd**2)])


def _extrapolated(fid: Complex, samples: int, noise: float) -> Complex:
    """Damped exponentials of an FID at the `samples` sampling times before it, shape (samples,)."""
    rows = fid.size // 2
    hankel = np.lib.stride_tricks.sliding_window_view(fid, fid.size - rows + 1)
    vectors, values, _ = np.linalg.svd(hankel, full_matrices=False)
    noise_value = _HANKEL_NOISE * np.sqrt(2) * noise * (np.sqrt(rows) + np.sqrt(hankel.shape[1]))
    rank = min(int(np.sum(values > max(noise_value, 1e-6 * values[0]))), _LARGEST_RANK)
    basis = vectors[:, :rank]
    poles = np.linalg.eigvals(np.linalg.lstsq(basis[:-1], basis[1:], rcond=None)[0])
    # Strongly damped ones diverge backwards: they are broad signals, or noise.
    poles = poles[(np.abs(poles) ** samples * _LARGEST_GROWTH > 1) & (np.abs(poles) < 1.02)]
    modes = poles ** np.arange(fid.size)[:, None]
    amplitudes = np.linalg.lstsq(modes, fid, rcond=None)[0]
    return np.asarray(poles ** np.arange(-samples, 0)[:, None] @ amplitudes)
