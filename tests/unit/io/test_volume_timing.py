"""VolumeTiming: what passes, and what does not fit its file."""

import json

import numpy as np
import pytest

from muscle_fids import muscle_fid, write_scan
from myomag.errors import ScanError
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
