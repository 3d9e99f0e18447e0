"""Columns that models use: read cell by cell, accounted for, and noted where they enter."""

import numpy as np
import pandas as pd
import pytest

from myomag.cohort.catalogue import TABLES, Analysis
from myomag.cohort.prospects import expected_cohort, model_prospects
from myomag.cohort.readings import needed_columns, read_used
from myomag.cohort.scans import Scans
from myomag.cohort.tables import build_cohort
from myomag.errors import StudyError
from myomag.settings.cohort import CohortModel, CohortSettings, Range
from myomag.settings.models import Settings
from myomag.study.tables import formulas, read_tables

MODELS = [
    CohortModel(name="mg_age", outcome="muscle_mg", predictors=["age"]),
    CohortModel(name="mg_sex", outcome="muscle_mg", predictors=["sex"]),
]
SETTINGS = CohortSettings(models=MODELS)


def table(ages, sexes, tab="|"):
    rows = [f"sub-{at:03d}{tab}{age}{tab}{sex}" for at, (age, sex) in enumerate(zip(ages, sexes, strict=True), start=1)]
    return "\n".join([f"participant_id{tab}age{tab}sex", *rows]) + "\n"


@pytest.fixture
def analysed(make_scan, write_study):
    def analysis(files, people, settings=SETTINGS):
        rng = np.random.default_rng(1)
        rows = [
            make_scan(k, magnesium__pmg=pmg, magnesium__mg_mmol_l=1000 * 10**-pmg)
            for k, pmg in enumerate(rng.normal(3.4, 0.05, people), start=1)
        ]
        scans = Scans.of(rows, settings)
        read = read_used(read_tables(write_study(files)), settings)
        return Analysis(scans, build_cohort(scans, read.tables), {}, {}, Settings(cohort=settings), read)

    return analysis


def test_one_code_costs_one_participant_and_is_noted(analysed):
    study = analysed({"participants.tsv": table([25, 40, 999, 61, 70, 55], "FMFMFM")}, 6)
    rows = TABLES["statistics"].build(study).set_index("model")
    assert rows.loc["mg_age", "n"] == 5 and rows.loc["mg_age", "status"] == "estimated"
    assert rows.loc["mg_age", "reason"] == "age: '999' in the tables of the study taken as missing"
    assert rows.loc["mg_sex", "n"] == 6 and pd.isna(rows.loc["mg_sex", "reason"])
    assert study.cohort["age"].isna().tolist() == [False, False, True, False, False, False]


def test_variables_say_what_was_found(analysed):
    study = analysed({"participants.tsv": table(["25,5", "NA", "61", "n/a", "70"], "FMFMX")}, 5)
    rows = TABLES["variables"].build(study).set_index("column")
    age = rows.loc["age"]
    assert (age["type"], age["participants"], age["missing"], age["min"], age["max"]) == ("number", 3, 2, 25.5, 70)
    assert age["left_out"] == "NA" and "line 3: age is 'NA'" in age["remarks"] and age["roles"] == "age"
    assert rows.loc["sex", "levels"] == "F (2), M (2), X (1)"


def test_columns_that_no_table_has_are_variables_too(analysed):
    rows = TABLES["variables"].build(analysed({"participants.tsv": "participant_id|Age\nsub-001|25\n"}, 2))
    assert rows[["column", "type"]].to_numpy().tolist() == [["age", "absent"], ["sex", "absent"]]
    assert rows["remarks"][0] == "no column 'age' in the tables of the study; did you mean 'Age'?"


def test_codes_of_sex_are_translated_with_their_dictionary(analysed):
    levels = '{"sex": {"Description": "Sex", "Levels": {"1": "male", "2": "female"}}}'
    files = {"participants.tsv": table([25, 40, 50, 61, 70, 55], "121212"), "participants.json": levels}
    study = analysed(files, 6)
    assert study.cohort["sex"].tolist() == ["M", "F"] * 3
    assert study.read.tables[0].descriptions["sex"]["Levels"] == {"F": "female", "M": "male"}
    assert TABLES["statistics"].build(study).set_index("model").loc["mg_sex", "status"] == "estimated"


def test_ranges_of_the_settings_hold_for_roles_and_columns(analysed):
    ranges = {"age": Range(max=65), "score": Range(min=10)}
    models = [*MODELS, CohortModel(name="own", outcome="muscle_mg", predictors=["score"])]
    settings = CohortSettings(models=models, plausible=ranges, age_column="years_of_life")
    text = "participant_id|years_of_life|score\nsub-001|70|5\nsub-002|60|15\n"
    study = analysed({"phenotype/x.tsv": text}, 2, settings)
    assert study.read.problems() == [
        (
            "phenotype/x.tsv",
            "line 2: years_of_life is '70': outside 65 and below (cohort.plausible), left out; correct "
            "it, or write n/a.",
        ),
        (
            "phenotype/x.tsv",
            "line 2: score is '5': outside 10 and above (cohort.plausible), left out; correct it, or write n/a.",
        ),
    ]


def test_values_of_sessions_are_named_with_their_file(write_study):
    files = {"participants.tsv": table([25, 40], "FM"), "sub-001/sub-001_sessions.tsv": "session_id|age\nses-1|NA\n"}
    read = read_used(read_tables(write_study(files)), SETTINGS)
    assert read.problems() == [("sub-001/sub-001_sessions.tsv", "line 2: age is 'NA': read as missing; write n/a.")]


def test_rows_of_people_without_scans_cost_nothing_and_still_tell_codes(write_study):
    """What 999 means is told by the ages of all, though only two of them were scanned."""
    study = write_study({"participants.tsv": table([25, 40, 999, 61, 70, 55, "NA"], "FMFMFMF")})
    every = read_used(read_tables(study), SETTINGS)
    scanned = read_used(read_tables(study, ["sub-001", "sub-003"], needed_columns(SETTINGS)), SETTINGS)
    assert scanned.tables[0].rows == {"sub-001": ("25", "F"), "sub-003": (None, "F")}
    assert sorted(scanned.problems()) == sorted(every.problems())


def test_formulas_are_told_of(write_study):
    text = "participant_id|age|group\nsub-001|-1|@SUM(A1)\nsub-002|25|=cmd()\n"
    ((file, problem),) = formulas(read_tables(write_study({"participants.tsv": text})))
    assert file == "participants.tsv" and problem.startswith("group contains '@SUM(A1)' and 1 more: a spreadsheet")


def test_columns_that_nothing_uses_stay_as_they_are(write_study):
    text = "participant_id|age|shoe\nsub-001|25|NA\n"
    read = read_used(read_tables(write_study({"participants.tsv": text})), SETTINGS)
    assert read.problems() == [] and read.tables[0].rows["sub-001"] == ("25", "NA")


@pytest.mark.parametrize(("mark", "name"), [(",", "commas"), (";", "semicolons"), (" ", "spaces")])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_wrong_separator_is_called_that(write_study, mark, name, quote, start):
    text = table([25, 40], "FM", f"{quote}{mark}{quote}").replace("\n", f"{quote}\r\n{quote}")
    study = write_study({"participants.tsv": f"{start}{quote}{text}"})
    with pytest.raises(StudyError, match=f"values are separated by {name}, not by tabs; save the table as"):
        read_tables(study)


def test_quotes_and_rows_of_blanks_are_no_part_of_the_values(write_study):
    text = '"participant_id"|"age"|"sex"\r\n"sub-001"|"25"|"F"\r\n||\r\n"sub-002"|""|"M"\r\n||\r\n'
    (found,) = read_tables(write_study({"participants.tsv": text}))
    assert found.rows == {"sub-001": ("25", "F"), "sub-002": (None, "M")}
    assert found.lines["sub-002"] == ("participants.tsv", 4)


@pytest.mark.parametrize("case", ["NA", "age_999", "decimal_comma"])
def test_tables_that_once_went_wrong(shared_cases, tmp_path, case):
    """Each had no problem for `check`; now all cells are read or named, and every model of the default is estimable."""
    text = (shared_cases / f"participants_{case}.tsv").read_text()
    (tmp_path / "participants.tsv").write_text(text)
    settings = CohortSettings()
    read = read_used(read_tables(tmp_path), settings)
    assert len(read.problems()) == 2 and all(file == "participants.tsv" for file, _ in read.problems())
    people = list(read.tables[0].rows)
    cohort = expected_cohort([(person, None, f"{person}_unloc") for person in people], read, settings)
    found = {row["model"]: row for row in model_prospects(cohort, settings, read.notes)}
    assert all(row["estimable"] for row in found.values())
    lost = 0 if case == "decimal_comma" else 1
    assert found["serum_mg_age"]["n"] == len(people) - lost
    assert cohort["age"].max() < 100


def test_models_without_a_column_say_so_before_any_scan_is_measured(write_study):
    read = read_used(read_tables(write_study({"participants.tsv": table([25, 40], "FM")})), CohortSettings())
    cohort = expected_cohort([("sub-001", None, "sub-001_unloc"), ("sub-002", None, "sub-002_unloc")], read, SETTINGS)
    found = {row["model"]: row for row in model_prospects(cohort, CohortSettings(), {})}
    assert "no column 'serum_mg_mmol_l'" in found["serum_mg_age"]["reason"]
    assert found["mg_age"]["n"] == 2 and "at least 4" in found["mg_age"]["reason"]
