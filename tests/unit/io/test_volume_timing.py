"""VolumeTiming: what passes, and what does not fit its file."""

import json

import numpy as np
import pytest

import vendor_samples
from import_samples import dicom
from muscle_fids import muscle_fid, write_scan
from myomag.errors import ScanError
from myomag.io.nifti_mrs import nifti_mrs_bytes
from myomag.io.raw_scan import RawScan, completed
from myomag.io.vendor import read_scan

RAW = {"dwell_time_s": 1 / 3000, "frequency": 51.7, "nucleus": "31P"}


def read(tmp_path, sidecar, measurements=1, transients=4, **header):
    fids = np.repeat(muscle_fid(points=256)[:, None], transients, axis=1)
    path = write_scan(tmp_path / "a.nii.gz", fids, header, measurements=measurements)
    return read_scan([path], [sidecar], nucleus=None)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([0, 3, 6], "has 3 times, the file 4 repetitions"),
        ([0, 3, 3, 9], "does not ascend: 3 s of repetition 3 follows 3 s"),
        ([0, 3, 4, 9], "starts repetition 3 1 s after repetition 2, but RepetitionTime says that each takes 3 s"),
        ([0, 3000, 6000, 900000], "must be a list of the times"),
        ([0, "3", 6, 9], "must be a list of the times"),
        (3, "must be a list of the times"),
    ],
)
def test_times_that_do_not_fit_are_named_by_field_and_remedy(tmp_path, times, said):
    with pytest.raises(ScanError, match=f"VolumeTiming {said}"):
        read(tmp_path, {"VolumeTiming": times, "RepetitionTime": 3.0})


def test_the_nearest_statement_holds_and_pauses_are_none_against_the_repetition_time(tmp_path):
    times = [0, 3, 9, 12]
    assert read(tmp_path, {"VolumeTiming": times, "RepetitionTime": 3}).metadata["VolumeTiming"] == times
    assert read(tmp_path, {}, VolumeTiming=times).metadata["VolumeTiming"] == times
    wrong = {"VolumeTiming": [0, 1], "RepetitionTime": 3.0}
    assert read(tmp_path, {"VolumeTiming": times}, **wrong).metadata["VolumeTiming"] == times


def test_of_measurements_of_several_transients_each_has_one_time(tmp_path):
    scan = read(tmp_path, {"VolumeTiming": [0, 6], "RepetitionTime": 3.0}, measurements=2)
    assert scan.metadata["VolumeTiming"] == [0, 6]
    with pytest.raises(ScanError, match="each takes 6 s"):
        read(tmp_path, {"VolumeTiming": [0, 4], "RepetitionTime": 3.0}, measurements=2)


def test_repetitions_that_a_scanner_averaged_last_as_long_as_their_averages():
    fid = np.repeat(muscle_fid(points=256)[:, None, None], 3, axis=1)
    raw = RawScan(fid=fid, **RAW, metadata={"RepetitionTime": 2.0}, measurements=3, averages=4)
    assert completed(raw, [], None, "a").metadata["VolumeTiming"] == [0, 8, 16]
    assert json.dumps(completed(raw, [], None, "a").metadata)


@pytest.mark.parametrize(
    ("clock", "times"),
    [
        ((100.0, 103.0, 109.0, 112.0), [0, 3, 9, 12]),
        # Even as RepetitionTime says, but for rounding: to ms, or to whole seconds of 3.2.
        ((100.0, 103.01, 106.0, 109.0), None),
        # The time of the series in each file, or an order that is not that of time.
        ((100.0, 100.0, 100.0, 100.0), None),
        ((100.0, 106.0, 103.0, 109.0), None),
        # Less than RepetitionTime: then it is not the time of repetitions.
        ((100.0, 100.5, 103.0, 106.0), None),
        ((), None),
    ],
)
def test_the_clock_of_a_scanner_tells_pauses_and_no_more(clock, times):
    fid = np.repeat(muscle_fid(points=256)[:, None, None], 4, axis=1)
    raw = RawScan(fid=fid, **RAW, metadata={"RepetitionTime": 3.0}, clock_s=clock)
    assert completed(raw, [], None, "a").metadata.get("VolumeTiming") == times


def test_whole_seconds_are_no_uneven_times():
    fid = np.repeat(muscle_fid(points=256)[:, None, None], 5, axis=1)
    raw = RawScan(fid=fid, **RAW, metadata={"RepetitionTime": 1.6}, clock_s=(0.0, 1.0, 3.0, 4.0, 6.0))
    assert "VolumeTiming" not in completed(raw, [], None, "a").metadata


def test_twix_and_dicom_tell_the_time_of_each_repetition(tmp_path):
    ticks = [1_000_000 + round(400 * each) for each in (0, 1.5, 9, 10.5)]
    path = vendor_samples.twix(tmp_path / "a.dat", vendor_samples.line(4)[:, :, None], loops={6: range(4)}, ticks=ticks)
    assert read_scan([path], [], nucleus=None).metadata["VolumeTiming"] == [0, 1.5, 9, 10.5]
    times = ("235958.500000", "000000.000000", "000007.500000")
    paths = [
        dicom(tmp_path / f"{k}.IMA", k, number=k, AcquisitionDate=f"2024010{1 + (k > 0)}", AcquisitionTime=time)
        for k, time in enumerate(times)
    ]
    found = read_scan(paths, [], nucleus=None)
    assert found.metadata["VolumeTiming"] == [0, 1.5, 9]
    assert b"2024" not in nifti_mrs_bytes(found)
