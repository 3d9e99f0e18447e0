"""Corrections take the error from repeats, where there are some; protocols are compared with that of begin times."""

import math

import numpy as np
import pytest

from myomag.cohort.design import build_design
from myomag.cohort.error_table import build_measurement_error
from myomag.cohort.errors_known import FIT, known_repeats
from myomag.cohort.plan import planned_models
from myomag.cohort.repeatability import build_repeatability
from myomag.cohort.statistics import build_statistics, included
from myomag.report.reliability_curve import reliability_curve
from myomag.settings.cohort import CohortModel
from myomag.wording.labels import Labels

N, REPEATED = 120, 30
TRUE_SD, DAY_SD, FIT_SD = 0.06, 0.06, 0.02


@pytest.fixture
def days(make_cohort):
    """Day-to-day variation three times the stated error; a quarter of the participants came on two days."""
    rng = np.random.default_rng(6)
    person = np.r_[np.arange(N), np.arange(REPEATED)]
    second = np.arange(N + REPEATED) >= N
    pmg = rng.normal(3.35, TRUE_SD, N)
    strength = 120 - 300 * (pmg - 3.35) + rng.normal(0, 20, N)
    measured = pmg[person] + rng.normal(0, math.hypot(DAY_SD, FIT_SD), N + REPEATED)
    cohort = make_cohort(N + REPEATED, knee_extension_strength_nm=strength[person], years=0.01 * second)
    people, sessions = [f"sub-{k:03d}" for k in person], np.where(second, "ses-2", "ses-1")
    scans = [f"{who}_{session}_unloc" for who, session in zip(people, sessions, strict=True)]
    return cohort.assign(participant_id=people, session_id=sessions, scan=scans, pmg=measured, pmg_sd=FIT_SD)


@pytest.fixture
def chosen(settings):
    model = CohortModel(name="m", outcome="strength", predictors=["muscle_mg"])
    return settings.model_copy(update={"models": [model]})


def test_repeats_on_two_days_give_the_error_that_the_fit_does_not_know(days, chosen):
    table = build_measurement_error(included(days, chosen)).set_index("method")
    sem = (
        build_repeatability(included(days, chosen)).set_index(["variable", "repeats"]).loc[("pmg", "between sessions")]
    )
    row = table.loc["corrected"]
    assert row["error_source"] == f"{REPEATED} participants repeated between sessions"
    # Those with two days have the error of their mean.
    share = (N - REPEATED + REPEATED / 2) / N
    assert row["error_sd"] == pytest.approx(sem["sem"] * math.sqrt(share))
    assert row["b_ci95_low"] < 300 < row["b_ci95_high"] and row["b"] > 1.4 * table.loc["naive", "b"]
    by_fit = build_measurement_error(included(days.head(N), chosen)).set_index("method").loc["corrected"]
    assert by_fit["error_source"] == FIT and by_fit["reliability"] > 0.9
    assert by_fit["b_ci95_high"] < 300
    # Their size is known from 30 degrees of freedom alone, which the interval holds.
    width = np.diff(row[["b_ci95_low", "b_ci95_high"]].astype(float))[0]
    assert width > row["b"] / table.loc["naive", "b"] * np.diff(by_fit[["b_ci95_low", "b_ci95_high"]].astype(float))[0]


def test_a_few_repeats_do_not_tell_the_error(days, chosen):
    few = days[days["session_id"].eq("ses-1") | days["participant_id"].isin([f"sub-{k:03d}" for k in range(3)])]
    assert known_repeats(included(few, chosen)) == {}


def test_the_curve_goes_from_the_naive_slope_to_the_assumed_reliability(days, chosen):
    sample = included(days.head(N), chosen)
    (model,) = planned_models(chosen, sample.columns)
    design = build_design(sample, model, "all")
    rows = reliability_curve([(model, "all", design)], Labels.of(chosen)).csv.decode().splitlines()
    assert len(rows) == 15
    keys, first, last = (row.split(",") for row in (rows[0], rows[1], rows[-1]))
    one, least = dict(zip(keys, first, strict=True)), dict(zip(keys, last, strict=True))
    naive = build_statistics(sample).iloc[0]
    assert (float(one["b"]), float(one["beta_ci95_low"])) == pytest.approx((naive["b"], naive["ci95_low"]))
    assert float(least["b"]) == pytest.approx(naive["b"] / 0.35)
    assert float(least["beta"]) == pytest.approx(naive["beta"] / math.sqrt(0.35))


def test_begin_times_of_two_protocols_enter_what_compares_them_and_nothing_else(full_cohort, settings):
    models = [
        CohortModel(name="site", outcome="muscle_mg", predictors=["site"]),
        CohortModel(name="age", outcome="muscle_mg", predictors=["age"], covariates=["site"]),
    ]
    settings = settings.model_copy(update={"models": models})
    sites = np.array(["A", "B"] * 30)
    cohort = full_cohort.assign(site=sites, protocol=sites, pmg_sd_systematic=np.where(sites == "A", 0.009, 0.012))
    with_protocols, without = (
        build_statistics(included(each, settings)).set_index(["model", "predictor"])
        for each in (cohort, cohort.drop(columns="protocol"))
    )
    site, plain = (table.loc[("site", "site: B")] for table in (with_protocols, without))
    # Independent errors of two protocols, which no number of scans reduces.
    assert site["b_se"] ** 2 == pytest.approx(plain["b_se"] ** 2 + 0.009**2 + 0.012**2)
    assert site["p"] > plain["p"] and site["reason"] == "errors include the begin times of 2 protocols"
    ages = (table.loc[("age", "age")] for table in (with_protocols, without))
    assert next(ages)["b_se"] == pytest.approx(next(ages)["b_se"], rel=1e-9)
    alone = build_statistics(included(cohort.assign(protocol="A"), settings)).set_index(["model", "predictor"])
    assert alone.loc[("site", "site: B"), "b_se"] == plain["b_se"]
