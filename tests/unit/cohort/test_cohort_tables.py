"""Results joined with participants, sessions and phenotype."""

import json

import pandas as pd

from myomag.cohort.columns import FIXED_NAMES
from myomag.cohort.dictionaries import fixed_entries, joined_entries, units
from myomag.cohort.exclusions import EXCLUSION_COLUMNS
from myomag.cohort.scans import Scans
from myomag.cohort.tables import build_cohort, build_exclusions
from myomag.io.tables import table_bytes
from myomag.study.tables import personal_columns, read_tables

PARTICIPANTS = "participant_id|age|sex\nsub-001|61|F\nsub-002|n/a|M\n"


def cohort_of(study, rows, settings):
    return build_cohort(Scans.of(rows, settings), read_tables(study)).set_index("scan")


def test_fixed_columns_come_first_then_participants_phenotype_sessions(write_study, make_scan, settings):
    study = write_study(
        {
            "participants.tsv": PARTICIPANTS,
            "phenotype/knee.tsv": "participant_id|strength\nsub-001|101.5\nsub-002|160\n",
            "phenotype/serum.tsv": "participant_id|serum\nsub-001|0.85\n",
            "sub-001/sub-001_sessions.tsv": "session_id|weight\nses-1|70\n",
        }
    )
    cohort = build_cohort(Scans.of([make_scan(1), make_scan(2)], settings), read_tables(study))
    assert list(cohort.columns) == [*FIXED_NAMES, "age", "sex", "strength", "serum", "weight"]
    assert table_bytes(cohort[["age", "sex", "strength", "serum", "weight"]]).decode() == (
        "age\tsex\tstrength\tserum\tweight\n61\tF\t101.5\t0.85\t70\nn/a\tM\t160\tn/a\tn/a\n"
    )


def test_personal_data_and_free_text_stay_out(write_study, make_scan, settings):
    personal = ["name", "Patient Name", "birth_date", "dateOfBirth", "e-mail", "phone_home", "notes", "nurse_comment"]
    harmless = ["age", "birth_weight_kg", "enamel", "denoted", "phonetics", "group"]
    header, values = "|".join(["participant_id", *personal, *harmless]), "|".join(["x"] * len(personal + harmless))
    study = write_study({"participants.tsv": f"{header}\nsub-001|{values}\n"})
    assert list(build_cohort(Scans.of([make_scan(1)], settings), read_tables(study)).columns) == [
        *FIXED_NAMES,
        *harmless,
    ]
    assert set(joined_entries(read_tables(study))) == set(harmless)
    (remark,) = personal_columns(study)
    assert remark.endswith(": " + ", ".join(personal) + ".")


def test_cohort_has_one_row_per_scan_and_people_without_scans_or_rows_are_no_error(write_study, make_scan, settings):
    study = write_study({"participants.tsv": PARTICIPANTS})
    rows = [make_scan(1, run=2), make_scan(1, run=1), make_scan(3)]
    cohort = build_cohort(Scans.of(rows, settings), read_tables(study))
    assert cohort["scan"].tolist() == [
        "sub-001_ses-1_run-1_unloc",
        "sub-001_ses-1_run-2_unloc",
        "sub-003_ses-1_run-1_unloc",
    ]
    assert cohort["age"].tolist()[:2] == [61, 61] and cohort["age"][2] is pd.NA


def test_session_value_holds_for_its_session_and_the_general_one_elsewhere(write_study, make_scan, settings):
    study = write_study(
        {
            "participants.tsv": PARTICIPANTS,
            "sub-001/sub-001_sessions.tsv": "session_id|age\nses-2|65\nses-3|n/a\n",
        }
    )
    cohort = cohort_of(study, [make_scan(1, f"ses-{k}") for k in (1, 2, 3)], settings)
    # Session 3 says that the age is unknown there: the participant's own age would be a guess.
    assert cohort["age"].tolist() == [61, 65, pd.NA]
    source = joined_entries(read_tables(study))["age"]["Source"]
    assert source == "column 'age' of sub-*/sub-*_sessions.tsv, else column 'age' of participants.tsv"


def test_labels_without_prefix_and_scans_without_session_join(write_study, make_scan, settings):
    study = write_study(
        {
            "participants.tsv": "participant_id|age\n001|61\n",
            "sub-001/sub-001_sessions.tsv": "session_id|weight\n1|70\n",
        }
    )
    cohort = cohort_of(study, [make_scan(1, None), make_scan(1, "ses-1")], settings)
    assert cohort["age"].tolist() == [61, 61]
    assert cohort["weight"].isna().to_dict() == {"sub-001_run-1_unloc": True, "sub-001_ses-1_run-1_unloc": False}


def test_names_that_clash_get_the_name_of_their_table(write_study, make_scan, settings):
    study = write_study(
        {
            "participants.tsv": "participant_id|ph|date|status\nsub-001|acid|2001|well\n",
            "phenotype/a.tsv": "participant_id|date|b_date\nsub-001|2002|x\n",
            "phenotype/b.tsv": "participant_id|date\nsub-001|2003\n",
        }
    )
    row = cohort_of(study, [make_scan(1)], settings).iloc[0]
    assert row["ph"] == 7.02 and row["status"] == "included"
    joined = {name: row[name] for name in row.index if name not in FIXED_NAMES}
    assert joined == {
        "participants_ph": "acid",
        "date": 2001,
        "participants_status": "well",
        "a_date": 2002,
        "b_date": "x",
        "b_date_2": 2003,
    }


def test_a_phenotype_value_is_more_specific_than_that_of_participants(write_study, make_scan, settings):
    study = write_study(
        {
            "participants.tsv": "participant_id|weight\nsub-001|70\nsub-002|80\n",
            "phenotype/body.tsv": "participant_id|weight\nsub-001|71\n",
        }
    )
    assert cohort_of(study, [make_scan(1), make_scan(2)], settings)["weight"].tolist() == [71, 80]


def test_study_without_tables_and_without_scans(tmp_path, settings):
    assert read_tables(tmp_path) == ()
    cohort = build_cohort(Scans.of([], settings), ())
    assert table_bytes(cohort) == ("\t".join(FIXED_NAMES) + "\n").encode()
    assert build_exclusions(Scans.of([], settings)).empty


def test_exclusions_list_the_scans_of_the_cohort(make_scan, settings):
    rows = [make_scan(1), make_scan(2, status="failed", step="fit", reason="no\tPCr\nfound")]
    cohort = build_cohort(Scans.of(rows, settings), ())
    exclusions = build_exclusions(Scans.of(rows, settings))
    assert exclusions["scan"].tolist() == cohort["scan"].tolist()
    assert exclusions["status"].tolist() == cohort["status"].tolist()
    assert table_bytes(exclusions).decode().splitlines()[2].split("\t")[3:] == [
        *("failed", "fit", "could not be processed", "no PCr found")
    ]


def test_dictionaries_describe_every_column(write_study, make_scan, settings):
    study = write_study(
        {
            "participants.tsv": PARTICIPANTS,
            "participants.json": json.dumps({"age": {"Description": "Age at scan", "Units": "year"}}),
        }
    )
    tables = read_tables(study)
    described = {**fixed_entries(), **joined_entries(tables)}
    cohort = build_cohort(Scans.of([make_scan(1)], settings), tables)
    assert list(described) == list(cohort.columns)
    assert described["age"] == {
        "Description": "Age at scan",
        "Units": "year",
        "Source": "column 'age' of participants.tsv",
    }
    assert tuple(fixed_entries(EXCLUSION_COLUMNS)) == tuple(
        build_exclusions(Scans.of([make_scan(1)], settings)).columns
    )
    assert all(entry["Description"] for entry in described.values())
    assert units(described)["age"] == "year" and units(described)["mg_mmol_l"] == "mmol/L"
