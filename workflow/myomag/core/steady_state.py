"""Transients acquired before the magnetisation has reached its steady state."""

import numpy as np
from numpy.typing import NDArray

from myomag.core.line_tracks import LineTracks, Track
from myomag.core.robust import robust_sd

Real = NDArray[np.float64]

FEWEST = 8
"""Fewer transients do not show what steady is."""
SLOWEST = 0.9
"""Largest ratio of successive excesses: flip 20°, TR a tenth of T1."""
LARGEST_SHARE = 1 / 3
"""No more of the transients are taken for approach to the steady state."""
ATP_SHARE = 0.7
"""Larger excesses of ATP, in that of PCr, are a gain: by T1 of 4 and 2 s it has a third to a half."""
_CURVED = 12
_OUTLIER_SDS = 5.0
_OTHER_SDS = 2.0
_STEP = 0.05
_TIED = 2.0


def transients_before_steady_state(tracks: LineTracks, *, min_z: float, tolerance: float) -> int:
    """Number of first transients whose PCr is still above its steady state.

    From equilibrium a train of equal pulses leaves M_k = M∞ + (M_0 − M∞)·ρ^k with ρ = cos α·exp(−TR/T1) (Ernst &
    Anderson 1966, Rev Sci Instrum 37:93). Such an excess of PCr is accepted where it stands out by `min_z` SDs beside
    a slow drift and describes the scan no worse than one step does, as of a muscle that moved. Other lines must agree:
    ATP with its shorter T1 has clearly less of it, while a gain is common to all; Pi has it too, while muscle that
    starts to work turns PCr into Pi.

    Parameters
    ----------
    tracks : LineTracks
        Lines of each transient.
    min_z : float
        Excess in its SDs from which it is believed.
    tolerance : float
        Excess that may be left in a transient [fraction of the steady state].
    """
    pcr = tracks.pcr
    count = len(pcr.values)
    if count < FEWEST:
        return 0
    most = int(LARGEST_SHARE * count)
    kept = _usual(pcr, most)
    order, drift = kept, np.vander(kept / count, 3 if count >= _CURVED else 2)
    ratios = np.arange(0, SLOWEST + _STEP / 2, _STEP)
    decays = [_excess(pcr.values[kept], drift, ratio**order) for ratio in ratios]
    best = int(np.argmin([misfit for _, _, misfit in decays]))
    (excess, sd, misfit), scatter = decays[best], _scatter(pcr, most)
    step = min(_excess(pcr.values[kept], drift, (order < k).astype(float))[2] for k in order[1:])
    if excess < min_z * scatter * sd or misfit > step + _TIED * scatter**2:
        return 0
    of_atp, of_pi = (_excess(track.values[kept], drift, ratios[best] ** order)[0] for track in (tracks.atp, tracks.pi))
    if of_atp - ATP_SHARE * excess > _OTHER_SDS * sd * _scatter(tracks.atp, most):
        return 0
    if of_pi < -_OTHER_SDS * sd * _scatter(tracks.pi, most):
        return 0
    remaining = excess * ratios[best] ** np.arange(most + 1)
    return int(np.argmax(remaining <= tolerance)) if remaining[-1] <= tolerance else most


def _scatter(track: Track, first: int) -> float:
    """SD of a transient about its neighbours after the first ones, no less than by thermal noise."""
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
