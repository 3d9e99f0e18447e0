"""Measurement error and years reach the tables: each model by each method, each variable by a mixed model."""

import math

import numpy as np
import pytest

from myomag.cohort.error_table import MEASUREMENT_ERROR_COLUMNS, build_measurement_error
from myomag.cohort.longitudinal_table import LONGITUDINAL_COLUMNS, build_longitudinal
from myomag.cohort.measurement_error import METHODS, reliability
from myomag.cohort.statistics import build_statistics, included
from myomag.io.tables import table_bytes
from myomag.settings.cohort import CohortModel

STRENGTH = "knee_extension_strength_nm"


def with_models(settings, *models):
    return settings.model_copy(update={"models": [CohortModel(**model) for model in models]})


def test_models_with_magnesium_have_each_method(full_cohort, settings):
    sample = included(full_cohort, settings)
    table = build_measurement_error(sample)
    assert tuple(table.columns) == tuple(MEASUREMENT_ERROR_COLUMNS)
    concerned = {"mg_age", "mg_sex", "mg_serum_mg"} | {f"strength_mg_{sex}" for sex in ("women", "men", "by_sex")}
    assert {name for name in table["model"] if "adjusted" not in name} == concerned
    for _, rows in table.groupby(["model", "predictor"]):
        assert tuple(rows["method"]) == METHODS


def test_naive_is_the_row_of_the_statistics_and_the_scale_is_the_same(full_cohort, settings):
    chosen = with_models(
        settings,
        {"name": "of", "outcome": "muscle_mg", "predictors": ["age"]},
        {"name": "on", "outcome": "strength", "predictors": ["muscle_mg"]},
        {"name": "of_pmg", "outcome": "pmg", "predictors": ["age"]},
        {"name": "on_pmg", "outcome": "strength", "predictors": ["pmg"]},
    )
    sample = included(full_cohort, chosen)
    table = build_measurement_error(sample).set_index(["model", "method"])
    statistics = build_statistics(sample).set_index("model")
    values = ["b", "beta", "reliability"]
    for name in ("of", "on"):
        assert table.loc[(name, "naive"), "measured"] == "log10_mg_mmol_l"
        # pMg is 3 less the logarithm of Mg [mmol/l].
        for method in METHODS:
            opposite = table.loc[(f"{name}_pmg", method), values].tolist()
            assert table.loc[(name, method), values].tolist() == pytest.approx(
                [-opposite[0], -opposite[1], opposite[2]]
            )
        plain = statistics.loc[name, ["b", "beta", "b_ci95_low", "ci95_high", "p"]].tolist()
        naive = table.loc[(name, "naive"), ["b", "beta", "b_ci95_low", "beta_ci95_high", "p"]].tolist()
        assert naive == pytest.approx(plain, rel=1e-12)
        assert table.loc[(name, "corrected"), "p"] == pytest.approx(plain[-1], rel=1e-9)


def test_reliability_rests_on_the_sd_of_each_scan_and_of_the_mean_of_repeats(full_cohort, settings):
    chosen = with_models(settings, {"name": "m", "outcome": "muscle_mg", "predictors": ["age"]})
    once = build_measurement_error(included(full_cohort, chosen)).iloc[0]
    pmg, sd = (full_cohort[name].to_numpy() for name in ("pmg", "pmg_sd"))
    assert once["reliability"] == pytest.approx(reliability(pmg, sd).reliability)
    twice = included(full_cohort.loc[full_cohort.index.repeat(2)].reset_index(drop=True), chosen)
    mean = build_measurement_error(twice).iloc[0]
    assert 1 - mean["reliability"] == pytest.approx((1 - once["reliability"]) / 2)


def test_error_of_a_predictor_is_corrected_away_from_zero_and_that_of_an_outcome_leaves_b(make_cohort, settings):
    rng = np.random.default_rng(4)
    truth, n = rng.normal(3.3, 0.08, 400), 400
    sd = np.full(n, 0.06)
    cohort = make_cohort(
        n, pmg=truth + rng.normal(0, sd), pmg_sd=sd, age=60 + 100 * (truth - 3.3) + rng.normal(0, 5, n)
    )
    chosen = with_models(
        settings,
        {"name": "of", "outcome": "pmg", "predictors": ["age"]},
        {"name": "on", "outcome": "age", "predictors": ["pmg"]},
    )
    table = build_measurement_error(included(cohort, chosen)).set_index(["model", "method"])
    share = table.loc[("on", "naive"), "reliability"]
    assert share == pytest.approx(0.08**2 / (0.08**2 + 0.06**2), abs=0.08)
    for method in METHODS[1:]:
        assert table.loc[("on", method), "b"] * share == pytest.approx(table.loc[("on", "naive"), "b"], rel=0.03)
        assert table.loc[("of", method), "b"] == pytest.approx(table.loc[("of", "naive"), "b"])
        assert abs(table.loc[("of", method), "beta"]) > abs(table.loc[("of", "naive"), "beta"])


def test_same_cohort_gives_the_same_bytes(full_cohort, settings):
    chosen = with_models(settings, {"name": "m", "outcome": "strength", "predictors": ["muscle_mg"]})
    first, second = (table_bytes(build_measurement_error(included(full_cohort, chosen))) for _ in range(2))
    assert first == second


def test_errors_that_explain_everything_and_missing_errors_are_said_so(full_cohort, settings):
    chosen = with_models(settings, {"name": "m", "outcome": "muscle_mg", "predictors": ["age"]})
    for sd, reason in ((1.0, "explain all of its scatter"), (math.nan, "is not a number")):
        naive, noisy = build_measurement_error(included(full_cohort.assign(pmg_sd=sd), chosen)).to_dict("records")
        assert (naive["status"], noisy["status"], noisy["predictor"]) == ("estimated", "not estimable", "age")
        assert reason in noisy["reason"]


# --- sessions over years


@pytest.fixture
def followed(make_cohort):
    """Thirty participants with three sessions, pMg rising by 0.01 a year within each."""
    rng = np.random.default_rng(9)
    years = np.tile([0.0, 2.0, 5.0], 30)
    level = np.repeat(rng.normal(3.3, 0.05, 30), 3)
    people = np.repeat([f"sub-{k:02d}" for k in range(30)], 3)
    first_age = np.repeat(rng.uniform(50, 80, 30), 3)
    cohort = make_cohort(90, age=first_age + years, pmg=level + 0.01 * years + rng.normal(0, 0.01, 90), ph=[7.0] * 90)
    sessions = [f"ses-{k % 3 + 1}" for k in range(90)]
    scans = [f"{person}_{session}_unloc" for person, session in zip(people, sessions, strict=True)]
    return cohort.assign(participant_id=people, session_id=sessions, scan=scans)


def test_change_over_years_is_found_within_participants(followed, settings):
    table = build_longitudinal(included(followed, settings))
    assert tuple(table.columns) == tuple(LONGITUDINAL_COLUMNS)
    row = table.set_index(["variable", "term"]).loc[("pmg", "years")]
    # 0.01/√(Σ(t − t̄)²) of 30 participants is 0.0005 a year.
    assert row["b"] == pytest.approx(0.01, abs=4 * 0.0005)
    assert (row["participants"], row["sessions"], row["time_column"]) == (30, 90, "age")
    assert row["b_ci95_low"] < row["b"] < row["b_ci95_high"]
    ph = table[table["variable"] == "ph"]
    assert ph["status"].tolist() == ["not estimable"] and "the same for all" in ph["reason"].iloc[0]


def test_one_session_each_is_no_course(full_cohort, settings):
    cohort = full_cohort.assign(scan=[f"{person}_unloc" for person in full_cohort["participant_id"]])
    table = build_longitudinal(included(cohort, settings))
    assert len(table) == 3 and table["reason"].str.startswith("no sessions with different times").all()
