"""What is refused, and how it is said: one line with file, key, value and remedy."""

import math
from pathlib import Path
from typing import Any

import pytest

from settings_text import refusal


def model(**changes: Any) -> dict[str, Any]:
    return {"cohort": {"models": [{"name": "m", "outcome": "muscle_mg", "predictors": ["age"], **changes}]}}


# key, value, remedy: what the one line must contain beside the file
WRONG = {
    "misspelt section": ({"fitt": {}}, ["fitt", "unknown key", "'fit'"]),
    "misspelt key": ({"qc": {"min_snrr": 3}}, ["qc.min_snrr", "unknown key", "'min_snr'"]),
    "wrong unit": ({"fit": {"begin_time_ms": 0.24}}, ["fit.begin_time_ms", "unknown key", "'begin_time_us'"]),
    "wrong unit, other word": ({"qc": {"max_linewidth_hz": 20}}, ["qc.max_linewidth_hz", "'max_linewidth_ppm'"]),
    "nothing near": ({"report": {"zzz": 1}}, ["report.zzz", "known keys: title, spectrum_min_ppm, spectrum_max_ppm"]),
    "text for a number": ({"qc": {"min_snr": "12"}}, ["qc.min_snr", '"12"', "write 12.0"]),
    "exponent that YAML reads as text": ({"qc": {"min_snr": "1e1"}}, ["qc.min_snr", '"1e1"', "write 10.0"]),
    "comma for a point": ({"qc": {"min_snr": "0,8"}}, ["qc.min_snr", '"0,8"', "number"]),
    "boolean for a number": ({"qc": {"min_snr": True}}, ["qc.min_snr", "true", "number"]),
    "number for a boolean": ({"convert": {"conjugate": 1}}, ["convert.conjugate", "= 1", "boolean"]),
    "voxel of two numbers": ({"convert": {"voxel": [3, 4]}}, ["convert.voxel", "[3, 4]", "such as [3, 4, 1]"]),
    "voxel counted from 0": ({"convert": {"voxel": [0, 4, 1]}}, ["convert.voxel", "[0, 4, 1]", "counted from 1"]),
    "voxel as text": ({"convert": {"voxel": "3,4,1"}}, ["convert.voxel", '"3,4,1"', "list"]),
    "boolean for an integer": ({"batches": True}, ["batches", "true", "integer"]),
    "fraction for an integer": ({"batches": 1.5}, ["batches", "1.5", "integer"]),
    "list for a number": ({"qc": {"min_snr": [1] * 300}}, ["qc.min_snr", "[1, 1, 1", "number"]),
    "null for a number": ({"qc": {"min_snr": None}}, ["qc.min_snr", "null", "number"]),
    "below the bound": ({"batches": 0}, ["batches", "= 0", "1"]),
    "beyond the bound": ({"fit": {"begin_time_us": 1e6}}, ["fit.begin_time_us", "1000000", "5000"]),
    "fraction above one": ({"cohort": {"max_p_undefined": 10}}, ["cohort.max_p_undefined", "= 10", "1"]),
    "negative": ({"qc": {"warn_drift_hz": -1}}, ["qc.warn_drift_hz", "-1", "within 0.1 to 500 Hz"]),
    "not a number": ({"qc": {"min_snr": math.nan}}, ["qc.min_snr", "NaN", "within"]),
    "infinite": ({"qc": {"min_snr": math.inf}}, ["qc.min_snr", "Infinity", "within"]),
    "width in Hz": ({"qc": {"max_linewidth_ppm": 40}}, ["qc.max_linewidth_ppm = 40", "5 ppm", "apart; is it in Hz?"]),
    "kelvin": ({"magnesium": {"temperature_c": 310}}, ["magnesium.temperature_c = 310", "50 °C", "kelvin"]),
    "milliseconds": ({"magnesium": {"t1_s": {"PCr": 6500}}}, ["magnesium.t1_s.PCr = 6500", "30 s", "in ms?"]),
    "percent": ({"qc": {"warn_rejected_fraction": 25}}, ["qc.warn_rejected_fraction = 25", "in percent?"]),
    "days": ({"cohort": {"max_repeat_years": 30}}, ["cohort.max_repeat_years = 30", "5 years", "in days?"]),
    "key without its section": ({"min_snr": 3}, ["min_snr belongs under qc:"]),
    "key in another section": ({"qc": {"t1_s": None}}, ["qc.t1_s", "t1_s belongs under magnesium:"]),
    "key of an override": ({"overrides": {"sub-1": {"min_snr": 3}}}, ["overrides.sub-1.min_snr", "belongs under qc:"]),
    "no calibration of Mg": ({"magnesium": {"mg_calibration": "zzz"}}, ["'zzz'", "shipped: iotti1996."]),
    "pH for Mg": ({"magnesium": {"mg_calibration": "taylor1983"}}, ["mg_calibration", "'ph'", "shipped: iotti1996."]),
    "infinite range": ({"report": {"spectrum_min_ppm": -math.inf}}, ["report.spectrum_min_ppm", "-200"]),
    "begin time not a number": ({"fit": {"begin_time_us": math.nan}}, ["fit.begin_time_us", "NaN"]),
    "fraction not a number": ({"qc": {"warn_rejected_fraction": math.nan}}, ["qc.warn_rejected_fraction", "NaN"]),
    "SNR bounds crossed": ({"qc": {"min_snr": 20}}, ["qc", "min_snr (20)", "warn_snr (15)"]),
    "width bounds crossed": ({"qc": {"warn_linewidth_ppm": 0.9}}, ["qc", "warn_linewidth_ppm (0.9)", "(0.8)"]),
    "rejection bounds crossed": ({"qc": {"max_rejected_fraction": 0.1}}, ["qc", "max_rejected_fraction (0.1)"]),
    "shift range crossed": ({"report": {"spectrum_min_ppm": 20}}, ["report", "below spectrum_max_ppm"]),
    "choice": ({"convert": {"nucleus": "1H"}}, ["convert.nucleus", '"1H"', "'31P'"]),
    "choice in a list": (
        {"cohort": {"include_verdicts": ["pass", "fail"]}},
        ["include_verdicts.1", '"fail"', "'warn'"],
    ),
    "empty list": ({"cohort": {"include_verdicts": []}}, ["cohort.include_verdicts", "[]", "not empty"]),
    "empty name": ({"cohort": {"age_column": ""}}, ["cohort.age_column", '""', "not empty"]),
    "list for a section": ({"fit": [1]}, ["fit = [1]", "mapping"]),
    "number for a section": ({"fit": 3}, ["fit = 3", "mapping"]),
    "number for a key": ({"fit": {1: 2}}, ["fit.1", "quotes"]),
    "number for a section's name": ({1: 2}, ["1:", "quotes"]),
    "neither name nor content": ({"fit": {"prior_knowledge": 12}}, ["fit.prior_knowledge = 12", "string", "mapping"]),
    "misspelt prior knowledge": ({"fit": {"prior_knowledge": "muscle_res"}}, ["fit.prior_knowledge", "'muscle_rest'"]),
    "misspelt calibration": ({"magnesium": {"ph_calibration": "taylor"}}, ["magnesium.ph_calibration", "'taylor1983'"]),
    "unknown calibration": ({"magnesium": {"mg_calibration": "mine"}}, ["mg_calibration", "shipped: ", "iotti1996"]),
    "calibration of something else": ({"magnesium": {"mg_calibration": "taylor1983"}}, ["mg_calibration", "'ph'"]),
    "empty calibration": ({"magnesium": {"mg_calibration": {}}}, ["magnesium.mg_calibration", "missing"]),
    "prior knowledge without lines": ({"fit": {"prior_knowledge": {"name": "x"}}}, ["fit.prior_knowledge", "lines"]),
    "misspelt key of a model": (model(predictor=["age"]), ["models.0.predictor", "unknown key", "'predictors'"]),
    "model without an outcome": (
        {"cohort": {"models": [{"name": "x", "predictors": ["age"]}]}},
        ["models.0.outcome", "missing"],
    ),
    "model without predictors": (model(predictors=[]), ["models.0.predictors", "not empty"]),
    "unknown weights": (model(weights="measurment"), ["models.0.weights", "'measurement'"]),
    "misspelt end of a subset": (model(subset={"age": {"mim": 60}}), ["models.0.subset.age.mim", "'min'"]),
    "subset from high to low": (model(subset={"age": {"min": 70, "max": 60}}), ["subset.age", "min (70)", "max (60)"]),
    "subset to be evaluated": (model(subset={"age": "> 60"}), ["models.0.subset.age", '"> 60"', "list"]),
    "two models of one name": (
        {"cohort": {"models": [model()["cohort"]["models"][0]] * 2}},
        ["cohort", "the name m is given twice"],
    ),
    "age groups that fall": ({"cohort": {"age_groups": [60, 40]}}, ["cohort", "age_groups must increase"]),
    "override of nobody": ({"overrides": {"001": {}}}, ["overrides.001", "sub-001"]),
    "override without settings": ({"overrides": {"sub-001": 5}}, ["overrides.sub-001", "mapping"]),
    "override of an unknown section": ({"overrides": {"sub-001": {"fitt": {}}}}, ["overrides.sub-001.fitt", "'fit'"]),
    "override of a section of the cohort": (
        {"overrides": {"sub-001": {"cohort": {}}}},
        ["overrides.sub-001", "cohort applies to all", "outside overrides"],
    ),
    "override with a wrong key": (
        {"overrides": {"sub-001": {"fit": {"begin_time_ms": 1}}}},
        ["overrides.sub-001", "fit.begin_time_ms", "'begin_time_us'"],
    ),
    "override with a wrong value": (
        {"overrides": {"sub-001": {"fit": {"begin_time_us": "late"}}}},
        ["overrides.sub-001", "fit.begin_time_us", '"late"', "number"],
    ),
    "override against the section": (
        {"qc": {"warn_snr": 8}, "overrides": {"sub-001": {"qc": {"min_snr": 9}}}},
        ["overrides.sub-001", "min_snr (9)", "warn_snr (8)"],
    ),
    "override section not a mapping": ({"overrides": {"sub-001": {"fit": 3}}}, ["overrides.sub-001.fit", "mapping"]),
    "rejection without a reason": ({"overrides": {"sub-001": {"reject": True}}}, ["sub-001.reject", "reason"]),
    "rejection with a blank reason": ({"overrides": {"sub-001": {"reject": " "}}}, ["sub-001.reject", "reason"]),
    "override with misspelt prior knowledge": (
        {"overrides": {"sub-001": {"fit": {"prior_knowledge": "muscle_res"}}}},
        ["overrides.sub-001", "fit.prior_knowledge", "'muscle_rest'"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_setting_is_one_line_with_file_key_value_and_remedy(case: str, tmp_path: Path) -> None:
    content, parts = WRONG[case]
    message = refusal(content, root=tmp_path)
    assert message.startswith("myomag.yaml: ")
    assert "\n" not in message
    assert len(message) < 300
    for part in parts:
        assert part in message


def test_each_wrong_setting_has_a_line_of_its_own() -> None:
    lines = refusal({"qc": {"outlier_z": "a", "min_snrr": 2}, "fitt": {}}).splitlines()
    assert sorted(line.split(": ")[1].split(" ")[0] for line in lines) == ["fitt", "qc.min_snrr", "qc.outlier_z"]
