"""A random intercept lies between no site and a site as covariate, which are its limits."""

import numpy as np
import pytest
from scipy import stats

from myomag.cohort.random_intercepts import random_intercepts
from myomag.cohort.regression import NotEstimable, linear_regression
from myomag.cohort.statistics import build_statistics, included
from myomag.cohort.terms import product_terms
from myomag.settings.cohort import CohortModel

SITES, EACH = 8, 30


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    groups = np.repeat([f"s{i}" for i in range(SITES)], EACH)
    return rng.normal(size=SITES * EACH), rng.normal(size=SITES * EACH), groups, rng.normal(size=SITES).repeat(EACH)


def slope(result):
    return result.coefficients[0].b, result.coefficients[0].b_se


def test_without_difference_between_sites_it_is_the_plain_regression(data):
    x, noise, groups, _ = data
    # Without the means of the sites, the estimated variance between them is 0.
    noise = noise - noise.reshape(SITES, EACH).mean(axis=1).repeat(EACH)
    found = random_intercepts(0.3 * x + noise, {"x": x}, groups, "site")
    # The optimiser stops where the variance is 1e-4 of the scatter or less, which moves the slope by less than that.
    assert slope(found) == pytest.approx(slope(linear_regression(0.3 * x + noise, {"x": x})), rel=1e-3)
    assert found.r2 is None


def test_with_large_differences_it_is_the_site_as_covariate(data):
    x, noise, groups, offsets = data
    y = 0.3 * x + noise + 1000 * offsets
    dummies = {name: (groups == name).astype(float) for name in sorted(set(groups))[1:]}
    found = random_intercepts(y, {"x": x}, groups, "site")
    # The share of the slope that comes from between the sites falls with the ratio of the variances, 1e-6 here.
    assert slope(found) == pytest.approx(slope(linear_regression(y, {"x": x} | dummies)), rel=5e-3)


def test_what_only_differs_between_a_few_sites_is_refused(data):
    _, noise, groups, offsets = data
    few = groups <= "s4"
    with pytest.raises(NotEstimable, match="does not vary within any site"):
        random_intercepts(noise[few], {"field": offsets[few]}, groups[few], "site")
    with pytest.raises(NotEstimable, match="have the same site"):
        random_intercepts(noise, {"x": noise**2}, np.full(len(noise), "a"), "site")


def test_arm_by_session_is_the_t_test_of_the_changes():
    """With two sessions of everyone the mixed model is exact: the product is the difference of the mean changes."""
    rng = np.random.default_rng(4)
    arm, before = np.repeat([0.0, 1.0], 15), rng.normal(0, 1, 30)
    after = before + rng.normal(0.2, 0.5, 30) + 0.4 * arm
    people, later = np.tile(np.arange(30), 2).astype(str), np.repeat([0.0, 1.0], 30)
    terms = {"arm": np.tile(arm, 2), "session": later}
    terms |= product_terms([{"arm": terms["arm"]}, {"session": later}])
    found = random_intercepts(np.r_[before, after], terms, people, "participant_id").coefficients[-1]
    change = after - before
    expected = stats.ttest_ind(change[arm == 1], change[arm == 0])
    assert found.b == pytest.approx(change[arm == 1].mean() - change[arm == 0].mean())
    assert found.p == pytest.approx(expected.pvalue, rel=1e-3)


def test_sessions_count_in_an_intervention_and_a_crossover(make_cohort, settings):
    person, session = np.repeat(np.arange(24), 2), np.tile([1, 2], 24)
    rng = np.random.default_rng(7)
    treated = (session == 2) == (person % 2 == 0)
    pmg = 3.35 + rng.normal(0, 0.05, 24)[person] - 0.03 * treated + rng.normal(0, 0.01, 48)
    columns = {"treatment": np.where(treated, "magnesium", "blank"), "dose_mg": np.where(treated, 300.0, 0.0)}
    cohort = make_cohort(48, arm=np.where(person % 2, "placebo", "magnesium"), **columns).assign(pmg=pmg)
    labels = {"participant_id": [f"sub-{k:02d}" for k in person], "session_id": [f"ses-{k}" for k in session]}
    models = [
        {"name": "crossover", "predictors": ["treatment"], "covariates": ["session_id"]},
        {"name": "dose", "predictors": ["dose_mg"], "covariates": ["session_id"]},
        {"name": "intervention", "predictors": ["arm*session_id"]},
    ]
    models = [CohortModel(outcome="muscle_mg", unit="session", **model) for model in models]
    sample = included(cohort.assign(**labels), settings.model_copy(update={"models": models}))
    rows = build_statistics(sample).set_index(["model", "predictor"])
    one = rows.loc[("crossover", "treatment: magnesium")]
    assert (one["n"], one["estimator"]) == (48, "linear mixed model (REML), random intercept of participant_id")
    assert one["b"] == pytest.approx(0.03, abs=4 * one["b_se"]) and one["b_se"] < 0.004
    assert rows.loc[("dose", "dose_mg"), "b"] == pytest.approx(one["b"] / 300)
    product = rows.loc[("intervention", "arm: placebo*session_id: ses-2")]
    # Half of those with the one arm first were treated second, all of the other in the first: twice the effect.
    assert (product["role"], product["status"]) == ("main", "estimated")
    assert abs(product["b"]) == pytest.approx(2 * one["b"], rel=0.05)
