"""Calibrations of pH: published coefficients, domain, inverse, intervals."""

import numpy as np
import pytest
import yaml

from myomag.core.ph import ph_calibration, ph_posterior
from myomag.io.places import CONFIG_DIR

SHIPPED = sorted((CONFIG_DIR / "calibrations").glob("*.yaml"))
DOCUMENTS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in SHIPPED}
PH_NAMES = [name for name, document in DOCUMENTS.items() if document["quantity"] == "ph"]


@pytest.fixture
def document():
    return {**DOCUMENTS["taylor1983"], "coefficients": dict(DOCUMENTS["taylor1983"]["coefficients"])}


@pytest.mark.parametrize(
    ("name", "ph", "standing"),
    [
        ("taylor1983", 7.001, "unverified"),
        ("muscle_common", 7.031, "derived"),
        ("brain7t", 6.982, "found"),
        ("petroff1985", 7.020, "unverified"),
        ("unattributed", 7.026, "unverified"),
    ],
)
def test_shipped_calibrations_give_the_tabulated_ph_at_a_pi_shift_of_4_82_ppm(name, ph, standing):
    calibration = ph_calibration(DOCUMENTS[name])
    # The table is cut to three decimals.
    assert calibration.ph(4.82) == pytest.approx(ph, abs=1e-3)
    assert (calibration.name, calibration.standing) == (name, standing)


def test_slope_of_the_default_is_that_of_the_literature_at_rest():
    assert ph_calibration(DOCUMENTS["taylor1983"]).dph_ddelta(4.82) == pytest.approx(0.78, abs=0.005)


@pytest.mark.parametrize("name", PH_NAMES)
def test_slope_is_the_derivative_of_the_ph(name):
    calibration, step = ph_calibration(DOCUMENTS[name]), 1e-5
    shift = np.linspace(calibration.lower_ppm + 0.1, calibration.upper_ppm - 0.1, 50)
    numeric = (calibration.ph(shift + step) - calibration.ph(shift - step)) / (2 * step)
    np.testing.assert_allclose(calibration.dph_ddelta(shift), numeric, rtol=1e-6)


@pytest.mark.parametrize("name", PH_NAMES)
def test_shift_inverts_the_ph(name):
    calibration = ph_calibration(DOCUMENTS[name])
    ph = np.linspace(5.0, 8.5, 71)
    np.testing.assert_allclose(calibration.ph(calibration.shift_ppm(ph)), ph, atol=1e-10)
    slope = calibration.dph_ddelta(calibration.shift_ppm(ph[20:50]))
    np.testing.assert_allclose(calibration.dshift_dph(ph[20:50]), 1 / slope, rtol=1e-9)


@pytest.mark.parametrize("shift", [3.27, 5.69, 3.0, 6.2, float("nan")])
def test_ph_is_not_a_number_where_the_formula_has_none(shift):
    calibration = ph_calibration(DOCUMENTS["taylor1983"])
    assert np.isnan(calibration.ph(shift))
    assert not calibration.is_defined(shift)


def test_interval_is_that_of_the_linear_formula_where_the_curve_is_straight():
    calibration = ph_calibration(DOCUMENTS["taylor1983"])
    posterior = ph_posterior(calibration, delta_ppm=4.85, delta_sd_ppm=0.004)
    sd = calibration.dph_ddelta(4.85) * 0.004
    assert posterior.value == calibration.ph(4.85)
    # The curvature over one SD changes the slope by less than a percent; the quadrature leaves out the outer 1/4096.
    assert posterior.sd == pytest.approx(sd, rel=0.01)
    assert posterior.ci95_high - posterior.ci95_low == pytest.approx(2 * 1.96 * sd, rel=0.01)
    assert posterior.p_undefined < 1e-100


def test_ph_of_a_shift_beyond_the_limits_is_undefined_with_its_probability():
    posterior = ph_posterior(ph_calibration(DOCUMENTS["taylor1983"]), delta_ppm=5.70, delta_sd_ppm=0.01)
    assert posterior.value is posterior.sd is posterior.ci95_low is posterior.ci95_high is None
    assert posterior.p_undefined == pytest.approx(0.841, abs=0.001)


def _without(mapping, key):
    return {name: value for name, value in mapping.items() if name != key}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d | {"pK": 1.0}, "unknown key 'pK'"),
        (lambda d: _without(d, "source"), "'source' is missing"),
        (lambda d: d | {"coefficients": _without(d["coefficients"], "pk")}, "'pk' is missing"),
        (lambda d: d | {"coefficients": d["coefficients"] | {"pk": float("nan")}}, "coefficients.pk is nan"),
        (lambda d: d | {"coefficients": d["coefficients"] | {"pk": "6.75"}}, "coefficients.pk is '6.75'"),
        (lambda d: d | {"coefficients": d["coefficients"] | {"pk": True}}, "coefficients.pk is True"),
        (lambda d: d | {"coefficients": d["coefficients"] | {"slope": 1.0}}, "unknown key 'slope'"),
        (lambda d: d | {"coefficients": None}, "expected a mapping"),
        (lambda d: d | {"quantity": "mg"}, "quantity is 'mg'"),
        (lambda d: d | {"family": "iotti"}, "family is 'iotti'"),
        (lambda d: d | {"standing": "certain"}, "found, derived, unverified"),
        (lambda d: d | {"source": " "}, "source is ' '"),
        (lambda d: d | {"range": {"lower_ppm": 5.0, "upper_ppm": 4.0}}, "must be below"),
        (lambda d: d | {"range": {"lower_ppm": 3.0, "upper_ppm": 5.0}}, "beyond the limiting shifts"),
        (lambda d: d | {"coefficients": d["coefficients"] | {"acid_shift_ppm": 6.0}}, "wrong order"),
    ],
)
def test_a_wrong_document_is_refused_in_one_line(document, change, message):
    with pytest.raises(ValueError, match=r".+") as error:
        ph_calibration(change(document))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
