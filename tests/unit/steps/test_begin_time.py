"""First estimate of a scan's begin time."""

import json
from pathlib import Path

import numpy as np
import pytest

from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes
from myomag.io.scan_records import BeginTime, Measures, scan_record_bytes
from myomag.settings.load import load_settings
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_scan
from myomag.steps.begin_time import begin_time_scan
from record_samples import measures_record

SETTINGS = load_settings().fit


def _inputs(
    folder: Path, seed: int, *, mhz: float, snr: float, conjugated: bool, measures: Measures | None = None
) -> dict[str, Path]:
    truth = ScanTruth(
        lines=resting_muscle(pi_ppm=4.82, beta_atp_ppm=-15.9),
        spectrometer_frequency_mhz=mhz,
        transients=1,
        begin_time_s=240e-6,
        pcr_snr=snr,
    )
    fid = simulate_scan(truth, np.random.default_rng((9, seed)))
    if conjugated:
        fid = fid.conj()
    data = MrsData(fid[:, :, None].astype(np.complex64), truth.dwell_time_s, mhz, "31P", {})
    contents = {
        "preproc": ("fid.nii.gz", nifti_mrs_bytes(data)),
        "preproc_sidecar": ("fid.json", json.dumps({"EchoTime": 240e-6}).encode()),
        "measures": ("measures.json", scan_record_bytes(measures or measures_record())),
    }
    for name, content in contents.values():
        (folder / name).write_bytes(content)
    return {role: folder / name for role, (name, _) in contents.items()}


@pytest.mark.parametrize(("mhz", "snr"), [(25.85, 20.0), (51.7, 20.0), (120.3, 20.0), (25.85, 40.0)])
def test_conjugated_data_are_named_at_every_field(tmp_path: Path, mhz: float, snr: float) -> None:
    for seed in range(5):
        with pytest.raises(ScanError, match=r"appear to be conjugated.*convert\.conjugate: true"):
            begin_time_scan("sub-1_unloc", _inputs(tmp_path, seed, mhz=mhz, snr=snr, conjugated=True), SETTINGS)


@pytest.mark.parametrize(("mhz", "snr"), [(25.85, 10.0), (51.7, 5.0), (51.7, 20.0), (120.3, 5.0)])
def test_weak_data_of_the_right_sign_are_never_called_conjugated(tmp_path: Path, mhz: float, snr: float) -> None:
    for seed in range(5):
        inputs = _inputs(tmp_path, seed, mhz=mhz, snr=snr, conjugated=False)
        record = BeginTime.model_validate_json(begin_time_scan("sub-1_unloc", inputs, SETTINGS)["begintime"])
        assert record.scan == "sub-1_unloc"


def test_conjugated_data_are_named_where_the_begin_time_is_held_fixed_too(tmp_path: Path) -> None:
    inputs = _inputs(tmp_path, 0, mhz=51.7, snr=40.0, conjugated=True)
    with pytest.raises(ScanError, match="appear to be conjugated"):
        begin_time_scan("sub-1_unloc", inputs, SETTINGS.model_copy(update={"fit_begin_time": False}))


def test_begin_time_is_found_within_its_error(tmp_path: Path) -> None:
    inputs = _inputs(tmp_path, 1, mhz=51.7, snr=60.0, conjugated=False)
    record = BeginTime.model_validate_json(begin_time_scan("sub-1_unloc", inputs, SETTINGS)["begintime"])
    assert record.poolable
    assert abs(record.begin_time_us - 240) < 4 * record.begin_time_sd_us


def test_begin_time_that_is_not_fitted_is_not_pooled(tmp_path: Path) -> None:
    inputs = _inputs(tmp_path, 1, mhz=51.7, snr=60.0, conjugated=False)
    record = BeginTime.model_validate_json(
        begin_time_scan("sub-1_unloc", inputs, SETTINGS.model_copy(update={"fit_begin_time": False}))["begintime"]
    )
    assert (record.poolable, record.begin_time_us) == (False, None)


@pytest.mark.parametrize(
    ("changes", "poolable"),
    [({"pcr_snr": 4.9}, False), ({"pcr_fwhm_ppm": 0.81}, False), ({"pcr_snr": None}, True), ({"pcr_snr": 5.0}, True)],
)
def test_poor_spectrum_tells_nothing_for_other_scans(
    tmp_path: Path, changes: dict[str, float | None], poolable: bool
) -> None:
    inputs = _inputs(tmp_path, 1, mhz=51.7, snr=60.0, conjugated=False, measures=measures_record(**changes))
    record = BeginTime.model_validate_json(begin_time_scan("sub-1_unloc", inputs, SETTINGS)["begintime"])
    assert record.poolable == poolable
    assert (record.reason is None) == poolable
    assert record.begin_time_us is not None
