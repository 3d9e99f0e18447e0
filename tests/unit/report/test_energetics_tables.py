"""Energetics and the sensitivity to the calibration on the page of a participant."""

from dataclasses import replace

import pytest

from html_page import Node, assert_self_contained, parse, table
from myomag.report.participant import participant_page
from record_samples import magnesium_record
from report_samples import SETTINGS, complete_view

ASSUMED = {
    "name": "total_creatine_mmol_l",
    "value": 42.5,
    "unit": "mmol/l",
    "source": "From memory of the literature",
    "standing": "unverified",
}


def page(**changes) -> Node:
    ratios = {f"{name}_ratio": 0.4 for name in ("pi_pcr", "pcr_atp", "pde_atp", "pme_atp")}
    ratios |= {f"{key}_sd": 0.02 for key in ratios} | {f"{key}_reason": None for key in ratios}
    ph = {"standing": "unverified", "ph": 7.0312, "ph_ci95_low": 7.0153, "ph_ci95_high": 7.0471, "ph_reason": None}
    mg = {"mg_mmol_l": None, "mg_ci95_low_mmol_l": None, "mg_ci95_high_mmol_l": None, "mg_p_undefined": 0.62}
    record = {
        **ratios,
        "adp_umol_l": 18.93,
        "adp_sd_umol_l": 0.81,
        "dg_atp_reason": "no Pi/ATP: the amplitude of Pi is at its bound",
        "energetics_assumptions": [ASSUMED],
        "ph_by_calibration": [{"calibration": "taylor1983", **ph}],
        "mg_by_calibration": [{"calibration": "own_limits", "standing": "unverified", "mg_reason": "outside", **mg}],
        **changes,
    }
    view = replace(complete_view(), magnesium=magnesium_record(**record))
    return parse(participant_page("sub-001", [view], SETTINGS))


@pytest.fixture(scope="module")
def shown() -> Node:
    return page()


def test_page_stays_self_contained(shown):
    assert_self_contained(shown)


def test_energetics_are_given_with_error_or_with_the_reason_why_not(shown):
    rows = {row[0]: row[1:] for row in table(shown, "ADP, ΔG of ATP and ratios")}
    assert rows["Free ADP (µM)"][0] == "18.93 ± 0.81"
    assert "unverified" in rows["Free ADP (µM)"][1]
    assert rows["ΔG of ATP (kJ/mol)"] == ["–", "no Pi/ATP: the amplitude of Pi is at its bound"]
    assert rows["PDE/ATP"] == ["0.400 ± 0.020", "ATP by γ-ATP, not corrected for saturation"]


def test_a_correction_of_saturation_is_stated():
    rows = {row[0]: row[1:] for row in table(page(saturation_factors={"PCr": 0.2}), "ADP, ΔG of ATP and ratios")}
    assert rows["Pi/PCr"][1] == "corrected for saturation"


def test_numbers_assumed_stand_with_standing_and_source(shown):
    assert table(shown, "Assumptions") == [
        ["total_creatine_mmol_l", "42.5 mmol/l", "unverified", "From memory of the literature"]
    ]


def test_sensitivity_shows_every_calibration_and_where_one_is_undefined(shown):
    rows = table(shown, "Sensitivity")
    assert rows[0] == ["pH", "taylor1983", "7.031", "7.015 to 7.047", "unverified"]
    assert rows[1] == ["Free Mg²⁺ (mM)", "own_limits", "undefined (P = 0.62)", "–", "unverified"]


def test_chi2_of_a_solution_by_several_shifts_is_shown():
    lines = ["Pi", "alpha-ATP", "beta-ATP"]
    rows = {row[0]: row for row in table(page(mg_chi2=2.31, mg_chi2_degrees_of_freedom=1, mg_lines=lines), "Results")}
    assert rows["χ² (expected: 1)"][1:] == ["2.31", "", "of the shifts of Pi, α-ATP, β-ATP"]
