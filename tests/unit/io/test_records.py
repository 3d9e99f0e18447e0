"""JSON records: what json reads back, in few lines."""

import json
import math
from typing import Any

import pytest

from myomag.io.records import SIGNIFICANT_DIGITS, canonical, digest, record_bytes


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"none": None, "yes": True, "count": 3, "text": 'β "quoted"\n\t\\'},
        {"empty": [], "nothing": {}, "row": [1, None, "a"], "matrix": [[1.5, 2.0], [], [3.25]]},
        {"deep": {"er": [{"x": [{"y": {}}]}, 4, [5]]}, "": "a key without a name"},
    ],
)
def test_json_reads_back_what_was_written(content: dict[str, Any]) -> None:
    assert json.loads(record_bytes(content)) == content


def test_layout_shows_one_thing_per_line() -> None:
    lines = record_bytes({"row": [1.0, 2.5], "matrix": [[1, 0], [0, 1]], "inner": {"key": "β"}}).decode().splitlines()
    assert lines == [
        *("{", ' "row": [1.0, 2.5],', ' "matrix": [', "  [1, 0],", "  [0, 1]", " ],"),
        *(' "inner": {', '  "key": "β"', " }", "}"),
    ]


def test_noise_of_linear_algebra_is_rounded_away() -> None:
    least = 10.0 ** (1 - SIGNIFICANT_DIGITS)
    assert record_bytes({"x": [1.0 + 0.1 * least, -0.0]}) == record_bytes({"x": [1.0, 0.0]})
    assert record_bytes({"x": 1.0 + 2 * least}) != record_bytes({"x": 1.0})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("wrapped", [lambda value: value, lambda value: [[0.0, value]], lambda value: {"y": value}])
def test_numbers_that_are_not_finite_are_refused(value: float, wrapped: Any) -> None:
    with pytest.raises(ValueError, match="not finite"):
        record_bytes({"x": wrapped(value)})


def test_digest_tells_content_apart_and_nothing_else() -> None:
    assert digest({"a": [1, 2.5, None, True, "β"]}) == digest({"a": [1, 2.5, None, True, "β"]})
    contents = [
        {"a": 1},
        {"a": 1.5},
        {"a": "1"},
        {"a": None},
        {"a": [1]},
        {"b": 1},
        {},
        {"a": 1, "b": 1},
        {"b": 1, "a": 1},
    ]
    assert len({digest(content) for content in contents}) == len(contents)
    assert canonical({"a": "\udcff\u2028"}).isascii()
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": float("nan")})
