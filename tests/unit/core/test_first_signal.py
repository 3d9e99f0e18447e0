from dataclasses import replace

import numpy as np
import pytest

from myomag.core.first_signal import leading_samples_to_cut
from myomag.io.nifti_mrs import read_nifti_mrs
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_scan

LINES = resting_muscle(pi_ppm=4.85, beta_atp_ppm=-15.9)
COUNTS = (1, 2, 3, 5, 8, 13, 24, 40, 64)
SNRS = (10, 30, 80, 200)
DWELLS_S = (50e-6, 100e-6, 200e-6, 333e-6, 400e-6)


def scan(seed, **changes):
    rng = np.random.default_rng(seed)
    truth = ScanTruth(LINES, transients=1, begin_time_s=rng.uniform(100e-6, 500e-6), phase_deg=rng.uniform(0, 360))
    truth = replace(truth, **changes)
    return simulate_scan(truth, rng), truth, rng


def preceded(seed, count, *, scale=1.0, **changes):
    """Scan after `count` samples of its own noise."""
    fid, truth, rng = scan(seed, **changes)
    noise = rng.standard_normal((count, 2 * truth.transients)).view(np.complex128) * truth.noise_sd * scale
    return np.concatenate([noise, fid])[: truth.points], truth


def cut(fid, truth):
    return leading_samples_to_cut(fid, dwell_time_s=truth.dwell_time_s)


@pytest.mark.parametrize("dwell_s", DWELLS_S)
@pytest.mark.parametrize("snr", SNRS)
def test_noise_before_the_signal_is_counted(snr, dwell_s):
    found = [cut(*preceded(seed, count, pcr_snr=snr, dwell_time_s=dwell_s)) for seed, count in enumerate(COUNTS)]
    assert found == list(COUNTS)


@pytest.mark.parametrize("dwell_s", DWELLS_S)
@pytest.mark.parametrize("snr", [5, *SNRS])
def test_signal_from_the_first_sample_is_kept(snr, dwell_s):
    for seed in range(20):
        assert cut(*scan(seed, pcr_snr=snr, dwell_time_s=dwell_s)[:2]) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"gaussian_hz": 30.0},
        {"spectrometer_frequency_mhz": 25.9},
        {"spectrometer_frequency_mhz": 120.3},
        {"hump_fraction": 1.0},
        {"hump_fraction": 0.0},
        {"begin_time_s": 0.0},
        {"begin_time_s": 2.3e-3},
        {"carrier_offset_hz": 400.0},
        {"points": 512},
        {"transients": 64, "phase_jitter_deg": 90.0},
        {"pcr_snr": 1.0},
    ],
)
def test_other_good_scans_are_kept(changes):
    for seed in range(10):
        assert cut(*scan(seed, **({"pcr_snr": 30.0} | changes))[:2]) == 0


@pytest.mark.parametrize(
    "changes", [{"transients": 64, "phase_jitter_deg": 90.0}, {"gaussian_hz": 30.0}, {"points": 512}]
)
def test_other_scans_are_cut(changes):
    for seed in range(10):
        assert cut(*preceded(seed, 8, pcr_snr=30.0, **changes)) == 8


def test_zeros_before_the_signal_are_counted():
    assert cut(*preceded(1, 12, scale=0.0)) == 12


def test_weight_of_the_first_sample_does_not_count():
    for seed in range(20):
        fid, truth, _ = scan(seed)
        fid[0] *= 0.5
        assert cut(fid, truth) == 0


def test_apodised_fid_is_cut():
    fid, truth = preceded(2, 8)
    decay = np.exp(-np.pi * 5 * truth.dwell_time_s * np.arange(truth.points))
    assert cut(fid * decay[:, None], truth) == 8


def test_lines_that_cancel_at_the_start_are_signal():
    # 16 and 17 of PCr and Pi, half a turn apart at the first sample.
    time = 3.33e-4 * np.arange(2048)
    turn = 2j * np.pi * 4.85 * 51.7
    fid = (17 - 16 * np.exp(turn * time)) * np.exp(-np.pi * 8 * time)
    fid = fid + 0.05 * np.random.default_rng(1).standard_normal(4096).view(np.complex128)
    assert abs(fid[0]) < 0.15 * np.abs(fid[:16]).max()
    assert leading_samples_to_cut(fid, dwell_time_s=3.33e-4) == 0


def test_scale_does_not_matter():
    fid, truth = preceded(3, 8)
    assert cut(fid * 1e-9, truth) == cut(fid * 1e9, truth) == 8


def test_noise_alone_is_not_judged():
    noise = np.random.default_rng(4).standard_normal(4096).view(np.complex128)
    assert leading_samples_to_cut(noise, dwell_time_s=3.33e-4) == 0


def test_late_signal_is_refused():
    with pytest.raises(ValueError, match=r"starts after 300 of 2048 samples"):
        cut(*preceded(5, 300))


def test_broad_signal_without_lines_is_refused():
    # It is gone before the extrapolation starts.
    fid = np.random.default_rng(6).standard_normal(4096).view(np.complex128)
    fid[6:] += 300 * np.exp(-np.pi * 1300 * 3.33e-4 * np.arange(2042))
    with pytest.raises(ValueError, match=r"the first 6 samples may precede the signal"):
        leading_samples_to_cut(fid, dwell_time_s=3.33e-4)


def test_case(shared_cases):
    mrs = read_nifti_mrs(shared_cases / "leading_noise_8.nii.gz")
    for fid in (mrs.fid, mrs.fid.mean(axis=(1, 2)), mrs.fid[:, 0, 0]):
        assert leading_samples_to_cut(fid, dwell_time_s=mrs.dwell_time_s) == 8


def test_good_cases(shared_cases):
    shapes = np.load(shared_cases / "line_shapes.npz")
    dwell_s = float(shapes["dwell_time_s"])
    assert {leading_samples_to_cut(fid, dwell_time_s=dwell_s) for fid in shapes["fid"]} == {0}
    for path in shared_cases.glob("*.nii.gz"):
        if not path.name.startswith("leading_noise"):
            mrs = read_nifti_mrs(path)
            assert leading_samples_to_cut(mrs.fid, dwell_time_s=mrs.dwell_time_s) == 0, path.name


def test_real_scans(shared_data):
    mrs = read_nifti_mrs(next((shared_data / "calf_7t").glob("*.nii.gz")))
    assert leading_samples_to_cut(mrs.fid, dwell_time_s=mrs.dwell_time_s) == 0
    thigh = np.load(shared_data / "thigh_3t" / "rest.npz")
    assert leading_samples_to_cut(thigh["fid"], dwell_time_s=float(thigh["dwell"])) == 0
    for count in COUNTS:
        sd = float(np.std(mrs.fid[-500:]))
        noise = np.random.default_rng(count).standard_normal((count, 192)).view(np.complex128) * sd / np.sqrt(2)
        fid = np.concatenate([noise, mrs.fid[:, :, 0]])
        assert leading_samples_to_cut(fid, dwell_time_s=mrs.dwell_time_s) == count


@pytest.mark.filterwarnings("error")
def test_transients_of_zeros_have_nothing_to_cut():
    assert leading_samples_to_cut(np.zeros((256, 8), dtype=complex), dwell_time_s=1 / 3000) == 0
