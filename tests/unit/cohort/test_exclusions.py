"""Every scan that entered is accounted for, with the step and the reason."""

from typing import get_args

import pytest

from myomag.cohort.categories import CATEGORIES, category
from myomag.cohort.columns import FIXED_NAMES, flat_result
from myomag.cohort.exclusions import decide
from myomag.cohort.scans import Scans
from myomag.cohort.tables import build_exclusions
from myomag.io.scan_records import Cause

CONTRACT = """
participant_id session_id scan status reason verdict ph ph_sd pmg pmg_sd mg_mmol_l mg_ci95_low_mmol_l
mg_ci95_high_mmol_l mg_p_undefined beta_atp_ppm beta_atp_sd_ppm alpha_atp_ppm gamma_atp_ppm pi_ppm pi_sd_ppm
pcr_snr pcr_fwhm_hz begin_time_us ph_calibration mg_calibration
"""


def test_columns_begin_with_those_scripts_rely_on():
    contract = CONTRACT.split()
    assert list(FIXED_NAMES[: len(contract)]) == contract
    assert FIXED_NAMES[len(contract)] == "phase_deg"


def test_good_scan_is_included_without_step_or_reason(make_scan, settings):
    fate = decide(make_scan(), settings)
    assert (fate.status, fate.step, fate.reason) == ("included", None, None)


@pytest.mark.parametrize(
    ("changes", "status", "step", "reason"),
    [
        ({"status": "failed", "step": "convert", "reason": "nucleus 1H"}, "failed", "convert", "nucleus 1H"),
        ({"status": "rejected", "step": "convert", "reason": "moved"}, "excluded", "convert", "moved"),
        (
            {"quality__verdict": "fail", "quality__reasons": ["PCr SNR 2 below 5"]},
            "excluded",
            "qc",
            "verdict fail (PCr SNR 2 below 5)",
        ),
        (
            {"fit__converged": False, "fit__message": "out of steps"},
            "excluded",
            "fit",
            "fit not converged (out of steps)",
        ),
        (
            {"magnesium__mg_mmol_l": None, "magnesium__mg_reason": "β above −15.74 ppm"},
            "excluded",
            "magnesium",
            "Mg undefined (β above −15.74 ppm)",
        ),
        (
            {"magnesium__mg_p_undefined": 0.2},
            "excluded",
            "magnesium",
            "probability of an undefined Mg 0.2, allowed 0.1",
        ),
        ({"magnesium": None}, "excluded", "magnesium", "Mg undefined (no magnesium result)"),
    ],
)
def test_each_objection_has_its_step_and_reason(make_scan, settings, changes, status, step, reason):
    fate = decide(make_scan(**changes), settings)
    assert (fate.status, fate.step, fate.reason) == (status, step, reason)


def test_verdict_warn_enters_only_where_the_settings_say_so(make_scan, settings):
    row = make_scan(quality__verdict="warn")
    assert decide(row, settings).status == "included"
    assert decide(row, settings.model_copy(update={"include_verdicts": ["pass"]})).status == "excluded"


def test_probability_at_the_limit_is_still_allowed(make_scan, settings):
    assert decide(make_scan(magnesium__mg_p_undefined=settings.max_p_undefined), settings).status == "included"


def test_several_objections_name_the_first_step_and_all_reasons(make_scan, settings):
    fate = decide(make_scan(quality__verdict="fail", fit__converged=False, magnesium__mg_mmol_l=None), settings)
    assert fate.step == "qc"
    assert [word in fate.reason for word in ("verdict fail", "not converged", "Mg undefined")] == [True] * 3


def test_results_of_an_excluded_scan_stay_visible(make_scan, settings):
    result = flat_result(make_scan(quality__verdict="fail"), settings)
    assert result["status"] == "excluded" and result["mg_mmol_l"] == pytest.approx(0.4467, abs=1e-4)


def test_failed_scan_has_all_columns_and_no_values_but_their_reasons(make_scan, settings):
    row = make_scan(status="failed", step="qc", reason="no PCr", quality=None, fit=None, magnesium=None)
    result = flat_result(row, settings)
    assert tuple(result) == FIXED_NAMES
    assert {name for name, value in result.items() if value is not None} == {
        "participant_id",
        "session_id",
        "scan",
        "status",
        "reason",
        "ph_reason",
        "mg_reason",
        "run",
        "kind",
    }
    assert result["ph_reason"] == result["mg_reason"] == "no PCr"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"status": "failed", "step": "convert", "reason": "nucleus 1H"}, "could not be read as a 31P spectrum"),
        ({"status": "failed", "step": "qc", "reason": "no PCr"}, "could not be processed"),
        ({"status": "rejected", "step": "overrides", "reason": "moved"}, "rejected by the reader"),
        ({"status": "rejected", "step": "selection", "reason": "not selected"}, "not selected for the analysis"),
        # The reason that decides, not the first one that is named.
        ({"quality__verdict": "fail", "quality__decided_by": "line width"}, "poor line width"),
        ({"quality__verdict": "fail", "quality__decided_by": "signal", "fit__converged": False}, "insufficient signal"),
        ({"fit__converged": False}, "poor fit"),
        ({"magnesium__mg_p_undefined": 0.2}, "Mg undefined"),
        ({"magnesium__mg_mmol_l": None, "magnesium__mg_reason": "outside"}, "Mg undefined"),
        (
            {
                "magnesium__mg_mmol_l": None,
                "magnesium__mg_reason": "β-ATP not detected",
                "quality__undetected": {"beta-ATP": "β-ATP not detected"},
            },
            "lines not detected",
        ),
    ],
)
def test_each_lost_scan_is_of_a_category_that_a_publication_counts(make_scan, settings, changes, expected):
    found = category(make_scan(**changes), settings)
    assert found == expected
    assert found is None or found in CATEGORIES


def test_every_cause_of_a_verdict_has_its_category(make_scan, settings):
    for cause in get_args(Cause):
        assert category(make_scan(quality__verdict="fail", quality__decided_by=cause), settings) in CATEGORIES


def test_copies_are_duplicates_whatever_else_is_known_of_them(make_scan, settings):
    rows = [make_scan(number, quality__fid_sha256="same") for number in (1, 2)]
    assert Scans.of(rows, settings).table["category"].tolist() == ["duplicate data"] * 2


def test_unknown_status_is_a_bug(make_scan, settings):
    with pytest.raises(ValueError, match="unknown status 'done'"):
        decide(make_scan(status="done"), settings)


def test_account_lists_every_scan(make_scan, settings):
    rows = [make_scan(index) for index in range(1, 8)]
    rows += [
        make_scan(8, status="failed", step="convert", reason="x"),
        make_scan(9, status="failed", step="qc", reason="x"),
    ]
    rows += [make_scan(10, quality__verdict="fail"), make_scan(11, status="rejected", step="convert", reason="x")]
    account = build_exclusions(Scans.of(rows, settings))
    assert account["scan"].tolist() == [row.scan for row in rows]
    assert ((account["status"] == "included") == account["reason"].isna()).all()
    assert ((account["status"] == "included") == account["step"].isna()).all()
