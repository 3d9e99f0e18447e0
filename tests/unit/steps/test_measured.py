"""Shifts and ratios of a fit with their covariance, and why one is missing."""

import numpy as np
import pytest

from fit_samples import AMPLITUDE_SD, AMPLITUDES, COVARIANCE, MG_VALUES, PH_VALUES, T1_S, VARIANCE


def test_shifts_are_relative_to_pcr_with_the_covariance_of_both(run):
    record = run()
    sd = np.sqrt(2 * VARIANCE - 2 * COVARIANCE)
    assert record.beta_atp_ppm == pytest.approx(-15.90)
    assert record.pi_ppm == pytest.approx(4.85)
    assert record.alpha_atp_ppm == pytest.approx(-7.45)
    assert record.gamma_atp_ppm == pytest.approx(-2.38)
    for line in ("beta_atp", "alpha_atp", "gamma_atp", "pi"):
        assert getattr(record, f"{line}_sd_ppm") == pytest.approx(sd), line


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"at_bound": ["beta-ATP"]}, "the shift of beta-ATP is at its bound"),
        ({"at_bound": ["PCr"]}, "the shift of PCr is at its bound"),
        ({"unknown": ["beta-ATP"]}, "no SD for the shift of beta-ATP"),
        ({"drop": ["beta-ATP"]}, "no line 'beta-ATP'"),
        ({"converged": False}, "did not converge (no minimum after 200 steps)"),
    ],
)
def test_a_shift_without_an_sd_gives_no_magnesium_and_says_why(run, changes, reason):
    record = run(**changes)
    assert all(getattr(record, key) is None for key in (*MG_VALUES, "mg_p_undefined", "beta_atp_sd_ppm"))
    assert reason in record.mg_reason


def test_a_fit_that_did_not_converge_reports_no_shift(run):
    record = run(converged=False)
    assert all(
        getattr(record, key) is None for key in ("beta_atp_ppm", "pi_ppm", "alpha_atp_ppm", "gamma_atp_ppm", *PH_VALUES)
    )


def test_ratios_are_those_of_the_amplitudes_with_their_errors(run):
    record = run()
    for name, line, to in (("pi_pcr", "Pi", "PCr"), ("pcr_atp", "PCr", "gamma-ATP"), ("pde_atp", "PDE", "gamma-ATP")):
        ratio = AMPLITUDES[line] / AMPLITUDES[to]
        relative = AMPLITUDE_SD * np.sqrt(1 / AMPLITUDES[line] ** 2 + 1 / AMPLITUDES[to] ** 2)
        assert getattr(record, f"{name}_ratio") == pytest.approx(ratio)
        assert getattr(record, f"{name}_ratio_sd") == pytest.approx(ratio * relative)
        assert getattr(record, f"{name}_ratio_reason") is None
    assert run({"atp_line": "beta-ATP"}).pcr_atp_ratio == pytest.approx(66 / 14)


def test_a_line_that_is_absent_or_lost_in_noise_has_no_ratio_and_says_why(run):
    record = run({"t1_s": dict.fromkeys(T1_S, 0.05)}, drop=["PME"], weak=["PDE"])
    assert record.pme_atp_ratio is record.pde_atp_ratio is None
    assert record.pme_atp_ratio_reason == "the fit has no line 'PME'"
    assert record.pde_atp_ratio_reason == "the amplitude of PDE is at its bound"
    assert record.adp_umol_l is not None


def test_an_amplitude_without_an_sd_gives_a_ratio_without_one(run):
    record = run(unknown=["PDE"])
    assert record.pde_atp_ratio == pytest.approx(6 / 16.4)
    assert record.pde_atp_ratio_sd is None
    assert "no SD for the ratio of PDE to gamma-ATP" in record.pde_atp_ratio_reason


def test_a_line_that_is_not_there_gives_neither_shift_nor_what_rests_on_it(run):
    record = run(undetected={"beta-ATP": "β-ATP not detected (at best 1.6 SDs of noise and misfit)"})
    assert record.mg_mmol_l is record.beta_atp_ppm is record.adp_umol_l is None
    assert record.mg_reason == "β-ATP not detected (at best 1.6 SDs of noise and misfit)"
    assert record.ph is not None
    record = run(undetected={"Pi": "Pi not detected"})
    assert record.ph is record.pi_ppm is record.pi_pcr_ratio is None
    assert record.ph_reason == record.pi_pcr_ratio_reason == "Pi not detected"
    assert record.mg_mmol_l is not None


def test_a_scan_whose_begin_time_is_not_known_gives_nothing_and_a_line_that_is_not_there_is_named_first(run):
    record = run(withheld="begin time not determined", undetected={"beta-ATP": "β-ATP not detected"})
    assert record.ph is record.mg_mmol_l is None
    assert (record.ph_reason, record.mg_reason) == ("begin time not determined", "β-ATP not detected")
