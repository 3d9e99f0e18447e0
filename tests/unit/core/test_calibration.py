"""Posterior of a quantity read off a shift: truncated at the range, skewed near the pole, undefined beyond it."""

import numpy as np
import pytest

from myomag.core.calibration import weakest
from myomag.core.families import shift_calibration
from myomag.settings.documents import shipped_document

PH = shift_calibration(shipped_document("calibrations", "taylor1983"), "ph")
IOTTI = shift_calibration(shipped_document("calibrations", "iotti1996"), "mg")


def test_interval_is_that_of_the_linear_formula_where_the_curve_is_straight():
    posterior = PH.posterior(4.85, 0.004)
    sd = PH.slope(4.85) * 0.004
    assert posterior.value == PH.value(4.85)
    # The curvature over one SD changes the slope by less than a percent; the quadrature leaves out the outer 1/4096.
    assert posterior.sd == pytest.approx(sd, rel=0.01)
    assert posterior.ci95_high - posterior.ci95_low == pytest.approx(2 * 1.96 * sd, rel=0.01)
    assert posterior.p_undefined < 1e-100


def test_posterior_equals_a_simulation_of_the_truncated_shift():
    # 3 SD from the pole: the slope of the curve grows by half over one SD.
    mean, sd, draws = -15.83, 0.03, 400_000
    shifts = np.random.default_rng(3).normal(mean, sd, draws)
    inside = shifts < -15.74
    pmg = IOTTI.value(shifts[inside])
    posterior = IOTTI.posterior(mean, sd)
    chance = np.sqrt(posterior.p_undefined / draws)
    assert posterior.p_undefined == pytest.approx(1 - inside.mean(), abs=4 * chance)
    assert posterior.value == IOTTI.value(mean)
    # Relative error of an SD: √((κ − 1)/4n); the heavy tail towards the pole has a kurtosis near 10.
    assert posterior.sd == pytest.approx(pmg.std(), rel=4 * np.sqrt(9 / 4 / draws) + 0.005)
    np.testing.assert_allclose([posterior.ci95_low, posterior.ci95_high], np.quantile(pmg, [0.025, 0.975]), atol=5e-3)


def test_interval_reaches_further_towards_more_magnesium():
    posterior = IOTTI.posterior(-15.84, 0.02)
    assert posterior.value - posterior.ci95_low > 1.2 * (posterior.ci95_high - posterior.value)


def test_sd_near_the_pole_is_larger_than_the_slope_at_the_centre_says():
    posterior = IOTTI.posterior(-15.80, 0.03)
    assert posterior.sd > -IOTTI.slope(-15.80) * 0.03


@pytest.mark.parametrize(
    ("calibration", "shift_ppm", "sd_ppm", "probability"),
    [
        (IOTTI, -15.74, 0.02, 0.5),
        (IOTTI, -15.70, 0.02, 0.9772),
        (IOTTI, -18.58, 0.02, 0.5),
        (IOTTI, -10.0, 0.02, 1.0),
        (PH, 5.70, 0.01, 0.8413),
        (PH, 3.25, 0.02, 0.8413),
    ],
)
def test_a_shift_outside_the_range_is_undefined_with_its_probability(calibration, shift_ppm, sd_ppm, probability):
    posterior = calibration.posterior(shift_ppm, sd_ppm)
    assert posterior.value is posterior.sd is posterior.ci95_low is posterior.ci95_high is None
    assert posterior.p_undefined == pytest.approx(probability, abs=1e-4)


def test_a_shift_without_error_gives_a_value_without_error():
    posterior = IOTTI.posterior(-15.9, 0.0)
    assert (posterior.sd, posterior.p_undefined) == (0.0, 0.0)
    assert posterior.ci95_low == posterior.value == posterior.ci95_high


@pytest.mark.parametrize(("shift_ppm", "sd_ppm"), [(float("nan"), 0.01), (-15.9, float("inf")), (-15.9, -0.01)])
def test_a_shift_that_is_no_measurement_is_refused(shift_ppm, sd_ppm):
    with pytest.raises(ValueError, match="not a measurement"):
        IOTTI.posterior(shift_ppm, sd_ppm)


def test_coverage_of_the_interval_is_that_of_the_shift():
    # The interval holds the truth as often as the shift's own does: 95 % ± 3 SE of 1000 draws.
    truth, sd = -15.88, 0.02
    hits = 0
    for shift in np.random.default_rng(5).normal(truth, sd, 1000):
        posterior = IOTTI.posterior(float(shift), sd)
        hits += posterior.value is not None and posterior.ci95_low <= IOTTI.value(truth) <= posterior.ci95_high
    assert hits / 1000 == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 1000))


def test_a_result_stands_no_better_than_the_weakest_number_it_rests_on():
    assert weakest(["found", "derived"]) == "derived"
    assert weakest(["given", "derived", "found"]) == "given"
    assert weakest(["unverified", "given"]) == "unverified"
