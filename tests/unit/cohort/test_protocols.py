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
        technical_fields={},
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


def test_same_data_under_two_names_count_once() -> None:
    rng = np.random.default_rng(6)
    records = [
        _record(f"sub-{k:02d}", 240 + rng.normal(0, 6)).model_copy(update={"fid_sha256": f"{k}"}) for k in range(9)
    ]
    outlying = _record("sub-10", 400.0).model_copy(update={"fid_sha256": "far"})
    copies = [records[3].model_copy(update={"scan": f"sub-{k}"}) for k in (90, 91)]
    copies.append(outlying.model_copy(update={"scan": "sub-99"}))
    ((once,), (twice,)) = (protocol_rows(each) for each in ([*records, outlying], [*records, outlying, *copies]))
    assert (once.pop("outlying"), twice.pop("outlying")) == ("sub-10", "sub-10 sub-99")
    assert once["n"] == 9
    assert twice == once


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


def _changed(software=("", ""), name="sub-{:02d}_ses-1_unloc", late=None, step_us=10.0):
    """Scans of which the late ones have another software and another begin time."""
    late = np.arange(30) >= 15 if late is None else late
    rng = np.random.default_rng(8)
    return [
        _record(name.format(k), 335 + step_us * late[k] + rng.normal(0, 3)).model_copy(
            update={"technical_fields": {"SoftwareVersions": software[int(late[k])]}, "begin_time_sd_us": 3.0}
        )
        for k in range(30)
    ]


def _remark(records):
    (row,) = protocol_rows(records)
    return row["remark"]


EVERY_THIRD = np.arange(30) % 3 == 0
SOFTWARE = ("VB17", "VB18")


def test_protocol_that_did_not_change_has_no_remark() -> None:
    assert _remark(_changed(step_us=0.0)) is None
    assert _remark(_changed(SOFTWARE, step_us=0.0)) is None


def test_step_with_the_software_is_named_with_the_scans_and_the_remedy() -> None:
    remark = _remark(_changed(SOFTWARE, late=EVERY_THIRD))
    assert remark.startswith("begin times of two protocols, 335 µs in 20 scans and 345 µs in 10 scans (the second: ")
    assert remark.endswith("the second have SoftwareVersions VB18: add SoftwareVersions to fit.protocol_fields")


def test_step_in_the_order_of_the_scans_is_named_with_the_first_scan() -> None:
    remark = _remark(_changed())
    assert "a step at sub-1" in remark
    assert "fit.protocol_fields" in remark


def test_step_between_sites_is_named() -> None:
    records = _changed(name="sub-A{:02d}_unloc", step_us=0.0)
    records += _changed(name="sub-B{:02d}_unloc", late=np.ones(30, dtype=int))
    assert "the second have site B" in _remark(records)


def test_two_groups_without_a_cause_are_reported() -> None:
    assert "375 µs in 10 scans" in _remark(_changed(late=EVERY_THIRD, step_us=40.0))
