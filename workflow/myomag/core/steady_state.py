"""Transients acquired before the magnetisation has reached its steady state."""

import numpy as np
from numpy.typing import NDArray

from myomag.core.line_tracks import LineTracks, Track
from myomag.core.robust import robust_sd

Real = NDArray[np.float64]

FEWEST = 8
"""Fewer transients do not show a decay, but the first may differ from the others."""
FEW = 3
"""With two it is unknown which one is steady."""
MOST_OF_FEW = 2
SHIM = 0.03
"""Excess of PCr relative to that of ATP due to a change of shim or position."""
SLOWEST = 0.9
"""Largest ratio of successive excesses: flip 20°, TR a tenth of T1."""
LARGEST_SHARE = 1 / 3
"""Largest share of transients attributed to the approach to the steady state."""
ATP_SHARE = 0.7
"""A larger excess of ATP, relative to that of PCr, is a change of gain: with T1 of 4 and 2 s it is .33 to .5."""
_ATP_SDS = 0.5
"""By this many SDs: more would mistake movement for saturation, fewer would miss it in weak data."""
_CURVED = 12
_OUTLIER_SDS = 5.0
_PI_SDS = 2.0
_RATIOS = np.linspace(0, SLOWEST, 19)
_TIED = 2.0


def transients_before_steady_state(tracks: LineTracks, *, min_z: float, tolerance: float) -> int:
    """Number of initial transients whose PCr is still above its steady state.

    From equilibrium a train of equal pulses leaves M_k = M∞ + (M_0 − M∞)·ρ^k with ρ = cos α·exp(−TR/T1) (Ernst &
    Anderson 1966, Rev Sci Instrum 37:93). Such an excess of PCr is accepted if it exceeds `min_z` SDs beside a slow
    drift and describes the scan no worse than a single step, as of a muscle that moved. Other lines must agree: ATP
    with its shorter T1 has clearly less of it, whereas a gain is common to all; Pi has it too, whereas in muscle that
    starts to work PCr turns into Pi. With fewer than `FEWEST` transients the first ones are compared with the others.

    Parameters
    ----------
    tracks : LineTracks
        Lines of each transient.
    min_z : float
        Excess, in its SDs, from which it is accepted.
    tolerance : float
        Excess that may be left in a transient [fraction of the steady state].
    """
    count = len(tracks.pcr.values)
    if count < FEWEST:
        return _of_few(tracks, min_z)
    most = int(LARGEST_SHARE * count)
    kept = _usual(tracks.pcr, most)
    if len(kept) < FEWEST or kept[0] > 0:
        return 0
    scatter = _scatter(tracks.pcr, most)
    drift = np.vander(kept / count, 3 if count >= _CURVED else 2)
    ratio, excess, sd, misfit = _best_decay(tracks.pcr.values[kept], kept, drift)
    if excess < min_z * scatter * sd:
        return 0
    step = min(_excess(tracks.pcr.values[kept], drift, (kept < k).astype(float))[2] for k in kept[1:])
    if misfit > step + _TIED * scatter**2:
        return 0
    decay = np.asarray(ratio**kept, dtype=np.float64)
    of_atp, of_pi = (_excess(track.values[kept], drift, decay)[0] for track in (tracks.atp, tracks.pi))
    sd_of_atp, sd_of_pi = (sd * _scatter(track, most) for track in (tracks.atp, tracks.pi))
    if of_atp > ATP_SHARE * excess + _ATP_SDS * sd_of_atp or of_pi < -_PI_SDS * sd_of_pi:
        return 0
    remaining = excess * ratio ** np.arange(most + 1)
    return int(np.argmax(remaining <= tolerance)) if remaining[-1] <= tolerance else most


def _of_few(tracks: LineTracks, min_z: float) -> int:
    """Number of initial transients whose PCr, compared with all later ones, is higher by more than their ATP is.

    The gain cancels in the difference of PCr and ATP, so its error is thermal noise: by chance it exceeds four SDs once
    in 30,000 scans.
    """
    count, first = len(tracks.pcr.values), 0
    while first < MOST_OF_FEW and count - first >= FEW:
        values = [each.values[first:] for each in (tracks.pcr, tracks.atp, tracks.pi)]
        pcr, atp, pi = (float(value[0] - value[1:].mean()) for value in values)
        noise = np.hypot(tracks.pcr.noise_sd, tracks.atp.noise_sd) * np.sqrt(1 + 1 / (count - first - 1))
        # If the first one was not steady, the second probably was not either.
        least_z = min_z / (1 + first)
        if pi <= 0 or pcr - atp < least_z * np.hypot(noise, SHIM):
            break
        first += 1
    return first


def _best_decay(values: Real, order: NDArray[np.intp], drift: Real) -> tuple[float, float, float, float]:
    """Ratio of successive excesses that fits best, the first excess, its SD for noise of SD 1, and the misfit."""
    decays = ((float(ratio), *_excess(values, drift, ratio**order)) for ratio in _RATIOS)
    return min(decays, key=lambda decay: decay[-1])


def _scatter(track: Track, first: int) -> float:
    """SD of a transient about its neighbours after the first ones, at least that of thermal noise."""
    return max(track.noise_sd, robust_sd(np.diff(track.values[first:])) / float(np.sqrt(2)))


def _excess(values: Real, drift: Real, shape: Real) -> tuple[float, float, float]:
    """Amplitude of a shape beside a drift, its SD for noise of SD 1, and the sum of the squared residual."""
    design = np.column_stack([shape, drift])
    solution, *_ = np.linalg.lstsq(design, values, rcond=None)
    residual = values - design @ solution
    return float(solution[0]), float(np.sqrt(np.linalg.pinv(design.T @ design)[0, 0])), float(residual @ residual)


def _usual(track: Track, first: int) -> NDArray[np.intp]:
    """Transients without outliers: losses anywhere, and gains after the first ones."""
    values, rest = track.values, track.values[first:]
    centre, limit = np.median(rest), _OUTLIER_SDS * max(robust_sd(rest - np.median(rest)), track.noise_sd)
    gained = (values > centre + limit) & (np.arange(len(values)) >= first)
    return np.flatnonzero(~gained & (values >= centre - limit))
