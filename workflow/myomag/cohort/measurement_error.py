"""Regression slopes corrected for the known measurement error of each participant's values.

Model: the observed W = X + U, where the error U of participant i has mean 0 and the known variance σᵢ², independent of
the true X, of the other variables and of their errors. Muscle Mg is to be corrected as pMg, where this holds: the error
of Mg grows with Mg, and with it the corrected slopes are off (`benchmarks/measurement_error.py`).

Sources: Carroll, Ruppert, Stefanski & Crainiceanu 2006, Measurement Error in Nonlinear Models (2nd ed.), ch. 4
(regression calibration) and 5 (SIMEX); Fuller 1987, Measurement Error Models. The equations are derived in the
docstrings, not copied [D]; the same benchmark checks them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.bootstrap import bca_interval, moments, resample_weights, without_bias
from myomag.cohort.regression import MIN_EIGENVALUE, NotEstimable, check_estimable, check_varied
from myomag.core.robust import Z95

Values = NDArray[np.float64]
METHODS = ("naive", "regression_calibration", "simex")
SIMEX_LEVELS = (0.5, 1.0, 1.5, 2.0)
"""Error variance that is added, in units of the one that is there."""
AT_ONCE = 30_000
"""Values that are calibrated at once, those of several resamples: enough to be fast, few enough to be small."""


@dataclass(frozen=True)
class Reliability:
    """Share of the observed variance that is not error, with 95 % interval, of n participants."""

    n: int
    reliability: float
    ci95_low: float
    ci95_high: float


@dataclass(frozen=True)
class CorrectedEstimate:
    """Slope of one term by one of `METHODS`, with 95 % bootstrap intervals.

    b is per unit [unit of the outcome per unit of the predictor]; beta is in SDs of the observed values for `naive`,
    of the true values for the others. A limit is NaN where too many resamples have no estimate.
    """

    term: str
    method: str
    b: float
    b_ci95_low: float
    b_ci95_high: float
    beta: float
    beta_ci95_low: float
    beta_ci95_high: float


def reliability(values: Values, error_sd: Values) -> Reliability:
    """Reliability ratio λ = 1 − mean(σ²)/var(W): a slope on W alone is λ times, a correlation √λ times the true one.

    The interval is 1 − (1 − λ)·exp(±1.96 s/√n), s being the SD of σᵢ²/mean(σ²) − (Wᵢ − W̄)²/var(W) (delta method for
    log(1 − λ)); it assumes no distribution.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Observed values W.
    error_sd : ndarray, shape (n,)
        SD σ of the error of each.

    Raises
    ------
    NotEstimable
        If fewer than 4 values, a constant, a negative SD, or errors that explain all the scatter (λ ≤ 0).
    """
    check_varied("the variable", values)
    if len(values) < 4:
        raise NotEstimable(f"{len(values)} values; at least 4 are needed")
    n, variance, error = len(values), np.var(values, ddof=1), _error_variance("the variable", values, error_sd)
    if error == 0:
        return Reliability(n, 1.0, 1.0, 1.0)
    influence = error_sd**2 / error - (values - values.mean()) ** 2 / variance
    factor = math.exp(Z95 * float(np.std(influence, ddof=1)) / math.sqrt(n))
    noise = float(error / variance)
    return Reliability(n, 1 - noise, 1 - noise * factor, 1 - noise / factor)


def corrected_regression(
    outcome: Values,
    predictors: Mapping[str, Values],
    error_sd: Mapping[str, Values],
    *,
    outcome_error_sd: Values | None = None,
    weights: Values | None = None,
    seed: int = 0,
    bootstrap: int = 1000,
    simex: int = 50,
) -> tuple[CorrectedEstimate, ...]:
    """Slopes of the outcome on the predictors, naive and corrected for measurement error, by term and method.

    An error of the outcome leaves b unbiased; it shrinks beta, for which the SD of the true outcome is used. The
    bootstrap draws participants with their errors and estimates everything anew, so that its intervals hold the effect
    of the errors, but not a doubt about the σ themselves.

    Parameters
    ----------
    outcome : ndarray, shape (n,)
        Outcome as observed.
    predictors : mapping of str to ndarray, shape (n,)
        Predictors as observed.
    error_sd : mapping of str to ndarray, shape (n,)
        SD of the error of those predictors that have one.
    outcome_error_sd : ndarray, shape (n,), optional
        SD of the error of the outcome.
    weights : ndarray, shape (n,), optional
        Weights of the least squares.
    seed : int
        Seed of resamples and remeasurements: the same seed gives the same numbers.
    bootstrap : int
        Number of resamples.
    simex : int
        Number of remeasurements at each error level, taken in pairs of opposite sign.

    Raises
    ------
    NotEstimable
        As `regression.check_estimable`, or if the stated errors explain all the scatter of a variable.
    """
    check_estimable(outcome, predictors, weights)
    sample = _Sample(outcome, predictors, error_sd, outcome_error_sd)
    counts = resample_weights(len(outcome), bootstrap, seed)
    fit_weights = counts if weights is None else counts * weights
    naive = _slopes(moments(sample.columns, fit_weights))
    calibrated = _slopes(_calibrated_moments(sample, counts, fit_weights))
    extrapolated = _simex(sample, fit_weights, simex // 2, seed)
    observed, true = sample.sds(counts, true=False), sample.sds(counts, true=True)
    if np.isnan(calibrated[0]).any():
        raise NotEstimable("the stated errors explain all the scatter that the other predictors leave")
    found = zip(METHODS, (naive, calibrated, extrapolated), (observed, true, true), strict=True)
    by_method = [(method, slopes, sds[:, 1:-1] / sds[:, -1:]) for method, slopes, sds in found]
    return tuple(
        sample.estimate(position, method, slopes[:, position], scales[:, position], bootstrap)
        for position in range(len(predictors))
        for method, slopes, scales in by_method
    )


class _Sample:
    """Variables divided by their SDs, shape (n, k + 2): 1, the predictors, the outcome; and the SDs of their errors."""

    def __init__(
        self,
        outcome: Values,
        predictors: Mapping[str, Values],
        error_sd: Mapping[str, Values],
        outcome_error_sd: Values | None,
    ) -> None:
        self.names = list(predictors)
        raw = np.column_stack([*predictors.values(), outcome])
        errors = np.zeros_like(raw)
        for position, name in enumerate(self.names):
            if name in error_sd:
                errors[:, position] = error_sd[name]
                _error_variance(name, predictors[name], error_sd[name])
        if outcome_error_sd is not None:
            errors[:, -1] = outcome_error_sd
            _error_variance("the outcome", outcome, outcome_error_sd)
        self.scale = np.std(raw, axis=0, ddof=1)
        ones = np.ones((len(raw), 1))
        self.columns = np.hstack([ones, (raw - raw.mean(axis=0)) / self.scale])
        self.errors = np.hstack([0 * ones, errors / self.scale])
        self.prone = np.flatnonzero(np.any(self.errors[:, :-1] > 0, axis=0))
        self.clean = np.setdiff1d(np.arange(len(predictors) + 1), self.prone)
        """Columns of the predictors with error, and of 1 and those without."""

    def sds(self, counts: Values, *, true: bool) -> Values:
        """SD of each column in each resample, shape (resamples, k + 2), as observed or without the error."""
        n = len(self.columns)
        mean = counts @ self.columns / n
        variance = (counts @ self.columns**2 / n - mean**2) * n / (n - 1)
        if true:
            variance -= counts @ self.errors**2 / n
        return np.sqrt(np.where(variance > 0, variance, np.nan))

    def estimate(self, position: int, method: str, slopes: Values, ratio: Values, bootstrap: int) -> CorrectedEstimate:
        """Estimate of one term from its slopes in the sample, the jackknife's and the bootstrap's resamples.

        `ratio` is the SD of the predictor over that of the outcome in each. A corrected slope has a denominator that
        scatters, hence a bias of some percent, which the jackknife removes.
        """
        numbers: list[float] = []
        for values in (slopes * self.scale[-1] / self.scale[position], slopes * ratio):
            estimate, left_out, resampled = float(values[0]), values[1:-bootstrap], values[-bootstrap:]
            plain = method == "naive" or len(self.prone) == 0
            numbers.append(estimate if plain else without_bias(estimate, left_out))
            numbers += bca_interval(estimate, resampled, left_out)
        return CorrectedEstimate(self.names[position], method, *numbers)


def _error_variance(name: str, values: Values, error_sd: Values) -> float:
    """Mean error variance of a variable, which must be below its variance."""
    if not np.all((error_sd >= 0) & np.isfinite(error_sd)):
        raise NotEstimable(f"an error SD of {name} is not a number of at least 0")
    error, sd = float(np.mean(error_sd**2)), float(np.std(values, ddof=1))
    if error >= sd**2:
        raise NotEstimable(f"errors of {name} (SD {math.sqrt(error):.3g}) explain all of its scatter (SD {sd:.3g})")
    return error


def _slopes(sums: Values) -> Values:
    """Least-squares slopes without intercept's, shape (resamples, k); NaN where a resample does not determine them.

    `sums` are moments of 1, predictors and outcome, shape (resamples, k + 2, k + 2).
    """
    left, right = sums[:, :-1, :-1], sums[:, :-1, -1:]
    poor = np.asarray(~np.isfinite(left).all(axis=(1, 2)))
    left = np.where(poor[:, None, None], 0.0, left)
    poor |= np.linalg.eigvalsh(left)[:, 0] < MIN_EIGENVALUE * np.maximum(left[:, 0, 0], 1e-300)
    found = np.linalg.solve(np.where(poor[:, None, None], np.eye(left.shape[1]), left), right)[:, 1:, 0]
    return np.where(poor[:, None], np.nan, found)


def _calibrated_moments(sample: _Sample, counts: Values, fit_weights: Values) -> Values:
    """Moments as `bootstrap.moments` with the true predictors' expectations in place of the observed ones."""
    if len(sample.prone) == 0:
        return moments(sample.columns, fit_weights)
    found, size = [], max(1, AT_ONCE // counts.shape[1])
    for start in range(0, len(counts), size):
        block = slice(start, start + size)
        columns = np.repeat(sample.columns[None], len(counts[block]), axis=0)
        columns[:, :, sample.prone] = _calibrated(sample, counts[block])
        found.append((columns * fit_weights[block, :, None]).transpose(0, 2, 1) @ columns)
    return np.concatenate(found)


def _calibrated(sample: _Sample, counts: Values) -> Values:
    """E[X | W, Z] for each error-prone W in each resample (regression calibration), shape (resamples, n, prone).

    With m = E[W | Z] from the regression of W on the error-free predictors Z, and Σ = cov(W | Z) − mean(Sᵢ), where Sᵢ
    has the error variances of participant i on its diagonal, E[Xᵢ | Wᵢ, Zᵢ] = mᵢ + Σ(Σ + Sᵢ)⁻¹(Wᵢ − mᵢ): a value is
    drawn to the mean the more, the larger its own error. As a best linear prediction it needs no normal X; it does need
    errors whose size does not depend on X. NaN where no true variance is left.
    """
    z, w = sample.columns[:, sample.clean], sample.columns[:, sample.prone]
    error_variance = sample.errors[:, sample.prone] ** 2
    n, (participants, k), prone = counts.sum(axis=1)[:, None, None], z.shape, w.shape[1]
    products = (z[:, :, None] * w[:, None, :]).reshape(participants, k * prone)
    expected = z @ np.linalg.pinv(moments(z, counts), hermitian=True) @ (counts @ products).reshape(-1, k, prone)
    residual = w - expected
    scatter = (residual * counts[:, :, None]).transpose(0, 2, 1) @ residual
    true = scatter / (n - k) - (counts @ error_variance)[:, None] / n * np.eye(prone)
    true[np.linalg.eigvalsh(true)[:, 0] <= 0] = np.nan
    each = true[:, None] + error_variance[:, :, None] * np.eye(prone)
    # A matrix of one number needs no factorisation, which takes most of the time.
    inverse = 1 / each if prone == 1 else np.linalg.inv(each)
    return np.asarray(expected + ((residual[:, :, None] @ inverse) @ true[:, None])[:, :, 0])


def _simex(sample: _Sample, fit_weights: Values, pairs: int, seed: int) -> Values:
    """Slopes by simulation and extrapolation (Cook & Stefanski 1994, J. Am. Stat. Assoc. 89:1314), (resamples, k).

    Errors of variance λσᵢ² are added to the observed values and the mean slope b(λ) is extrapolated to λ = −1. The
    slopes depend on λ through (S + λD)⁻¹ alone, with S = cov(W | Z) and the mean error variances D, so that
    b(λ) = b(0) + Σⱼ γⱼ·λ/(μⱼ + λ) exactly, μⱼ being the eigenvalues of D⁻¹S; the remeasurements give γ. (A parabola
    would recover only .56 of the slope at a reliability of .35.) Only the mean of σᵢ² matters, not whose error it is.
    """
    base = moments(sample.columns, fit_weights)
    naive = _slopes(base)
    if len(sample.prone) == 0:
        return naive
    rng = np.random.default_rng((seed, 1))
    sums = np.zeros((len(SIMEX_LEVELS), *naive.shape))
    for _ in range(pairs):
        noise = np.zeros_like(sample.columns)
        noise[:, sample.prone] = rng.normal(size=(len(noise), len(sample.prone))) * sample.errors[:, sample.prone]
        cross, own = moments(sample.columns, fit_weights, noise), moments(noise, fit_weights)
        cross += cross.transpose(0, 2, 1)
        for index, level in enumerate(SIMEX_LEVELS):
            for sign in (-1, 1):
                sums[index] += _slopes(base + sign * math.sqrt(level) * cross + level * own)
    return naive + _extrapolated(sums / (2 * pairs) - naive, _poles(sample, base, fit_weights))


def _poles(sample: _Sample, base: Values, fit_weights: Values) -> Values:
    """Eigenvalues μ of D⁻¹S, shape (resamples, error-prone predictors); NaN where one is below 1 (no true variance)."""
    inverse = np.linalg.pinv(base[:, :-1, :-1], hermitian=True)
    prone = np.ix_(np.arange(len(base)), sample.prone, sample.prone)
    root = np.sqrt(fit_weights @ sample.errors[:, sample.prone] ** 2)
    # The block of the inverse is S⁻¹; D^½ S⁻¹ D^½ has the eigenvalues 1/μ.
    found = 1 / np.linalg.eigvalsh(root[:, :, None] * inverse[prone] * root[:, None, :])
    return np.where(found > 1, found, np.nan)


def _extrapolated(change: Values, poles: Values) -> Values:
    """Change of the slopes from λ = 0 to −1, shape (resamples, k), from that at the levels, (levels, resamples, k)."""
    levels = np.array(SIMEX_LEVELS)[None, :, None]
    # Scaled by μ + 1, so that the functions stay of order 1 where the error is small.
    basis = levels * (poles[:, None, :] + 1) / (poles[:, None, :] + levels)
    undefined = np.isnan(basis).any(axis=(1, 2), keepdims=True)
    fitted = np.linalg.pinv(np.where(undefined, 0.0, basis)) @ change.transpose(1, 0, 2)
    at_truth = -(poles + 1) / (poles - 1)
    return np.asarray((at_truth[:, None, :] @ fitted)[:, 0, :])
