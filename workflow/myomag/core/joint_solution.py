"""pH and free magnesium together from several shifts, with the posterior of each."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from myomag.core.calibration import Array, ShiftPosterior, shift_posterior, weakest
from myomag.core.newton import Evaluation, minimise
from myomag.core.speciation import ATP_LINES, ShiftModel

_COARSE_NODES, _REACH = 33, 8.0
_MAX_STEP, _ROUNDING = 0.5, 1e-6
_MAX_CONDITION, _TINY = 1e12, 1e-300


class Solution(NamedTuple):
    """pH and pMg that best fit the shifts.

    Attributes
    ----------
    ph, pmg : ShiftPosterior
        Value, SD, 95 % interval and probability of being outside the searched range.
    slopes : ndarray, shape (2, shifts)
        Slopes of pH and pMg with respect to the observed shifts [1/ppm]; NaN if the shifts do not determine both.
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

    Each posterior follows the signed root of the profile deviance, √(χ²(x) − χ²min) with the other quantity refitted at
    each x; for a calibration by one shift it reduces to that posterior.

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
        raise ValueError("two shifts, one of them of ATP, are needed to determine pH and pMg")
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


class _Misfit(NamedTuple):
    """Sum of χ² over points, each moved along some coordinates: a problem for `newton.minimise`.

    Attributes
    ----------
    points : ndarray, shape (points, 2)
        Starts.
    free : list of int
        Coordinates that may move: 0 for the pH, 1 for the pMg.
    """

    data: _Whitened
    points: Array
    free: list[int]

    def moved(self, theta: Array) -> Array:
        """Points with their free coordinates at θ, shape (points, 2)."""
        points = self.points.copy()
        points[:, self.free] = theta.reshape(len(points), -1)
        return points

    def cost(self, theta: Array) -> float:
        """Sum of χ² at θ."""
        return float(np.sum(self.data.residual(self.moved(theta))[0] ** 2))

    def evaluate(self, theta: Array) -> Evaluation:
        """Sum of χ² with its derivatives at θ; points are independent, so JᵀJ consists of blocks."""
        residual, slopes = self.data.residual(self.moved(theta))
        slopes = slopes[..., self.free]
        each, size = np.arange(len(residual)), len(self.free)
        blocks = np.zeros((len(each), size, len(each), size))
        blocks[each, :, each, :] = np.einsum("pla,plb->pab", slopes, slopes)
        information = blocks.reshape(theta.size, theta.size)
        gradient = np.einsum("pl,pla->pa", residual, slopes).ravel()
        return Evaluation(float(np.sum(residual**2)), gradient, information, information)

    def minimum(self) -> Array:
        """Points of the smallest χ² near the starts within the range, shape (points, 2)."""
        limits = self.data.model.calibration
        lower, upper = (np.tile(end[self.free], len(self.points)) for end in (limits.lower, limits.upper))
        start, reach = self.points[:, self.free].ravel(), np.full(lower.shape, _MAX_STEP)
        return self.moved(minimise(self, start, lower=lower, upper=upper, reach=reach, floor=_ROUNDING).theta)


def _minimum(data: _Whitened) -> Array:
    """Point of the smallest χ²: the best of a coarse grid, refined within the range."""
    lower, upper = data.model.calibration.lower, data.model.calibration.upper
    axes = [np.linspace(low, high, _COARSE_NODES) for low, high in zip(lower, upper, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    chi2 = np.sum(data.residual(grid)[0] ** 2, axis=-1)
    best: Array = _Misfit(data, grid[np.argmin(chi2)][None], [0, 1]).minimum()[0]
    return best


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
        Distance of the optimum beyond a limit of the range, in SD; 0 if it is inside.
    nodes : ndarray
        Values of the coordinate, rising.
    """
    points = np.empty((len(nodes), 2))
    points[:, axis], points[:, 1 - axis] = nodes, best[1 - axis] - tilt * (nodes - best[axis])
    points = np.clip(points, data.model.calibration.lower, data.model.calibration.upper)
    profile = _Misfit(data, points, [1 - axis]).minimum()
    chi2 = np.sum(data.residual(np.vstack([profile, best]))[0] ** 2, axis=-1)
    roots = np.sqrt(np.maximum(chi2[:-1] - chi2[-1], 0.0) + beyond**2)
    rising: Array = np.maximum.accumulate(roots * (np.sign(nodes - best[axis]) if beyond == 0 else -np.sign(beyond)))
    return rising
