"""Recovery of PCr after exercise: mono-exponential, with its time constant by profile likelihood.

PCr(t) = PCr_end + ΔPCr·(1 − exp(−t/τ)), k = 1/τ, initial rate V = k·ΔPCr. For a given τ the model is linear, so
χ²(τ), minimised over the other two parameters, is a known curve: its minimum is the estimate, and the 95 % interval
ends where it has risen by 3.84 (Venzon & Moolgavkar 1988, Appl. Stat. 37:87).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.one_state import chi2_tail
from myomag.core.robust import Z95

Real = NDArray[np.float64]

SHORTEST, LONGEST = 0.5, 4.0
"""Time constants that are tried: from this many intervals of the data to this many times their whole length."""
GRID = 400
PARAMETERS = 3


@dataclass(frozen=True)
class Recovery:
    """Mono-exponential recovery.

    Attributes
    ----------
    tau_s : float
        Time constant [s], and the ends of its 95 % interval; an end is NaN where χ² does not rise that far.
    end, plateau : float
        Amplitude at the end of exercise and at full recovery [units of the data].
    end_sd, plateau_sd : float
        Their SDs at τ as fitted, with what its error adds.
    rate, rate_sd : float
        Initial rate k·(plateau − end) [units of the data per s].
    chi2, freedom : float and int
        Residual.
    p_second : float
        Probability that noise alone makes a second exponential fit this much better.
    two_taus_s, two_drops : tuple of float
        Time constants of both [s], and what each adds [units of the data].
    """

    tau_s: float
    tau_low_s: float
    tau_high_s: float
    end: float
    end_sd: float
    plateau: float
    plateau_sd: float
    rate: float
    rate_sd: float
    chi2: float
    freedom: int
    p_second: float
    two_taus_s: tuple[float, float]
    two_drops: tuple[float, float]


def fit_recovery(time_s: Real, amplitude: Real, covariance: Real) -> Recovery:
    """Fit the recovery of PCr.

    Scatter beyond the covariance, for example from motion, widens all intervals.

    Parameters
    ----------
    time_s : ndarray, shape (n,)
        Time since the end of exercise [s], rising.
    amplitude : ndarray, shape (n,)
    covariance : ndarray, shape (n, n)

    Raises
    ------
    ValueError
        If there are too few points.
    """
    count = len(time_s)
    if count < PARAMETERS + 2:
        raise ValueError(f"{count} repetitions after exercise; at least {PARAMETERS + 2} are needed")
    whitener = np.linalg.inv(np.linalg.cholesky(covariance))
    step = float(np.median(np.diff(time_s)))
    taus = np.geomspace(SHORTEST * step, LONGEST * (time_s[-1] - time_s[0] + step), GRID)
    data = whitener @ amplitude
    chi2 = _residuals(time_s, taus[:, None], whitener, data)
    best = int(np.argmin(chi2))
    tau, least = _refined(np.log(taus), chi2, best)
    freedom = count - PARAMETERS
    scale = max(1.0, least / freedom) if chi2_tail(least, freedom) < 0.05 else 1.0
    low, high = _crossings(np.log(taus), chi2, best, least + scale * _rise(freedom if scale > 1 else np.inf))
    basis = whitener @ _jacobian(time_s, tau, data, whitener)
    spread = scale * np.linalg.inv(basis.T @ basis)
    plateau, drop = np.linalg.lstsq(whitener @ _basis(time_s, tau), data, rcond=None)[0]
    second, two, drops = _two(time_s, whitener, data, taus)
    # Parameters: plateau, drop and ln τ.
    of_end, of_rate = np.array([1.0, -1.0, 0.0]), np.array([0.0, 1.0, -drop]) / tau
    return Recovery(
        tau_s=tau,
        tau_low_s=low,
        tau_high_s=high,
        end=float(plateau - drop),
        end_sd=float(np.sqrt(of_end @ spread @ of_end)),
        plateau=float(plateau),
        plateau_sd=float(np.sqrt(spread[0, 0])),
        rate=float(drop / tau),
        rate_sd=float(np.sqrt(of_rate @ spread @ of_rate)),
        chi2=least,
        freedom=freedom,
        p_second=chi2_tail(max(least - second, 0.0) / scale, 2),
        two_taus_s=two,
        two_drops=drops,
    )


def _rise(freedom: float) -> float:
    """Rise of χ² exceeded by chance in 5 %, if the scatter was estimated from a residual with this many freedoms.

    The square of Student's quantile, by the first term of its expansion (Abramowitz & Stegun 26.7.5).
    """
    return float((Z95 + (Z95**3 + Z95) / (4 * freedom)) ** 2)


def _basis(time_s: Real, *taus: float) -> Real:
    return np.stack([np.ones_like(time_s), *(-np.exp(-time_s / tau) for tau in taus)], axis=1)


def _jacobian(time_s: Real, tau: float, data: Real, whitener: Real) -> Real:
    _, drop = np.linalg.lstsq(whitener @ _basis(time_s, tau), data, rcond=None)[0]
    return np.column_stack([_basis(time_s, tau), -drop * np.exp(-time_s / tau) * time_s / tau])


def _residuals(time_s: Real, taus: Real, whitener: Real, data: Real) -> Real:
    """χ² of a constant and exponentials with each set of time constants, shape (sets, exponentials)."""
    terms = np.concatenate([np.ones((len(taus), 1, len(time_s))), np.exp(-time_s / taus[:, :, None])], axis=1)
    terms = terms @ whitener.T
    gram, right = terms @ terms.transpose(0, 2, 1), terms @ data
    return np.asarray(data @ data - np.sum(right * np.linalg.solve(gram, right[:, :, None])[:, :, 0], axis=1))


def _refined(log_tau: Real, chi2: Real, best: int) -> tuple[float, float]:
    """Minimum of the parabola through the best point and its neighbours: τ [s] and χ²."""
    if not 0 < best < len(chi2) - 1:
        return float(np.exp(log_tau[best])), float(chi2[best])
    before, at, after = chi2[best - 1 : best + 2]
    bend = before - 2 * at + after
    move = 0.5 * (before - after) / bend if bend > 0 else 0.0
    return float(np.exp(log_tau[best] + move * (log_tau[1] - log_tau[0]))), float(at - 0.25 * (before - after) * move)


def _crossings(log_tau: Real, chi2: Real, best: int, level: float) -> tuple[float, float]:
    """Where χ² crosses a level on both sides of the minimum [s]; NaN where it does not."""

    def crossing(side: range) -> float:
        for here in side:
            before = here - side.step
            if chi2[here] >= level:
                share = (level - chi2[before]) / (chi2[here] - chi2[before])
                return float(np.exp(log_tau[before] + share * (log_tau[here] - log_tau[before])))
        return float("nan")

    return crossing(range(best - 1, -1, -1)), crossing(range(best + 1, len(chi2), 1))


def _two(
    time_s: Real, whitener: Real, data: Real, taus: Real
) -> tuple[float, tuple[float, float], tuple[float, float]]:
    """Two exponentials, two parameters more than one: χ², time constants [s] and what each adds."""
    few = taus[:: GRID // 20]
    pairs = np.array([(one, other) for i, one in enumerate(few) for other in few[i + 2 :]])
    chi2 = _residuals(time_s, pairs, whitener, data)
    best = tuple(pairs[int(np.argmin(chi2))].tolist())
    _, fast, slow = np.linalg.lstsq(whitener @ _basis(time_s, *best), data, rcond=None)[0]
    return float(np.min(chi2)), best, (float(fast), float(slow))
