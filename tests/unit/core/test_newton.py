"""The minimiser: a problem whose minimum is known, free and at a bound, and Hessians that do not help."""

import numpy as np
import pytest

from myomag.core.newton import Evaluation, minimise

FREE = np.full(2, np.inf)


class Rosenbrock:
    """(10·(y − x²))² + (1 − x)², minimum 0 at (1, 1); its Hessian is not positive definite for large y."""

    def __init__(self, *, flip_hessian: bool = False) -> None:
        self.flip = -1.0 if flip_hessian else 1.0

    def residual(self, theta):
        return np.array([10 * (theta[1] - theta[0] ** 2), 1 - theta[0]])

    def cost(self, theta):
        return float(self.residual(theta) @ self.residual(theta))

    def evaluate(self, theta):
        jacobian = np.array([[20 * theta[0], -10.0], [1.0, 0.0]])
        residual = self.residual(theta)
        information = jacobian.T @ jacobian
        curvature = np.array([[20 * residual[0], 0.0], [0.0, 0.0]])
        return Evaluation(self.cost(theta), jacobian.T @ residual, information, self.flip * (information - curvature))


@pytest.mark.parametrize("flip_hessian", [False, True])
@pytest.mark.parametrize("start", [(-1.2, 1.0), (0.5, 3.0), (3.0, -4.0)])
def test_the_minimum_is_found_also_where_the_hessian_points_uphill(start, flip_hessian):
    problem = Rosenbrock(flip_hessian=flip_hessian)
    found = minimise(problem, np.array(start), lower=-FREE, upper=FREE, reach=FREE, floor=1e-20)
    assert found.converged
    assert found.theta == pytest.approx([1.0, 1.0], abs=1e-9)


def test_a_bound_holds_and_the_rest_is_the_best_there():
    upper = np.array([0.5, np.inf])
    found = minimise(Rosenbrock(), np.array([-1.2, 1.0]), lower=-FREE, upper=upper, reach=FREE, floor=1e-20)
    assert found.converged
    # At x = .5 the first term vanishes where y = x².
    assert found.theta == pytest.approx([0.5, 0.25], abs=1e-9)


def test_no_step_is_longer_than_its_reach():
    accepted = []

    class Watched(Rosenbrock):
        def evaluate(self, theta):
            accepted.append(theta.copy())
            return super().evaluate(theta)

    reach = np.array([0.1, 0.3])
    found = minimise(Watched(), np.array([-1.2, 1.0]), lower=-FREE, upper=FREE, reach=reach, floor=1e-20)
    assert found.converged
    steps = np.abs(np.diff(accepted, axis=0))
    assert np.all(steps <= reach * (1 + 1e-12))
    assert steps.max(axis=0) == pytest.approx(reach)
