"""Records of a scan: read back as written, and refused where they are something else."""

from pathlib import Path

import pytest

from myomag.errors import ScanError
from myomag.io.scan_records import RECORDS, BeginTime, Quality, read_scan_record, scan_record_bytes

BEGIN_TIME = BeginTime(
    scan="sub-001_unloc",
    protocol="2f5a6077",
    protocol_fields={"Manufacturer": "siemens", "EchoTime": 0.00023, "SequenceName": None},
    technical_fields={},
    start_us=230.0,
    start_source="EchoTime 0.00023 s",
    start_kind="fid",
    start_by_data=False,
    doubt=None,
    begin_time_us=265.8912012,
    begin_time_sd_us=1.270626271,
    noise_sd=9.783771854e-07,
    poolable=True,
    reason=None,
)


def test_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "begin.json"
    path.write_bytes(scan_record_bytes(BEGIN_TIME))
    assert read_scan_record(path, BeginTime) == BEGIN_TIME
    assert path.read_text().splitlines()[1:3] == [' "scan": "sub-001_unloc",', ' "protocol": "2f5a6077",']


def test_quality_gives_the_verdict_before_the_measures_it_rests_on() -> None:
    assert list(Quality.model_fields)[:5] == ["scan", "verdict", "reasons", "decided_by", "transients"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "Invalid JSON"),
        (b"[]", "should be an object"),
        (b'{"scan": "sub-001_unloc"}', "protocol: Field required"),
        (scan_record_bytes(BEGIN_TIME)[:-3] + b', "other": 1}', "other: Extra inputs are not permitted"),
    ],
)
def test_other_content_is_refused_with_file_and_field(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "begin.json"
    path.write_bytes(content)
    with pytest.raises(ScanError, match=rf"begin\.json: not a begintime record.*{reason}"):
        read_scan_record(path, BeginTime)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"begin\.json: cannot be read"):
        read_scan_record(tmp_path / "begin.json", BeginTime)


def test_every_field_of_every_record_is_described() -> None:
    assert all(field.description for model in RECORDS for field in model.model_fields.values())
