"""Each conclusion is estimated again under every specification, from the scans and values that go with it."""

import math

import numpy as np
import pytest

from myomag.cohort.comparisons import build_comparisons
from myomag.cohort.scans import Scans
from myomag.cohort.sensitivity import SENSITIVITY_COLUMNS, build_sensitivity
from myomag.cohort.statistics import build_statistics, included
from myomag.cohort.tables import build_cohort
from myomag.settings.cohort import CohortModel
from myomag.study.tables import read_tables
from record_samples import mg_answer


@pytest.fixture
def study_of(make_scan, write_study, settings):
    """Rows of 40 scans with a second Mg calibration that halves Mg, and their cohort."""
    rng = np.random.default_rng(3)
    rows, ages = [], rng.uniform(25, 90, 40)
    for number in range(40):
        pmg = 3.3 + 0.002 * (ages[number] - 60) + rng.normal(0, 0.05) - (0.9 if number == 7 else 0)
        mg = 1000 * 10**-pmg
        p = 0.3 if number == 11 else 0.0
        rows.append(
            make_scan(
                number + 1,
                quality__verdict="warn" if number % 5 == 0 else "pass",
                magnesium__pmg=pmg,
                magnesium__pmg_sd=0.02,
                magnesium__mg_mmol_l=mg,
                magnesium__mg_p_undefined=p,
                magnesium__mg_by_calibration=[
                    mg_answer("iotti1996", mg, mg / 1.1, mg * 1.1, p),
                    mg_answer("half", None if number == 20 else mg / 2, mg / 2.2, mg / 1.8),
                ],
            )
        )
    table = "".join(f"sub-{k + 1:03d}|{age:.2f}\n" for k, age in enumerate(ages))
    scans = Scans.of(rows, settings)
    cohort = build_cohort(scans, read_tables(write_study({"participants.tsv": f"participant_id|age\n{table}"})))
    model = CohortModel(name="mg_age", outcome="muscle_mg", predictors=["age"])
    return scans, cohort, settings.model_copy(update={"models": [model]})


def curve(study):
    keys = ["mg_calibration", "verdicts", "max_p_undefined", "outliers"]
    return build_sensitivity(*study).set_index(keys).sort_index()


def test_every_combination_is_there_once_and_one_is_the_reference(study_of):
    table = curve(study_of)
    assert len(table) == 2 * 2 * 3 * 2 and not table.index.duplicated().any()
    assert tuple(build_sensitivity(*study_of).columns) == (*SENSITIVITY_COLUMNS, "kind")
    assert list(table.index[table["reference"]]) == [("iotti1996", "pass, warn", 0.1, "kept")]


def test_reference_is_the_result_of_the_statistics(study_of):
    _, cohort, settings = study_of
    (row,) = build_statistics(included(cohort, settings)).to_dict("records")
    reference = curve(study_of).loc[("iotti1996", "pass, warn", 0.1, "kept")]
    for name in ("n", "b", "beta", "ci95_low", "ci95_high", "p"):
        assert reference[name] == pytest.approx(row[name], rel=1e-12)


def test_each_choice_takes_its_scans(study_of):
    n = curve(study_of)["n"]
    assert n[("iotti1996", "pass, warn", 0.1, "kept")] == 39  # one scan is too uncertain
    assert n[("iotti1996", "pass, warn", 0.5, "kept")] == 40
    assert n[("iotti1996", "pass", 0.5, "kept")] == 32
    assert n[("iotti1996", "pass, warn", 0.5, "excluded")] == 39  # the outlier
    assert n[("half", "pass, warn", 0.01, "kept")] == 39  # undefined by the other calibration alone


def test_another_calibration_changes_the_values(study_of):
    scans, cohort, settings = study_of
    b = curve((scans, cohort, settings.model_copy(update={"mg_scale": "mM"})))["b"]
    # One scan of 40 differs between the two samples.
    half = b[("half", "pass, warn", 0.01, "excluded")]
    assert half == pytest.approx(b[("iotti1996", "pass, warn", 0.5, "excluded")] / 2, rel=0.2)


def test_models_without_magnesium_do_not_repeat_by_calibration(study_of):
    scans, cohort, settings = study_of
    cohort = cohort.assign(x=np.arange(40.0) ** 2)
    model = CohortModel(name="x_age", outcome="x", predictors=["age"])
    table = build_sensitivity(scans, cohort, settings.model_copy(update={"models": [model]}))
    assert set(table["mg_calibration"]) == {"iotti1996"} and len(table) == 12


def test_what_cannot_be_estimated_says_why_and_controls_are_left_out(study_of):
    scans, cohort, settings = study_of
    models = [
        CohortModel(name="m", outcome="muscle_mg", predictors=["height"]),
        CohortModel(name="c", outcome="muscle_mg", predictors=["age"], control=True),
    ]
    table = build_sensitivity(scans, cohort, settings.model_copy(update={"models": models}))
    assert set(table["model"]) == {"m"} and set(table["status"]) == {"not estimable"}
    assert table["reason"].str.startswith("no column 'height'").all()


def test_comparison_of_muscle_and_serum_magnesium(full_cohort, settings):
    table = build_comparisons(included(full_cohort, settings)).set_index(["outcome", "stratum"])
    mg = 3 - full_cohort["pmg"]
    women = full_cohort["sex"] == "F"
    assert list(table.index) == [
        ("age", "all"),
        ("knee_extension_strength_nm", "women"),
        ("knee_extension_strength_nm", "men"),
    ]
    row = table.loc[("knee_extension_strength_nm", "women")]
    strength, serum = full_cohort["knee_extension_strength_nm"][women], full_cohort["serum_mg_mmol_l"][women]
    expected = [np.corrcoef(a, b)[0, 1] for a, b in ((strength, mg[women]), (strength, serum), (mg[women], serum))]
    assert row[["r_first", "r_second", "r_between"]].tolist() == pytest.approx(expected)
    assert row["difference"] == pytest.approx(expected[0] - expected[1]) and row["ci95_low"] < row["difference"]


def test_comparison_without_serum_says_why(full_cohort, settings):
    table = build_comparisons(included(full_cohort.drop(columns="serum_mg_mmol_l"), settings))
    assert set(table["status"]) == {"not estimable"} and table["reason"].str.startswith("no column").all()
    nobody = build_comparisons(included(full_cohort.head(0), settings))
    assert nobody["n"].tolist() == [0, 0, 0] and set(nobody["status"]) == {"not estimable"}
    constant = build_comparisons(included(full_cohort.assign(serum_mg_mmol_l=0.85), settings))
    assert constant["reason"].str.contains("the same for all").all() and math.isnan(constant["p"].iloc[0])


@pytest.mark.parametrize("levels", [["low", "high"], ["low", "middle", "high"]])
def test_comparison_with_serum_as_text_says_why(full_cohort, settings, levels):
    text = [levels[place % len(levels)] for place in range(len(full_cohort))]
    table = build_comparisons(included(full_cohort.assign(serum_mg_mmol_l=text), settings))
    assert set(table["status"]) == {"not estimable"}
    assert set(table["reason"]) == {"serum_mg_mmol_l is text, not a number"}


def test_comparison_of_muscle_magnesium_with_itself_says_so(full_cohort, settings):
    settings = settings.model_copy(update={"serum_mg_column": "log10_mg_mmol_l"})
    table = build_comparisons(included(full_cohort, settings))
    assert set(table["reason"]) == {"log10_mg_mmol_l cannot be compared with itself"}
