"""From a fit record to pH and magnesium: covariance, undefined values, reasons."""

import json

import numpy as np
import pytest

from myomag.config import load_settings, section_for
from myomag.core.magnesium import mg_calibration, mg_mmol_l
from myomag.core.ph import ph_calibration
from myomag.io.records import record_bytes
from myomag.steps.magnesium import magnesium_scan

SETTINGS = section_for(load_settings(), "magnesium")
SHIFTS = {"PCr": 0.02, "Pi": 4.87, "gamma-ATP": -2.36, "alpha-ATP": -7.43, "beta-ATP": -15.88}
VARIANCE, COVARIANCE = 1e-4, 4e-5


def fit_record(shifts=None, *, converged=True, at_bound=(), unknown=(), drop=()):
    names = [name for name in SHIFTS if name not in drop]
    shifts = SHIFTS | (shifts or {})
    matrix = np.full((len(names), len(names)), COVARIANCE) + (VARIANCE - COVARIANCE) * np.eye(len(names))
    rows = [
        [None if unknown and {names[i], names[j]} & set(unknown) else matrix[i, j] for j in range(len(names))]
        for i in range(len(names))
    ]
    return {
        "converged": converged,
        "message": "converged" if converged else "no minimum after 200 steps",
        "lines": [
            {"name": name, "shift_ppm": shifts[name], "at_bound": ["shift_ppm"] if name in at_bound else []}
            for name in names
        ],
        "covariance": {"parameters": [f"shift_ppm:{name}" for name in names], "matrix": rows},
    }


@pytest.fixture
def run(tmp_path):
    def magnesium(**changes):
        path = tmp_path / "fit.json"
        path.write_bytes(record_bytes(fit_record(**changes)))
        return json.loads(magnesium_scan("sub-1_unloc", {"fit": path}, SETTINGS)["magnesium"])

    return magnesium


def test_shifts_are_relative_to_pcr_with_the_covariance_of_both(run):
    record = run()
    sd = np.sqrt(2 * VARIANCE - 2 * COVARIANCE)
    assert record["beta_atp_ppm"] == pytest.approx(-15.90)
    assert record["pi_ppm"] == pytest.approx(4.85)
    assert record["alpha_atp_ppm"] == pytest.approx(-7.45)
    assert record["gamma_atp_ppm"] == pytest.approx(-2.38)
    assert record["beta_atp_sd_ppm"] == record["pi_sd_ppm"] == pytest.approx(sd)


def test_ph_and_magnesium_follow_the_configured_calibrations(run):
    record = run()
    ph, mg = ph_calibration(SETTINGS["ph_calibration"]), mg_calibration(SETTINGS["mg_calibration"])
    assert record["ph"] == pytest.approx(ph.ph(4.85), abs=1e-8)
    assert record["pmg"] == pytest.approx(mg.pmg(-15.9), abs=1e-8)
    assert record["mg_mmol_l"] == pytest.approx(1000 * 10 ** -record["pmg"])
    for source in (record["ph_calibration"], record["mg_calibration"]):
        assert set(source) == {"name", "source", "standing"}


def test_mg_interval_is_the_mapped_pmg_interval(run):
    record = run()
    assert record["mg_ci95_low_mmol_l"] == pytest.approx(mg_mmol_l(record["pmg_ci95_high"]))
    assert record["mg_ci95_high_mmol_l"] == pytest.approx(mg_mmol_l(record["pmg_ci95_low"]))
    assert record["mg_ci95_low_mmol_l"] < record["mg_mmol_l"] < record["mg_ci95_high_mmol_l"]
    assert record["mg_reason"] is None


MG_VALUES = (
    "pmg", "pmg_sd", "pmg_ci95_low", "pmg_ci95_high", "mg_mmol_l", "mg_ci95_low_mmol_l", "mg_ci95_high_mmol_l"
)  # fmt: skip
PH_VALUES = ("ph", "ph_sd", "ph_ci95_low", "ph_ci95_high")


def test_beta_atp_beyond_the_pole_leaves_magnesium_undefined_with_its_probability(run):
    record = run(shifts={"beta-ATP": -15.70})
    assert all(record[key] is None for key in MG_VALUES)
    # −15.72 ± .011 ppm against the pole at −15.74: 1.83 SD.
    assert record["mg_p_undefined"] == pytest.approx(0.966, abs=0.001)
    assert "-15.720 ppm is outside -18.58…-15.74 ppm" in record["mg_reason"]
    assert record["ph"] is not None


def test_pi_beyond_the_limits_leaves_ph_undefined(run):
    record = run(shifts={"Pi": 5.75})
    assert all(record[key] is None for key in PH_VALUES)
    assert "Pi at 5.730 ppm" in record["ph_reason"]
    assert record["mg_mmol_l"] is not None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"at_bound": ["beta-ATP"]}, "the shift of beta-ATP lies at its bound"),
        ({"at_bound": ["PCr"]}, "the shift of PCr lies at its bound"),
        ({"unknown": ["beta-ATP"]}, "no SD for the shift of beta-ATP"),
        ({"drop": ["beta-ATP"]}, "no line 'beta-ATP'"),
        ({"converged": False}, "did not converge (no minimum after 200 steps)"),
    ],
)
def test_a_shift_without_an_sd_gives_no_magnesium_and_says_why(run, changes, reason):
    record = run(**changes)
    assert all(record[key] is None for key in (*MG_VALUES, "mg_p_undefined", "beta_atp_sd_ppm"))
    assert reason in record["mg_reason"]


def test_a_fit_that_did_not_converge_reports_no_shift(run):
    record = run(converged=False)
    assert all(record[key] is None for key in ("beta_atp_ppm", "pi_ppm", "alpha_atp_ppm", "gamma_atp_ppm", *PH_VALUES))


def test_same_fit_gives_the_same_bytes(tmp_path):
    path = tmp_path / "fit.json"
    path.write_bytes(record_bytes(fit_record()))
    first, second = (magnesium_scan("sub-1_unloc", {"fit": path}, SETTINGS)["magnesium"] for _ in range(2))
    assert first == second
