"""pH and magnesium solved from several shifts: round trip, coverage, limits of the range, refusals.

The limiting shifts are invented for these tests: they are not those of ATP.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.special import ndtr

from myomag.core.energetics import equilibrium_constants
from myomag.core.families import shift_calibration
from myomag.core.joint_solution import solve_shifts
from myomag.core.speciation import FORMS, ShiftModel, speciation_calibration
from myomag.settings.documents import shipped_document

CONSTANTS = equilibrium_constants()
PH = shift_calibration(shipped_document("calibrations", "brain7t"), "ph")
DOCUMENT = {
    "name": "invented",
    "quantity": "mg",
    "family": "speciation",
    "coefficients": {
        "alpha-ATP": dict(zip(FORMS, (-7.9, -8.2, -7.4, -7.9), strict=True)),
        "beta-ATP": dict(zip(FORMS, (-18.7, -19.2, -15.7, -17.0), strict=True)),
        "gamma-ATP": dict(zip(FORMS, (-2.9, -7.3, -2.3, -4.0), strict=True)),
    },
    "range": {"lower_ph": 5.5, "upper_ph": 8.5, "lower_pmg": 1.5, "upper_pmg": 6.0},
    "source": "Test values, invented",
    "standing": "unverified",
}
ALL = ("Pi", "alpha-ATP", "beta-ATP", "gamma-ATP")
SUBSETS = [ALL, ("Pi", "beta-ATP"), ("Pi", "gamma-ATP"), ALL[1:], ("Pi", "alpha-ATP", "beta-ATP")]


def model(lines=ALL):
    return ShiftModel(speciation_calibration(DOCUMENT), PH, CONSTANTS, lines)


def covariance_of(lines, sd_ppm=0.008, correlation=0.2):
    return sd_ppm**2 * (correlation + (1 - correlation) * np.eye(len(lines)))


@pytest.mark.parametrize("lines", SUBSETS)
@pytest.mark.parametrize(("ph", "pmg"), [(7.03, 3.38), (6.6, 3.0), (7.25, 4.0)])
def test_shifts_of_a_known_ph_and_magnesium_give_them_back(lines, ph, pmg):
    shifts, _ = model(lines).shifts_ppm(np.array([ph, pmg]))
    solution = solve_shifts(model(lines), shifts, covariance_of(lines))
    assert (solution.ph.value, solution.pmg.value) == pytest.approx((ph, pmg), abs=1e-6)
    assert solution.chi2 == pytest.approx(0, abs=1e-9)
    assert solution.degrees_of_freedom == len(lines) - 2


def test_posterior_slopes_and_chi2_equal_those_of_simulated_shifts():
    truth, draws = np.array([7.03, 3.38]), 600
    covariance = covariance_of(ALL)
    shifts, _ = model().shifts_ppm(truth)
    noisy = np.random.default_rng(2).multivariate_normal(shifts, covariance, draws)
    solutions = [solve_shifts(model(), row, covariance) for row in noisy]
    central = solve_shifts(model(), shifts, covariance)
    for quantity, value in (("ph", truth[0]), ("pmg", truth[1])):
        posteriors = [getattr(solution, quantity) for solution in solutions]
        values = np.array([posterior.value for posterior in posteriors])
        hits = np.mean([posterior.ci95_low <= value <= posterior.ci95_high for posterior in posteriors])
        assert getattr(central, quantity).sd == pytest.approx(values.std(), rel=4 / np.sqrt(2 * draws) + 0.01)
        assert hits == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / draws))
    spread = np.sqrt(np.diag(central.slopes @ covariance @ central.slopes.T))
    assert spread == pytest.approx([central.ph.sd, central.pmg.sd], rel=0.02)
    # χ² with two degrees of freedom: mean 2, SD 2.
    assert np.mean([solution.chi2 for solution in solutions]) == pytest.approx(2, abs=4 * 2 / np.sqrt(draws))


def test_two_shifts_give_the_ph_of_the_calibration_by_pi_alone():
    lines, covariance = ("Pi", "beta-ATP"), np.diag([0.005, 0.01]) ** 2
    observed = model(lines).shifts_ppm(np.array([7.0, 3.4]))[0] + [0.003, -0.01]
    solution = solve_shifts(model(lines), observed, covariance)
    alone = PH.posterior(float(observed[0]), 0.005)
    assert solution.ph.value == pytest.approx(alone.value, abs=1e-7)
    assert solution.ph.sd == pytest.approx(alone.sd, rel=0.01)
    np.testing.assert_allclose(
        [solution.ph.ci95_low, solution.ph.ci95_high], [alone.ci95_low, alone.ci95_high], atol=0.01 * alone.sd
    )


def test_interval_of_pmg_reaches_further_towards_saturation():
    shifts, _ = model().shifts_ppm(np.array([7.03, 2.5]))
    posterior = solve_shifts(model(), shifts, covariance_of(ALL, 0.02)).pmg
    assert posterior.value - posterior.ci95_low > 1.1 * (posterior.ci95_high - posterior.value)


def test_beta_atp_beyond_saturation_is_undefined_with_the_probability_of_a_single_shift():
    # Pi fixes the pH, so that β-ATP alone says Mg: its distance from the limit of the range in SDs counts.
    lines, sd = ("Pi", "beta-ATP"), 0.02
    covariance = np.diag([1e-5, sd]) ** 2
    limit = model(lines).shifts_ppm(np.array([7.0, 1.5]))[0]
    for beyond_sd in (-1.0, 0.5, 2.0):
        solution = solve_shifts(model(lines), limit + np.array([0, beyond_sd * sd]), covariance)
        assert solution.pmg.p_undefined == pytest.approx(ndtr(beyond_sd), abs=2e-3)
        assert (solution.pmg.value is None) == (beyond_sd > 0)
        assert solution.ph.value == pytest.approx(7.0, abs=1e-3)


def test_shifts_that_contradict_each_other_show_in_chi2():
    shifts, _ = model().shifts_ppm(np.array([7.03, 3.38]))
    assert solve_shifts(model(), shifts + np.array([0, 0.1, 0, 0]), covariance_of(ALL)).chi2 > 20


@pytest.mark.parametrize("lines", [("Pi",), ("beta-ATP",)])
def test_too_few_shifts_are_refused(lines):
    with pytest.raises(ValueError, match="two shifts"):
        solve_shifts(
            model(("Pi", "beta-ATP")).__class__(speciation_calibration(DOCUMENT), PH, CONSTANTS, lines),
            [0.0],
            np.eye(1),
        )


def test_a_singular_covariance_is_refused():
    with pytest.raises(ValueError, match="singular"):
        solve_shifts(model(("Pi", "beta-ATP")), [4.8, -15.9], np.zeros((2, 2)))


def test_standing_is_the_weakest_of_the_limits_used():
    for standing, ph_standing, lines, expected in (
        ("found", "found", ALL, "found"),
        ("found", "unverified", ALL, "unverified"),
        ("found", "unverified", ALL[1:], "found"),
        ("derived", "found", ALL, "derived"),
    ):
        calibration = speciation_calibration(DOCUMENT | {"standing": standing})
        known = ShiftModel(calibration, replace(PH, standing=ph_standing), CONSTANTS, lines)
        shifts, _ = known.shifts_ppm(np.array([7.0, 3.4]))
        assert solve_shifts(known, shifts, covariance_of(lines)).standing == expected


def test_solution_is_the_minimum_that_another_solver_finds():
    rng, covariance = np.random.default_rng(8), covariance_of(ALL, 0.02)
    whitener = np.linalg.inv(np.linalg.cholesky(covariance))
    for truth in rng.uniform([6.5, 2.5], [7.4, 4.5], (10, 2)):
        observed = rng.multivariate_normal(model().shifts_ppm(truth)[0], covariance)
        other = least_squares(
            lambda point, at=observed: whitener @ (at - model().shifts_ppm(point)[0]), truth, xtol=1e-14, ftol=1e-14
        )
        solution = solve_shifts(model(), observed, covariance)
        assert solution.chi2 == pytest.approx(2 * other.cost, abs=1e-9)
        assert (solution.ph.value, solution.pmg.value) == pytest.approx(other.x, abs=1e-6)
