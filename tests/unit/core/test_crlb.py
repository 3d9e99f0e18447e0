"""Covariance of fitted parameters: closed form of one Lorentzian line, held and undetermined parameters."""

import numpy as np
import pytest

from myomag.core.crlb import ONE_SIDED_RISE, fitted_covariance, one_sided_distances, parameter_covariance

ALL = np.ones(3, dtype=bool)
MATRIX = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 2.0]])


def lorentzian_information(amplitude, decay, dwell_s, points=200_000):
    """JᵀJ of a·exp(iφ + iω·τ − d·τ) for (a, φ, ω, d): sums of τ^m·exp(−2dτ), m = 0, 1, 2."""
    tau = dwell_s * np.arange(points)
    s0, s1, s2 = ((tau**m * np.exp(-2 * decay * tau)).sum() for m in range(3))
    a = amplitude
    return np.array(
        [
            [s0, 0, 0, -a * s1],
            [0, a**2 * s0, a**2 * s1, 0],
            [0, a**2 * s1, a**2 * s2, 0],
            [-a * s1, 0, 0, a**2 * s2],
        ]
    )


def test_one_lorentzian_line_has_the_bounds_of_the_closed_form():
    # With S_m = m!/((2d)^(m+1)·Δt) for a fine sampling: var(a) = 4d·Δt·σ², var(φ) = 4d·Δt·σ²/a²,
    # var(ω) = var(d) = 8d³·Δt·σ²/a². The sums differ from the integrals by d·Δt, relative.
    amplitude, decay, dwell_s, sigma = 3.0, np.pi * 6, 1e-5, 0.2
    found = np.diag(
        parameter_covariance(lorentzian_information(amplitude, decay, dwell_s), np.ones(4, dtype=bool), sigma)
    )
    near = 4 * decay * dwell_s * sigma**2
    far = 8 * decay**3 * dwell_s * sigma**2 / amplitude**2
    np.testing.assert_allclose(found, [near, near / amplitude**2, far, far], rtol=4 * decay * dwell_s)


def test_covariance_is_the_inverse_whatever_the_units():
    scale = np.array([1e-9, 1.0, 1e7])
    found = parameter_covariance(MATRIX * np.outer(scale, scale), ALL, 2.0)
    np.testing.assert_allclose(found, 4 * np.linalg.inv(MATRIX) / np.outer(scale, scale), rtol=1e-12)


def test_a_held_parameter_is_known_and_takes_no_part():
    found = parameter_covariance(MATRIX, np.array([True, False, True]), 1.0)
    assert not found[1].any()
    np.testing.assert_allclose(np.diag(found), [1 / 4, 0, 1 / 2])


def test_a_parameter_the_data_say_nothing_about_is_not_a_number_and_spoils_no_other():
    silent = MATRIX.copy()
    silent[2] = silent[:, 2] = 0
    found = parameter_covariance(silent, ALL, 1.0)
    assert np.isnan(found[2]).all()
    np.testing.assert_allclose(found[:2, :2], np.linalg.inv(MATRIX[:2, :2]))


def test_parameters_that_cannot_be_told_apart_have_no_finite_sd():
    twins = np.array([[1.0, 1.0], [1.0, 1.0]])
    found = np.diag(parameter_covariance(twins, np.ones(2, dtype=bool), 1.0))
    assert (np.isnan(found) | (found > 1e12)).all()


def test_the_curvature_of_the_minimum_is_used_where_it_is_one():
    np.testing.assert_allclose(fitted_covariance(2 * MATRIX, MATRIX, ALL, 1.0), np.linalg.inv(MATRIX) / 2)
    saddle = MATRIX - 5 * np.eye(3)
    np.testing.assert_allclose(fitted_covariance(saddle, MATRIX, ALL, 1.0), np.linalg.inv(MATRIX))


@pytest.mark.parametrize("held", [0, 1, 2])
def test_only_free_directions_need_to_curve_upwards(held):
    free = np.arange(3) != held
    curved = MATRIX.copy()
    curved[held, held] = -1.0
    found = fitted_covariance(curved, MATRIX, free, 1.0)
    np.testing.assert_allclose(found[np.ix_(free, free)], np.linalg.inv(MATRIX[np.ix_(free, free)]), atol=1e-15)


@pytest.mark.parametrize("held", [0, 1, 2])
@pytest.mark.parametrize("slope", [-2.0, -0.3, 0.7])
def test_a_one_sided_interval_ends_where_the_sum_of_squares_has_risen_enough(held, slope):
    free, gradient, sigma = np.arange(3) != held, np.zeros(3), 0.5
    gradient[held] = slope
    (distance,) = one_sided_distances(MATRIX, gradient, free, sigma)
    # The gradient points out of the bounds, the interval into them.
    assert np.sign(distance) == -np.sign(slope)
    # Sum of squares about the minimum: −2·g·x + x·H·x, the free parameters at their best for this distance.
    x = np.zeros(3)
    x[held] = distance
    x[free] = -np.linalg.solve(MATRIX[np.ix_(free, free)], MATRIX[free, held] * distance)
    assert -2 * gradient @ x + x @ MATRIX @ x == pytest.approx(ONE_SIDED_RISE * sigma**2, rel=1e-9)


def test_a_held_parameter_without_influence_has_no_limit():
    silent = MATRIX.copy()
    silent[2] = silent[:, 2] = 0
    assert np.isnan(one_sided_distances(silent, np.zeros(3), np.array([True, True, False]), 1.0)).all()


def test_nothing_held_needs_no_limit():
    assert one_sided_distances(MATRIX, np.zeros(3), ALL, 1.0).size == 0
