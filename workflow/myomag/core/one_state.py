"""Whether all transients of a scan show a single metabolic state, or a muscle that changes during the scan."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.line_tracks import LineTracks
from myomag.core.robust import robust_sd

Real = NDArray[np.float64]

BLOCKS = (4, 16)
"""Blocks to compare: a few for slow changes in weak data, many for fast ones."""
ISOLATED_SDS = 4.0
"""A transient this far from its neighbours [robust SD] is disturbed and says nothing about the state."""
SHOWN_ERROR = 0.03
"""Precision of PCr as reported [fraction]."""
_NEIGHBOURS = 5
_FEWEST_FOR_SCATTER = 10


@dataclass(frozen=True)
class StateChange:
    """Change over the transients of a scan.

    Attributes
    ----------
    p_pcr_over_atp, p_pi_over_pcr, p_pi_shift : float
        Probability of so large a change of PCr/ATP, of Pi/PCr and of the shift of Pi in a single state, corrected for
        the number of tests.
    pcr : ndarray, shape (means,)
        Running mean of the amplitude of PCr, over enough transients to bring its error below `SHOWN_ERROR`.
    """

    p_pcr_over_atp: float
    p_pi_over_pcr: float
    p_pi_shift: float
    pcr: Real

    @property
    def p(self) -> float:
        """Probability of so large a change in a single state."""
        return min(self.p_pcr_over_atp, self.p_pi_over_pcr, self.p_pi_shift)


def state_change(tracks: LineTracks, *, ratio_tolerance: float, shift_tolerance_ppm: float) -> StateChange:
    """Change of PCr, Pi and the shift of Pi over a scan, relative to noise and a tolerance.

    In a single state all lines have the same gain in each transient, so differences of relative amplitudes are zero
    whatever happens to coil or position. Over blocks b of consecutive transients χ² = Σ(d_b − d̄)²/(s²/n_b + τ²), with
    s the larger of the thermal noise and the scatter about neighbouring transients, and τ the tolerance. Probabilities
    are corrected for the number of tests (Bonferroni).

    Parameters
    ----------
    tracks : LineTracks
        Lines of each transient, at least two transients.
    ratio_tolerance : float
        SD of the ratio of two lines that a change of shim or position may cause in resting muscle.
    shift_tolerance_ppm : float
        The same for the shift of Pi [ppm].
    """
    pcr, atp, pi, shift = tracks.pcr, tracks.atp, tracks.pi, tracks.pi_shift_ppm
    contrasts = (
        (pcr.values - atp.values, float(np.hypot(pcr.noise_sd, atp.noise_sd)), ratio_tolerance),
        (pi.values - pcr.values, float(np.hypot(pi.noise_sd, pcr.noise_sd)), ratio_tolerance),
        (shift.values, shift.noise_sd, shift_tolerance_ppm),
    )
    kept = ~np.any([_isolated(values, sd) for values, sd, _ in contrasts], axis=0)
    tests = len(contrasts) * len(_divisions(kept))
    of_pcr, of_pi, of_shift = (_p_of_change(*contrast, kept, tests) for contrast in contrasts)
    used = pcr.values[kept]
    return StateChange(of_pcr, of_pi, of_shift, _running_mean(used, max(pcr.noise_sd, _scatter(used))))


def _p_of_change(values: Real, noise_sd: float, tolerance: float, kept: NDArray[np.bool_], tests: int) -> float:
    scatter = max(noise_sd, _scatter(values[kept]))
    found = (_block_means(values, kept, number) for number in _divisions(kept))
    p = min(_probability(means, scatter**2 / counts + tolerance**2) for means, counts in found)
    return min(1.0, tests * p)


def _probability(means: Real, variance: Real) -> float:
    """Probability of so much scatter of independent means about their average, by χ²."""
    centre = np.average(means, weights=1 / variance)
    chi2 = float(np.sum((means - centre) ** 2 / variance))
    return chi2_tail(chi2, len(means) - 1)


def chi2_tail(chi2: float, degrees_of_freedom: int) -> float:
    """Probability that χ² is exceeded, Q(ν/2, χ²/2).

    By Q(a + 1, x) = Q(a, x) + x^a·e^(−x)/Γ(a + 1) from Q(0, x) = 0 or Q(½, x) = erfc √x (Abramowitz & Stegun 6.5.21):
    importing scipy's takes longer than the computation.
    """
    x, odd = chi2 / 2, degrees_of_freedom % 2
    if x == 0:
        return 1.0
    terms = (odd / 2 + k for k in range(degrees_of_freedom // 2))
    return math.erfc(math.sqrt(x)) * odd + sum(math.exp(a * math.log(x) - x - math.lgamma(a + 1)) for a in terms)


def _divisions(kept: NDArray[np.bool_]) -> list[int]:
    """Numbers of blocks to compare."""
    return sorted({min(number, len(kept)) for number in BLOCKS})


def _block_means(values: Real, kept: NDArray[np.bool_], number: int) -> tuple[Real, Real]:
    """Mean and number of the transients kept in each non-empty block."""
    blocks = np.array_split(np.arange(len(values)), number)
    used = [found for block in blocks if (found := block[kept[block]]).size]
    return np.array([values[block].mean() for block in used]), np.array([block.size for block in used], dtype=float)


def _isolated(values: Real, noise_sd: float) -> NDArray[np.bool_]:
    """Transients that deviate from their neighbours; none if there are few."""
    if len(values) < _NEIGHBOURS:
        return np.zeros(len(values), dtype=bool)
    apart = values - _running_median(values)
    return np.asarray(np.abs(apart) > ISOLATED_SDS * max(noise_sd, robust_sd(apart)))


def _scatter(values: Real) -> float:
    """SD of a transient about its neighbours, from differences of successive ones; 0 for a few."""
    return robust_sd(np.diff(values)) / float(np.sqrt(2)) if len(values) >= _FEWEST_FOR_SCATTER else 0.0


def _running_mean(values: Real, noise_sd: float) -> Real:
    """Means over enough values to bring the error of each to `SHOWN_ERROR`, at most all of them."""
    number = min(max(1, int(np.ceil((noise_sd / SHOWN_ERROR) ** 2))), len(values))
    return np.convolve(values, np.full(number, 1 / number), "valid")


def _running_median(values: Real) -> Real:
    """Median of each transient and its neighbours; at the ends, those of the first and last full window."""
    windows = np.median(np.lib.stride_tricks.sliding_window_view(values, _NEIGHBOURS), axis=1)
    return np.pad(windows, _NEIGHBOURS // 2, mode="edge")
