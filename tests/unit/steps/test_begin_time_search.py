"""A begin time that the header has wrong, or not at all, is found in the data or said not to be determined."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from muscle_spectra import Scan, fid

from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes
from myomag.io.scan_records import BeginTime, Fit, scan_record_bytes
from myomag.settings.load import load_settings
from myomag.steps import begin_time
from myomag.steps.begin_time import begin_time_scan
from myomag.steps.fit import fit_scan
from record_samples import measures_record

SETTINGS = load_settings().fit


def _both(folder, scan, sidecar, seed=0):
    """Record of the scan by itself, and its fit without others of its protocol."""
    samples = fid(scan, np.random.default_rng(seed))[:, None, None].astype(np.complex64)
    data = MrsData(samples, scan.dwell_s, scan.mhz, "31P", {})
    contents = {
        "preproc": nifti_mrs_bytes(data),
        "preproc_sidecar": json.dumps(sidecar).encode(),
        "measures": scan_record_bytes(measures_record(noise_sd=33 / scan.snr, pcr_snr=scan.snr)),
    }
    inputs = {
        role: folder / (role + (".nii.gz" if role == "preproc" else ".json")) for role in (*contents, "begintime")
    }
    for role, content in contents.items():
        inputs[role].write_bytes(content)
    inputs["begintime"].write_bytes(begin_time_scan("sub-1_unloc", inputs, SETTINGS)["begintime"])
    fit = Fit.model_validate_json(fit_scan("sub-1_unloc", inputs, SETTINGS, {})["fit"])
    return BeginTime.model_validate_json(inputs["begintime"].read_bytes()), fit


WRONG = [(450, 0.0), (450, None), (340, 0.0023), (340, 800e-6), (900, 300e-6), (1900, 100e-6), (350, 0.35), (300, 0.3)]


@pytest.mark.parametrize(("true_us", "stated_s"), WRONG)
@pytest.mark.parametrize("mhz", [25.9, 51.7, 120.3])
def test_begin_time_is_found_where_the_header_is_wrong_or_states_none(tmp_path, true_us, stated_s, mhz):
    scan = Scan(mhz=mhz, begin_s=true_us * 1e-6, snr=60.0, dwell_s=334e-6 if mhz < 100 else 150e-6)
    sidecar = {"SequenceName": "fid"} | ({} if stated_s is None else {"EchoTime": stated_s})
    own, fit = _both(tmp_path, scan, sidecar)
    assert (own.doubt, own.start_by_data) == (None, True)
    assert "estimated from the data" in own.start_source
    assert fit.begin_time_prior.source == "data"
    assert fit.begin_time_us == pytest.approx(true_us, abs=4 * (fit.begin_time_sd_us or 0) + 3)


def test_unit_slip_is_named(tmp_path):
    own, _ = _both(tmp_path, Scan(), {"EchoTime": 0.35})
    assert own.start_source == "EchoTime 0.35 s: milliseconds?, estimated from the data"


@pytest.mark.parametrize("snr", [12.0, 60.0])
def test_a_header_that_holds_is_not_questioned(tmp_path, snr):
    own, fit = _both(tmp_path, Scan(snr=snr), {"SequenceName": "fid", "EchoTime": 300e-6})
    assert (own.start_us, own.start_by_data, own.doubt) == (pytest.approx(300.0), False, None)
    assert fit.begin_time_prior.source == "stated"


def test_begin_time_is_not_determined_where_nothing_states_it_and_no_atp_tells(tmp_path):
    alone = tuple(name for name in ("pi", "pde", "pme", "gamma", "alpha", "beta", "nad"))
    own, _ = _both(tmp_path, Scan(snr=60.0, without=alone), {"SequenceName": "fid"})
    assert own.doubt is not None
    assert own.doubt.startswith("begin time not determined (no EchoTime): ")
    assert not own.poolable


def test_begin_time_given_by_hand_is_not_searched(tmp_path):
    given = SETTINGS.model_copy(update={"begin_time_us": 2300.0})
    scan = Scan(begin_s=340e-6)
    _both(tmp_path, scan, {})
    inputs = {role: tmp_path / f"{role}.json" for role in ("preproc_sidecar", "measures")}
    inputs["preproc"] = tmp_path / "preproc.nii.gz"
    own = BeginTime.model_validate_json(begin_time_scan("sub-1_unloc", inputs, given)["begintime"])
    assert (own.start_us, own.start_by_data, own.doubt) == (2300.0, False, None)


def test_pcr_alone_with_an_odd_line_shape_is_not_called_conjugated(tmp_path, monkeypatch):
    alone = tuple(name for name in ("pi", "pde", "pme", "gamma", "alpha", "beta", "nad"))
    scan = Scan(mhz=25.86, snr=160.0, points=1024, without=alone, eddy_rad=0.3, gaussian_hz=2.0)
    sidecar = {"EchoTime": 340e-6, "SequenceName": "fid"}
    own, _ = _both(tmp_path, scan, sidecar)
    assert own.scan == "sub-1_unloc"
    # Its mirror image is fitted better, and only the lack of ATP in it tells.
    sure = dict.fromkeys(begin_time.ATP, SimpleNamespace(p_chance=0.0))
    monkeypatch.setattr(begin_time, "evidence_of_lines", lambda *_, **__: sure)
    with pytest.raises(ScanError, match="appear to be conjugated"):
        _both(tmp_path, scan, sidecar)
