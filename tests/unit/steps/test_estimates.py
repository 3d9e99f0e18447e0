"""pH and pMg by each family of calibrations, and where they are undefined."""

import numpy as np
import pytest

from fit_samples import COVARIANCE, GUPTA, MG_VALUES, PH_VALUES, SETTINGS, SHIFTS, SPECIATION, VARIANCE
from myomag.core.energetics import equilibrium_constants
from myomag.core.families import shift_calibration
from myomag.core.joint_solution import solve_shifts
from myomag.core.speciation import ShiftModel, speciation_calibration


def test_ph_and_magnesium_follow_the_configured_calibrations(run):
    record = run()
    ph, mg = (shift_calibration(getattr(SETTINGS, f"{quantity}_calibration"), quantity) for quantity in ("ph", "mg"))
    assert record.ph == pytest.approx(ph.value(4.85), abs=1e-8)
    assert record.pmg == pytest.approx(mg.value(-15.9), abs=1e-8)
    assert record.mg_mmol_l == pytest.approx(1000 * 10**-record.pmg)
    assert (record.ph_calibration.name, record.mg_calibration.name) == ("taylor1983", "iotti1996")


def test_beta_atp_beyond_the_pole_leaves_magnesium_undefined_with_its_probability(run):
    record = run(shifts={"beta-ATP": -15.70})
    assert all(getattr(record, key) is None for key in MG_VALUES)
    # −15.72 ± .011 ppm against the pole at −15.74: 1.83 SD.
    assert record.mg_p_undefined == pytest.approx(0.966, abs=0.001)
    assert "-15.720 ppm is outside -18.58…-15.74 ppm" in record.mg_reason
    assert record.ph is not None


def test_pi_beyond_the_limits_leaves_ph_undefined(run):
    record = run(shifts={"Pi": 5.75})
    assert all(getattr(record, key) is None for key in PH_VALUES)
    assert "Pi at 5.730 ppm" in record.ph_reason
    assert record.mg_mmol_l is not None


def test_gupta_moore_uses_the_covariance_of_both_lines_and_no_pcr(run):
    record = run({"mg_calibration": GUPTA})
    slope = shift_calibration(GUPTA, "mg").slope(8.45)
    # The shift of PCr cancels in the distance of α and β. Near saturation the curve adds a few percent to the slope.
    assert record.pmg_sd == pytest.approx(slope * np.sqrt(2 * (VARIANCE - COVARIANCE)), rel=0.05)
    assert record.mg_lines == ["alpha-ATP", "beta-ATP"]
    assert record.mg_calibration.standing == "unverified"


def test_speciation_solves_ph_and_magnesium_from_all_shifts_with_their_covariance(run):
    record = run({"mg_calibration": SPECIATION})
    lines = ("Pi", "alpha-ATP", "beta-ATP", "gamma-ATP")
    model = ShiftModel(
        speciation_calibration(SPECIATION),
        shift_calibration(SETTINGS.ph_calibration, "ph"),
        equilibrium_constants(),
        lines,
    )
    # Var(a − PCr) = 2(V − C) and Cov(a − PCr, b − PCr) = V − C.
    covariance = (VARIANCE - COVARIANCE) * (np.ones((4, 4)) + np.eye(4))
    solution = solve_shifts(model, [SHIFTS[line] - SHIFTS["PCr"] for line in lines], covariance)
    assert record.pmg == pytest.approx(solution.pmg.value, abs=1e-7)
    assert record.pmg_sd == pytest.approx(solution.pmg.sd, rel=1e-5)
    assert record.ph == pytest.approx(solution.ph.value, abs=1e-7)
    assert record.mg_chi2 == pytest.approx(solution.chi2, rel=1e-6)
    assert record.mg_chi2_degrees_of_freedom == 2
    assert record.mg_lines == record.ph_lines == list(lines)
    assert record.ph_calibration.name == "invented+taylor1983"
    assert record.mg_calibration.standing == "unverified"
    assert record.ph_by_calibration[0].calibration == "taylor1983"


def test_speciation_goes_on_with_the_shifts_that_are_known(run):
    record = run({"mg_calibration": SPECIATION}, at_bound=["alpha-ATP"])
    assert record.mg_lines == ["Pi", "beta-ATP", "gamma-ATP"]
    assert record.mg_chi2_degrees_of_freedom == 1


def test_speciation_without_a_shift_of_atp_leaves_the_ph_by_pi(run):
    record = run({"mg_calibration": SPECIATION}, drop=["alpha-ATP", "beta-ATP", "gamma-ATP"])
    assert record.mg_mmol_l is None
    assert "two shifts" in record.mg_reason
    assert "no line 'alpha-ATP'" in record.mg_reason
    assert record.ph == pytest.approx(run().ph)
    assert record.ph_calibration.name == "taylor1983"
