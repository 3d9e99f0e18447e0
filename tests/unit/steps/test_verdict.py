"""Verdict on spectrum and fit, with a reason for each threshold that is not met."""

import pytest

from myomag.io.scan_records import ExpectedBeginTime, LocalResidual, Quality, RejectedTransient, scan_record_bytes
from myomag.settings.qc import QcSettings
from myomag.steps.verdict import judge, verdict_scan
from record_samples import begin_time_record, fit_record, measures_record

REJECTED = [RejectedTransient(transient=0, reason="shift beyond 50 Hz")]
GOOD = {"transients": 10, "rejected_transients": [], "pcr_snr": 40.0, "pcr_fwhm_ppm": 0.2, "frequency_drift_hz": 1.0}


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({"pcr_snr": 5.0}, "warn", "PCr SNR 5 below 15"),
        ({"pcr_snr": 15.0}, "pass", None),
        ({"pcr_snr": None}, "warn", "PCr SNR unknown: no noise could be measured"),
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


def test_the_record_says_what_the_verdict_rests_on(tmp_path):
    fit = fit_record(residual_near={name: LocalResidual(over_noise=9.0, share=0.5) for name in ("PCr", "Pi")})
    found = _verdict(tmp_path, fit, warn_snr=50.0)
    assert (found.verdict, found.decided_by) == ("fail", "residual") and "PCr SNR 40 below 50" in found.reasons
    assert _verdict(tmp_path, fit, min_snr=41.0, warn_snr=50.0).decided_by == "signal"
    assert _verdict(tmp_path, fit_record()).decided_by is None


def _verdict(tmp_path, fit, own=None, **settings):
    records = {"measures": measures_record(**GOOD), "begintime": own or begin_time_record(), "fit": fit}
    inputs = {name: tmp_path / f"{name}.json" for name in records}
    for name, record in records.items():
        inputs[name].write_bytes(scan_record_bytes(record))
    return Quality.model_validate_json(verdict_scan("sub-1_unloc", inputs, QcSettings(**settings))["quality"])


def test_record_gives_the_verdict_and_repeats_what_was_measured(tmp_path):
    quality = _verdict(tmp_path, fit_record(), warn_snr=50.0)
    assert (quality.verdict, quality.reasons) == ("warn", ["PCr SNR 40 below 50"])
    measures = dict(measures_record(**GOOD)) | {"scan": "sub-1_unloc"}
    assert {name: getattr(quality, name) for name in measures} == measures
    assert (quality.undetected, quality.withheld, quality.bounds_hit) == ({}, None, "lorentzian_hz:NAD")
    assert quality.beta_atp_residual_over_noise == 1.05


def _near(**shares):
    return {name.replace("_", "-"): LocalResidual(over_noise=4.0, share=share) for name, share in shares.items()}


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"residual_near": _near(PCr=0.12)}, "warn", "residual around PCr is 0.12 of the line, above 0.1"),
        ({"residual_near": _near(beta_ATP=0.3)}, "fail", "residual around β-ATP is 0.3 of the line, above 0.2"),
        ({"residual_near": _near(Pi=0.3)}, "fail", "residual around Pi is 0.3 of the line, above 0.2"),
        ({"converged": False}, "fail", "the fit did not converge"),
        (
            {"begin_time_sd_us": None, "begin_time_us": 700.0},
            "fail",
            "begin time not determined: it ended at the edge of its window, at 700 µs",
        ),
    ],
)
def test_a_fit_that_failed_says_so(tmp_path, changes, verdict, reason):
    quality = _verdict(tmp_path, fit_record(**changes))
    assert (quality.verdict, quality.reasons) == (verdict, [reason])


@pytest.mark.parametrize(("limit", "warned"), [(25.0, True), (None, False), (80.0, False)])
def test_a_width_at_its_upper_bound_is_a_reason_and_one_at_its_lower_bound_is_not(tmp_path, limit, warned):
    lines = [
        line.model_copy(
            update={"lorentzian_hz": 60.0, "at_bound": ["lorentzian_hz"], "bound_limits_95": {"lorentzian_hz": limit}}
        )
        if line.name == "Pi"
        else line
        for line in fit_record().lines
    ]
    reasons = _verdict(tmp_path, fit_record(lines=lines)).reasons
    assert reasons == (["the width of Pi is at its bound"] if warned else [])


def test_a_begin_time_at_the_edge_of_its_window_withholds_all_shifts(tmp_path):
    quality = _verdict(tmp_path, fit_record(begin_time_sd_us=None))
    assert quality.withheld is not None and quality.withheld.startswith("begin time not determined")
    assert _verdict(tmp_path, fit_record(begin_time_sd_us=None, begin_time_fitted=False)).withheld is None


def test_a_begin_time_in_doubt_withholds_all_shifts_unless_the_protocol_tells_it(tmp_path):
    own = begin_time_record(doubt="begin time not determined (no EchoTime): the data fit 340 and 1500 µs equally well")
    quality = _verdict(tmp_path, fit_record(), own)
    assert quality.withheld == own.doubt
    assert (quality.verdict, quality.reasons) == ("fail", [own.doubt])
    told = ExpectedBeginTime(source="protocol", stated_by="no EchoTime", mean_us=340.0, sd_us=2.0, outlying=False)
    assert _verdict(tmp_path, fit_record(begin_time_prior=told), own).withheld is None


def test_a_begin_time_that_the_scan_alone_tells_is_a_reservation(tmp_path):
    source = "EchoTime 0.35 s: milliseconds?, estimated from the data"
    told = ExpectedBeginTime(source="data", stated_by=source, mean_us=340.0, sd_us=1000.0, outlying=False)
    quality = _verdict(tmp_path, fit_record(begin_time_prior=told))
    assert (quality.verdict, quality.reasons) == ("warn", [f"begin time estimated from this scan alone ({source})"])
