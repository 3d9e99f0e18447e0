"""Kinds of scans on the page and on the terminal: one is shown, the others are named."""

from myomag.report.kinds import found_kinds, of_kind
from myomag.report.summary import column_lines, kind_lines, model_lines, prospect_lines


def scan(person, kind, status="included"):
    return {"participant_id": f"sub-{person}", "kind": kind, "status": status}


COHORT = [scan(1, "brain"), scan(1, "calf"), scan(2, "calf"), scan(3, "brain", "excluded"), scan(2, "calf")]


def test_kind_with_most_participants_is_shown():
    assert [(kind.name, kind.participants, kind.scans) for kind in found_kinds(COHORT)] == [
        ("calf", 2, 3),
        ("brain", 1, 1),
    ]
    tables = {"statistics": [{"kind": "calf", "n": 2}, {"kind": "brain", "n": 1}], "flow": [{"stage": "entered"}]}
    assert of_kind(tables, "calf") == {"statistics": [{"kind": "calf", "n": 2}], "flow": [{"stage": "entered"}]}
    assert of_kind(tables, None) == tables and of_kind(tables, "calf")["none"] == ()


def test_summary_names_kinds_only_where_there_are_several():
    several, shown = kind_lines(COHORT)
    assert several.startswith("Scans of 2 kinds, never averaged") and "calf (3 scans), brain (1 scans)" in several
    assert "shows calf" in shown
    assert list(kind_lines(COHORT[1:3])) == []


def test_models_are_listed_once_each_in_their_order():
    good = {"model": "mg_age", "kind": "calf", "n": "9", "status": "estimated", "reason": "a note"}
    bad = {"model": "mg_sex", "kind": "calf", "n": "0", "status": "not estimable", "reason": "no column; and more"}
    assert list(model_lines([good, good, bad])) == [
        "Models:",
        "  mg_age: 9 participants",
        "  mg_sex: not estimable: no column",
    ]
    assert list(model_lines([good, good | {"kind": "brain"}]))[1:] == [
        "  calf: mg_age: 9 participants",
        "  brain: mg_age: 9 participants",
    ]
    prospects = [{"model": "a", "kind": "x", "n": 3, "estimable": False, "reason": "too few"}]
    assert list(prospect_lines(prospects))[1] == "  a: not estimable: too few" and list(model_lines([])) == []


def test_columns_are_listed_with_type_range_and_what_is_missing():
    age = {"column": "age", "tables": "participants.tsv", "type": "number", "min": 25.0, "max": 77.5, "levels": None}
    sex = {"column": "sex", "tables": "participants.tsv", "type": "sex", "levels": "F (7), M (6)", "left_out": "?"}
    counts = {"participants": 13, "missing": 1}
    absent = {"column": "serum", "type": "absent", "remarks": "no column 'serum' in the tables of the study"}
    assert list(column_lines([age | counts, sex | counts, absent])) == [
        "Columns used:",
        "  age (participants.tsv): number, 25 to 77.5; 13 participants, 1 missing",
        "  sex (participants.tsv): sex, F (7), M (6); 13 participants, 1 missing; left out: ?",
        "  serum: no column 'serum' in the tables of the study",
    ]
