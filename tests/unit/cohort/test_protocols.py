"""Table of protocols: which scans share a begin time, and what is known of it."""

from itertools import pairwise

import numpy as np
import pytest

from myomag.cohort.protocols import PROTOCOLS_COLUMNS, protocol_rows, rounded_up
from myomag.io.scan_records import BeginTime
from myomag.steps.begin_time import protocol_fields

FIELDS = ["Manufacturer", "EchoTime", "SpectrometerFrequency"]


def _record(scan: str, begin_time_us: float, *, poolable: bool = True, protocol: str = "a") -> BeginTime:
    return BeginTime(
        scan=scan,
        protocol=protocol,
        protocol_fields={"Manufacturer": protocol},
        start_us=200.0,
        start_source="EchoTime 0.0002 s",
        start_kind="fid",
        start_by_data=False,
        doubt=None,
        begin_time_us=begin_time_us,
        begin_time_sd_us=6.0,
        noise_sd=1.0,
        poolable=poolable,
        reason=None if poolable else "the spectrum failed quality control",
    )


def test_small_drift_of_the_field_and_letter_case_do_not_split_a_protocol() -> None:
    one = {"Manufacturer": "SIEMENS", "EchoTime": 0.00023, "SpectrometerFrequency": 120.30816}
    two = {"Manufacturer": "Siemens", "EchoTime": 0.00022999999999999998, "SpectrometerFrequency": 120.30795}
    assert protocol_fields(one, FIELDS) == protocol_fields(two, FIELDS)
    other = two | {"EchoTime": 0.00035}
    assert protocol_fields(other, FIELDS) != protocol_fields(two, FIELDS)


def test_missing_field_is_a_value_of_its_own() -> None:
    assert protocol_fields({}, FIELDS) == dict.fromkeys(FIELDS)


def test_rows_do_not_depend_on_the_order_of_arrival() -> None:
    rng = np.random.default_rng(4)
    records = [_record(f"sub-{k:02d}", 240 + rng.normal(0, 6)) for k in range(20)]
    assert protocol_rows(records) == protocol_rows(records[::-1])


def test_each_protocol_has_its_row_and_unusable_scans_are_named() -> None:
    records = [
        _record("sub-01", 240.0),
        _record("sub-02", 900.0, poolable=False),
        _record("sub-03", 300.0, protocol="b"),
    ]
    one, two = protocol_rows(records)
    assert tuple(one) == tuple(PROTOCOLS_COLUMNS)
    assert (one["protocol"], one["n"], one["begin_time_us"], one["not_pooled"]) == ("a", 1, 240.0, "sub-02")
    assert (two["protocol"], two["begin_time_us"]) == ("b", 300.0)


def test_protocol_without_any_estimate_has_no_value() -> None:
    (row,) = protocol_rows([_record("sub-01", 240.0, poolable=False)])
    assert row["n"] == 0
    assert row["begin_time_us"] is None


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, 0.0), (1.0, 1.0), (1.01, 1.2), (0.31, 0.4), (8.1, 10.0), (47.0, 50.0)]
)
def test_rounding_goes_up_to_the_grid(value: float, expected: float) -> None:
    assert rounded_up(value) == pytest.approx(expected)


def test_one_more_scan_seldom_changes_what_the_others_are_told() -> None:
    rng = np.random.default_rng(5)
    records = [_record(f"sub-{k:03d}", 240.2 + rng.normal(0, 6)) for k in range(300)]
    told = ("begin_time_us", "begin_time_sd_us", "spread_us")
    rows = [protocol_rows(records[:n])[0] for n in range(200, 301)]
    changes = sum(any(a[key] != b[key] for key in told) for a, b in pairwise(rows))
    assert changes <= 10
