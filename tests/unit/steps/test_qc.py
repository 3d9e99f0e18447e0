"""From transients to an averaged FID with PCr at 0 Hz, and what is measured on the way."""

import json

import numpy as np
import pytest

from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes, read_nifti_mrs, sidecar_dict
from myomag.io.records import record_bytes
from myomag.io.scan_records import Measures
from myomag.settings.qc import QcSettings
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_fid, simulate_scan
from myomag.steps.qc import qc_scan
from myomag.steps.verdict import judge

SETTINGS = QcSettings()
LINES = resting_muscle(pi_ppm=4.85, beta_atp_ppm=-15.9)
MHZ = 51.7


def truth(**changes):
    return ScanTruth(LINES, **({"transients": 16, "pcr_snr": 60.0, "phase_deg": 40.0} | changes))


def mrs(fid, scan=None):
    scan = scan or truth()
    return MrsData(
        np.ascontiguousarray(fid, dtype=np.complex64).reshape(*fid.shape, *(1,) * (3 - fid.ndim)),
        scan.dwell_time_s,
        scan.spectrometer_frequency_mhz,
        "31P",
        {"EchoTime": 0.00035, "RepetitionTime": 4.0},
    )


@pytest.fixture
def run(tmp_path):
    def qc(data, **changes):
        inputs = {"fid": tmp_path / "sub-1_unloc.nii.gz", "sidecar": tmp_path / "sub-1_unloc.json"}
        inputs["fid"].write_bytes(nifti_mrs_bytes(data))
        inputs["sidecar"].write_bytes(record_bytes(sidecar_dict(data)))
        outputs = qc_scan("sub-1_unloc", inputs, SETTINGS.model_copy(update=changes))
        preproc = tmp_path / "preproc.nii.gz"
        preproc.write_bytes(outputs["preproc"])
        return (
            read_nifti_mrs(preproc),
            Measures.model_validate_json(outputs["measures"]),
            json.loads(outputs["preproc_sidecar"]),
            outputs,
        )

    return qc


def simulated(scan, seed=0):
    return simulate_scan(scan, np.random.default_rng(seed))


def test_a_good_scan_passes_with_its_true_quality(run):
    scan = truth(carrier_offset_hz=33.0)
    _, measures, _, _ = run(mrs(simulated(scan), scan))
    assert judge(measures, SETTINGS) == ("pass", [])
    assert measures.transients == measures.transients_used == 16
    assert measures.rejected_transients == []
    # SNR and its noise: 1.17/√(2·1024) = 2.6 % from the tail, and the error of the amplitude.
    assert measures.pcr_snr == pytest.approx(60, rel=0.1)
    assert measures.noise_sd == pytest.approx(scan.noise_sd / 4, rel=0.1)
    assert measures.pcr_fwhm_hz == pytest.approx(scan.pcr_fwhm_hz, rel=0.05)
    assert measures.pcr_fwhm_ppm == pytest.approx(measures.pcr_fwhm_hz / MHZ)
    assert measures.pcr_offset_hz == pytest.approx(33.0, abs=0.3)
    assert measures.phase_deg == pytest.approx(40.0, abs=4.0)
    assert measures.frequency_drift_hz < 1
    assert (measures.echo_time_s, measures.repetition_time_s) == (0.00035, 4.0)


@pytest.mark.parametrize("offset_hz", [-480.0, 0.0, 350.0])
def test_pcr_is_brought_to_0_hz_and_nothing_else_changes(run, offset_hz):
    scan = truth(carrier_offset_hz=offset_hz, pcr_snr=1e5)
    preproc, measures, sidecar, _ = run(mrs(simulated(scan), scan))
    expected = simulate_fid(ScanTruth(**(vars(scan) | {"carrier_offset_hz": 0.0})))
    assert preproc.fid.shape == (scan.points, 1, 1)
    assert measures.pcr_offset_hz == pytest.approx(offset_hz, abs=0.05)
    assert np.linalg.norm(preproc.fid[:, 0, 0] - expected) < 0.02 * np.linalg.norm(expected)
    assert sidecar["EchoTime"] == 0.00035
    assert sidecar["NumberOfTransients"] == 1


def test_drift_is_corrected_measured_and_warned_of(run):
    scan = truth(drift_hz=25.0, transients=32)
    _, measures, _, _ = run(mrs(simulated(scan), scan))
    assert measures.frequency_drift_hz == pytest.approx(25 * (1 - 2 / 31), abs=2)
    assert measures.pcr_fwhm_hz == pytest.approx(scan.pcr_fwhm_hz, rel=0.06)
    verdict, reasons = judge(measures, SETTINGS)
    assert verdict == "warn"
    assert reasons == [f"frequency drift {measures.frequency_drift_hz:.3g} Hz above 15 Hz"]
    _, unaligned, _, _ = run(mrs(simulated(scan), scan), align_transients=False)
    assert unaligned.pcr_fwhm_hz > 1.5 * scan.pcr_fwhm_hz
    assert unaligned.frequency_shifts_hz == [0.0] * 32


def test_alignment_does_not_touch_quality_where_nothing_drifts(run):
    for seed in range(5):
        data = mrs(simulated(truth(), seed))
        _, with_it, _, _ = run(data)
        _, without, _, _ = run(data, align_transients=False)
        assert with_it.pcr_fwhm_hz == pytest.approx(without.pcr_fwhm_hz, rel=5e-3)
        assert with_it.pcr_snr == pytest.approx(without.pcr_snr, rel=5e-3)


def test_corrupted_transients_are_named(run):
    fid = simulated(truth(corrupted_transients=3))
    _, measures, _, _ = run(mrs(fid))
    worst = np.sort(np.argsort(np.sum(np.abs(fid) ** 2, axis=0))[-3:]).tolist()
    assert [entry.transient for entry in measures.rejected_transients] == worst
    assert measures.transients_used == 13


def test_coils_are_combined(run):
    scan, rng = truth(transients=4), np.random.default_rng(0)
    gains = np.array([1.0, -0.8j, 0.5])
    noise = rng.normal(size=(scan.points, 4, 3, 2)) @ [1, 1j] * scan.noise_sd
    _, measures, _, _ = run(mrs(simulate_fid(scan)[:, None, None] * gains + noise, scan))
    # Four transients of SNR 60/√4 per unit gain were asked for.
    assert measures.pcr_snr == pytest.approx(60 * np.linalg.norm(gains), rel=0.1)
    assert measures.coils == 3


def test_one_transient_is_enough(run):
    scan = truth(transients=1)
    _, measures, _, _ = run(mrs(simulated(scan), scan))
    assert judge(measures, SETTINGS) == ("pass", [])
    assert (measures.frequency_drift_hz, measures.frequency_shifts_hz) == (0.0, [0.0])


def test_conjugated_data_fail_with_file_and_remedy(run):
    with pytest.raises(ScanError, match=r"sub-1_unloc\.nii\.gz.*conjugated.*convert\.conjugate: true"):
        run(mrs(np.conj(simulated(truth()))))


def test_noise_alone_fails_with_the_file(run):
    noise = np.random.default_rng(0).normal(size=(2048, 8, 2)) @ [1, 1j]
    with pytest.raises(ScanError, match=r"sub-1_unloc\.nii\.gz: no PCr line"):
        run(mrs(noise))


def test_a_poor_scan_fails_and_says_why(run):
    scan = truth(pcr_snr=4.0)
    _, measures, _, _ = run(mrs(simulated(scan), scan))
    verdict, reasons = judge(measures, SETTINGS)
    assert verdict == "fail"
    assert reasons == [f"PCr SNR {measures.pcr_snr:.3g} below 5"]


def test_data_without_noise_are_judged_by_what_they_have(run):
    _, measures, _, _ = run(mrs(simulate_fid(truth())[:, None]))
    assert judge(measures, SETTINGS) == ("pass", [])
    # What is left is the rounding of 32-bit floats and the feet of the lines.
    assert measures.pcr_snr > 1e4


def test_zero_filling_changes_nothing(run):
    fid = simulated(truth())
    plain, _, _, plain_outputs = run(mrs(fid))
    _, _, _, outputs = run(mrs(np.pad(fid, ((0, 2048), (0, 0)))))
    assert outputs == plain_outputs
    assert plain.fid.shape[0] == 2048


def test_a_scan_of_zeros_but_for_a_few_samples_is_refused(run):
    fid = np.zeros((512, 2), dtype=np.complex128)
    fid[:10] = 1 + 1j
    with pytest.raises(ScanError, match="only 10 points are not zero"):
        run(mrs(fid))


def test_same_scan_gives_the_same_bytes(run):
    data = mrs(simulated(truth(drift_hz=5.0)))
    assert run(data)[3] == run(data)[3]


def test_real_calf_scan(run, shared_data):
    data = read_nifti_mrs(next((shared_data / "calf_7t").glob("*.nii.gz")))
    preproc, measures, _, _ = run(data)
    assert judge(measures, SETTINGS) == ("pass", [])
    # TR 5 s: the first two transients have 1.21 and 1.03 of the PCr of the others, and are no outliers.
    assert (measures.dummy_transients, measures.rejected_transients) == (2, [])
    assert (measures.transients, measures.transients_used) == (96, 94)
    assert measures.rejected_fraction == 0
    assert measures.state_p > 0.05
    # Averages of transients whose own noise is measured apart.
    tail = data.fid[-512:, 1:, 0]
    single = np.std(np.diff(tail, axis=1).view(np.float32)) / np.sqrt(2)
    assert measures.noise_sd == pytest.approx(single / np.sqrt(94), rel=0.1)
    # 19.5 Hz is read from its 10 Hz raster.
    assert measures.pcr_fwhm_hz == pytest.approx(20.0, abs=1.0)
    assert measures.frequency_drift_hz < 1
    spectrum = np.abs(np.fft.fft(preproc.fid[:, 0, 0], 1 << 16))
    assert min(np.argmax(spectrum), (1 << 16) - np.argmax(spectrum)) / (1 << 16) / preproc.dwell_time_s < 3
