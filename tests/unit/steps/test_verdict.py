"""Verdict on the measured quality, with a reason for each threshold that is not met."""

import json

import pytest

from myomag.io.scan_records import RejectedTransient, scan_record_bytes
from myomag.settings.qc import QcSettings
from myomag.steps.verdict import judge, verdict_scan
from record_samples import measures_record

REJECTED = [RejectedTransient(transient=0, reason="shift beyond 50 Hz")]
GOOD = {"transients": 10, "rejected_transients": [], "pcr_snr": 40.0, "pcr_fwhm_ppm": 0.2, "frequency_drift_hz": 1.0}


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({"pcr_snr": 5.0}, "warn", "PCr SNR 5 below 15"),
        ({"pcr_snr": 15.0}, "pass", None),
        ({"pcr_snr": None}, "warn", "PCr SNR not known: no noise could be measured"),
        ({"pcr_snr": 4.99}, "fail", "PCr SNR 4.99 below 5"),
        ({"pcr_fwhm_ppm": 0.5}, "warn", "PCr linewidth 0.5 ppm above 0.4 ppm"),
        ({"pcr_fwhm_ppm": 0.9}, "fail", "PCr linewidth 0.9 ppm above 0.8 ppm"),
        ({"frequency_drift_hz": 900.0}, "warn", "frequency drift 900 Hz above 15 Hz"),
        ({"rejected_transients": REJECTED * 3}, "warn", "fraction of rejected transients 0.3 above 0.25"),
        ({"rejected_transients": REJECTED * 6}, "fail", "fraction of rejected transients 0.6 above 0.5"),
    ],
)
def test_each_threshold_has_its_verdict_and_reason(change, verdict, reason):
    assert judge(measures_record(**GOOD | change), QcSettings()) == (verdict, [reason] if reason else [])


def test_the_worst_reason_decides_and_all_are_given():
    verdict, reasons = judge(measures_record(**GOOD | {"pcr_snr": 10.0, "pcr_fwhm_ppm": 1.0}), QcSettings())
    assert verdict == "fail"
    assert len(reasons) == 2


def test_record_gives_the_verdict_and_repeats_what_was_measured(tmp_path):
    path = tmp_path / "measures.json"
    path.write_bytes(scan_record_bytes(measures_record(**GOOD)))
    quality = json.loads(verdict_scan("sub-1_unloc", {"measures": path}, QcSettings(warn_snr=50.0))["quality"])
    assert (quality.pop("verdict"), quality.pop("reasons")) == ("warn", ["PCr SNR 40 below 50"])
    assert quality == json.loads(path.read_bytes()) | {"scan": "sub-1_unloc"}
