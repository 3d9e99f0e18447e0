"""Results of a finished study as data frames."""

import csv
from pathlib import Path

import numpy as np
import pytest

import myomag
from lab import Lab
from myomag.errors import LedgerError, SettingsError
from notebooks import executed


def test_notebook_from_a_study_to_a_regression(original: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = executed("study_to_regression.ipynb", tmp_path, monkeypatch, MYOMAG_STUDY=str(original.derivative))
    with (original.derivative / "cohort.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    results = names["results"]
    assert results.scans["scan"].tolist() == results.cohort["scan"].tolist() == [row["scan"] for row in rows]
    included = [row for row in rows if row["status"] == "included"]
    # One scan each: the mean of a participant is that scan.
    assert len({row["participant_id"] for row in included}) == len(included) > 1
    age, mg = ([float(row[name]) for row in included] for name in ("age", "mg_mmol_l"))
    assert names["slope"] == pytest.approx(np.polyfit(age, np.log10(mg), 1)[0])
    ok = results.cohort[results.cohort["status"] != "failed"]
    assert set(results.lines["scan"]) == set(ok["scan"])
    assert (tmp_path / "mg_age.svg").is_file()


def test_changed_file_is_not_read_and_what_is_not_there_is_named(lab: Lab, tmp_path: Path) -> None:
    results = myomag.open_results(lab.study, lab.derivative)
    table = lab.derivative / "cohort.tsv"
    table.write_text(table.read_text().replace("included", "excluded"))
    with pytest.raises(LedgerError, match=r"cohort\.tsv: changed since step cohort wrote it"):
        _ = results.cohort
    with pytest.raises(LedgerError, match=r"nothing\.tsv: no such table"):
        results.table("nothing")
    with pytest.raises(SettingsError, match="no results here"):
        myomag.open_results(tmp_path)
