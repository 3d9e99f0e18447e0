"""Corrected slopes are those without error; their tests are the naive ones, and their intervals say the same."""

import math

import numpy as np
import pytest

from myomag.cohort.measurement_error import corrected_slopes, reliability
from myomag.cohort.regression import NotEstimable, linear_regression
from myomag.cohort.terms import error_loadings, product_terms

PARTICIPANTS, REPLICATES = 441, 200
OF_AGE, OF_PMG = 0.45, -0.4
"""True effects: pMg rises with age; strength falls with pMg and with age (by `OF_PMG`), all of SD 1 but strength."""
OWN_PMG = 1 - OF_AGE**2


def observed_cohort(seed, share, n=PARTICIPANTS, effect=OF_PMG):
    """Age, observed pMg, strength and the error SD of each pMg; `share` is the reliability."""
    rng = np.random.default_rng((17, seed))
    age = rng.uniform(-math.sqrt(3), math.sqrt(3), n)
    pmg = OF_AGE * age + math.sqrt(OWN_PMG) * rng.normal(size=n)
    strength = effect * pmg + OF_PMG * age + rng.normal(size=n)
    error_sd = math.sqrt((1 - share) / share / math.exp(2 * 0.3**2)) * rng.lognormal(0, 0.3, n)
    return age, pmg + error_sd * rng.normal(size=n), strength, error_sd


def corrected(outcome, terms, errors, **options):
    naive = linear_regression(outcome, terms)
    return naive.coefficients, corrected_slopes(naive, terms, error_loadings(terms, errors), **options)


def covers(estimate, truth):
    low, high = estimate.b_ci95_low, estimate.b_ci95_high
    return not (low > truth or high < truth)


@pytest.mark.parametrize("share", [0.35, 0.9])
def test_the_corrected_slopes_are_those_without_error(share):
    """The naive slope shrinks by the reliability given the covariates; that of age takes over what it loses."""
    found = []
    for seed in range(REPLICATES):
        age, pmg, strength, sd = observed_cohort(seed, share)
        found.append(corrected(strength, {"pmg": pmg, "age": age}, {"pmg": sd}))
    noise = (1 - share) / share
    for term, (naive, truth) in enumerate(((OF_PMG * OWN_PMG / (OWN_PMG + noise), OF_PMG), (None, OF_PMG))):
        slopes = np.array([(plain[term].b, one[term].b) for plain, one in found])
        error = slopes.std(axis=0, ddof=1) / math.sqrt(REPLICATES)
        if naive is not None:
            assert slopes[:, 0].mean() == pytest.approx(naive, abs=3.5 * error[0])
        # The mean of a ratio is off by its squared scatter, here below 3 %; the median is not.
        assert np.median(slopes[:, 1]) == pytest.approx(truth, abs=4 * error[1])
        held = np.mean([covers(one[term], truth) for _, one in found])
        assert held == pytest.approx(0.95, abs=3.5 * math.sqrt(0.05 * 0.95 / REPLICATES))


@pytest.mark.parametrize("share", [0.2, 0.35, 0.9])
def test_a_correction_makes_no_significance_and_takes_none(share):
    """Of a single term with error: p is that of the naive slope, and both intervals leave out 0 or neither does."""
    for seed in range(100):
        age, pmg, strength, sd = observed_cohort(seed, share, n=40, effect=0.25)
        try:
            plain, found = corrected(strength, {"pmg": pmg, "age": age}, {"pmg": sd})
        except NotEstimable:
            continue
        assert found[0].p == pytest.approx(plain[0].p, rel=1e-9)
        assert covers(found[0], 0) == covers(plain[0], 0)


def test_the_interval_of_a_single_predictor_is_that_of_fieller_for_a_ratio():
    """Slope over reliability: the values β with |b − βλ| ≤ t·√(SE² + β²·var λ)."""
    _, pmg, strength, sd = observed_cohort(1, 0.6)
    (plain,), (found,) = corrected(strength, {"pmg": pmg}, {"pmg": sd})
    share = reliability(pmg, sd).reliability
    assert found.b == pytest.approx(plain.b / share, rel=1e-9)
    w = pmg - pmg.mean()
    influence = (sd**2 * (PARTICIPANTS - 1) / PARTICIPANTS - (1 - share) * w**2) / np.sum(w**2)
    t = (plain.b_ci95_high - plain.b) / plain.b_se
    for end in (found.b_ci95_low, found.b_ci95_high):
        assert abs(plain.b - end * share) == pytest.approx(t * math.hypot(plain.b_se, end * np.linalg.norm(influence)))


def test_two_errors_and_a_product_are_the_corrected_normal_equations():
    """(S − D)⁻¹c with the error variances off the moments S; the product of Mg and sex has the error of Mg in it."""
    age, pmg, strength, sd = observed_cohort(2, 0.6)
    sex = (np.arange(PARTICIPANTS) % 3 == 0).astype(float)
    terms = {"pmg": pmg, "sex": sex, "age": age} | product_terms([{"pmg": pmg}, {"sex": sex}])
    _, found = corrected(strength, terms, {"pmg": sd, "age": np.full(PARTICIPANTS, 0.3)})
    w = np.column_stack([values - values.mean() for values in terms.values()])
    own = np.column_stack([sd, 0 * sd, 0 * sd, sd * (sex - sex.mean())])
    errors = own.T @ own + np.diag([0, 0, 0.3**2 * PARTICIPANTS, 0])
    # Sex, without error, and the mean cost a degree of freedom each.
    errors *= (PARTICIPANTS - 2) / PARTICIPANTS
    expected = np.linalg.solve(w.T @ w - errors, w.T @ strength)
    assert [one.b for one in found] == pytest.approx(expected.tolist(), rel=1e-9)


def test_errors_known_from_few_repeats_widen_the_interval_but_not_the_test():
    _, pmg, strength, sd = observed_cohort(3, 0.6)
    (_, (known,)), (_, (few,)) = (corrected(strength, {"pmg": pmg}, {"pmg": sd}, error_df=df) for df in (math.inf, 8))
    assert (few.b, few.p) == pytest.approx((known.b, known.p))
    assert few.b_ci95_low < known.b_ci95_low < known.b_ci95_high < few.b_ci95_high or math.isnan(few.b_ci95_low)
    assert reliability(pmg, sd, 8).ci95_low < reliability(pmg, sd).ci95_low


def test_reliability_and_its_interval():
    share = 0.35
    found = []
    for seed in range(1000):
        _, pmg, _, sd = observed_cohort(seed, share)
        found.append(reliability(pmg, sd))
    values = [one.reliability for one in found]
    assert np.mean(values) == pytest.approx(share, abs=3.5 * np.std(values) / math.sqrt(1000))
    covered = np.mean([one.ci95_low < share < one.ci95_high for one in found])
    assert covered == pytest.approx(0.95, abs=3.5 * math.sqrt(0.05 * 0.95 / 1000))
    assert reliability(pmg, np.zeros(PARTICIPANTS)).reliability == 1


def test_without_error_and_in_other_units_nothing_changes():
    age, pmg, strength, sd = observed_cohort(1, 0.9)
    plain, found = corrected(strength, {"pmg": pmg, "age": age}, {})
    for one, other in zip(plain, found, strict=True):
        assert (other.b, other.b_ci95_low, other.p) == pytest.approx((one.b, one.b_ci95_low, one.p), rel=1e-9)
    _, first = corrected(strength, {"pmg": pmg}, {"pmg": sd})
    _, second = corrected(1e3 * strength, {"pmg": pmg / 10}, {"pmg": sd / 10})
    assert second[0].b_ci95_low == pytest.approx(1e4 * first[0].b_ci95_low)


def test_errors_beyond_the_scatter_that_is_left_say_so():
    age, pmg, strength, _ = observed_cohort(5, 0.99)
    with pytest.raises(NotEstimable, match="that the other predictors leave"):
        corrected(strength, {"pmg": pmg, "age": pmg + 0.3 * age}, {"pmg": np.full(PARTICIPANTS, 0.5)})
    with pytest.raises(NotEstimable, match="explain all of its scatter"):
        reliability(pmg, np.full(PARTICIPANTS, 3.0))
    with pytest.raises(NotEstimable, match="an error SD of the variable"):
        reliability(pmg, np.full(PARTICIPANTS, math.nan))
