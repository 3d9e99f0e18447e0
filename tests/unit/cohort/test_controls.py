"""Negative controls fire where the measurement explains Mg, not where sex or the noise of one fit does."""

import math

import numpy as np
import pytest

from myomag.cohort.controls import CONTROLS_COLUMNS, build_controls
from myomag.cohort.regression import linear_regression
from myomag.cohort.shared_noise import excess_over_noise
from myomag.cohort.statistics import build_statistics, included
from myomag.io.tables import table_rows
from myomag.report.controls import control_lines
from myomag.wording.labels import Labels

N = 300


@pytest.fixture
def study(make_cohort):
    """Women have less Mg and a lower SNR; nothing else goes with Mg."""
    rng = np.random.default_rng(3)
    woman, age = rng.random(N) < 0.5, rng.uniform(25, 90, N)
    pmg = 3.35 + 0.06 * woman + rng.normal(0, 0.06, N)
    snr = 60 - 12 * woman + rng.normal(0, 6, N)
    columns = {"knee_extension_strength_nm": 120 - 40 * woman + rng.normal(0, 20, N), "ph": rng.normal(7, 0.02, N)}
    return make_cohort(N, age=age, sex=np.where(woman, "F", "M"), **columns).assign(pmg=pmg, pcr_snr=snr)


def rows_of(cohort, settings):
    return build_statistics(included(cohort, settings)).query("role == 'control'").set_index("model")


def test_a_true_effect_of_sex_does_not_trip_the_control_of_snr(study, settings):
    rows = rows_of(study, settings)
    assert np.corrcoef(study["pmg"], study["pcr_snr"])[0, 1] < -0.15
    assert rows.loc["control_mg_snr", "covariates"] == "sex, age"
    assert rows.loc["control_mg_snr", "p_fdr"] > 0.05
    assert rows.loc["control_mg_ph", "status"] == "estimated"
    assert build_controls(included(study, settings)).empty
    without = rows_of(study.drop(columns="age"), settings).loc["control_mg_snr"]
    assert without["covariates"] == "sex" and "not adjusted for age" in without["reason"]


def test_a_tripped_control_says_what_becomes_of_the_conclusions(study, settings):
    """Mg that is nothing but SNR: the difference between the sexes goes with it."""
    faulty = study.assign(pmg=3.9 - 0.01 * study["pcr_snr"] + np.random.default_rng(1).normal(0, 0.02, N))
    sample = included(faulty, settings)
    table = build_controls(sample)
    assert tuple(table.columns) == tuple(CONTROLS_COLUMNS)
    assert set(table["control"]) == {"control_mg_snr"}
    row = table.set_index("model").loc["mg_sex"]
    assert row["p"] < 1e-9 and abs(row["beta_held"]) < 0.2 * abs(row["beta"])
    rows = table_rows(build_statistics(sample))
    first, *others = control_lines(rows, table_rows(table), Labels.of(settings))
    assert first.startswith("WARNING: negative control tripped. Free Mg²⁺ is related to PCr SNR: β")
    assert "  With PCr SNR held constant: free Mg²⁺ against sex: β" in "".join(others)


def test_what_noise_shares_is_no_effect(study, settings):
    """Errors of pMg and of the begin time that go together, as one fit gives them, and nothing else."""
    rng = np.random.default_rng(5)
    errors = rng.multivariate_normal([0, 0], [[0.06**2, 0.8 * 0.06 * 3], [0.8 * 0.06 * 3, 3**2]], N)
    noisy = study.assign(pmg=study["pmg"] + errors[:, 0], begin_time_us=240 + errors[:, 1])
    plain = rows_of(noisy, settings).loc["control_mg_begin_time"]
    assert plain["p"] < 1e-6 and math.isnan(plain["b_noise"] or math.nan)
    shared = rows_of(noisy.assign(pmg_begin_time_covariance=0.8 * 0.06 * 3), settings).loc["control_mg_begin_time"]
    # log10 Mg has the other sign than pMg; the covariance of 300 is known to 1/sqrt(300) of the SDs.
    assert shared["b_noise"] == pytest.approx(-0.8 * 0.06 / 3, rel=0.2)
    assert shared["b"] == plain["b"] and shared["p"] > 0.05


def test_a_phase_at_half_a_turn_is_one_direction(study, settings):
    """Phases on either side of 180° are near each other: what Mg follows is found there as it is around 0°."""
    phase = np.random.default_rng(2).normal(0, 5, N)
    followed = study.assign(pmg=study["pmg"] + 0.005 * phase)
    at_zero, at_half = (
        rows_of(followed.assign(phase_deg=(phase + by + 180) % 360 - 180), settings).loc["control_mg_phase"]
        for by in (0, 180)
    )
    assert at_half[["b", "p"]].tolist() == pytest.approx(at_zero[["b", "p"]].tolist())
    assert at_half["p_fdr"] < 1e-6


def test_the_noise_of_a_mean_is_less(study, settings):
    twice = study.loc[study.index.repeat(2)].reset_index(drop=True)
    sample = included(twice.assign(pmg_ph_covariance=2e-4), settings)
    assert sample.shared_noise("log10_mg_mmol_l", "ph") == pytest.approx(np.full(N, -1e-4))
    assert sample.shared_noise("log10_mg_mmol_l", "pcr_snr") is None
    assert sample.shared_noise("knee_extension_strength_nm", "ph") is None


def test_the_excess_has_the_level_of_its_test():
    rng = np.random.default_rng(8)
    rejected = 0
    for _ in range(400):
        z, v = rng.normal(size=40), rng.normal(size=40)
        y = 0.5 * z + 0.6 * v + 0.8 * rng.normal(size=40)
        terms = {"x": v + 0.3 * z, "z": z}
        rejected += excess_over_noise(linear_regression(y, terms), terms, "x", np.full(40, 0.6))[1] < 0.05
    assert rejected / 400 == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 400))
