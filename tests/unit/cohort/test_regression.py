"""The regressions reproduce certified values and textbook identities; what cannot be estimated says why."""

import math

import numpy as np
import pytest
from scipy import stats

from myomag.cohort.regression import NotEstimable, check_estimable, false_discovery, linear_regression

# NIST Statistical Reference Datasets (www.itl.nist.gov/div898/strd), linear regression: Norris and Longley.
NORRIS_Y = [
    0.1, 338.8, 118.1, 888.0, 9.2, 228.1, 668.5, 998.5, 449.1, 778.9, 559.2, 0.3, 0.1, 778.1, 668.8, 339.3, 448.9, 10.8,
    557.7, 228.3, 998.0, 888.8, 119.6, 0.3, 0.6, 557.6, 339.3, 888.0, 998.5, 778.9, 10.2, 117.6, 228.9, 668.4, 449.2,
    0.2,
]  # fmt: skip
NORRIS_X = [
    0.2, 337.4, 118.2, 884.6, 10.1, 226.5, 666.3, 996.3, 448.6, 777.0, 558.2, 0.4, 0.6, 775.5, 666.9, 338.0, 447.5,
    11.6, 556.0, 228.1, 995.8, 887.6, 120.2, 0.3, 0.3, 556.8, 339.1, 887.2, 999.0, 779.0, 11.1, 118.3, 229.2, 669.1,
    448.9, 0.5,
]  # fmt: skip
LONGLEY = {  # certified slope and its SD
    "GNPDEFL": (15.0618722713733, 84.9149257747669),
    "GNP": (-0.0358191792925910, 0.0334910077722432),
    "UNEMP": (-2.02022980381683, 0.488399681651699),
    "ARMED": (-1.03322686717359, 0.214274163161675),
    "POP": (-0.0511041056535807, 0.226073200069370),
    "YEAR": (1829.15146461355, 455.478499142212),
}


def test_norris_as_certified():
    found = linear_regression(np.array(NORRIS_Y), {"x": np.array(NORRIS_X)})
    (slope,) = found.coefficients
    assert (slope.b, slope.b_se) == pytest.approx((1.00211681802045, 0.429796848199937e-03), rel=1e-9)
    assert found.r2 == pytest.approx(0.999993745883712, rel=1e-12)


def test_longley_as_certified():
    from statsmodels.datasets import longley

    table = longley.load_pandas().data
    found = linear_regression(table["TOTEMP"].to_numpy(), {name: table[name].to_numpy() for name in LONGLEY})
    assert found.r2 == pytest.approx(0.995479004577296, rel=1e-12)
    for coefficient in found.coefficients:
        assert (coefficient.b, coefficient.b_se) == pytest.approx(LONGLEY[coefficient.name], rel=1e-8)


@pytest.fixture
def cohort():
    rng = np.random.default_rng(5)
    age = rng.uniform(24, 98, 60)
    sex = (np.arange(60) % 2).astype(float)
    mg = 0.6 - 0.002 * age - 0.02 * sex + rng.normal(0, 0.05, 60)
    return mg, {"age": age, "sex": sex}


def test_one_predictor_beta_is_r(cohort):
    mg, predictors = cohort
    found = linear_regression(mg, {"age": predictors["age"]})
    (age,) = found.coefficients
    pearson = stats.pearsonr(predictors["age"], mg)
    interval = pearson.confidence_interval(0.95)
    assert age.beta == pytest.approx(pearson.statistic)
    assert age.partial_r == pytest.approx(pearson.statistic)
    assert (age.partial_r_ci95_low, age.partial_r_ci95_high) == pytest.approx((interval.low, interval.high))
    assert found.r2 == pytest.approx(age.beta**2)
    assert age.p == pytest.approx(pearson.pvalue)
    assert found.r2_adjusted == pytest.approx(1 - (1 - found.r2) * 59 / 58)


def test_partial_r_is_the_correlation_of_residuals(cohort):
    mg, predictors = cohort
    age = linear_regression(mg, predictors).coefficients[0]
    design = np.column_stack([np.ones(60), predictors["sex"]])
    rest = [values - design @ np.linalg.lstsq(design, values)[0] for values in (mg, predictors["age"])]
    assert age.partial_r == pytest.approx(np.corrcoef(rest)[0, 1])
    half_width = np.arctanh(age.partial_r_ci95_high) - np.arctanh(age.partial_r)
    assert half_width == pytest.approx(1.959964 / math.sqrt(60 - 1 - 3), rel=1e-6)


def test_weights_and_units(cohort):
    """A participant of weight 2 counts as two in the slopes; years in decades change b tenfold and β not at all."""
    mg, predictors = cohort
    weights = np.where(np.arange(60) < 20, 2.0, 1.0)
    doubled = np.r_[np.arange(60), np.arange(20)]
    weighted = linear_regression(mg, predictors, weights=weights)
    repeated = linear_regression(mg[doubled], {name: values[doubled] for name, values in predictors.items()})
    assert weighted.r2 == pytest.approx(repeated.r2)
    for one, other in zip(weighted.coefficients, repeated.coefficients, strict=True):
        assert one.b == pytest.approx(other.b)
        assert one.partial_r == pytest.approx(other.partial_r)
        # Twenty more participants are in the denominator of the repeated fit only.
        assert one.b_se**2 * 57 == pytest.approx(other.b_se**2 * 77)
    decades = linear_regression(mg, predictors | {"age": predictors["age"] / 10})
    years = linear_regression(mg, predictors)
    assert decades.coefficients[0].b == pytest.approx(10 * years.coefficients[0].b)
    assert decades.coefficients[0].beta == pytest.approx(years.coefficients[0].beta)


def test_hc3_is_the_sandwich_and_leaves_partial_r(cohort):
    mg, predictors = cohort
    robust, plain = linear_regression(mg, predictors, robust=True), linear_regression(mg, predictors)
    design = np.column_stack([np.ones(60), *predictors.values()])
    bread = np.linalg.inv(design.T @ design)
    residuals = mg - design @ bread @ design.T @ mg
    leverage = np.sum(design @ bread * design, axis=1)
    sandwich = bread @ (design.T * (residuals / (1 - leverage)) ** 2) @ design @ bread
    for index, (one, other) in enumerate(zip(robust.coefficients, plain.coefficients, strict=True), start=1):
        assert one.b_se == pytest.approx(math.sqrt(sandwich[index, index]))
        assert one.p == pytest.approx(2 * stats.t.sf(abs(one.b / one.b_se), 57))
        assert (one.b, one.partial_r) == (other.b, other.partial_r)
        assert one.b_ci95_high - one.b == pytest.approx(stats.t.ppf(0.975, 57) * one.b_se)


def test_hc3_interval_covers_where_scatter_grows():
    """Where scatter grows as the square from the middle, HC3 intervals cover 95 %; those of equal scatter do not."""
    rng = np.random.default_rng(3)
    replicates, n = 400, 100
    covered = np.zeros(2)
    for _ in range(replicates):
        x = rng.uniform(-1, 1, n)
        y = x + x**2 * rng.normal(size=n)
        for index, robust in enumerate((False, True)):
            (slope,) = linear_regression(y, {"x": x}, robust=robust).coefficients
            covered[index] += slope.b_ci95_low < 1 < slope.b_ci95_high
    error = math.sqrt(0.95 * 0.05 / replicates)
    assert covered[1] / replicates == pytest.approx(0.95, abs=3 * error)
    assert covered[0] / replicates < 0.95 - 3 * error


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda y, x: (y[:4], {name: values[:4] for name, values in x.items()}),
            "4 participants with complete values; 2",
        ),
        (lambda y, x: (y, x | {"age": np.full(60, 70.0)}), "age is the same for all 60"),
        (lambda _, x: (np.full(60, 0.4), x), "the outcome is the same"),
        (lambda y, x: (y, x | {"men": 1 - x["sex"]}), "^sex, men are collinear"),
        (lambda y, x: (y, x | {"months": np.round(12 * x["age"])}), "^age, months are collinear"),
        (lambda _, x: (3 - 2 * x["age"], x), "exactly"),
        (lambda _, x: (x["sex"] * 2, x), "exactly"),
        (lambda y, x: (y, x | {"age": np.r_[np.nan, x["age"][1:]]}), "age is not a finite number for 1 part"),
    ],
)
def test_not_estimable_says_why(cohort, change, reason):
    outcome, predictors = change(*cohort)
    with pytest.raises(NotEstimable, match=reason):
        linear_regression(outcome, predictors)


def test_robust_interval_needs_two_participants_per_level(cohort):
    mg, predictors = cohort
    predictors["smoker"] = np.r_[1.0, np.zeros(59)]
    assert linear_regression(mg, predictors).coefficients[-1].b_se > 0
    with pytest.raises(NotEstimable, match="alone determines"):
        linear_regression(mg, predictors, robust=True)


def test_weight_must_be_positive(cohort):
    mg, predictors = cohort
    with pytest.raises(NotEstimable, match="weight"):
        check_estimable(mg, predictors, weights=np.zeros(60))


def test_smallest_sample_is_estimable():
    (slope,) = linear_regression(np.array([1.0, 2.0, 2.5, 5.0]), {"x": np.array([1.0, 2.0, 3.0, 4.0])}).coefficients
    assert slope.partial_r_ci95_low < slope.partial_r < slope.partial_r_ci95_high


def test_false_discovery_is_the_step_up_procedure():
    p = [0.04, None, 0.01, 0.03, 0.5]
    # By hand: sorted .01 .03 .04 .5 times 4/rank = .04 .06 .0533 .5, then the running minimum from the largest.
    assert false_discovery(p) == [pytest.approx(0.16 / 3), None, pytest.approx(0.04), pytest.approx(0.16 / 3), 0.5]
    assert false_discovery([None]) == [None]
