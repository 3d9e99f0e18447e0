"""The mixed model recovers change over years; what the sessions cannot tell is said, not warned of."""

import math
import warnings

import numpy as np
import pytest

from myomag.cohort.longitudinal import mixed_model
from myomag.cohort.regression import NotEstimable

CHANGE, OF_AGE = -0.004, -0.001
REPLICATES = 60
SD_LEVEL, SD_CHANGE, SD_SESSION = 0.05, 0.004, 0.03


def sessions(rng, participants=60, most=4, sd_change=SD_CHANGE, equal=False):
    """Mg [mmol/l] of sessions over up to 10 years, with the age at the first one."""
    rows = []
    for person in range(participants):
        age, level, change = rng.uniform(24, 90), rng.normal(0, SD_LEVEL), rng.normal(CHANGE, sd_change)
        later = rng.uniform(1, 10, (most if equal else rng.integers(1, most + 1)) - 1)
        rows += [
            (0.5 + OF_AGE * (age - 60) + level + change * year + rng.normal(0, SD_SESSION), year, f"sub-{person}", age)
            for year in (0.0, *np.sort(later))
        ]
    mg, years, people, ages = zip(*rows, strict=True)
    return np.array(mg), np.array(years), people, {"age": np.array(ages)}


@pytest.fixture(scope="module")
def recovered():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [mixed_model(*sessions(np.random.default_rng((9, seed)), most=5)) for seed in range(REPLICATES)]


@pytest.mark.parametrize(("index", "truth"), [(0, 0.56), (1, CHANGE), (2, OF_AGE)])
def test_effects_are_recovered(recovered, index, truth):
    effects = [one.effects[index] for one in recovered]
    values = np.array([effect.b for effect in effects])
    error = values.std(ddof=1) / math.sqrt(len(values))
    assert values.mean() == pytest.approx(truth, abs=3.5 * error)
    covered = np.mean([effect.b_ci95_low < truth < effect.b_ci95_high for effect in effects])
    assert covered == pytest.approx(0.95, abs=3.5 * math.sqrt(0.05 * 0.95 / len(values)))
    # The stated SE is the scatter over cohorts, whose own relative error is 1/√(2(n − 1)).
    assert np.mean([effect.b_se for effect in effects]) == pytest.approx(
        values.std(ddof=1), rel=3.5 / math.sqrt(2 * (REPLICATES - 1))
    )


def test_variance_components_are_recovered(recovered):
    names = ("sd_intercept", "sd_slope", "sd_residual")
    for name, truth in zip(names, (SD_LEVEL, SD_CHANGE, SD_SESSION), strict=True):
        values = np.array([getattr(one, name) for one in recovered if one.sd_slope is not None]) ** 2
        # Cohorts whose slope variance is estimated as 0 are left out, which favours large ones by a little.
        favour = 0.1 * truth**2 if name == "sd_slope" else 0.0
        error = values.std(ddof=1) / math.sqrt(len(values))
        assert values.mean() == pytest.approx(truth**2, abs=3.5 * error + favour)


def test_units_do_not_matter():
    mg, years, people, covariates = sessions(np.random.default_rng(1))
    one, other = mixed_model(mg, years, people, covariates), mixed_model(1e6 * mg, years * 12, people, covariates)
    assert other.effects[1].b == pytest.approx(1e6 / 12 * one.effects[1].b, rel=1e-3)
    assert other.sd_slope == pytest.approx(1e6 / 12 * one.sd_slope, rel=1e-2)


def test_balanced_sessions_give_the_mean_of_the_participants_slopes():
    """With the same times for all, the REML estimate is the mean of the single slopes and its SE theirs."""
    rng = np.random.default_rng(5)
    times = np.array([0.0, 2.0, 4.0, 6.0])
    slopes = rng.normal(CHANGE, 2 * SD_CHANGE, 40)
    table = 0.5 + rng.normal(0, SD_LEVEL, (40, 1)) + slopes[:, None] * times + rng.normal(0, SD_SESSION, (40, 4))
    people = np.repeat([f"sub-{k}" for k in range(40)], 4).tolist()
    years = mixed_model(table.ravel(), np.tile(times, 40), people).effects[1]
    single = np.polyfit(times, table.T, 1)[0]
    assert years.b == pytest.approx(single.mean(), rel=1e-3)
    assert years.b_se == pytest.approx(single.std(ddof=1) / math.sqrt(40), rel=1e-2)


def test_two_sessions_each_take_the_change_as_the_same_for_all():
    found = mixed_model(*sessions(np.random.default_rng(2), most=2, equal=True))
    assert (found.sd_slope, found.correlation) == (None, None)
    assert found.notes == ("one change assumed for all: 0 participants have three sessions",)


def test_no_difference_in_change_is_noted_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = [mixed_model(*sessions(np.random.default_rng(seed), sd_change=0.0)) for seed in range(6)]
    simplified = [one for one in found if one.notes]
    assert simplified
    assert all("do not differ measurably in change" in one.notes[0] and one.sd_slope is None for one in simplified)


def few(count):
    mg, years, people, _ = sessions(np.random.default_rng(3), participants=count, equal=True)
    return mg, years, people


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (few(3), "3 participants; 1 terms need at least 4"),
        (sessions(np.random.default_rng(3), most=1), "years is the same"),
        ((np.array([1.0, 2, 3, 4, 6]), np.array([0.0, 1, 0, 0, 0]), "aabcd"), "1 participants have a second session"),
        ((np.full(9, 0.4), np.arange(9.0), "aabbccdde"), "the outcome is the same"),
        ((np.tile([1.0, 2, 3], 5), np.tile([0.0, 1, 2], 5), "aaabbbcccdddeee"), "do not scatter|no solution"),
    ],
)
def test_not_estimable_says_why(arguments, reason):
    with pytest.raises(NotEstimable, match=reason):
        mixed_model(*arguments)
