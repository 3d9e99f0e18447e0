"""Begin time of a protocol, pooled over its scans.

The begin time is a property of scanner, sequence and coil. One scan estimates it to a few microseconds; pooled over
many scans of a protocol it is known much better, which improves the magnesium of every scan.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.robust import robust_sd

OUTLYING_Z = 4.0
"""A scan this many standard deviations from its protocol is an outlier (1 in 16,000 by chance)."""

MIN_SPREAD_US = 1.0
"""Smallest spread between scans assumed [µs]: it shifts Mg by half a percent, well below its noise."""

MIN_SNR, MAX_FWHM_PPM, MAX_REJECTED_FRACTION = 5.0, 0.8, 0.5
"""A spectrum with less signal, a broader PCr line or more rejected transients does not inform other scans."""


def worth_pooling(*, pcr_snr: float | None, pcr_fwhm_ppm: float, rejected_fraction: float) -> bool:
    """Whether a spectrum is good enough for its begin time to be pooled; an unknown SNR is no objection.

    These limits are not settings: those of the verdict decide which scans enter the statistics, and can change without
    repeating fits.
    """
    enough = pcr_snr is None or pcr_snr >= MIN_SNR
    return enough and pcr_fwhm_ppm <= MAX_FWHM_PPM and rejected_fraction <= MAX_REJECTED_FRACTION


@dataclass(frozen=True)
class Pooled:
    """Random-effects estimate of the begin time common to the scans of a protocol [µs].

    Attributes
    ----------
    mean, sd : float
        Pooled value and its standard deviation.
    spread : float
        Standard deviation between scans beyond their own errors.
    outlying : ndarray of bool, shape (scans,)
        Scans that deviate from the others and were left out.
    """

    mean: float
    sd: float
    spread: float
    outlying: NDArray[np.bool_]


def pool(values: NDArray[np.float64], sds: NDArray[np.float64]) -> Pooled:
    """Pool the estimates of several scans.

    Weights 1/(sd² + spread²); the spread solves Σ(x − mean)²/(sd² + spread²) = n − 1 (Paule & Mandel 1982, J Res Natl
    Bur Stand 87:377). Scans more than `OUTLYING_Z` from the median of all are left out first. The result does not
    depend on the order of the scans.

    Parameters
    ----------
    values, sds : ndarray, shape (scans,)
        Begin times and their standard deviations [µs].

    Raises
    ------
    ValueError
        If there is no scan, or an SD is not positive.
    """
    if len(values) == 0 or not (np.isfinite(sds) & (sds > 0)).all():
        raise ValueError("pooling needs at least one estimate, each with a positive SD")
    median = np.median(values)
    spread = robust_sd(values - median)
    # With few scans the median deviation may vanish by chance; the scans' own errors are the floor.
    outlying = np.abs(values - median) > OUTLYING_Z * np.maximum(np.hypot(sds, MIN_SPREAD_US), spread)
    order = np.lexsort((sds[~outlying], values[~outlying]))
    kept, errors = values[~outlying][order], sds[~outlying][order]
    between = _paule_mandel(kept, errors)
    weights = 1 / (errors**2 + between**2)
    return Pooled(float(weights @ kept / weights.sum()), float(weights.sum() ** -0.5), between, outlying)


def without(pooled_mean: float, pooled_sd: float, value: float, sd: float, spread: float) -> tuple[float, float] | None:
    """Pooled value and its SD as they would be without one of the scans; None if no other scan is left.

    Parameters
    ----------
    pooled_mean, pooled_sd, spread : float
        From `pool`.
    value, sd : float
        Estimate of the scan to remove.
    """
    total, own = pooled_sd**-2, 1 / (sd**2 + spread**2)
    # The remainder must exceed the rounding of the pooled SD.
    if own > 0.9 * total:
        return None
    return (total * pooled_mean - own * value) / (total - own), float((total - own) ** -0.5)


def _paule_mandel(values: NDArray[np.float64], sds: NDArray[np.float64]) -> float:
    """Spread between scans; 0 if the scans' own errors explain their differences."""

    def excess(variance: float) -> float:
        weights = 1 / (sds**2 + variance)
        mean = weights @ values / weights.sum()
        return float(weights @ (values - mean) ** 2) - (len(values) - 1)

    if len(values) < 2 or excess(0.0) <= 0:
        return 0.0
    # Only the step protocols uses this, and the import takes longer than a fit.
    from scipy.optimize import brentq

    # At the squared range every weighted square is at most 1, and the sum of them below n − 1.
    return float(np.sqrt(brentq(excess, 0.0, max(float(np.ptp(values)) ** 2, 1e-12), xtol=1e-9)))
