"""Calibration of magnesium: published values, posterior near the pole, inverse."""

import numpy as np
import pytest
import yaml

from myomag.core.magnesium import mg_calibration, mg_mmol_l, pmg_posterior
from myomag.io.places import CONFIG_DIR

DOCUMENT = yaml.safe_load((CONFIG_DIR / "calibrations" / "iotti1996.yaml").read_text(encoding="utf-8"))
IOTTI = mg_calibration(DOCUMENT)


@pytest.mark.parametrize(
    ("shift_ppm", "mg", "percent_per_10_ppb"),
    [
        (-16.15, 0.177, 2.2),
        (-16.00, 0.266, 3.4),
        (-15.90, 0.406, 5.4),
        (-15.88, 0.455, 6.2),
        (-15.84, 0.608, 8.6),
        (-15.80, 0.939, 14),
    ],
)
def test_iotti_1996_gives_the_tabulated_concentrations_and_slopes(shift_ppm, mg, percent_per_10_ppb):
    # Half a unit of the last digit of the table.
    assert mg_mmol_l(IOTTI.pmg(shift_ppm)) == pytest.approx(mg, abs=6e-4)
    slope = -IOTTI.dpmg_ddelta(shift_ppm) * np.log(10)
    assert slope == pytest.approx(percent_per_10_ppb, rel=0.03)


def test_slope_is_the_derivative_of_the_pmg():
    shift, step = np.linspace(-18.5, -15.8, 50), 1e-5
    numeric = (IOTTI.pmg(shift + step) - IOTTI.pmg(shift - step)) / (2 * step)
    np.testing.assert_allclose(IOTTI.dpmg_ddelta(shift), numeric, rtol=1e-6)


def test_shift_inverts_the_pmg_over_all_magnesium_that_can_be_told():
    pmg = np.linspace(2.0, 6.0, 81)
    np.testing.assert_allclose(IOTTI.pmg(IOTTI.shift_ppm(pmg)), pmg, atol=1e-8)
    assert isinstance(IOTTI.shift_ppm(3.4), float)


@pytest.mark.parametrize("shift_ppm", [-15.74, -15.0, -18.58, -20.0])
def test_pmg_is_not_a_number_where_the_formula_has_none(shift_ppm):
    assert np.isnan(IOTTI.pmg(shift_ppm))
    assert not IOTTI.is_defined(shift_ppm)


def test_posterior_equals_a_simulation_of_the_truncated_shift():
    # 3 SD from the pole: the slope of the curve grows by half over one SD.
    mean, sd, draws = -15.83, 0.03, 400_000
    shifts = np.random.default_rng(3).normal(mean, sd, draws)
    inside = shifts < -15.74
    pmg = IOTTI.pmg(shifts[inside])
    posterior = pmg_posterior(IOTTI, delta_ppm=mean, delta_sd_ppm=sd)
    chance = np.sqrt(posterior.p_undefined / draws)
    assert posterior.p_undefined == pytest.approx(1 - inside.mean(), abs=4 * chance)
    assert posterior.value == IOTTI.pmg(mean)
    # Relative error of an SD: √((κ − 1)/4n); the heavy tail towards the pole has a kurtosis near 10.
    assert posterior.sd == pytest.approx(pmg.std(), rel=4 * np.sqrt(9 / 4 / draws) + 0.005)
    np.testing.assert_allclose([posterior.ci95_low, posterior.ci95_high], np.quantile(pmg, [0.025, 0.975]), atol=5e-3)


def test_interval_reaches_further_towards_more_magnesium():
    posterior = pmg_posterior(IOTTI, delta_ppm=-15.84, delta_sd_ppm=0.02)
    assert posterior.value - posterior.ci95_low > 1.2 * (posterior.ci95_high - posterior.value)


def test_sd_near_the_pole_is_larger_than_the_slope_at_the_centre_says():
    posterior = pmg_posterior(IOTTI, delta_ppm=-15.80, delta_sd_ppm=0.03)
    assert posterior.sd > -IOTTI.dpmg_ddelta(-15.80) * 0.03


@pytest.mark.parametrize(("shift_ppm", "probability"), [(-15.74, 0.5), (-15.70, 0.9772), (-18.58, 0.5), (-10.0, 1.0)])
def test_magnesium_outside_the_range_is_undefined_with_its_probability(shift_ppm, probability):
    posterior = pmg_posterior(IOTTI, delta_ppm=shift_ppm, delta_sd_ppm=0.02)
    assert posterior.value is posterior.sd is posterior.ci95_low is posterior.ci95_high is None
    assert posterior.p_undefined == pytest.approx(probability, abs=1e-4)


def test_a_shift_without_error_gives_a_value_without_error():
    posterior = pmg_posterior(IOTTI, delta_ppm=-15.9, delta_sd_ppm=0.0)
    assert (posterior.sd, posterior.p_undefined) == (0.0, 0.0)
    assert posterior.ci95_low == posterior.value == posterior.ci95_high


@pytest.mark.parametrize(("shift_ppm", "sd_ppm"), [(float("nan"), 0.01), (-15.9, float("inf")), (-15.9, -0.01)])
def test_a_shift_that_is_no_measurement_is_refused(shift_ppm, sd_ppm):
    with pytest.raises(ValueError, match="not a measurement"):
        pmg_posterior(IOTTI, delta_ppm=shift_ppm, delta_sd_ppm=sd_ppm)


def test_coverage_of_the_interval_is_that_of_the_shift():
    # The interval holds the truth as often as the shift's own does: 95 % ± 3 SE of 1000 draws.
    truth, sd = -15.88, 0.02
    hits = 0
    for shift in np.random.default_rng(5).normal(truth, sd, 1000):
        posterior = pmg_posterior(IOTTI, delta_ppm=float(shift), delta_sd_ppm=sd)
        hits += posterior.value is not None and posterior.ci95_low <= IOTTI.pmg(truth) <= posterior.ci95_high
    assert hits / 1000 == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 1000))


def test_a_narrower_range_of_the_user_holds():
    calibration = mg_calibration(DOCUMENT | {"range": {"lower_ppm": -16.6, "upper_ppm": -15.8}})
    assert np.isnan(calibration.pmg(-15.79))
    assert calibration.pmg(-15.9) == IOTTI.pmg(-15.9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "polynomial"}, "family is 'polynomial'"),
        ({"range": {"lower_ppm": -18.58, "upper_ppm": -15.0}}, "beyond the limiting shifts"),
        ({"coefficients": DOCUMENT["coefficients"] | {"upper_exponent": 0.0}}, "must be above zero"),
        ({"coefficients": DOCUMENT["coefficients"] | {"pk": float("inf")}}, "coefficients.pk is inf"),
    ],
)
def test_a_wrong_document_is_refused_in_one_line(change, message):
    with pytest.raises(ValueError, match=r".+") as error:
        mg_calibration(DOCUMENT | change)
    assert message in str(error.value)


# Limits of the kind the literature discusses, invented for these tests.
GUPTA_DOCUMENT = {
    "name": "own_limits",
    "quantity": "mg",
    "family": "gupta_moore",
    "coefficients": {"kd_umol_l": 50.0, "free_shift_ppm": 10.82, "bound_shift_ppm": 8.32},
    "range": {"lower_ppm": 8.32, "upper_ppm": 10.82},
    "source": "Test values",
    "standing": "found",
}


def gupta(bound_shift_ppm=8.32):
    coefficients = GUPTA_DOCUMENT["coefficients"] | {"bound_shift_ppm": bound_shift_ppm}
    limits = GUPTA_DOCUMENT["range"] | {"lower_ppm": bound_shift_ppm}
    return mg_calibration(GUPTA_DOCUMENT | {"coefficients": coefficients, "range": limits})


@pytest.mark.parametrize(("bound_shift_ppm", "mg"), [(8.26, 0.65), (8.32, 0.98), (8.40, 2.83)])
def test_gupta_moore_depends_on_its_limit_as_tabulated(bound_shift_ppm, mg):
    # Shift and concentration are rounded: half a digit of the shift is up to 1 %, of the concentration .5 %.
    assert mg_mmol_l(gupta(bound_shift_ppm).pmg(8.442)) == pytest.approx(mg, rel=0.015)


def test_gupta_moore_is_half_bound_at_the_dissociation_constant():
    assert mg_mmol_l(gupta().pmg((10.82 + 8.32) / 2)) == pytest.approx(0.050)


def test_gupta_moore_is_read_off_the_distance_of_alpha_and_beta_atp():
    assert dict(gupta().lines) == {"alpha-ATP": 1.0, "beta-ATP": -1.0}
    assert dict(IOTTI.lines) == {"beta-ATP": 1.0}


def test_gupta_moore_has_its_inverse_and_slope():
    pmg, step = np.linspace(2.0, 6.0, 41), 1e-6
    shift = gupta().shift_ppm(pmg)
    np.testing.assert_allclose(gupta().pmg(shift), pmg, atol=1e-9)
    numeric = (gupta().pmg(shift + step) - gupta().pmg(shift - step)) / (2 * step)
    np.testing.assert_allclose(gupta().dpmg_ddelta(shift), numeric, rtol=1e-4)


def test_gupta_moore_is_unverified_whatever_its_file_says():
    assert gupta().standing == "unverified"


def test_gupta_moore_is_undefined_beyond_its_limits_with_the_probability():
    posterior = pmg_posterior(gupta(), delta_ppm=8.30, delta_sd_ppm=0.02)
    assert posterior.value is None
    assert posterior.p_undefined == pytest.approx(0.8413, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coefficients": GUPTA_DOCUMENT["coefficients"] | {"kd_umol_l": 0}}, "kd_umol_l must be above zero"),
        ({"coefficients": GUPTA_DOCUMENT["coefficients"] | {"bound_shift_ppm": 11.0}}, "wrong order"),
        ({"range": {"lower_ppm": 8.0, "upper_ppm": 10.0}}, "beyond the limiting shifts"),
    ],
)
def test_wrong_limits_of_gupta_moore_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        mg_calibration(GUPTA_DOCUMENT | change)
