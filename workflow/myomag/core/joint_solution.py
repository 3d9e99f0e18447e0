"""pH and free magnesium together from several shifts, with the posterior of each."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from myomag.core.calibration import Array, ShiftPosterior, shift_posterior, weakest
from myomag.core.speciation import ATP_LINES, ShiftModel

_COARSE_NODES, _REACH = 33, 8.0
_MAX_STEPS, _MAX_STEP, _CHI2_TOLERANCE = 60, 0.5, 1e-8
_MAX_CONDITION, _TINY = 1e12, 1e-300


class Solution(NamedTuple):
    """pH and pMg that fit the shifts best.

    Attributes
    ----------
    ph, pmg : ShiftPosterior
        Value, SD, 95 % interval and probability of lying outside the searched range.
    slopes : ndarray, shape (2, shifts)
        Slopes of pH and pMg against the observed shifts [1/ppm]; NaN where the shifts do not determine both.
    chi2 : float
        Residual χ² of the shifts.
    degrees_of_freedom : int
        Shifts minus two.
    standing : str
        Weakest standing of the limiting shifts used.
    """

    ph: ShiftPosterior
    pmg: ShiftPosterior
    slopes: Array
    chi2: float
    degrees_of_freedom: int
    standing: str


class _Whitened(NamedTuple):
    """Observed shifts in units in which their errors are independent and of SD one."""

    model: ShiftModel
    observed_ppm: Array
    whitener: Array

    def residual(self, point: Array) -> tuple[Array, Array]:
        """Residual, shape (..., lines), and the slopes of the model, shape (..., lines, 2), both whitened."""
        shifts, slopes = self.model.shifts_ppm(point)
        return (self.observed_ppm - shifts) @ self.whitener.T, self.whitener @ slopes


def solve_shifts(model: ShiftModel, observed_ppm: Sequence[float], covariance: Array) -> Solution:
    """Intracellular pH and pMg by weighted least squares of the shifts with their covariance.

    Each posterior follows the signed root of the profile deviance, √(χ²(x) − χ²min) with the other quantity fitted anew
    at each x: it has the same meaning as for a calibration by one shift, to which it reduces there.

    Parameters
    ----------
    model : ShiftModel
        At least two shifts, one of them of ATP.
    observed_ppm : sequence of float
        Shifts from PCr [ppm], in the order of the model's lines.
    covariance : ndarray, shape (lines, lines)
        Their covariance [ppm²].

    Raises
    ------
    ValueError
        If there are too few shifts, or the covariance is singular.
    """
    if len(model.lines) < 2 or not set(model.lines) & set(ATP_LINES):
        raise ValueError("two shifts are needed, one of them of ATP, to tell pH and pMg")
    try:
        whitener = np.linalg.inv(np.linalg.cholesky(covariance))
    except np.linalg.LinAlgError:
        raise ValueError("the covariance of the shifts is singular") from None
    data = _Whitened(model, np.asarray(observed_ppm, dtype=np.float64), whitener)
    best = _minimum(data)
    residual, slopes = data.residual(best)
    information = slopes.T @ slopes
    determined = np.linalg.cond(information) < _MAX_CONDITION
    gain = np.full((2, len(model.lines)), np.nan)
    if determined:
        gain = np.asarray(np.linalg.solve(information, slopes.T) @ whitener, dtype=np.float64)
    return Solution(
        ph=_posterior(data, best, axis=0),
        pmg=_posterior(data, best, axis=1),
        slopes=gain,
        chi2=float(residual @ residual),
        degrees_of_freedom=len(model.lines) - 2,
        standing=weakest([model.calibration.standing] + [model.ph_calibration.standing] * ("Pi" in model.lines)),
    )


def _minimum(data: _Whitened) -> Array:
    """Point of the smallest χ²: the best of a coarse grid, refined; a coordinate that ends at a limit is kept there."""
    lower, upper = data.model.calibration.lower, data.model.calibration.upper
    axes = [np.linspace(low, high, _COARSE_NODES) for low, high in zip(lower, upper, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    chi2 = np.sum(data.residual(grid)[0] ** 2, axis=-1)
    best = _refined(data, grid[np.argmin(chi2)][None], np.ones(2))
    inside = ((best > lower) & (best < upper))[0].astype(np.float64)
    refined: Array = best[0] if inside.all() else _refined(data, best, inside)[0]
    return refined


def _refined(data: _Whitened, points: Array, free: Array) -> Array:
    """Smallest χ² near each point, by Levenberg–Marquardt steps that stay in the range.

    Parameters
    ----------
    points : ndarray, shape (points, 2)
        Starts.
    free : ndarray, shape (2,)
        1 for a coordinate that may move, 0 for one that stays.
    """
    lower, upper = data.model.calibration.lower, data.model.calibration.upper
    residual, slopes = data.residual(points)
    chi2, damping = np.sum(residual**2, axis=-1), np.full(len(points), 1e-9)
    for _ in range(_MAX_STEPS):
        step, gradient = _damped_step(residual, slopes * free, damping)
        trial = np.clip(points + np.clip(step, -_MAX_STEP, _MAX_STEP), lower, upper)
        last = np.all(np.sum((trial - points) * gradient, axis=-1) < _CHI2_TOLERANCE * (1 + chi2))
        trial_residual, trial_slopes = data.residual(trial)
        trial_chi2 = np.sum(trial_residual**2, axis=-1)
        # The last step is worth taking even where its gain drowns in rounding: it squares the error of the point.
        better = trial_chi2 < chi2 + (_CHI2_TOLERANCE * (1 + chi2) if last else 0.0)
        points = np.where(better[:, None], trial, points)
        residual = np.where(better[:, None], trial_residual, residual)
        slopes = np.where(better[:, None, None], trial_slopes, slopes)
        chi2, damping = np.where(better, trial_chi2, chi2), np.where(better, damping / 10, 1e-4 + damping * 10)
        if last:
            break
    return points


def _damped_step(residual: Array, slopes: Array, damping: Array) -> tuple[Array, Array]:
    """Solution of (JᵀJ + λ·tr(JᵀJ)/2·I)·step = Jᵀr for each point and Jᵀr, shape (points, 2); 0 where J is."""
    gradient: Array = np.einsum("pl,pla->pa", residual, slopes)
    first, cross, second = (np.einsum("pl,pl->p", slopes[..., i], slopes[..., j]) for i, j in ((0, 0), (0, 1), (1, 1)))
    ridge = damping * (first + second) / 2 + _TINY
    first, second = first + ridge, second + ridge
    step = np.stack(
        [second * gradient[:, 0] - cross * gradient[:, 1], first * gradient[:, 1] - cross * gradient[:, 0]], axis=-1
    )
    return step / np.maximum(first * second - cross**2, _TINY)[:, None], gradient


def _posterior(data: _Whitened, best: Array, *, axis: int) -> ShiftPosterior:
    """Posterior of the pH (axis 0) or the pMg (axis 1) from the signed root of the profile deviance."""
    lower, upper = data.model.calibration.lower[axis], data.model.calibration.upper[axis]
    residual, slopes = data.residual(best)
    along, other = slopes[:, axis], slopes[:, 1 - axis]
    tilt = float(other @ along) / max(float(other @ other), _TINY)
    direction = along - tilt * other
    slope = max(float(np.linalg.norm(direction)), _TINY)
    # Beyond a limit of the range the deviance grows as that of the score, which is exact for a single shift.
    beyond = float(residual @ direction) / slope if best[axis] in (lower, upper) else 0.0
    reach = np.linspace(-1.5, 1.5, 65) * min(_REACH / slope, upper - lower)
    nodes = np.unique(np.clip(best[axis] + reach, lower, upper))
    roots = _signed_roots(data, best, tilt, beyond, nodes, axis)
    if (roots[0] > -_REACH and nodes[0] > lower) or (roots[-1] < _REACH and nodes[-1] < upper):
        nodes = np.union1d(nodes, np.linspace(lower, upper, 65))
        roots = _signed_roots(data, best, tilt, beyond, nodes, axis)
    return shift_posterior(
        lambda root: np.interp(root, roots, nodes),
        shift_ppm=0.0,
        shift_sd_ppm=1.0,
        lower_ppm=float(roots[0]),
        upper_ppm=float(roots[-1]),
    )


def _signed_roots(data: _Whitened, best: Array, tilt: float, beyond: float, nodes: Array, axis: int) -> Array:
    """Signed root of the profile deviance at each value of one coordinate, shape (nodes,), rising.

    Parameters
    ----------
    tilt : float
        Change of the other coordinate along the profile, to first order, with its sign reversed.
    beyond : float
        Distance of the optimum beyond a limit of the range, in SD; 0 where it lies inside.
    nodes : ndarray
        Values of the coordinate, rising.
    """
    points = np.empty((len(nodes), 2))
    points[:, axis], points[:, 1 - axis] = nodes, best[1 - axis] - tilt * (nodes - best[axis])
    points = np.clip(points, data.model.calibration.lower, data.model.calibration.upper)
    profile = _refined(data, points, np.array([axis == 1, axis == 0], dtype=np.float64))
    chi2 = np.sum(data.residual(np.vstack([profile, best]))[0] ** 2, axis=-1)
    roots = np.sqrt(np.maximum(chi2[:-1] - chi2[-1], 0.0) + beyond**2)
    rising: Array = np.maximum.accumulate(roots * (np.sign(nodes - best[axis]) if beyond == 0 else -np.sign(beyond)))
    return rising
