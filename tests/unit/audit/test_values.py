"""Values that differ between two versions of a file, named."""

import json
from pathlib import Path

from myomag.audit.values import differing_values


def test_fields_of_a_record_those_of_the_cohort_first(tmp_path: Path) -> None:
    one, other = tmp_path / "a.json", tmp_path / "b.json"
    one.write_text(json.dumps({"extra": [1, 2], "mg_mmol_l": 0.9, "same": 1}))
    other.write_text(json.dumps({"extra": [1, 3], "mg_mmol_l": 0.48, "same": 1}))
    assert list(map(str, differing_values(one, other))) == ["mg_mmol_l: 0.9 against 0.48", "extra.1: 2 against 3"]


def test_cells_of_a_table_and_rows_that_one_side_lacks(tmp_path: Path) -> None:
    one, other = tmp_path / "statistics.tsv", tmp_path / "other.tsv"
    head = "model\tpredictor\tkind\tp\n"
    one.write_text(head + "mg_age\tage\tfid\t0.04\n")
    other.write_text(head + "mg_age\tage\tfid\t0.4\nmg_sex\tsex\tfid\tn/a\n")
    found = list(map(str, differing_values(one, other)))
    assert found[0] == "mg_age age fid p: 0.04 against 0.4"
    assert found[1] == "mg_sex sex fid model: nothing against mg_sex"


def test_damaged_and_other_files_have_none_to_name(tmp_path: Path) -> None:
    for name in ("a.html", "a.tsv"):
        (tmp_path / name).write_bytes(b"\xff")
        assert differing_values(tmp_path / name, tmp_path / "none") == []
