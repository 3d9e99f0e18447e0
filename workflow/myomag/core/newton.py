"""Least squares by damped Newton steps within bounds: the minimiser of every fit of this package."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

MAX_ITERATIONS = 200
# Damping of the first step, relative to the diagonal of the normal equations; start values are near the minimum.
DAMPING = 1e-2
# Converged when the remaining step of the normal equations is this fraction of a standard error (squared).
TOLERANCE = 1e-14


@dataclass(frozen=True)
class Evaluation:
    """Fit at one θ.

    Attributes
    ----------
    cost : float
        Sum of the squared moduli of the residual, plus the penalty of prior knowledge.
    gradient : ndarray, shape (parameters,)
        Jᵀr, half the negative gradient of the cost.
    information : ndarray, shape (parameters, parameters)
        JᵀJ over real and imaginary parts.
    hessian : ndarray, shape (parameters, parameters)
        Half the Hessian of the cost: JᵀJ minus the curvature term of the residual.
    """

    cost: float
    gradient: Real
    information: Real
    hessian: Real


class Problem(Protocol):
    """A sum of squares to minimise."""

    def cost(self, theta: Real) -> float:
        """Sum of squares at θ."""

    def evaluate(self, theta: Real) -> Evaluation:
        """Sum of squares with its derivatives at θ."""


@dataclass(frozen=True)
class Minimum:
    """End point of the steps.

    Attributes
    ----------
    theta : ndarray, shape (parameters,)
    iterations : int
    converged : bool
    """

    theta: Real
    iterations: int
    converged: bool


def minimise(
    problem: Problem, theta: Real, *, lower: Real, upper: Real, reach: Real, floor: float, most: int | None = None
) -> Minimum:
    """Minimum of a sum of squares; bounds are enforced by an active set and by clipping steps to the box.

    Parameters
    ----------
    problem : Problem
    theta, lower, upper : ndarray, shape (parameters,)
        Start values and bounds.
    reach : ndarray, shape (parameters,)
        Longest step of each parameter.
    floor : float
        Cost below which the data are reproduced to rounding.
    most : int, optional
        Largest number of iterations; `MAX_ITERATIONS` if not given.
    """
    damping, growth = DAMPING, 2.0
    most = MAX_ITERATIONS if most is None else most
    here = problem.evaluate(theta)
    for iteration in range(1, most + 1):
        free = unbounded(theta, here.gradient, lower, upper)
        wanted = _step(here, free, damping)
        enough = TOLERANCE * max(here.cost, floor)
        # The damped step is smaller than the full one, which need not be known before the end.
        if wanted @ here.gradient <= enough and _step(here, free, 0.0) @ here.gradient <= enough:
            return Minimum(theta, iteration, True)
        trial = np.clip(theta + np.clip(wanted, -reach, reach), lower, upper)
        step = trial - theta
        predicted = 2 * step @ here.gradient - step @ here.hessian @ step
        cost = problem.cost(trial)
        if cost < here.cost:
            gain = float((here.cost - cost) / predicted) if predicted > 0 else 0.0
            damping *= max(1 / 10, 1 - (2 * gain - 1) ** 3) if gain < 2 else 1.0
            growth = 2.0
            theta = trial
            here = problem.evaluate(theta)
        else:
            if not np.any(np.abs(step) > 1e-15 * np.maximum(np.abs(theta), 1e-300)) or damping > 1e12:
                # No representable step lowers the sum of squares any further.
                return Minimum(theta, iteration, True)
            damping *= growth
            growth *= 2
    return Minimum(theta, most, False)


def unbounded(theta: Real, gradient: Real, lower: Real, upper: Real) -> NDArray[np.bool_]:
    """Parameters not held at a bound by the gradient (of the fit's improvement)."""
    return ~(((theta <= lower) & (gradient <= 0)) | ((theta >= upper) & (gradient >= 0)))


def _step(here: Evaluation, free: NDArray[np.bool_], damping: float) -> Real:
    """Damped Newton step of the free parameters; Gauss–Newton if the Hessian is not positive definite."""
    step = np.zeros_like(here.gradient)
    use = free & (np.diag(here.information) > 0)
    scale = 1 / np.sqrt(np.diag(here.information)[use])
    for matrix in (here.hessian, here.information):
        scaled = matrix[use][:, use] * scale * scale[:, None]
        scaled.flat[:: len(scaled) + 1] += damping + 1e-13
        try:
            # Cholesky's factor is only a test: numpy has no triangular solver, and importing scipy's takes longer than
            # all fits of a process.
            np.linalg.cholesky(scaled)
        except np.linalg.LinAlgError:
            continue
        step[use] = scale * np.linalg.solve(scaled, scale * here.gradient[use])
        return step
    return step
