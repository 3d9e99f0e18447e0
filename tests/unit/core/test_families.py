"""Families of calibrations: published values, domain, inverse and slope of each, and documents that are wrong."""

import numpy as np
import pytest

from myomag.core.calibration import mg_mmol_l
from myomag.core.families import FORMULAS, mg_calibration, shift_calibration
from myomag.settings.documents import shipped, shipped_document

DOCUMENTS = {name: shipped_document("calibrations", name) for name in shipped("calibrations")}
# Limits of the kind the literature discusses, invented for these tests.
GUPTA = {
    "name": "own_limits",
    "quantity": "mg",
    "family": "gupta_moore",
    "coefficients": {"kd_umol_l": 50.0, "free_shift_ppm": 10.82, "bound_shift_ppm": 8.32},
    "range": {"lower_ppm": 8.32, "upper_ppm": 10.82},
    "source": "Test values",
    "standing": "found",
}
TAYLOR, IOTTI = DOCUMENTS["taylor1983"], DOCUMENTS["iotti1996"]
ALL = DOCUMENTS | {"own_limits": GUPTA}


def calibration(name):
    return shift_calibration(ALL[name], ALL[name]["quantity"])


def gupta(bound_shift_ppm=8.32):
    coefficients = GUPTA["coefficients"] | {"bound_shift_ppm": bound_shift_ppm}
    limits = GUPTA["range"] | {"lower_ppm": bound_shift_ppm}
    return shift_calibration(GUPTA | {"coefficients": coefficients, "range": limits}, "mg")


def test_every_family_is_tested_here():
    assert {document["family"] for document in ALL.values()} == {formula.family for formula in FORMULAS}


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
    # The table is cut to three decimals.
    assert calibration(name).value(4.82) == pytest.approx(ph, abs=1e-3)
    assert (calibration(name).name, calibration(name).standing) == (name, standing)


def test_slope_of_the_default_is_that_of_the_literature_at_rest():
    assert calibration("taylor1983").slope(4.82) == pytest.approx(0.78, abs=0.005)


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
    assert mg_mmol_l(calibration("iotti1996").value(shift_ppm)) == pytest.approx(mg, abs=6e-4)
    slope = -calibration("iotti1996").slope(shift_ppm) * np.log(10)
    assert slope == pytest.approx(percent_per_10_ppb, rel=0.03)


@pytest.mark.parametrize(("bound_shift_ppm", "mg"), [(8.26, 0.65), (8.32, 0.98), (8.40, 2.83)])
def test_gupta_moore_depends_on_its_limit_as_tabulated(bound_shift_ppm, mg):
    # Shift and concentration are rounded: half a digit of the shift is up to 1 %, of the concentration .5 %.
    assert mg_mmol_l(gupta(bound_shift_ppm).value(8.442)) == pytest.approx(mg, rel=0.015)


def test_gupta_moore_is_half_bound_at_the_dissociation_constant():
    assert mg_mmol_l(gupta().value((10.82 + 8.32) / 2)) == pytest.approx(0.050)


def test_gupta_moore_is_unverified_whatever_its_file_says():
    assert gupta().standing == "unverified"


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("taylor1983", {"Pi": 1.0}),
        ("iotti1996", {"beta-ATP": 1.0}),
        ("own_limits", {"alpha-ATP": 1.0, "beta-ATP": -1.0}),
    ],
)
def test_shift_is_read_off_the_lines_of_the_family(name, lines):
    assert dict(calibration(name).lines) == lines


@pytest.mark.parametrize("name", ALL)
def test_slope_is_the_derivative_of_the_value(name):
    known, step = calibration(name), 1e-5
    shift = np.linspace(known.lower_ppm + 0.1, known.upper_ppm - 0.1, 50)
    numeric = (known.value(shift + step) - known.value(shift - step)) / (2 * step)
    np.testing.assert_allclose(known.slope(shift), numeric, rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_shift_inverts_the_value_over_all_that_can_be_told(name):
    known = calibration(name)
    values = np.linspace(5.0, 8.5, 71) if ALL[name]["quantity"] == "ph" else np.linspace(2.0, 6.0, 81)
    np.testing.assert_allclose(known.value(known.shift_ppm(values)), values, atol=1e-8)
    assert isinstance(known.shift_ppm(float(values[9])), float)


@pytest.mark.parametrize("name", ALL)
def test_there_is_no_value_at_the_limits_and_beyond(name):
    known = calibration(name)
    for shift in (known.lower_ppm, known.upper_ppm, known.lower_ppm - 1, known.upper_ppm + 1, float("nan")):
        assert np.isnan(known.value(shift)) and np.isnan(known.slope(shift))


def test_a_narrower_range_of_the_user_holds():
    narrow = shift_calibration(IOTTI | {"range": {"lower_ppm": -16.6, "upper_ppm": -15.8}}, "mg")
    assert np.isnan(narrow.value(-15.79))
    assert narrow.value(-15.9) == calibration("iotti1996").value(-15.9)


def _with(document, **coefficients):
    return {"coefficients": document["coefficients"] | coefficients}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (IOTTI, "quantity is 'mg'; a calibration of ph needs 'ph'"),
        (TAYLOR | {"family": "iotti"}, "family is 'iotti'; a calibration of ph needs henderson_hasselbalch"),
        (TAYLOR | {"source": " "}, "source is ' '"),
        (TAYLOR | _with(TAYLOR, slope=1.0), "unknown key 'slope'"),
        (TAYLOR | {"coefficients": {"pk": 6.75}}, "'acid_shift_ppm' is missing"),
        (TAYLOR | {"coefficients": None}, "expected a mapping"),
        (TAYLOR | {"range": {"lower_ppm": 5.0, "upper_ppm": 4.0}}, "must be below"),
        (TAYLOR | {"range": {"lower_ppm": 3.0, "upper_ppm": 5.0}}, "beyond the limiting shifts"),
        (TAYLOR | _with(TAYLOR, acid_shift_ppm=6.0), "wrong order"),
    ],
)
def test_a_wrong_document_of_ph_is_refused_in_one_line(document, message):
    with pytest.raises(ValueError, match=r"^.+$") as error:
        shift_calibration(document, "ph")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (TAYLOR, "quantity is 'ph'; a calibration of mg needs 'mg'"),
        (IOTTI | {"family": "polynomial"}, "a calibration of mg needs one of iotti, gupta_moore, speciation"),
        (IOTTI | {"range": {"lower_ppm": -18.58, "upper_ppm": -15.0}}, "beyond the limiting shifts"),
        (IOTTI | _with(IOTTI, upper_exponent=0.0), "must be above zero"),
        (IOTTI | _with(IOTTI, pk=float("inf")), "coefficients.pk is inf"),
        (GUPTA | _with(GUPTA, kd_umol_l=0), "kd_umol_l must be above zero"),
        (GUPTA | _with(GUPTA, bound_shift_ppm=11.0), "wrong order"),
        (GUPTA | {"range": {"lower_ppm": 8.0, "upper_ppm": 10.0}}, "beyond the limiting shifts"),
    ],
)
def test_a_wrong_document_of_magnesium_is_refused_in_one_line(document, message):
    with pytest.raises(ValueError, match=r"^.+$") as error:
        mg_calibration(document)
    assert message in str(error.value)
