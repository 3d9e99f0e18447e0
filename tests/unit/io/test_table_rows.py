"""Rows of a table over shared columns: the values of the table, and none that is missing."""

from pathlib import Path

import pandas as pd
import pytest

from myomag.io import table_rows
from myomag.io.table_rows import read_table_rows, series_table
from myomag.io.tables import read_tsv, table_bytes


@pytest.fixture(params=[table_rows.LARGE_BYTES, 0], ids=["at once", "by column"])
def path(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table with every kind of value, small or as if it were large."""
    monkeypatch.setattr(table_rows, "LARGE_BYTES", request.param)
    columns = {
        "scan": ["sub-01_unloc", "sub-02_unloc", "sub-03_unloc"],
        "mg_mmol_l": [0.412, None, 0.5],
        "transients": [96, None, 16],
        "code": ["007", "010", "011"],
        "reason": ['a "quoted" reason', "n/a", None],
        "nothing": [None, None, None],
    }
    file = tmp_path / "cohort.tsv"
    file.write_bytes(table_bytes(pd.DataFrame(columns)))
    return file


def test_rows_hold_what_the_table_holds(path: Path) -> None:
    frame = read_tsv(path).astype(object)
    expected = frame.where(frame.notna(), None).to_dict("records")
    rows = read_table_rows(path)
    assert [dict(row) for row in rows] == expected
    first, second, _ = rows
    assert (first["mg_mmol_l"], first["transients"], first["code"]) == (0.412, 96, "007")
    assert [second[name] for name in ("mg_mmol_l", "transients", "reason", "nothing")] == [None] * 4
    assert type(first["mg_mmol_l"]) is float
    assert type(first["transients"]) is int


def test_rows_are_a_sequence(path: Path) -> None:
    rows = read_table_rows(path)
    assert len(rows) == 3
    assert dict(rows[-1]) == dict(rows[2])
    assert [row["scan"] for row in rows[1:]] == ["sub-02_unloc", "sub-03_unloc"]
    with pytest.raises(IndexError):
        rows[3]
    with pytest.raises(KeyError):
        rows[0]["no_such_column"]


def test_table_without_rows(tmp_path: Path) -> None:
    (tmp_path / "empty.tsv").write_text("scan\tmg_mmol_l\n")
    assert list(read_table_rows(tmp_path / "empty.tsv")) == []


def test_series_hold_what_a_frame_holds(path: Path) -> None:
    frame, series = read_tsv(path), series_table(read_table_rows(path))
    assert list(series.columns) == list(frame.columns)
    for name in frame.columns:
        assert series[name].isna().tolist() == frame[name].isna().tolist()
        assert series[name].dropna().tolist() == frame[name].dropna().tolist()
    with pytest.raises(KeyError):
        series["no_such_column"]
