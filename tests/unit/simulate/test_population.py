"""The simulated population has the published correlations."""

import numpy as np
import pytest

from myomag.simulate.population import AGE_RANGE_YEARS, EffectSizes, draw_population

SIZE = 400_000
PEOPLE = draw_population(np.random.default_rng(5), SIZE)
# Five standard errors of a correlation coefficient near zero in the smaller sex.
TOLERANCE = 5 / np.sqrt(0.45 * SIZE)


def correlation(x, y, who=slice(None)):
    return np.corrcoef(x[who], y[who])[0, 1]


def test_correlations_are_the_effect_sizes():
    effects = EffectSizes()
    woman, age, strength = PEOPLE.woman, PEOPLE.age_years, PEOPLE.strength_nm
    observed = {
        "mg_age": correlation(PEOPLE.mg_mmol_l, age),
        "mg_strength_women": correlation(PEOPLE.mg_mmol_l, strength, woman),
        "mg_strength_men": correlation(PEOPLE.mg_mmol_l, strength, ~woman),
        "serum_age": correlation(PEOPLE.serum_mg_mmol_l, age),
        "serum_strength": correlation(PEOPLE.serum_mg_mmol_l, strength),
        "mg_sex": correlation(PEOPLE.mg_mmol_l, woman.astype(float)),
        "strength_age": correlation(strength, age, woman),
    }
    assert observed == {name: pytest.approx(value, abs=TOLERANCE) for name, value in vars(effects).items()}


def test_other_effect_sizes_are_met_as_well():
    effects = EffectSizes(mg_age=0.5, mg_strength_women=-0.4, serum_strength=-0.3, mg_sex=0.3, strength_age=0.1)
    people = draw_population(np.random.default_rng(6), SIZE, effects)
    assert correlation(people.mg_mmol_l, people.age_years) == pytest.approx(0.5, abs=TOLERANCE)
    assert correlation(people.mg_mmol_l, people.strength_nm, people.woman) == pytest.approx(-0.4, abs=TOLERANCE)
    assert correlation(people.serum_mg_mmol_l, people.strength_nm) == pytest.approx(-0.3, abs=TOLERANCE)


def test_magnesium_has_the_stated_mean_and_sd():
    assert PEOPLE.mg_mmol_l.mean() == pytest.approx(0.45, abs=5 * 0.08 / np.sqrt(SIZE))
    assert PEOPLE.mg_mmol_l.std() == pytest.approx(0.08, rel=5 / np.sqrt(2 * SIZE))


def test_nobody_is_impossible():
    assert AGE_RANGE_YEARS[0] <= PEOPLE.age_years.min() and PEOPLE.age_years.max() <= AGE_RANGE_YEARS[1]
    assert PEOPLE.strength_nm.min() > 0
    assert PEOPLE.serum_mg_mmol_l.min() > 0
    # The pole of Iotti 1996 is far away even for the extremes that truncation allows.
    assert PEOPLE.mg_mmol_l.min() > 0.1 and PEOPLE.mg_mmol_l.max() < 0.8


def test_age_has_the_published_median():
    assert np.median(PEOPLE.age_years) == pytest.approx(73, abs=1)
