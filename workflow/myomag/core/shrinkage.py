"""Empirical-Bayes shrinkage of the shifts and phases of transients: keep the signal, drop the noise."""

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]


def shrink_to_trend(estimate: Real, variance: Real, accepted: NDArray[np.bool_]) -> Real:
    """Empirical-Bayes estimates around a linear trend over the scan, mean zero over the accepted transients.

    Spread beyond the Cramér–Rao variance is signal (moment estimate, DerSimonian & Laird 1986), the rest noise.
    """
    known = accepted & np.isfinite(variance)
    if known.sum() < 3:
        return np.zeros_like(estimate)
    position = np.arange(estimate.size) - np.flatnonzero(known).mean()
    mean = estimate[known].mean()
    leverage = float(np.sum(position[known] ** 2))
    slope = float(position[known] @ (estimate[known] - mean)) / leverage
    excess = _excess_variance(estimate[known] - mean - slope * position[known], variance[known], parameters=2)
    slope_variance = (excess + float(variance[known].mean())) / leverage
    slope *= max(0.0, 1 - slope_variance / slope**2) if slope else 0.0
    trend = mean + slope * position
    kept = np.where(np.isfinite(variance), _kept_fraction(excess, variance), 0.0)
    shrunk = trend + kept * (estimate - trend)
    return np.asarray(shrunk - shrunk[accepted].mean())


def shrink_phases(phase: Real, variance: Real, accepted: NDArray[np.bool_]) -> Real:
    """Empirical-Bayes estimates around the circular mean, which becomes zero [rad]."""
    known = accepted & np.isfinite(variance)
    if known.sum() < 2:
        return np.zeros_like(phase)
    deviation = np.angle(np.exp(1j * phase) * np.conj(np.exp(1j * phase[known]).sum()))
    excess = _excess_variance(deviation[known], variance[known], parameters=1)
    return np.where(np.isfinite(variance), _kept_fraction(excess, variance) * deviation, 0.0)


def _excess_variance(residual: Real, variance: Real, *, parameters: int) -> float:
    """Variance of the residuals beyond the mean of `variance`; zero unless it exceeds chance (3 SD of χ²)."""
    freedom = max(residual.size - parameters, 1)
    observed, expected = float(np.sum(residual**2)) / freedom, float(variance.mean())
    return observed - expected if observed > expected * (1 + 3 * np.sqrt(2 / freedom)) else 0.0


def _kept_fraction(excess: float, variance: Real) -> Real:
    """Share of a deviation that is not noise: τ²/(τ² + v); all of it without noise."""
    total = excess + variance
    return np.divide(excess, total, out=np.ones_like(variance), where=total > 0)
