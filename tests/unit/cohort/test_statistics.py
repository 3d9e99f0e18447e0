"""The regressions are those of the textbook, and what cannot be estimated says why."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from myomag.cohort.columns import FIXED_COLUMNS
from myomag.cohort.statistics import (
    STATISTICS_COLUMNS,
    build_demographics,
    build_statistics,
    standardised_regression,
)
from myomag.io.tables import read_tsv, table_bytes

STRENGTH, SERUM = "knee_extension_strength_nm", "serum_mg_mmol_l"


@pytest.fixture
def make_cohort():
    """Cohort of n participants with one included scan each, plus the given columns."""

    def make(n, **columns):
        fixed = {column.name: [math.nan if column.numeric else None] * n for column in FIXED_COLUMNS}
        rng = np.random.default_rng(11)
        fixed |= {"participant_id": [f"sub-{k:03d}" for k in range(n)], "status": ["included"] * n}
        fixed |= {"pmg": rng.normal(3.35, 0.08, n), "pcr_fwhm_hz": rng.normal(9, 1, n), "pcr_snr": rng.normal(60, 9, n)}
        fixed["begin_time_us"] = [240.0] * n
        return pd.DataFrame(fixed | columns)

    return make


@pytest.fixture
def full_cohort(make_cohort):
    rng = np.random.default_rng(2)
    return make_cohort(
        60,
        age=rng.uniform(24, 98, 60),
        sex=["F", "M", "F"] * 20,
        **{STRENGTH: rng.normal(120, 30, 60), SERUM: rng.normal(0.85, 0.06, 60)},
    )


def mg(cohort):
    return 1000 * 10 ** -cohort["pmg"].to_numpy()


@pytest.mark.parametrize("n", [4, 5, 30, 441])
def test_regression_is_that_of_scipy(n):
    rng = np.random.default_rng(n)
    x = rng.normal(70, 15, n)
    y = 0.8 - 0.003 * x + rng.normal(0, 0.05, n)
    ours = standardised_regression(x, y)
    line, pearson = stats.linregress(x, y), stats.pearsonr(x, y)
    assert ours.n == n
    assert ours.beta == pytest.approx(line.slope * x.std() / y.std(), rel=1e-12)
    assert ours.r2 == pytest.approx(line.rvalue**2, rel=1e-12)
    assert ours.p == pytest.approx(line.pvalue, rel=1e-9)
    interval = pearson.confidence_interval(0.95)
    assert (ours.ci95_low, ours.ci95_high) == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_regression_is_that_of_ordinary_least_squares_on_standardised_variables():
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 50))
    y += 0.4 * x
    fit = sm.OLS(stats.zscore(y), sm.add_constant(stats.zscore(x))).fit()
    ours = standardised_regression(x, y)
    assert (ours.beta, ours.p, ours.r2) == pytest.approx((fit.params[1], fit.pvalues[1], fit.rsquared), rel=1e-9)


@pytest.mark.parametrize(
    ("beta", "n", "low", "high"), [(-0.29, 441, -0.37, -0.20), (0.31, 236, 0.19, 0.42), (0.20, 205, 0.06, 0.33)]
)
def test_intervals_are_those_derived_for_the_published_coefficients(beta, n, low, high):
    x = stats.zscore(np.random.default_rng(1).normal(size=n))
    rest = np.random.default_rng(2).normal(size=n)
    rest = stats.zscore(rest - rest.mean() - (rest @ x / n) * x)
    ours = standardised_regression(x, beta * x + math.sqrt(1 - beta**2) * rest)
    assert ours.beta == pytest.approx(beta, abs=1e-12)
    assert (round(ours.ci95_low, 2), round(ours.ci95_high, 2)) == (low, high)


def test_published_p_values_of_serum_magnesium_follow_from_the_derived_correlations():
    for r, p in ((0.053, 0.27), (0.078, 0.10)):
        x = stats.zscore(np.random.default_rng(1).normal(size=441))
        rest = np.random.default_rng(2).normal(size=441)
        rest = stats.zscore(rest - rest.mean() - (rest @ x / 441) * x)
        assert standardised_regression(x, r * x + math.sqrt(1 - r**2) * rest).p == pytest.approx(p, abs=0.005)


def test_units_do_not_matter():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 20))
    first, second = standardised_regression(x, y), standardised_regression(1e9 * x + 5e9, 1e-9 * y - 3)
    assert vars(second) == pytest.approx(vars(first), rel=1e-5)


@pytest.mark.parametrize("slope", [2.0, -2.0])
def test_exact_line_has_an_interval_without_width(slope):
    ours = standardised_regression(np.arange(8.0), slope * np.arange(8.0))
    assert (ours.beta, ours.ci95_low, ours.ci95_high) == pytest.approx([np.sign(slope)] * 3, abs=1e-6)
    assert ours.p < 1e-12


def test_each_model_uses_its_columns_and_stratum(full_cohort, settings):
    table = build_statistics(full_cohort, settings).set_index("model")
    women, men = full_cohort["sex"] == "F", full_cohort["sex"] == "M"
    everyone = pd.Series(True, index=full_cohort.index)
    serum, strength, age = full_cohort[SERUM], full_cohort[STRENGTH], full_cohort["age"]
    expected = {
        "mg_age": (mg(full_cohort), age, everyone),
        "mg_strength_women": (mg(full_cohort), strength, women),
        "mg_strength_men": (mg(full_cohort), strength, men),
        "mg_sex": (mg(full_cohort), women.astype(float), everyone),
        "serum_mg_age": (serum, age, everyone),
        "serum_mg_strength": (serum, strength, everyone),
        "control_mg_linewidth": (mg(full_cohort), full_cohort["pcr_fwhm_hz"], everyone),
        "control_mg_snr": (mg(full_cohort), full_cohort["pcr_snr"], everyone),
    }
    for model, (outcome, predictor, who) in expected.items():
        line = stats.linregress(np.asarray(predictor)[who], np.asarray(outcome)[who])
        row = table.loc[model]
        assert (row["status"], row["n"]) == ("estimated", who.sum()), model
        assert (row["beta"], row["p"]) == pytest.approx((line.rvalue, line.pvalue), rel=1e-9), model
    assert tuple(build_statistics(full_cohort, settings).columns) == STATISTICS_COLUMNS


def test_women_lower_in_magnesium_give_a_negative_coefficient(make_cohort, settings):
    pmg = [3.40, 3.41, 3.42, 3.30, 3.31, 3.32]
    cohort = make_cohort(6, sex=["Female", "w", "f", "MALE", "m", "man"]).assign(pmg=pmg)
    row = build_statistics(cohort, settings).set_index("model").loc["mg_sex"]
    assert row["beta"] == pytest.approx(stats.pearsonr([1, 1, 1, 0, 0, 0], mg(cohort)).statistic)
    assert row["beta"] < 0


def test_absent_columns_skip_their_models_by_name_and_the_others_go_on(full_cohort, settings):
    table = build_statistics(full_cohort.drop(columns=["sex", SERUM]), settings).set_index("model")
    assert table["status"].to_dict() == {
        "mg_age": "estimated",
        "mg_strength_women": "skipped",
        "mg_strength_men": "skipped",
        "mg_sex": "skipped",
        "serum_mg_age": "skipped",
        "serum_mg_strength": "skipped",
        "control_mg_linewidth": "estimated",
        "control_mg_snr": "estimated",
        "control_mg_begin_time": "not estimable",
        "control_mg_phase": "not estimable",
    }
    assert table.loc["mg_sex", "reason"].startswith("no column 'sex' in the tables of the study")
    assert table.loc["serum_mg_age", "reason"].startswith(f"no column '{SERUM}' in the tables of the study")


def test_misnamed_column_is_suggested(full_cohort, settings):
    table = build_statistics(full_cohort.rename(columns={"age": "age_years"}), settings | {"age_column": "age_year"})
    assert table.set_index("model").loc["mg_age", "reason"].endswith("did you mean 'age_years'?")


@pytest.mark.parametrize(
    ("column", "n", "reason"),
    [
        ([60.0] * 6, 6, "age is the same for all 6 participants"),
        ([60, 61, 62, None, None, None], 3, "3 participants with both values; at least 4 are needed"),
        ([None] * 6, 0, "0 participants with both values"),
        (["60", "61", "old", "63", "64", "65"], 0, "age of sub-002 is 'old', not a number"),
        (["60", "61", "inf", "63", "64", "65"], 0, "age of sub-002 is 'inf', not a number"),
    ],
)
def test_what_cannot_be_estimated_says_why(make_cohort, settings, column, n, reason):
    row = build_statistics(make_cohort(6, age=column), settings).set_index("model").loc["mg_age"]
    assert (row["status"], row["n"]) == ("not estimable", n)
    assert row["reason"].startswith(reason)
    assert row[["beta", "ci95_low", "ci95_high", "p", "r2"]].isna().all()


def test_numbers_written_as_text_count_as_numbers(full_cohort, settings):
    as_text = full_cohort.assign(age=[repr(value) for value in full_cohort["age"]])
    pd.testing.assert_frame_equal(build_statistics(as_text, settings), build_statistics(full_cohort, settings))


def test_top_coded_ages_count_at_their_lower_bound_with_a_note(make_cohort, settings):
    row = (
        build_statistics(make_cohort(5, age=["60", "70", "89+", "80", "89+"]), settings)
        .set_index("model")
        .loc["mg_age"]
    )
    assert (row["status"], row["n"]) == ("estimated", 5)
    assert row["beta"] == pytest.approx(stats.pearsonr([60, 70, 89, 80, 89], mg(make_cohort(5))).statistic)
    assert row["reason"] == "age of 2 scans is top-coded (such as 89+) and taken at its lower bound"


def test_unknown_sex_codes_are_left_out_and_named(make_cohort, settings):
    table = build_statistics(make_cohort(6, sex=["F", "M", "F", "M", "O", None]), settings).set_index("model")
    assert table.loc["mg_sex", "n"] == 4
    assert "left out: O" in table.loc["mg_sex", "reason"]
    table = build_statistics(make_cohort(6, sex=[1, 2, 1, 2, 1, 2]), settings).set_index("model")
    assert table.loc["mg_sex", "reason"] == "sex has no F/M or female/male values (found: 1, 2)"


def test_only_included_scans_enter(full_cohort, settings):
    excluded = full_cohort.assign(status="excluded", participant_id=full_cohort["participant_id"] + "x", pmg=9.0)
    both = pd.concat([full_cohort, excluded], ignore_index=True)
    pd.testing.assert_frame_equal(build_statistics(both, settings), build_statistics(full_cohort, settings))
    pd.testing.assert_frame_equal(build_demographics(both, settings), build_demographics(full_cohort, settings))


def test_repeated_scans_of_a_participant_count_once_at_their_mean_pmg(full_cohort, settings):
    low, high = full_cohort.assign(pmg=full_cohort["pmg"] - 0.1), full_cohort.assign(pmg=full_cohort["pmg"] + 0.1)
    twice = pd.concat([low, high], ignore_index=True)
    repeated, single = build_statistics(twice, settings), build_statistics(full_cohort, settings)
    assert repeated["n"].tolist() == single["n"].tolist()
    np.testing.assert_allclose(repeated["beta"].to_numpy(), single["beta"].to_numpy(), rtol=1e-9)


def test_participant_whose_sex_differs_between_scans_is_left_out_with_a_note(full_cohort, settings):
    again = full_cohort.head(1).assign(sex="M")
    row = build_statistics(pd.concat([full_cohort, again]), settings).set_index("model").loc["mg_sex"]
    assert row["n"] == 59 and "sex of sub-000 differs between scans" in row["reason"]


def test_hostile_column_names_are_only_names(make_cohort, settings):
    name = "__import__('os').system('x') ~ C(age) + \"}{"
    ages = np.random.default_rng(8).uniform(24, 98, 12)
    cohort = make_cohort(12, **{name: ages, "True": [1] * 12})
    table = build_statistics(cohort, settings | {"age_column": name, "serum_mg_column": "True"}).set_index("model")
    assert table.loc["mg_age", "beta"] == pytest.approx(stats.pearsonr(ages, mg(cohort)).statistic)
    assert table.loc["serum_mg_age", "status"] == "not estimable"


def test_text_has_no_nan_and_is_the_same_after_reading_the_cohort_back(full_cohort, settings, tmp_path):
    path = tmp_path / "cohort.tsv"
    path.write_bytes(table_bytes(full_cohort))
    first, second = (build_statistics(cohort, settings) for cohort in (full_cohort, read_tsv(path)))
    assert b"nan" not in table_bytes(first).lower()
    pd.testing.assert_frame_equal(first, second, rtol=1e-8)


def test_empty_cohort_estimates_nothing_and_fails_nowhere(make_cohort, settings):
    cohort = make_cohort(0)
    assert set(build_statistics(cohort, settings)["status"]) == {"skipped", "not estimable"}
    assert b"nan" not in table_bytes(build_demographics(cohort, settings)).lower()


def test_demographics_by_sex_and_in_total(full_cohort, settings):
    table = build_demographics(full_cohort, settings).set_index(["stratum", "variable"])
    for stratum, who in (
        ("women", full_cohort["sex"] == "F"),
        ("men", full_cohort["sex"] == "M"),
        ("all", [True] * 60),
    ):
        ages = full_cohort["age"][who]
        row = table.loc[(stratum, "age")]
        assert (row["participants"], row["n"]) == (len(ages), len(ages))
        assert row[["mean", "sd", "min", "max"]].tolist() == pytest.approx(
            [ages.mean(), ages.std(), ages.min(), ages.max()]
        )
    assert table.loc[("all", "mg_mmol_l"), "mean"] == pytest.approx(mg(full_cohort).mean())
    assert table.loc[("all", "ph"), "n"] == 0
