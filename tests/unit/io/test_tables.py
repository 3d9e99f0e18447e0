"""Reading and writing TSV tables."""

import numpy as np
import pandas as pd
import pytest

from myomag.errors import StudyError
from myomag.io.tables import number, read_tsv, table_bytes, table_rows, tsv_bytes


@pytest.fixture
def tsv(tmp_path):
    def write(content):
        path = tmp_path / "table.tsv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_columns_of_numbers_become_numbers_and_labels_stay_text(tsv):
    frame = read_tsv(tsv("participant_id\tage\tn\tsite\tnote\n007\t61.5\t3\t01\tn/a\n008\tn/a\tn/a\t02\tfine\n"))
    assert frame["participant_id"].tolist() == ["007", "008"]
    assert frame["age"].dtype == "float64" and frame["age"][0] == 61.5 and np.isnan(frame["age"][1])
    assert frame["n"].dtype == "Int64" and frame["n"][0] == 3 and frame["n"][1] is pd.NA
    assert frame["site"].tolist() == ["01", "02"]
    assert frame["note"].tolist() == [None, "fine"]


def test_one_word_keeps_a_column_as_text(tsv):
    assert read_tsv(tsv("participant_id\tage\na\t61\nb\tunknown\n"))["age"].tolist() == ["61", "unknown"]


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", "1e999", "0x10", "", "1,5", "--1"])
def test_what_is_no_number(text):
    assert number(text) is None


@pytest.mark.parametrize(("text", "value"), [("-1.5e-3", -0.0015), ("+2", 2.0), (".5", 0.5), ("7.", 7.0)])
def test_what_is_a_number(text, value):
    assert number(text) == value


def test_byte_order_mark_and_windows_line_ends_are_read(tsv):
    assert read_tsv(tsv(b"\xef\xbb\xbfparticipant_id\tage\r\nsub-1\t60\r\n")).to_dict("list") == {
        "participant_id": ["sub-1"],
        "age": [60],
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"participant_id\tname\nsub-1\tJos\xe9\n", "not UTF-8 text"),
        (b"participant_id\tage\nsub-1\t60\nsub-2\n", "line 3: 1 values for 2 columns"),
        (b"participant_id\tage\nsub-1\t60\t\n", "line 2: 3 values for 2 columns"),
        (b"participant_id\tage\tage\nsub-1\t60\t61\n", "'age' appears more than once"),
        (b"participant_id\t\nsub-1\t60\n", "empty column name"),
        (b"", "empty column name"),
    ],
)
def test_malformed_tables_are_refused_with_file_and_place(tsv, content, message):
    with pytest.raises(StudyError, match=message) as error:
        read_tsv(tsv(content))
    assert "table.tsv" in str(error.value) and "\n" not in str(error.value)


def test_absent_file_is_an_error_of_the_study(tmp_path):
    with pytest.raises(StudyError, match="cannot be read"):
        read_tsv(tmp_path / "participants.tsv")


def test_written_values_are_short_and_missing_ones_read_na():
    frame = pd.DataFrame(
        {
            "text": pd.Series(["a\tb\nc", "", None, "β"], dtype="object"),
            "float": [1 / 3, -0.0, float("nan"), 2.0],
            "integer": pd.Series([12345678901234, None, -1, 0], dtype="Int64"),
            "truth": [True, False, True, False],
        }
    )
    assert table_bytes(frame).decode() == (
        "text\tfloat\tinteger\ttruth\n"
        "a b c\t0.3333333333\t12345678901234\ttrue\n"
        "n/a\t0\tn/a\tfalse\n"
        "n/a\tn/a\t-1\ttrue\n"
        "β\t2\t0\tfalse\n"
    )


def test_infinite_numbers_are_never_written():
    with pytest.raises(ValueError, match="not finite"):
        table_bytes(pd.DataFrame({"x": [float("inf")]}))


def test_empty_frame_is_its_header():
    assert table_bytes(pd.DataFrame({"a": [], "b": []})) == b"a\tb\n"


def test_what_is_written_reads_back_the_same(tmp_path):
    frame = pd.DataFrame(
        {
            "participant_id": pd.Series(["sub-01", "sub-02"], dtype="object"),
            "x": [0.1, float("nan")],
            "k": pd.Series([None, 3], dtype="Int64"),
        }
    )
    path = tmp_path / "t.tsv"
    path.write_bytes(table_bytes(frame))
    pd.testing.assert_frame_equal(read_tsv(path), frame)


def test_rows_hold_plain_values_and_none_where_one_is_missing():
    columns = {
        "mg_mmol_l": [0.412, float("nan")],
        "transients": pd.Series([96, None], dtype="Int64"),
        "reason": ['a "quoted" reason', None],
        "reference": [True, False],
    }
    first, second = table_rows(pd.DataFrame(columns))
    assert first == {"mg_mmol_l": 0.412, "transients": 96, "reason": 'a "quoted" reason', "reference": True}
    assert [type(value) for value in first.values()] == [float, int, str, bool]
    assert second == {"mg_mmol_l": None, "transients": None, "reason": None, "reference": False}
    assert table_rows(pd.DataFrame({"scan": []})) == []


@pytest.mark.parametrize("text", ["=cmd()", "@SUM(A1)", "+cmd|' /C calc'!A0", "-1+HYPERLINK(1)", "'=x", "＝1"])
def test_what_a_spreadsheet_takes_for_a_formula_is_text_in_the_file_and_comes_back_as_it_was(tsv, text):
    content = tsv_bytes(["note", text], [[text, 1]])
    assert content.decode().split("\n")[1].startswith("'")
    frame = read_tsv(tsv(content))
    assert list(frame.columns) == ["note", text] and frame["note"].tolist() == [text]


@pytest.mark.parametrize("text", ["-1.5", "+5", "-1,5", "-", "+4e-3", "89+", "n/a"])
def test_numbers_are_written_as_they_are(text):
    assert tsv_bytes(["value"], [[text]]).decode() == f"value\n{text}\n"
