"""Frequency and phase of each transient by maximum likelihood, and rejection of outlying transients."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.axes import power
from myomag.core.robust import robust_sd
from myomag.core.shrinkage import shrink_phases, shrink_to_trend

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

_PASSES = 3
_NEWTON_STEPS = 4
# Turns within one block of samples at the largest shift; .05 costs .4 % of the signal at that shift.
_TURNS_PER_BLOCK = 0.05
# For noise alone |c|²/(2·variance) is exponential: it exceeds 16 by chance once in 10⁷ frequencies.
_DETECTION = 16.0
# A phase at a given frequency is not selected from many.
_PHASE_DETECTION = 4.0
# The energy of the reference is averaged over this many blocks, to see where it exceeds the noise.
_SMOOTHING = np.full(9, 1 / 9)
# Fewer transients have no spread by which to identify an outlier.
_MIN_FOR_REJECTION = 5
# Complex64 data have no more than this relative precision.
_PRECISION = 1e-6


@dataclass(frozen=True)
class Alignment:
    """Transients brought to a common frequency and phase, and their mean.

    Attributes
    ----------
    shifts_hz, phases_deg : ndarray, shape (transients,)
        Frequency [Hz] and phase [degrees] removed from each transient.
    rejected : dict of int to str
        Reason for each transient (0-based) left out of the mean.
    average : ndarray, shape (points,)
        Mean of the accepted transients.
    """

    shifts_hz: Real
    phases_deg: Real
    rejected: dict[int, str]
    average: Complex


def align_transients(
    fid: Complex, *, dwell_time_s: float, noise_sd: float, max_shift_hz: float, outlier_z: float, align: bool = True
) -> Alignment:
    """Align transients, reject outliers and average.

    Model: y_k(t) = a_k·r(t)·exp(i2πf_k·t + iφ_k) + noise. Given r, the likelihood is largest at the f that maximises |Σ
    r*·y_k·exp(−i2πft)|, and at the phase of that sum. r is the mean of the other accepted transients, starting from one
    typical transient. Shifts and phases are shrunk by their noise according to the Cramér–Rao bound, so that a stable
    scan is not changed; corrections that do not increase the energy of the mean are dropped. (Spectral registration in
    the time domain, Near et al. 2015, MRM 73:44, with matched-filter weights.)

    Parameters
    ----------
    fid : ndarray, shape (points, transients)
        Transients, coils combined.
    dwell_time_s : float
        Sampling interval [s].
    noise_sd : float
        Noise SD of one transient, real or imaginary channel [units of the FID].
    max_shift_hz : float
        Largest frequency correction [Hz].
    outlier_z : float
        Robust z beyond which a transient is rejected.
    align : bool
        False: reject and average only.
    """
    transients = fid.shape[1]
    shifts, phases = np.zeros(transients), np.zeros(transients)
    if transients == 1:
        return Alignment(shifts, phases, {}, fid[:, 0].copy())
    aligned, accepted = fid, _plausible(fid, outlier_z)
    if align:
        shifts, phases = _estimate(fid, accepted, dwell_time_s, noise_sd, max_shift_hz, outlier_z)
        aligned = fid * np.conj(phasors(shifts, phases, fid.shape[0], dwell_time_s))
        if _energy_of_mean(aligned, accepted) <= _energy_of_mean(fid, accepted):
            shifts, phases, aligned = np.zeros(transients), np.zeros(transients), fid
    rejected = outliers(aligned, accepted, noise_sd, outlier_z)
    accepted = _complement(rejected, transients)
    return Alignment(shifts, np.rad2deg(phases), rejected, aligned[:, accepted].mean(axis=1))


def phasors(shifts_hz: Real, phases_rad: Real, points: int, dwell_time_s: float) -> Complex:
    """exp(i2πf_k·t + iφ_k), shape (points, transients), from one row and one column of exponentials each."""
    block = int(np.ceil(np.sqrt(points)))
    turn = 2j * np.pi * dwell_time_s * shifts_hz
    fine = np.exp(np.outer(np.arange(block), turn) + 1j * phases_rad)
    coarse = np.exp(np.outer(block * np.arange(-(-points // block)), turn))
    return np.asarray((coarse[:, None, :] * fine[None, :, :]).reshape(-1, shifts_hz.size)[:points])


def outliers(aligned: Complex, accepted: NDArray[np.bool_], noise_sd: float, outlier_z: float) -> dict[int, str]:
    """Transients whose residual from the mean, or whose amplitude, exceeds `outlier_z` robust SDs, with reasons.

    The robust SD is 1.4826 MAD over the scan, but at least that of the noise alone.
    """
    points, transients = aligned.shape
    if transients < _MIN_FOR_REJECTION:
        return {}
    reference = aligned[:, accepted].mean(axis=1)
    reference_energy = float(np.sum(power(reference)))
    if reference_energy == 0:
        return {}
    overlap = np.conj(reference) @ aligned
    energy = np.sum(power(aligned), axis=0)
    residual = np.maximum(energy - np.abs(overlap) ** 2 / reference_energy, 0)
    amplitude = overlap.real / reference_energy
    floor = 2 * noise_sd**2 * np.sqrt(points) + _PRECISION**2 * np.median(energy)
    residual_z = _robust_z(residual, float(floor))
    amplitude_z = _robust_z(amplitude, noise_sd / np.sqrt(reference_energy) + _PRECISION)
    reasons: dict[int, str] = {}
    for k in range(transients):
        if residual_z[k] > outlier_z:
            reasons[k] = f"residual energy {residual_z[k]:.1f} robust SD above the median (limit {outlier_z:g})"
        elif abs(amplitude_z[k]) > outlier_z:
            reasons[k] = (
                f"amplitude {amplitude[k] / np.median(amplitude):.2f} of the median, {abs(amplitude_z[k]):.1f} robust "
                f"SD away (limit {outlier_z:g})"
            )
    return reasons


def _estimate(
    fid: Complex,
    plausible: NDArray[np.bool_],
    dwell_time_s: float,
    noise_sd: float,
    max_shift_hz: float,
    outlier_z: float,
) -> tuple[Real, Real]:
    """Shift [Hz] and phase [rad] of each transient, shapes (transients,), mean zero over the accepted ones."""
    points, transients = fid.shape
    # At least as many blocks as are averaged over.
    longest = points // _SMOOTHING.size
    length = max(1, int(min(_TURNS_PER_BLOCK / (max_shift_hz * dwell_time_s), longest)))
    shifts, phases = np.zeros(transients), np.zeros(transients)
    aligned, accepted = fid, plausible
    members = plausible if _coherent(fid, plausible, noise_sd) else _typical(fid, plausible)
    for _ in range(_PASSES):
        correlator = _Correlator(aligned, members, length, dwell_time_s, noise_sd)
        step, variance = correlator.shifts(max_shift_hz)
        variance = np.where(np.abs(shifts + step) > max_shift_hz, np.inf, variance)
        shrunk = np.clip(shrink_to_trend(shifts + step, variance, accepted), -max_shift_hz, max_shift_hz)
        turned, phase_variance = correlator.phases(shrunk - shifts)
        shifts, phases = shrunk, shrink_phases(phases + turned, phase_variance, accepted)
        aligned = fid * np.conj(phasors(shifts, phases, points, dwell_time_s))
        members = accepted = _complement(outliers(aligned, accepted, noise_sd, outlier_z), transients)
    return shifts, phases


class _Correlator:
    """Products r*·y_k, summed over short blocks of samples, with r the mean of the other member transients."""

    def __init__(
        self, aligned: Complex, members: NDArray[np.bool_], length: int, dwell_time_s: float, noise_sd: float
    ) -> None:
        count = int(members.sum())
        total = aligned[:, members].sum(axis=1)
        others = np.maximum(count - members, 1)
        # Leaving a transient out of its own reference keeps its noise from favouring the present shift.
        own = members & (count > 1)
        product = np.conj(total)[:, None] * aligned - own * power(aligned)
        sums = _block_sums(product / others, length)
        energy = np.convolve(_block_sums(power(total[:, None] / count), length)[:, 0].real, _SMOOTHING, "same")
        noise = 2 * length * noise_sd**2 / count
        present = energy > noise * (1 + 3 / np.sqrt(length * _SMOOTHING.size))
        weight = np.where(present, 1 - noise / np.where(present, energy, 1), 0)
        # Block by block, from the middle of the first one.
        self._block_s = dwell_time_s * length
        self._time = self._block_s * np.arange(sums.shape[0]) + dwell_time_s * (length - 1) / 2
        self._sums = weight[:, None] * sums
        self._signal = weight * energy
        self._noise = weight * self._signal * noise_sd**2 * (1 + 1 / count)

    def shifts(self, max_shift_hz: float) -> tuple[Real, Real]:
        """Maximum-likelihood shifts [Hz] and their variances [Hz²]; infinite if nothing is detected."""
        transients = self._sums.shape[1]
        if not np.any(self._signal):
            return np.zeros(transients), np.full(transients, np.inf)
        centred = self._time - np.average(self._time, weights=self._signal)
        second_moment = float(np.sum(self._signal * centred**2))
        spread_s = max(np.sqrt(second_moment / self._signal.sum()), self._time[1] - self._time[0])
        steps = int(np.ceil(16 * spread_s * max_shift_hz))
        grid = np.linspace(-max_shift_hz, max_shift_hz, 2 * steps + 1)
        coarse = np.abs(self._turns(grid).T @ self._sums)
        shift = self._refine(grid[np.argmax(coarse, axis=0)], max_shift_hz / steps)
        fisher = 2 * np.pi * second_moment
        variance = np.full(transients, np.sum(self._noise * centred**2) / fisher**2 if fisher else np.inf)
        found = np.abs(self._at(shift)[0]) ** 2 >= 2 * _DETECTION * self._noise.sum()
        return np.where(found, shift, 0.0), np.where(found, variance, np.inf)

    def phases(self, shift_hz: Real) -> tuple[Real, Real]:
        """Phases [rad] at given shifts and their variances [rad²]; infinite if nothing is detected."""
        value = self._at(shift_hz)[0]
        noise, signal = float(self._noise.sum()), float(self._signal.sum())
        variance = noise / signal**2 if signal else np.inf
        return np.angle(value), np.where(np.abs(value) ** 2 >= 2 * _PHASE_DETECTION * noise, variance, np.inf)

    def _refine(self, shift_hz: Real, step_hz: float) -> Real:
        """Newton steps on |c(f)|² from the best point of the grid, kept within one step of it."""
        start = shift_hz
        for _ in range(_NEWTON_STEPS):
            value, slope, curvature = self._at(shift_hz)
            first = np.real(np.conj(value) * slope)
            second = np.abs(slope) ** 2 + np.real(np.conj(value) * curvature)
            move = np.divide(-first, second, out=np.zeros_like(first), where=second < 0)
            shift_hz = np.clip(shift_hz + move, start - step_hz, start + step_hz)
        return shift_hz

    def _at(self, shift_hz: Real) -> tuple[Complex, Complex, Complex]:
        """Correlation c(f) = Σ r*·y·exp(−i2πft) and its first two derivatives, shapes (transients,)."""
        turned = self._sums * self._turns(shift_hz)
        angular = -2j * np.pi * self._time
        value, slope, curvature = np.stack([np.ones_like(angular), angular, angular**2]) @ turned
        return value, slope, curvature

    def _turns(self, shift_hz: Real) -> Complex:
        """exp(−i2πft) at the times of the blocks, shape (blocks, shifts)."""
        return phasors(-shift_hz, -2 * np.pi * self._time[0] * shift_hz, self._time.size, self._block_s)


def _plausible(fid: Complex, outlier_z: float) -> NDArray[np.bool_]:
    """Transients with typical energy, for the first reference."""
    energy = np.sum(power(fid), axis=0)
    if energy.size < _MIN_FOR_REJECTION:
        return np.ones(energy.size, dtype=bool)
    return np.abs(_robust_z(energy, float(np.median(energy)) / np.sqrt(fid.shape[0]))) <= outlier_z


def _coherent(fid: Complex, accepted: NDArray[np.bool_], noise_sd: float) -> bool:
    """Whether the plain mean keeps half of the signal energy, and is thus a better start than one transient."""
    noise_energy = 2 * noise_sd**2 * fid.shape[0]
    single = float(np.sum(power(fid[:, accepted]))) / accepted.sum() - noise_energy
    return bool(_energy_of_mean(fid, accepted) - noise_energy / accepted.sum() >= single / 2)


def _typical(fid: Complex, accepted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mask of the accepted transient whose energy is nearest to their median."""
    energy = np.sum(power(fid), axis=0)
    distance = np.where(accepted, np.abs(energy - np.median(energy[accepted])), np.inf)
    return np.asarray(np.arange(energy.size) == np.argmin(distance))


def _robust_z(value: Real, floor: float) -> Real:
    """Distance from the median in units of 1.4826 MAD, or of `floor` if that is larger."""
    deviation = value - np.median(value)
    scale = max(robust_sd(deviation), floor)
    return np.asarray(deviation / scale) if scale > 0 else np.zeros_like(value)


def _energy_of_mean(fid: Complex, accepted: NDArray[np.bool_]) -> float:
    return float(np.sum(power(fid[:, accepted].mean(axis=1))))


def _complement(rejected: dict[int, str], transients: int) -> NDArray[np.bool_]:
    mask = np.ones(transients, dtype=bool)
    mask[list(rejected)] = False
    return mask


def _block_sums(values: NDArray[np.complexfloating | np.floating], length: int) -> Complex:
    """Sum consecutive blocks of `length` samples, without an incomplete last one; shape (blocks, columns)."""
    blocks = values.shape[0] // length
    return np.asarray(values[: blocks * length].reshape(blocks, length, -1).sum(axis=1), dtype=np.complex128)
