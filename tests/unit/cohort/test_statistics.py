"""Each model of the settings uses its columns, stratum and options, and what cannot be estimated says why."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from myomag.cohort.demographics import age_group, build_demographics
from myomag.cohort.statistics import STATISTICS_COLUMNS, build_statistics, included
from myomag.io.tables import read_tsv, table_bytes
from myomag.settings.cohort import CohortModel

STRENGTH, SERUM = "knee_extension_strength_nm", "serum_mg_mmol_l"


def statistics_of(cohort, settings, units=None):
    return build_statistics(included(cohort, settings), units)


def demographics_of(cohort, settings):
    return build_demographics(included(cohort, settings))


def mains(cohort, settings):
    """Rows of the predictors by model: each model of these tests has one predictor."""
    table = statistics_of(cohort, settings)
    return table[table["role"] != "covariate"].set_index("model")


def with_model(settings, **changes):
    model = {"name": "m", "outcome": "muscle_mg", "predictors": ["age"]} | changes
    return settings.model_copy(update={"models": [CohortModel(**model)]})


def mg(cohort):
    """Logarithm of Mg in mM, the scale of the models."""
    return 3 - cohort["pmg"].to_numpy()


def test_each_published_model_uses_its_columns_and_stratum(full_cohort, settings):
    table = mains(full_cohort, settings)
    women, men = full_cohort["sex"] == "F", full_cohort["sex"] == "M"
    everyone = pd.Series(True, index=full_cohort.index)
    serum, strength, age = full_cohort[SERUM], full_cohort[STRENGTH], full_cohort["age"]
    expected = {
        "mg_age": (mg(full_cohort), age, everyone),
        "mg_sex": (mg(full_cohort), women.astype(float), everyone),
        "strength_mg_women": (strength, mg(full_cohort), women),
        "strength_mg_men": (strength, mg(full_cohort), men),
        "serum_mg_age": (serum, age, everyone),
        "serum_mg_sex": (serum, women.astype(float), everyone),
        "strength_serum_mg_women": (strength, serum, women),
        "strength_serum_mg_men": (strength, serum, men),
        "mg_serum_mg": (mg(full_cohort), serum, everyone),
    }
    for model, (outcome, predictor, who) in expected.items():
        line = stats.linregress(np.asarray(predictor, float)[who], np.asarray(outcome)[who])
        row = table.loc[model]
        assert (row["status"], row["n"], pd.isna(row["covariates"])) == ("estimated", who.sum(), True), model
        assert (row["beta"], row["p"]) == pytest.approx((line.rvalue, line.pvalue), rel=1e-9), model
        assert (row["b"], row["b_se"]) == pytest.approx((line.slope, line.stderr), rel=1e-9), model
    assert tuple(statistics_of(full_cohort, settings).columns) == tuple(STATISTICS_COLUMNS)


def test_adjusted_version_is_the_regression_on_all_terms(full_cohort, settings):
    sm = pytest.importorskip("statsmodels.api")
    cohort = full_cohort.assign(bmi=np.random.default_rng(5).normal(26, 3, 60))
    table = statistics_of(cohort, settings).set_index(["model", "predictor"])
    women = (cohort["sex"] == "F").to_numpy()
    design = np.column_stack([np.ones(60), cohort["age"], women, cohort["bmi"]])
    fit = sm.OLS(mg(cohort), design).fit()
    for index, term in enumerate(("age", "sex", "bmi"), start=1):
        row = table.loc[("mg_age_adjusted", term)]
        assert (row["b"], row["p"]) == pytest.approx((fit.params[index], fit.pvalues[index]), rel=1e-7)
        assert (row["r2"], row["r2_adjusted"]) == pytest.approx((fit.rsquared, fit.rsquared_adj))
        assert row["role"] == ("main" if term == "age" else "covariate")
    assert table.loc[("mg_age_adjusted", "age"), "covariates"] == "sex, bmi"
    # Within women sex is no covariate.
    assert table.loc[("strength_mg_adjusted_women", "log10_mg_mmol_l"), "covariates"] == "age, bmi"


def test_body_size_the_study_does_not_have_is_left_out_and_said_so(full_cohort, settings):
    row = mains(full_cohort, settings).loc["mg_age_adjusted"]
    assert row["covariates"] == "sex"
    assert row["reason"] == "the study has no column for body size (bmi, height_cm, weight_kg)"


def test_the_published_scale_is_a_setting(full_cohort, settings):
    table = mains(full_cohort, settings.model_copy(update={"mg_scale": "mM"}))
    line = stats.linregress(full_cohort["age"], 10 ** mg(full_cohort))
    assert (table.loc["mg_age", "b"], table.loc["mg_age", "p"]) == pytest.approx((line.slope, line.pvalue))


def test_a_product_brings_its_factors_and_is_the_difference_of_the_slopes(full_cohort, settings):
    """As statsmodels has `strength ~ mg * sex + age`; the slopes of the factors are those at the mean of the other."""
    formula = pytest.importorskip("statsmodels.formula.api")
    data = full_cohort.assign(y=full_cohort[STRENGTH], x=mg(full_cohort), woman=(full_cohort["sex"] == "F") * 1.0)
    for model, right in (("strength_mg_by_sex", "x * woman"), ("strength_mg_by_sex_adjusted", "x * woman + age")):
        fit = formula.ols(f"y ~ {right}", data).fit()
        rows = statistics_of(full_cohort, settings).set_index("model").loc[model].set_index("predictor")
        product = rows.loc["log10_mg_mmol_l*sex"]
        expected = fit.params["x:woman"], fit.bse["x:woman"], fit.pvalues["x:woman"]
        assert tuple(product[["b", "b_se", "p"]]) == pytest.approx(expected, rel=1e-7)
        assert rows["role"].to_dict()["log10_mg_mmol_l*sex"] == "main"
        assert set(rows.index[rows["role"] == "covariate"]) >= {"log10_mg_mmol_l", "sex"}
        at_mean = fit.params["x"] + fit.params["x:woman"] * data["woman"].mean()
        assert rows.loc["log10_mg_mmol_l", "b"] == pytest.approx(at_mean)


def test_a_product_of_three_has_those_of_two_with_it(full_cohort, settings):
    rows = statistics_of(full_cohort, with_model(settings, predictors=["age*sex*pcr_snr"])).set_index("predictor")
    assert set(rows.index) == {"age*sex*pcr_snr", "age", "sex", "pcr_snr", "age*sex", "age*pcr_snr", "sex*pcr_snr"}
    assert rows["role"].tolist().count("main") == 1


def test_a_product_with_a_text_has_a_term_for_each_other_level(full_cohort, settings):
    cohort = full_cohort.assign(arm=["placebo", "low", "high"] * 20)
    table = statistics_of(cohort, with_model(settings, predictors=["age*arm"])).set_index("predictor")
    assert table.index[table["role"] == "main"].tolist() == ["age*arm: low", "age*arm: placebo"]
    assert table.index[table["role"] == "covariate"].tolist() == ["age", "arm: low", "arm: placebo"]


def test_false_discovery_is_controlled_over_the_main_terms_and_over_the_controls(full_cohort, settings):
    measured = {"begin_time_us": np.arange(60.0), "phase_deg": np.arange(60.0) ** 2, "ph": np.sin(np.arange(60.0))}
    table = statistics_of(full_cohort.assign(**measured), settings)
    for role in ("main", "control"):
        rows = table[table["role"] == role]
        assert rows["p_fdr"].to_numpy() == pytest.approx(stats.false_discovery_control(rows["p"].to_numpy()))
    assert table.loc[table["role"] == "covariate", "p_fdr"].isna().all()


def test_women_lower_in_magnesium_give_a_negative_coefficient(make_cohort, settings):
    pmg = [3.40, 3.41, 3.42, 3.30, 3.31, 3.32]
    cohort = make_cohort(6, sex=["Female", "w", "f", "MALE", "m", "man"]).assign(pmg=pmg)
    row = mains(cohort, settings).loc["mg_sex"]
    assert row["beta"] == pytest.approx(stats.pearsonr([1, 1, 1, 0, 0, 0], mg(cohort)).statistic)
    assert row["b"] == pytest.approx(mg(cohort)[:3].mean() - mg(cohort)[3:].mean())


def test_units_of_slopes_come_from_the_tables(full_cohort, settings):
    units = {"mg_mmol_l": "mmol/L", "age": "year"}
    table = statistics_of(full_cohort, settings, units).set_index(["model", "predictor"])["b_unit"]
    assert table[("mg_age", "age")] == "log10(Mg) per year"
    assert table[("mg_sex", "sex")] == "log10(Mg)"
    product = "log10_mg_mmol_l*sex"
    assert table[("strength_mg_by_sex", product)] == f"unit of {STRENGTH} per tenfold Mg"
    published = settings.model_copy(update={"mg_scale": "mM"})
    table = statistics_of(full_cohort, published, units).set_index(["model", "predictor"])["b_unit"]
    assert table[("mg_age", "age")] == "mmol/L per year"
    assert table[("serum_mg_age", "age")] == f"unit of {SERUM} per year"


# --- the options of a model


def test_subset_of_a_range_and_of_levels(full_cohort, settings):
    cohort = full_cohort.assign(site=["A", "B", "C"] * 20)
    for subset, who in (
        ({"age": {"min": 60}}, cohort["age"] >= 60),
        ({"age": {"min": 40, "max": 80}}, (cohort["age"] >= 40) & (cohort["age"] <= 80)),
        ({"site": ["A", "C"]}, cohort["site"] != "B"),
        ({"sex": ["women"]}, cohort["sex"] == "F"),
        ({"sex": ["M"], "site": ["B"]}, (cohort["sex"] == "M") & (cohort["site"] == "B")),
    ):
        row = mains(cohort, with_model(settings, subset=subset)).loc["m"]
        line = stats.linregress(cohort["age"][who], mg(cohort)[who])
        assert (row["n"], row["b"]) == (who.sum(), pytest.approx(line.slope)), subset


def test_subset_is_never_evaluated(full_cohort, settings):
    row = mains(full_cohort, with_model(settings, subset={"age": ["__import__('os').system('x')", "> 60"]})).loc["m"]
    assert (row["status"], row["n"]) == ("not estimable", 0)


def test_strata_by_any_column_and_text_as_predictor(full_cohort, settings):
    cohort = full_cohort.assign(site=["A", "B", "C", "A"] * 15)
    table = mains(cohort, with_model(settings, strata="site"))
    assert list(table.index) == ["m_A", "m_B", "m_C"] and table["n"].tolist() == [30, 15, 15]
    table = statistics_of(cohort, with_model(settings, covariates=["site"])).set_index("predictor")
    assert list(table.index) == ["age", "site: B", "site: C"]
    table = statistics_of(cohort, with_model(settings, predictors=["site"])).set_index("predictor")
    groups = {site: mg(cohort)[cohort["site"] == site].mean() for site in "ABC"}
    assert table.loc["site: B", "b"] == pytest.approx(groups["B"] - groups["A"])
    assert table["role"].tolist() == ["main", "main"]


def test_measurement_weights_and_robust_errors_are_those_of_statsmodels(full_cohort, settings):
    sm = pytest.importorskip("statsmodels.api")
    design = sm.add_constant(full_cohort["age"].to_numpy())
    sd = full_cohort["pmg_sd"].to_numpy()
    weighted = mains(full_cohort, with_model(settings, weights="measurement")).loc["m"]
    fit = sm.WLS(mg(full_cohort), design, weights=sd**-2).fit()
    assert (weighted["b"], weighted["b_se"]) == pytest.approx((fit.params[1], fit.bse[1]), rel=1e-7)
    robust = mains(full_cohort, with_model(settings, robust=True)).loc["m"]
    fit = sm.OLS(mg(full_cohort), design).fit(cov_type="HC3", use_t=True)
    assert (robust["b_se"], robust["p"]) == pytest.approx((fit.bse[1], fit.pvalues[1]), rel=1e-7)
    assert weighted["estimator"].startswith("weighted") and robust["estimator"].endswith("HC3")


def test_weights_need_a_measured_outcome(full_cohort, settings):
    row = mains(full_cohort, with_model(settings, outcome="strength", weights="measurement")).loc["m"]
    assert row["reason"] == f"weights: measurement: {STRENGTH} was not measured here and has no SD per scan"


def test_repeated_scans_count_once_at_their_mean_pmg_or_at_the_first(full_cohort, settings):
    low, high = full_cohort.assign(pmg=full_cohort["pmg"] - 0.1), full_cohort.assign(pmg=full_cohort["pmg"] + 0.1)
    twice = pd.concat([low, high], ignore_index=True)
    repeated, single = statistics_of(twice, settings), statistics_of(full_cohort, settings)
    assert repeated["n"].tolist() == single["n"].tolist()
    np.testing.assert_allclose(repeated["beta"].to_numpy(), single["beta"].to_numpy(), rtol=1e-9)
    first = mains(twice, with_model(settings, repeated="first")).loc["m"]
    assert first["b"] == pytest.approx(mains(low, with_model(settings)).loc["m", "b"])


def test_beta_is_given_only_where_asked_for(full_cohort, settings):
    row = mains(full_cohort, with_model(settings, standardise=False)).loc["m"]
    assert row[["beta", "ci95_low", "ci95_high"]].isna().all() and row[["b", "p"]].notna().all()


# --- what cannot be estimated


def test_models_without_their_columns_are_not_estimable_and_the_others_go_on(full_cohort, settings):
    table = mains(full_cohort.drop(columns=["sex", SERUM]), settings)
    estimated = {name for name, status in table["status"].items() if status == "estimated"}
    assert estimated == {"mg_age", "control_mg_linewidth", "control_mg_snr"}
    assert set(table["status"]) == {"estimated", "not estimable"}
    assert table.loc["strength_mg_women", "reason"].startswith("no column 'sex' in the tables of the study")
    assert table.loc["serum_mg_age", "reason"].startswith(f"no column '{SERUM}' in the tables of the study")


def test_misnamed_column_is_suggested(full_cohort, settings):
    renamed = full_cohort.rename(columns={"age": "age_years"})
    row = mains(renamed, settings.model_copy(update={"age_column": "age_year"})).loc["mg_age"]
    assert row["reason"].endswith("did you mean 'age_years'?")
    row = mains(full_cohort, with_model(settings, subset={"agee": {"min": 3}})).loc["m"]
    assert "no column 'agee'" in row["reason"] and row["reason"].endswith("did you mean 'age'?")


@pytest.mark.parametrize(
    ("column", "n", "reason"),
    [
        ([60.0] * 6, 6, "age is the same for all 6 participants"),
        ([60, 61, 62, None, None, None], 3, "3 participants with complete values"),
        ([None] * 6, 0, "no participant is included: no value of age (6)"),
        (["60", "61", "old", "63", "64", "65"], 0, "age of sub-002 is 'old', not a number"),
        (["60", "61", "1e300", "63", "64", "65"], 0, "age of sub-002 is '1e300', too large"),
        (["60", "61", "inf", "63", "64", "65"], 0, "age of sub-002 is 'inf', not a number"),
        (["old", "old", "old", "old", "old", "young"], 6, "age: young: one group has 1 participant"),
    ],
)
def test_what_cannot_be_estimated_says_why(make_cohort, settings, column, n, reason):
    row = mains(make_cohort(6, age=column), settings).loc["mg_age"]
    assert (row["status"], row["n"]) == ("not estimable", n)
    assert row["reason"].startswith(reason)
    assert row[["b", "beta", "ci95_low", "ci95_high", "p", "p_fdr", "r2"]].isna().all()


def test_collinear_terms_are_named(full_cohort, settings):
    months = full_cohort.assign(age_months=full_cohort["age"] * 12)
    row = mains(months, with_model(settings, covariates=["age_months"])).loc["m"]
    assert row["status"] == "not estimable"
    assert "age, age_months are collinear" in row["reason"]


def test_sex_that_another_term_separates_completely_is_named(full_cohort, settings):
    scanner = full_cohort.assign(scanner=["A" if sex == "F" else "B" for sex in full_cohort["sex"]])
    row = mains(scanner, with_model(settings, predictors=["sex"], covariates=["scanner"])).loc["m"]
    assert (row["status"], "collinear" in row["reason"]) == ("not estimable", True)


def test_a_text_cannot_be_an_outcome(full_cohort, settings):
    cohort = full_cohort.assign(site=["A", "B", "C"] * 20)
    row = mains(cohort, with_model(settings, outcome="site")).loc["m"]
    assert row["reason"].startswith("site is text")


def test_an_outcome_of_two_levels_says_which_one_counts(full_cohort, settings):
    cohort = full_cohort.assign(site=["B", "A"] * 30)
    row = mains(cohort, with_model(settings, outcome="site")).loc["m"]
    assert (row["status"], row["reason"]) == ("estimated", "site: B counts 1, else 0")
    assert row["b"] == pytest.approx(np.polyfit(cohort["age"], cohort["site"] == "B", 1)[0])


def test_nobody_left_is_counted_by_reason(full_cohort, settings):
    nobody = full_cohort.assign(sex="M", age=np.nan)
    row = mains(nobody, with_model(settings, subset={"sex": ["M"]}, strata="sex")).loc["m_men"]
    assert row["reason"] == "no participant is included: no value of age (60)"


# --- what a study's tables may hold


def test_numbers_written_as_text_count_as_numbers(full_cohort, settings):
    as_text = full_cohort.assign(age=[repr(value) for value in full_cohort["age"]])
    pd.testing.assert_frame_equal(statistics_of(as_text, settings), statistics_of(full_cohort, settings))


def test_top_coded_ages_count_at_their_lower_bound_with_a_note(make_cohort, settings):
    row = mains(make_cohort(5, age=["60", "70", "89+", "80", "89+"]), settings).loc["mg_age"]
    assert (row["status"], row["n"]) == ("estimated", 5)
    assert row["beta"] == pytest.approx(stats.pearsonr([60, 70, 89, 80, 89], mg(make_cohort(5))).statistic)
    assert row["reason"] == "age is top-coded (such as 89+) in 2 scans; the lower bound is used"


def test_unknown_sex_codes_are_left_out_and_named(make_cohort, settings):
    row = mains(make_cohort(6, sex=["F", "M", "F", "M", "O", None]), settings).loc["mg_sex"]
    assert row["n"] == 4 and "left out: O" in row["reason"]
    row = mains(make_cohort(6, sex=[1, 2, 1, 2, 1, 2]), settings).loc["mg_sex"]
    assert row["reason"] == "sex has no F/M or female/male values (found: 1, 2)"


def test_only_included_scans_enter(full_cohort, settings):
    excluded = full_cohort.assign(status="excluded", participant_id=full_cohort["participant_id"] + "x", pmg=9.0)
    both = pd.concat([full_cohort, excluded], ignore_index=True)
    pd.testing.assert_frame_equal(statistics_of(both, settings), statistics_of(full_cohort, settings))
    pd.testing.assert_frame_equal(demographics_of(both, settings), demographics_of(full_cohort, settings))


def test_participant_whose_sex_differs_between_scans_is_left_out_with_a_note(full_cohort, settings):
    again = full_cohort.head(1).assign(sex="M")
    row = mains(pd.concat([full_cohort, again]), settings).loc["mg_sex"]
    assert row["n"] == 59 and "sex of sub-000 differs between scans" in row["reason"]


def test_hostile_column_names_are_only_names(make_cohort, settings):
    name = "__import__('os').system('x') ~ C(age) + \"}{"
    ages = np.random.default_rng(8).uniform(24, 98, 12)
    cohort = make_cohort(12, **{name: ages, "True": [1] * 12})
    table = mains(cohort, settings.model_copy(update={"age_column": name, "serum_mg_column": "True"}))
    assert table.loc["mg_age", "beta"] == pytest.approx(stats.pearsonr(ages, mg(cohort)).statistic)
    assert table.loc["serum_mg_age", "status"] == "not estimable"


def test_text_has_no_nan_and_is_the_same_after_reading_the_cohort_back(full_cohort, settings, tmp_path):
    path = tmp_path / "cohort.tsv"
    path.write_bytes(table_bytes(full_cohort))
    first, second = (statistics_of(cohort, settings) for cohort in (full_cohort, read_tsv(path)))
    assert b"nan" not in table_bytes(first).lower()
    pd.testing.assert_frame_equal(first, second, rtol=1e-6)


def test_empty_cohort_estimates_nothing_and_fails_nowhere(make_cohort, settings):
    cohort = make_cohort(0)
    assert set(statistics_of(cohort, settings)["status"]) == {"not estimable"}
    assert statistics_of(cohort, settings.model_copy(update={"models": []})).empty
    assert b"nan" not in table_bytes(demographics_of(cohort, settings)).lower()


# --- Table 1


def test_demographics_by_sex_age_group_and_in_total(full_cohort, settings):
    table = demographics_of(full_cohort, settings).set_index(["stratum", "age_group", "variable"])
    women, old = full_cohort["sex"] == "F", full_cohort["age"] >= 80
    for (stratum, group), who in {
        ("women", "all"): women,
        ("men", "80 and over"): ~women & old,
        ("all", "80 and over"): old,
        ("all", "all"): women | ~women,
    }.items():
        ages, row = full_cohort["age"][who], table.loc[(stratum, group, "age")]
        assert (row["participants"], row["n"]) == (len(ages), len(ages))
        assert row[["mean", "sd", "min", "max"]].tolist() == pytest.approx(
            [ages.mean(), ages.std(), ages.min(), ages.max()]
        )
    assert table.loc[("all", "all", "mg_mmol_l"), "mean"] == pytest.approx((10 ** mg(full_cohort)).mean())
    assert table.loc[("all", "all", "ph"), "n"] == 0
    groups = table.xs("age", level="variable")
    assert groups.drop(("all", "all")).loc["all", "participants"].sum() == 60


@pytest.mark.parametrize(
    ("age", "group"),
    [(24, "under 40"), (40, "40 to <60"), (59.9, "40 to <60"), (80, "80 and over"), (98, "80 and over")],
)
def test_age_groups_include_their_lower_edge(age, group):
    assert age_group(age, [40, 60, 80]) == group


def test_demographics_without_age_and_sex(full_cohort, settings):
    table = demographics_of(full_cohort.drop(columns=["age", "sex"]), settings)
    assert set(table["age_group"]) == {"all"}
    assert table.groupby("stratum")["participants"].max().to_dict() == {"all": 60, "men": 0, "women": 0}


def test_site_takes_away_what_differs_between_sites(full_cohort, settings):
    """Older people at a site that reads lower: without the site, age seems to matter."""
    rng = np.random.default_rng(3)
    site = np.where(np.arange(60) < 30, "a", "b")
    age = np.where(site == "a", 40.0, 70.0) + rng.uniform(-10, 10, 60)
    cohort = full_cohort.assign(site=site, age=age, pmg=3.35 + 0.2 * (site == "b") + rng.normal(0, 0.01, 60))
    slopes = {}
    for effect in (None, "covariate", "random"):
        own = with_model(settings, adjusted_for=["site"]).model_copy(update={"site": effect})
        table = mains(cohort, own)
        slopes[effect] = abs(table.loc["m", "b"])
        assert table.loc["m", "status"] == "estimated"
        # A model that names the site is not given it again.
        if effect != "random":
            assert table.loc["m_adjusted" if effect is None else "m", "covariates"] == "site"
    assert slopes["covariate"] < slopes[None] / 5 and slopes["random"] < slopes[None] / 5
    one = mains(
        cohort[site == "a"].reset_index(drop=True), with_model(settings).model_copy(update={"site": "covariate"})
    )
    assert one.loc["m", "status"] == "estimated" and "all participants are from site a" in one.loc["m", "reason"]
