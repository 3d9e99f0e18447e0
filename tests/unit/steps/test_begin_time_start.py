"""From what a header says of its first sample to pH and Mg: echoes, FIDs, samples before either, and slips."""

import numpy as np
import pytest

from muscle_fids import MG, PH, muscle_fid, noise, write_scan
from myomag.io.nifti_mrs import read_nifti_mrs, sidecar_dict
from myomag.settings.load import load_settings
from myomag.settings.models import Settings
from myomag.single.scan import analyse_file
from myomag.steps.begin_time_start import begin_time_starts, begin_time_window_us

SETTINGS: Settings = load_settings()
DWELL_S = 1 / 3000


def analysed(path):
    outcome = analyse_file(path, SETTINGS).outcome
    assert outcome.reason is None
    return outcome


def holds_truth(outcome):
    """Mg in its 95 % interval widened to 99.9 %, pH within .03."""
    mg, fit = outcome.magnesium, outcome.fit
    low, high = np.log([mg.mg_ci95_low_mmol_l, mg.mg_ci95_high_mmol_l])
    margin = 0.34 * (high - low)
    assert low - margin < np.log(MG) < high + margin, (mg.mg_mmol_l, fit.begin_time_us)
    assert mg.ph == pytest.approx(PH, abs=0.03)
    return outcome


def scan(folder, metadata, *, seed=0, snr=40.0, mhz=51.7, dwell_s=DWELL_S, before=0, **truth):
    rng = np.random.default_rng(seed)
    fid = muscle_fid(mhz=mhz, dwell_s=dwell_s, points=2048 - before, **truth)
    fid = np.concatenate([np.zeros(before), fid])
    return write_scan(folder / "scan.nii.gz", fid + noise(rng, 2048, 33 / snr), metadata, dwell_s=dwell_s, mhz=mhz)


ECHOES = [
    {"EchoTime": 0.02},
    {"EchoTime": 0.025, "SequenceName": "semi-LASER"},
    {"EchoTime": 0.0085, "PulseSequenceType": "STEAM"},
    {"EchoTime": 0.003, "ScanningSequence": "SE"},
    {"EchoTime": 0.0065},
]


@pytest.mark.parametrize("metadata", ECHOES)
@pytest.mark.parametrize("mhz", [25.85, 51.7, 120.3])
def test_an_echo_is_sampled_from_its_top(tmp_path, metadata, mhz):
    outcome = holds_truth(analysed(scan(tmp_path, metadata, mhz=mhz, begin_s=0.0, dwell_s=DWELL_S * 51.7 / mhz)))
    prior = outcome.fit.begin_time_prior
    assert (prior.mean_us, prior.sd_us) == (0.0, SETTINGS.fit.echo_begin_time_sd_us)
    assert "echo" in prior.stated_by


@pytest.mark.parametrize("mhz", [25.85, 51.7, 120.3])
@pytest.mark.parametrize("echo_time_s", [0.0009, 0.0023, 0.004, 0.0065])
def test_where_no_sequence_is_named_the_data_tell_an_fid_from_an_echo(tmp_path, echo_time_s, mhz):
    for seed, (begin_s, kind) in enumerate([(echo_time_s, "an FID"), (0.0, "an echo")]):
        path = scan(
            tmp_path, {"EchoTime": echo_time_s}, seed=seed, begin_s=begin_s, mhz=mhz, dwell_s=DWELL_S * 51.7 / mhz
        )
        outcome = holds_truth(analysed(path))
        assert f"the data match {kind}" in outcome.fit.begin_time_prior.stated_by
        assert outcome.fit.begin_time_us == pytest.approx(begin_s * 1e6, abs=40 * 51.7 / mhz)


@pytest.mark.parametrize("before", [3, 8, 20])
@pytest.mark.parametrize("start", [{}, {"AcquisitionStartTime": True}])
def test_noise_before_an_fid_is_cut_once(tmp_path, before, start):
    metadata = {"EchoTime": 320e-6, "SequenceName": "fid"}
    metadata |= {"AcquisitionStartTime": -before * DWELL_S} if start else {}
    outcome = holds_truth(analysed(scan(tmp_path, metadata, before=before, snr=60.0)))
    assert outcome.quality.leading_points_cut == before
    assert outcome.quality.points == 2048 - before
    assert outcome.fit.begin_time_prior.mean_us == pytest.approx(320, abs=0.01)


def test_a_start_before_the_excitation_is_not_believed_where_the_data_hold_signal(tmp_path):
    metadata = {"EchoTime": 320e-6, "SequenceName": "fid", "AcquisitionStartTime": -8 * DWELL_S}
    outcome = holds_truth(analysed(scan(tmp_path, metadata)))
    assert outcome.quality.leading_points_cut == 0
    assert outcome.fit.begin_time_prior.stated_by.startswith("EchoTime 0.00032 s (AcquisitionStartTime")


@pytest.mark.parametrize("columns", [4.0, 16.0, 16.4])
def test_samples_before_the_top_of_an_echo_are_cut_by_the_statement(tmp_path, columns):
    metadata = {"EchoTime": 0.023, "SequenceName": "press", "AcquisitionStartTime": -columns * DWELL_S}
    outcome = holds_truth(analysed(scan(tmp_path, metadata, begin_s=-columns * DWELL_S)))
    assert outcome.quality.leading_points_cut == np.ceil(columns)
    after_top_us = (np.ceil(columns) - columns) * DWELL_S * 1e6
    assert outcome.fit.begin_time_prior.mean_us == pytest.approx(after_top_us, abs=0.01)


def test_the_setting_wins():
    settings = SETTINGS.fit.model_copy(update={"begin_time_us": 123.0})
    (start,) = begin_time_starts({"EchoTime": 0.03, "SequenceName": "press"}, settings)
    assert (start.value_s, start.source) == (pytest.approx(123e-6), "fit.begin_time_us 123 µs")
    assert begin_time_window_us(start.kind, settings) == settings.begin_time_window_us


def test_an_unknown_start_says_why():
    for echo_time, why in ((None, "no EchoTime"), (0.35, "milliseconds"), (0, "not set")):
        (start,) = begin_time_starts({"EchoTime": echo_time}, SETTINGS.fit)
        assert start.value_s is None
        assert why in start.source


def test_an_unclear_start_of_the_signal_is_refused_by_file(tmp_path, monkeypatch):
    def unclear(*_, **__):
        raise ValueError("the first 5 samples may precede the signal, which the header does not say")

    monkeypatch.setattr("myomag.steps.transients.leading_samples_to_cut", unclear)
    outcome = analyse_file(scan(tmp_path, {"EchoTime": 320e-6}), SETTINGS).outcome
    assert (outcome.status, outcome.step) == ("failed", "qc")
    assert outcome.reason == "scan.nii.gz: the first 5 samples may precede the signal, which the header does not say."


@pytest.mark.parametrize("name", ["leading_noise_8", "spin_echo_te29"])
def test_the_cases(shared_cases, name):
    outcome = holds_truth(analysed(shared_cases / f"{name}.nii.gz"))
    assert outcome.quality.leading_points_cut == (8 if name == "leading_noise_8" else 0)


def test_the_averaged_fid_says_when_it_starts(tmp_path):
    from myomag.steps.transients import read_transients

    path = scan(tmp_path, {"EchoTime": 0.023, "SequenceName": "press", "AcquisitionStartTime": -4.25 * DWELL_S})
    data, fid, cut = read_transients(path)
    assert (cut, len(fid), len(data.fid)) == (5, 2043, 2043)
    assert sidecar_dict(data)["AcquisitionStartTime"] == pytest.approx(0.75 * DWELL_S)
    assert read_nifti_mrs(path).fid.shape == (2048, 1, 1)
