"""Answers in plain sentences: the numbers are those of the tables, and nothing is concluded from an interval with 0."""

import math
from collections import defaultdict
from typing import Any

import pytest

from myomag.report.answers import Answer, answers
from myomag.report.effects import effect_of
from myomag.wording.labels import Labels
from report_samples import SETTINGS, cohort_rows, tables_of

LABELS = Labels.of(SETTINGS.cohort, {"knee_extension_strength_nm": "N.m"})


def row(outcome: str, predictor: str, b: float, half: float, **changes: Any) -> dict[str, Any]:
    ends = {"b": b, "b_ci95_low": b - half, "b_ci95_high": b + half, "p": 0.03, "n": 120}
    head = {"model": "any", "outcome": outcome, "predictor": predictor, "role": "main", "stratum": "all"}
    return head | {"covariates": None, "status": "estimated"} | ends | changes


def answered(statistics: list[dict[str, Any]], **tables: Any) -> list[Answer]:
    unknown = tables.pop("unknown", False)
    return answers(defaultdict(tuple, statistics=statistics, **tables), LABELS, day_to_day_unknown=unknown)


def sentence(statistics: list[dict[str, Any]]) -> str:
    (answer,) = answered(statistics)
    (said,) = answer.sentences
    return said[0].replace("\N{NO-BREAK SPACE}", " ")


def test_a_slope_on_the_logarithm_is_told_in_per_cent_per_decade():
    effect = effect_of(row("log10_mg_mmol_l", "age", -0.001, 0.0004), LABELS)
    assert effect.value == pytest.approx(100 * (10 ** (-0.001 * 10) - 1))
    assert (effect.low, effect.high) == pytest.approx((100 * (10**-0.014 - 1), 100 * (10**-0.006 - 1)))
    assert sentence([row("log10_mg_mmol_l", "age", -0.001, 0.0004)]) == (
        "Free Mg²⁺ is 2.28 % lower per decade of age (95 % CI 1.37 to 3.17 % lower; p = 0.030; n = 120)."
    )


def test_slopes_of_other_scales_keep_the_unit_of_their_outcome():
    assert effect_of(row("mg_mmol_l", "age", -0.002, 0.001), LABELS).value == pytest.approx(-0.02)
    tenth = effect_of(row("knee_extension_strength_nm", "log10_mg_mmol_l", 100.0, 20.0), LABELS)
    assert tenth.value == pytest.approx(100 * math.log10(1.1))
    assert tenth.unit == "N·m"
    assert effect_of(row("knee_extension_strength_nm", "mg_mmol_l", 100.0, 20.0), LABELS).value == pytest.approx(10.0)
    assert effect_of(row("log10_mg_mmol_l", "age*ph", 1.0, 0.5), LABELS) is None


def test_an_interval_with_0_says_what_it_rules_out_and_never_that_there_is_nothing():
    said = sentence([row("knee_extension_strength_nm", "log10_mg_mmol_l*sex", 50.0, 100.0)])
    assert said == (
        "Not settled: per 10 % more free Mg²⁺, strength is estimated to rise 2.1 N·m more in women than in men; "
        "the data rule out more than 2.1 N·m less or 6.2 N·m more (95 % CI; p = 0.030; n = 120)."
    )


def test_a_site_that_every_model_holds_is_named_and_the_simple_version_still_answers():
    main = row("log10_mg_mmol_l", "age", -0.001, 0.0004, model="mg_age", covariates="site")
    adjusted = main | {"model": "mg_age_adjusted", "covariates": "sex, site", "b": -0.0012}
    said = sentence([adjusted, main])
    assert said.startswith("Free Mg²⁺ is 2.28 % lower per decade of age, adjusted for site (95 % CI ")
    assert "Adjusted for sex and site: −2.73 %" in said


def test_serum_and_controls_have_no_answer_of_their_own():
    rows = [row("serum_mg_mmol_l", "age", 0.1, 0.05), row("log10_mg_mmol_l", "pcr_snr", 0.1, 0.05, role="control")]
    assert answered(rows) == []


def test_each_threat_is_named_and_none_without_a_reason():
    main = row("log10_mg_mmol_l", "age", -0.001, 0.0004, model="mg_age")
    assert answered([main])[0].threats == []
    control = row("log10_mg_mmol_l", "pcr_snr", 0.1, 0.05, role="control", p_fdr=0.01)
    adjusted = row("log10_mg_mmol_l", "age", -0.001, 0.002, model="mg_age_adjusted", covariates="sex")
    corrected = main | {"method": "corrected", "b_ci95_high": None}
    other = {"beta": -0.2, "ci95_low": -0.4, "ci95_high": 0.1, "reference": False}
    sensitivity = [main | other, main | other | {"ci95_high": -0.1}, main | other | {"reference": True}]
    found = answered(
        [main | {"n": 40}, adjusted, control], measurement_error=[corrected], sensitivity=sensitivity, unknown=True
    )
    assert found[0].threats == [
        "with 40 participants, a correlation below 0.43 is often missed (power under 80 %)",
        "a negative control tripped (PCr SNR)",
        "the day-to-day variation of Mg is not known",
        "the simple and the adjusted model disagree",
        "correcting for measurement error changes the conclusion",
        "1 of 2 other analyses come to another conclusion",
    ]


def test_the_power_named_is_that_of_the_test():
    """Of samples of 40 with the correlation named, the test finds four in five (3 SD of 2,000 samples: .027)."""
    import numpy as np
    from scipy import stats

    rng = np.random.default_rng(4)
    x = rng.normal(size=(2000, 40))
    y = 0.43 * x + math.sqrt(1 - 0.43**2) * rng.normal(size=x.shape)
    found = np.mean([stats.pearsonr(*pair).pvalue < 0.05 for pair in zip(x, y, strict=True)])
    assert found == pytest.approx(0.80, abs=0.027)


def test_muscle_and_serum_are_compared_for_each_outcome():
    tables = tables_of(cohort_rows(120))
    found = answers(defaultdict(tuple, tables), LABELS, day_to_day_unknown=False)[-1]
    assert found.question == "Is muscle or serum Mg more closely related to the outcome?"
    assert len(found.sentences) == len(tables["comparisons"])
    for (said, _), compared in zip(found.sentences, tables["comparisons"], strict=True):
        holds_0 = compared["ci95_low"] <= 0 <= compared["ci95_high"]
        assert said.startswith("Not settled for ") == holds_0
