"""Differences between two documents, told by their leaves."""

from myomag.audit.causes import differences


def test_leaves_that_differ() -> None:
    a = {"name": "x", "lines": {"PCr": {"start": 1, "lower": 0}}, "same": [1, 2], "old": 1}
    b = {"name": "y", "lines": {"PCr": {"start": 2, "lower": 0}}, "same": [1, 2], "new": None}
    assert list(differences(a, b)) == ["name x → y", "lines.PCr.start 1 → 2", "old only in A", "new only in B"]


def test_equal_documents_have_none() -> None:
    assert list(differences({"a": {"b": [1.0, None]}}, {"a": {"b": [1.0, None]}})) == []


def test_order_of_keys_counts() -> None:
    """Settings are compared by a digest in which it counts: it must not differ without being named."""
    assert list(differences({"lines": {"a": 1, "b": 2}}, {"lines": {"b": 2, "a": 1}})) == ["lines in a different order"]


def test_number_of_another_type_counts() -> None:
    assert list(differences({"a": 1}, {"a": 1.0})) == ["a 1 → 1.0"]


def test_named_documents_are_told_by_their_names() -> None:
    a, b = ({"ph_calibration": {"name": name, "pk": pk}} for name, pk in (("one", 6.7), ("other", 6.8)))
    assert list(differences(a, b)) == ["ph_calibration one → other"]
    assert list(differences(a, {"ph_calibration": {"name": "one", "pk": 6.8}})) == ["ph_calibration.pk 6.7 → 6.8"]
