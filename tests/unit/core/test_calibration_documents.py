"""Checks that the documents of all calibrations share: keys, numbers, texts, standing, order of a range."""

import pytest

from myomag.core.calibration_documents import KEYS, check_document, check_order, numbers, text_of

DOCUMENT = dict.fromkeys(KEYS, "x") | {"quantity": "ph", "family": "a", "standing": "found"}


def test_a_right_document_passes():
    check_document(DOCUMENT, "ph", ("a", "b"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pK": 1.0}, "calibration: unknown key 'pK'; known keys: name, quantity"),
        ({"quantity": "mg"}, "quantity is 'mg'; a calibration of ph needs 'ph'"),
        ({"family": "c"}, "family is 'c'; a calibration of ph needs one of a, b"),
        ({"family": ["a"]}, "family is ['a']"),
        ({"standing": "certain"}, "standing is 'certain'; it must be one of found, derived, unverified"),
    ],
)
def test_a_document_of_something_else_is_refused(change, message):
    with pytest.raises(ValueError, match=r"^.+$") as error:
        check_document(DOCUMENT | change, "ph", ("a", "b"))
    assert message in str(error.value)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_needed(key):
    with pytest.raises(ValueError, match=f"'{key}' is missing"):
        check_document({name: value for name, value in DOCUMENT.items() if name != key}, "ph", ("a",))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "6.75", True, None])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ValueError, match=r"coefficients\.pk is .*; it must be a finite number"):
        numbers({"pk": value}, ("pk",), "coefficients")


@pytest.mark.parametrize("mapping", [None, [], "pk"])
def test_what_is_no_mapping_is_refused(mapping):
    with pytest.raises(ValueError, match="range: expected a mapping with low, high"):
        numbers(mapping, ("low", "high"), "range")


def test_numbers_are_floats():
    assert numbers({"low": 1, "high": 2.5}, ("low", "high"), "range") == {"low": 1.0, "high": 2.5}


@pytest.mark.parametrize("value", ["", " ", 5, None])
def test_an_empty_text_is_refused(value):
    with pytest.raises(ValueError, match=r"source is .*; it must be text"):
        text_of({"source": value}, "source")


@pytest.mark.parametrize("high", [1.0, 0.5])
def test_a_range_in_the_wrong_order_is_refused(high):
    with pytest.raises(ValueError, match=f"range: low 1 must be below high {high:g}"):
        check_order({"low": 1.0, "high": high}, "low", "high")
