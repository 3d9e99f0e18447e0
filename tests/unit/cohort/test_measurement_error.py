"""Naive slopes shrink as theory says; the corrected ones are unbiased and their intervals cover (441 participants)."""

import math

import numpy as np
import pytest
from scipy.stats import bootstrap

from myomag.cohort.bootstrap import bca_interval, moments, resample_weights, without_bias
from myomag.cohort.measurement_error import METHODS, corrected_regression, reliability
from myomag.cohort.regression import NotEstimable, linear_regression

PARTICIPANTS, REPLICATES = 441, 200
OF_AGE, OF_PMG = 0.45, -0.4
"""True effects: pMg rises with age; strength falls with pMg and with age (by `OF_PMG`), all of SD 1 but strength."""
OWN_PMG = 1 - OF_AGE**2
SD_STRENGTH = math.sqrt(1 + 2 * OF_PMG**2 + 2 * OF_PMG**2 * OF_AGE)


def observed_cohort(seed, share, n=PARTICIPANTS):
    """Age, observed pMg, strength and the error SD of each pMg; `share` is the reliability."""
    rng = np.random.default_rng((17, seed))
    age = rng.uniform(-math.sqrt(3), math.sqrt(3), n)
    pmg = OF_AGE * age + math.sqrt(OWN_PMG) * rng.normal(size=n)
    strength = OF_PMG * (pmg + age) + rng.normal(size=n)
    error_sd = math.sqrt((1 - share) / share / math.exp(2 * 0.3**2)) * rng.lognormal(0, 0.3, n)
    return age, pmg + error_sd * rng.normal(size=n), strength, error_sd


def estimates(share, term, **options):
    """Estimates of a term by method, one per simulated cohort: the adjusted model for pMg, the simple one for age."""
    found = {method: [] for method in METHODS}
    for seed in range(REPLICATES):
        age, pmg, strength, sd = observed_cohort(seed, share)
        if term == "pmg":
            result = corrected_regression(strength, {"pmg": pmg, "age": age}, {"pmg": sd}, seed=seed, **options)
        else:
            result = corrected_regression(pmg, {"age": age}, {}, outcome_error_sd=sd, seed=seed, **options)
        for one in result:
            if one.term == term:
                found[one.method].append(one)
    return found


def assert_mean(values, truth):
    error = np.std(values, ddof=1) / math.sqrt(len(values))
    assert np.mean(values) == pytest.approx(truth, abs=3.5 * error)


def assert_covers(values, name, truth):
    covered = [getattr(one, f"{name}_ci95_low") < truth < getattr(one, f"{name}_ci95_high") for one in values]
    assert np.mean(covered) == pytest.approx(0.95, abs=3.5 * math.sqrt(0.05 * 0.95 / len(covered)))


@pytest.mark.parametrize("share", [0.35, 0.9])
def test_error_of_a_predictor(share):
    """b shrinks by the reliability given the covariates; the corrected b and beta are those without error."""
    found = estimates(share, "pmg", bootstrap=200, simex=4)
    noise = (1 - share) / share
    assert_mean([one.b for one in found["naive"]], OF_PMG * OWN_PMG / (OWN_PMG + noise))
    for method in METHODS[1:]:
        assert_mean([one.b for one in found[method]], OF_PMG)
        assert_mean([one.beta for one in found[method]], OF_PMG / SD_STRENGTH)
        assert_covers(found[method], "b", OF_PMG)
        assert_covers(found[method], "beta", OF_PMG / SD_STRENGTH)


def test_error_of_the_outcome():
    """b is unbiased as it is; a correlation shrinks by the root of the reliability."""
    share = 0.35
    found = estimates(share, "age", bootstrap=200)
    assert_mean([one.b for one in found["naive"]], OF_AGE)
    assert_mean([one.beta for one in found["naive"]], OF_AGE * math.sqrt(share))
    assert [one.b for one in found["simex"]] == [one.b for one in found["naive"]]
    for method in METHODS[1:]:
        assert_mean([one.beta for one in found[method]], OF_AGE)
        assert_covers(found[method], "beta", OF_AGE)


def test_reliability_and_its_interval():
    share = 0.35
    found = []
    for seed in range(1000):
        _, pmg, _, sd = observed_cohort(seed, share)
        found.append(reliability(pmg, sd))
    assert_mean([one.reliability for one in found], share)
    covered = np.mean([one.ci95_low < share < one.ci95_high for one in found])
    assert covered == pytest.approx(0.95, abs=3.5 * math.sqrt(0.05 * 0.95 / 1000))


def test_without_error_all_methods_are_least_squares():
    age, pmg, strength, _ = observed_cohort(1, 0.9)
    found = corrected_regression(strength, {"pmg": pmg, "age": age}, {}, bootstrap=10)
    plain = linear_regression(strength, {"pmg": pmg, "age": age})
    for coefficient in plain.coefficients:
        for one in found:
            if one.term == coefficient.name:
                assert (one.b, one.beta) == pytest.approx((coefficient.b, coefficient.beta), rel=1e-9)
    assert reliability(pmg, np.zeros(PARTICIPANTS)).reliability == 1


def test_simex_of_many_remeasurements_is_the_corrected_normal_equation():
    """The limit is (S − D)⁻¹c with the error variances D taken off the moments S; two predictors have errors."""
    age, pmg, strength, sd = observed_cohort(2, 0.6)
    age_sd = np.full(PARTICIPANTS, 0.3)
    predictors, errors = {"pmg": pmg, "age": age}, {"pmg": sd, "age": age_sd}
    found = corrected_regression(strength, predictors, errors, bootstrap=2, simex=400)
    columns = np.column_stack([np.ones(PARTICIPANTS), pmg, age])
    taken_off = np.diag([0, np.sum(sd**2), np.sum(age_sd**2)])

    def limit(kept):
        kept = kept.astype(bool)
        off = np.diag([0, np.sum(sd[kept] ** 2), np.sum(age_sd[kept] ** 2)])
        return np.linalg.solve(columns[kept].T @ columns[kept] - off, columns[kept].T @ strength[kept])[1:]

    groups = resample_weights(PARTICIPANTS, 0, seed=1)[1:]
    plain = np.linalg.solve(columns.T @ columns - taken_off, columns.T @ strength)[1:]
    left_out = np.array([limit(row) for row in groups])
    expected = [without_bias(plain[k], left_out[:, k]) for k in (0, 1)]
    simex = [one.b for one in found if one.method == "simex"]
    # Slopes of the remeasured data, scattering by a tenth of themselves, are averaged over 400.
    assert simex == pytest.approx(expected, rel=0.02)


def test_same_seed_same_numbers_and_units_do_not_matter():
    age, pmg, strength, sd = observed_cohort(3, 0.6)
    options = {"bootstrap": 50, "simex": 4, "seed": 5}
    one = corrected_regression(strength, {"pmg": pmg, "age": age}, {"pmg": sd}, **options)
    assert corrected_regression(strength, {"pmg": pmg, "age": age}, {"pmg": sd}, **options) == one
    other = corrected_regression(1e3 * strength, {"pmg": pmg / 10, "age": age}, {"pmg": sd / 10}, **options)
    assert [e.b for e in other[:3]] == pytest.approx([1e4 * e.b for e in one[:3]])
    assert [e.beta_ci95_low for e in other] == pytest.approx([e.beta_ci95_low for e in one])


def test_weight_two_counts_as_two_in_the_slopes():
    age, pmg, strength, sd = observed_cohort(4, 0.6)
    weights = np.where(np.arange(PARTICIPANTS) < 100, 2.0, 1.0)
    twice = np.r_[np.arange(PARTICIPANTS), np.arange(100)]
    weighted = corrected_regression(strength, {"pmg": pmg, "age": age}, {"pmg": sd}, weights=weights, bootstrap=2)
    repeated = corrected_regression(
        strength[twice], {"pmg": pmg[twice], "age": age[twice]}, {"pmg": sd[twice]}, bootstrap=2
    )
    assert weighted[0].b == pytest.approx(repeated[0].b)
    # The calibration is not weighted, and the two simulate other errors: both within some percent.
    assert [e.b for e in weighted[1:3]] == pytest.approx([e.b for e in repeated[1:3]], rel=0.15)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sd": 3.0}, "errors of pmg .* explain all of its scatter"),
        ({"sd": math.nan}, "an error SD of pmg"),
        ({"sd": 0.5, "copy": 0.3}, "that the other predictors leave"),
        ({"outcome_sd": 9.0}, "errors of the outcome"),
    ],
)
def test_not_estimable_says_why(change, reason):
    age, pmg, strength, _ = observed_cohort(5, 0.99)
    if "copy" in change:
        age = pmg + change["copy"] * age
    outcome_sd = np.full(PARTICIPANTS, change["outcome_sd"]) if "outcome_sd" in change else None
    error_sd = {"pmg": np.full(PARTICIPANTS, change.get("sd", 0.1))}
    with pytest.raises(NotEstimable, match=reason):
        corrected_regression(
            strength, {"pmg": pmg, "age": age}, error_sd, outcome_error_sd=outcome_sd, bootstrap=2, simex=2
        )


def test_resample_without_a_level_has_no_estimate():
    """One man among women is missing from a third of the resamples: his effect has no bounded interval."""
    _, pmg, strength, sd = observed_cohort(6, 0.9)
    man = np.r_[1.0, np.zeros(PARTICIPANTS - 1)]
    found = corrected_regression(strength, {"pmg": pmg, "man": man}, {"pmg": sd}, bootstrap=100, simex=4)
    assert all(math.isnan(one.b_ci95_low) and math.isfinite(one.b) for one in found)


def test_bootstrap_pieces():
    counts = resample_weights(7, 5, seed=1)
    assert counts.shape == (1 + 7 + 5, 7)
    assert np.all(counts[0] == 1)
    assert np.array_equal(counts[1:8], 1 - np.eye(7))
    assert np.all(counts[8:].sum(axis=1) == 7)
    left = resample_weights(1000, 0, seed=1)[1:]
    assert left.shape == (200, 1000)
    assert np.all((1 - left).sum(axis=0) == 1)
    # The jackknife turns the variance with divisor n into that with n − 1, exactly.
    values = np.array([1.0, 4.0, 2.0, 8.0])
    others = np.array([np.var(np.delete(values, k)) for k in range(4)])
    assert without_bias(np.var(values), others) == pytest.approx(np.var(values, ddof=1))
    columns = np.array([[1.0, 2.0], [1.0, 3.0]])
    assert moments(columns, np.array([[1.0, 2.0]]))[0].tolist() == [[3.0, 8.0], [8.0, 22.0]]


def test_interval_is_that_of_scipy():
    """Variance of skewed values: bias and acceleration both move the limits."""
    values = np.random.default_rng(8).lognormal(0, 0.7, 60)
    options = {"n_resamples": 999, "vectorized": True, "rng": np.random.default_rng(9)}
    expected = bootstrap((values,), np.var, method="BCa", **options)
    left_out = np.array([np.var(np.delete(values, k)) for k in range(len(values))])
    found = bca_interval(np.var(values), expected.bootstrap_distribution, left_out)
    assert found == pytest.approx(tuple(expected.confidence_interval), rel=1e-9)
    plain = np.quantile(expected.bootstrap_distribution, [0.025, 0.975])
    assert np.all(np.array(found) > plain)


def test_interval_without_skew_is_that_of_the_quantiles():
    still = np.zeros(10)
    assert bca_interval(500.0, np.arange(1001.0), still) == pytest.approx((25, 975))
    assert all(math.isnan(limit) for limit in bca_interval(0.0, np.r_[np.full(30, np.nan), np.zeros(970)], still))
    low, high = bca_interval(-1.0, np.arange(1001.0), np.full(10, np.nan))
    assert 0 <= low <= high <= 25
