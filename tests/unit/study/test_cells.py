"""Cells as people write them: what is read, what is left out, and what is said of it."""

import pytest

from myomag.study.cells import levels_of, mostly_numbers, read_numbers, read_sex, read_texts
from myomag.study.faults import Cell


def cells(*texts):
    return [Cell("participants.tsv", line, text) for line, text in enumerate(texts, start=2)]


def said(reading):
    return [remark.problem for remark in reading.remarks]


@pytest.mark.parametrize("word", ["NA", "N/A", "na", "?", "NaN", "#N/A", ".", "-", "missing", "NULL", "#VALUE!"])
def test_word_for_missing_is_read_as_missing_and_told_of(word):
    reading = read_numbers("age", cells("25", word, "31.5"))
    assert reading.values == ("25", None, "31.5") and reading.left_out == (word,)
    assert said(reading) == [f"line 3: age is {word!r}: read as missing; write n/a."]


def test_good_column_is_read_in_silence():
    reading = read_numbers("age", cells("25", None, "31.5", "89+"), low=1, high=120)
    assert reading.values == ("25", None, "31.5", "89+") and not reading.remarks and not reading.left_out


def test_decimal_commas_are_read_and_told_of_once():
    reading = read_numbers("age", cells("25,5", "61", "1,250", "70,25"))
    assert reading.values == ("25.5", "61", "1.250", "70.25")
    assert said(reading) == ["lines 2, 4, 5: age has decimal commas (3, read '25,5' as 25.5); write decimal points."]


def test_comma_of_thousands_or_of_a_fraction_is_not_guessed():
    reading = read_numbers("volume", cells("1,250", "2,300", "900"))
    assert reading.values == (None, None, "900")
    assert "a thousand or a fraction? left out" in said(reading)[0]
    assert read_numbers("serum", cells("0,850", "0,910")).values == ("0.850", "0.910")


@pytest.mark.parametrize(("text", "named"), [("999", "999"), ("-99", "-99"), ("-9", "-9"), ("121", "121"), ("0", "0")])
def test_value_outside_the_range_is_left_out(text, named):
    reading = read_numbers("age", cells("25", "61", text), low=1, high=120)
    assert reading.values == ("25", "61", None) and reading.left_out == (named,)
    assert said(reading) == [
        f"line 4: age is {named!r}: outside 1 to 120 (cohort.plausible), left out; correct it, or write n/a."
    ]


@pytest.mark.parametrize("code", ["999", "-9", "-99", "9999", "888", "99.0"])
def test_code_far_from_all_others_is_left_out(code):
    reading = read_numbers("score", cells("1", "4", "2", "7", "3", code))
    assert reading.values[-1] is None and "code for missing" in said(reading)[0]


@pytest.mark.parametrize(
    "texts", [("-12", "-3", "5", "8", "-9"), ("40", "170", "220", "99", "88"), ("60", "71", "98", "97", "77")]
)
def test_value_among_others_is_no_code(texts):
    reading = read_numbers("value", cells(*texts))
    assert reading.values == texts and not reading.remarks


@pytest.mark.parametrize("texts", [("25", "61", "73", "77", "99"), ("40", "170", "220", "90", "65", "99", "99", "99")])
def test_doubtful_code_is_kept_and_asked_about(texts):
    reading = read_numbers("age", cells(*texts))
    assert reading.values == texts
    assert "is '99': kept as a value; if a code for missing, write n/a, or say so in Levels." in said(reading)[0]


def test_codes_that_the_dictionary_calls_missing_are():
    levels = levels_of({"Levels": {"99": "not recorded", "88": {"Description": "Refused"}, "1": "never"}})
    reading = read_numbers("age", cells("25", "99", "88.0", "1", "61"), levels=levels)
    assert reading.values == ("25", None, None, "1", "61") and not reading.remarks


@pytest.mark.parametrize("text", ["forty", "23 y", "1.2.3", ">300", "2019-01-01", "12/30"])
def test_what_is_no_number_is_left_out_with_its_line(text):
    reading = read_numbers("age", cells("25", "61", text, text))
    assert reading.values == ("25", "61", None, None)
    assert said(reading)[0].startswith(f"lines 4, 5: age is {text!r}: not a number, left out")


@pytest.mark.parametrize(
    "text", ["F", "f", "female", "Female", "FEMALE", "w", "W", "woman", "weiblich", "m", "Man", "O"]
)
def test_sex_is_kept_as_it_is_written(text):
    assert read_sex("sex", cells(text)).values == (text,) and not read_sex("sex", cells(text)).remarks


@pytest.mark.parametrize(
    "levels", [{"1": "male", "2": "female"}, {"1": "Men", "2": "Women (self-reported)"}, {"1.0": "M", "2.0": "F"}]
)
def test_codes_of_sex_are_read_by_their_levels(levels):
    reading = read_sex("sex", cells("1", "2", None, "9"), {**levels, "9": "unknown"})
    assert reading.values == ("M", "F", None, None) and not reading.remarks
    assert reading.levels == {"F": "female", "M": "male"}


def test_codes_of_sex_without_levels_are_asked_for():
    reading = read_sex("sex", cells("1", "2", "1"))
    assert reading.left_out == ("1", "2") and reading.levels is None
    assert said(reading)[0].startswith("lines 2, 4: sex is '1': neither F nor M; define the codes")
    assert '"Levels": {"1": "male", "2": "female"}' in said(reading)[0]


def test_levels_that_name_no_sex_are_of_no_help():
    assert read_sex("sex", cells("1"), {"1": "male or female"}).left_out == ("1",)


def test_texts_keep_their_levels():
    reading = read_texts("site", cells("north", "NA", "none", "?"))
    assert reading.values == ("north", None, "none", None) and reading.left_out == ("NA", "?")


def test_column_is_one_of_numbers_if_most_are():
    assert mostly_numbers(cells("1", "2,5", "NA", "x"))
    assert not mostly_numbers(cells("a", "b", "1", "NA"))
    assert not mostly_numbers(cells(None, "NA"))
