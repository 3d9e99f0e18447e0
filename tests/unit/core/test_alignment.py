"""Alignment recovers what moved, leaves alone what did not, and finds the transients that do not belong."""

import numpy as np
import pytest

from myomag.core.alignment import align_transients, outliers, phasors
from myomag.core.axes import time_axis
from myomag.core.quality import drift_hz, transient_noise_sd
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_fid, simulate_scan

LINES = resting_muscle(pi_ppm=4.85, beta_atp_ppm=-15.9)
TRANSIENTS = 48


def truth(**changes):
    defaults = {"transients": TRANSIENTS, "pcr_snr": 40.0, "carrier_offset_hz": 12.0}
    return ScanTruth(LINES, **(defaults | changes))


def aligned(scan, fid, **changes):
    defaults = {"noise_sd": transient_noise_sd(fid), "max_shift_hz": 50.0, "outlier_z": 5.0}
    return align_transients(fid, dwell_time_s=scan.dwell_time_s, **(defaults | changes))


def signal_kept(scan, fid, alignment):
    """Projection of the averaged noise-free transients on the true FID: 1 where nothing is lost."""
    clean = fid * np.conj(
        phasors(alignment.shifts_hz, np.deg2rad(alignment.phases_deg), scan.points, scan.dwell_time_s)
    )
    expected = simulate_fid(scan)
    return abs(np.vdot(expected, clean.mean(axis=1))) / np.vdot(expected, expected).real


def noiseless(scan):
    return simulate_scan(ScanTruth(**(vars(scan) | {"pcr_snr": 1e9})), np.random.default_rng(0)).astype(np.complex128)


@pytest.mark.parametrize("snr", [10, 20, 40, 80])
def test_a_scan_without_drift_is_not_made_worse(snr):
    # Averaged over ten scans, so that one lucky draw cannot pass: less than half a percent of the signal, a tenth of
    # the SE with which the amplitude of PCr itself is known at SNR 10.
    scan = truth(pcr_snr=float(snr))
    lost = []
    for seed in range(10):
        fid = simulate_scan(scan, np.random.default_rng(seed)).astype(np.complex128)
        lost.append(1 - signal_kept(scan, noiseless(scan), aligned(scan, fid)))
    assert np.mean(lost) < 0.005


def test_most_scans_without_drift_are_left_exactly_as_they_are():
    scan = truth()
    untouched = 0
    for seed in range(20):
        fid = simulate_scan(scan, np.random.default_rng(seed)).astype(np.complex128)
        untouched += bool(np.all(np.abs(aligned(scan, fid).shifts_hz) < 0.1))
    assert untouched >= 18


@pytest.mark.parametrize("snr", [20, 40, 80])
def test_a_drift_of_20_hz_is_taken_out(snr):
    scan = truth(pcr_snr=float(snr), drift_hz=20.0, phase_jitter_deg=20.0)
    fid = simulate_scan(scan, np.random.default_rng(1)).astype(np.complex128)
    alignment = aligned(scan, fid)
    spread = np.linspace(-10, 10, TRANSIENTS)
    # Cramér–Rao SD of a shift at SNR 3–12 per transient is .6–.15 Hz, against the 20 Hz that were there.
    assert np.std(alignment.shifts_hz - spread) < 20 / snr
    assert drift_hz(alignment.shifts_hz) == pytest.approx(20 * (1 - 3 / TRANSIENTS), abs=2.0)


def test_alignment_restores_the_linewidth_and_the_amplitude():
    scan = truth(pcr_snr=1e6, drift_hz=20.0)
    fid = simulate_scan(scan, np.random.default_rng(1)).astype(np.complex128)
    clean = simulate_fid(scan)
    without = aligned(scan, fid, align=False).average
    assert abs(np.vdot(clean, without)) / np.vdot(clean, clean).real < 0.9
    assert abs(np.vdot(clean, aligned(scan, fid).average)) / np.vdot(clean, clean).real == pytest.approx(1, abs=1e-4)


def test_errors_of_the_shifts_reach_the_cramer_rao_bound():
    # Jitter of 5 Hz: far above the bound, so that shrinkage does nothing.
    scan, rng = truth(pcr_snr=100.0), np.random.default_rng(7)
    jitter = rng.normal(0, 5, TRANSIENTS)
    clean = simulate_fid(scan)[:, None] * phasors(jitter, np.zeros(TRANSIENTS), scan.points, scan.dwell_time_s)
    noise = rng.normal(0, scan.noise_sd, (*clean.shape, 2)) @ [1, 1j]
    error = aligned(scan, clean + noise).shifts_hz - (jitter - jitter.mean())
    time, power = time_axis(scan.points, scan.dwell_time_s), np.abs(simulate_fid(scan)) ** 2
    centred = time - np.average(time, weights=power)
    bound = scan.noise_sd / (2 * np.pi * np.sqrt(np.sum(power * centred**2)))
    # 48 errors know their SD to 10 %; the weights of the reference cost a little.
    assert error.std() < 1.35 * bound


def test_no_more_than_the_allowed_shift_is_applied():
    scan = truth(pcr_snr=200.0, drift_hz=60.0)
    fid = simulate_scan(scan, np.random.default_rng(1)).astype(np.complex128)
    assert np.abs(aligned(scan, fid, max_shift_hz=10.0).shifts_hz).max() <= 10.0


@pytest.mark.parametrize("max_shift_hz", [0.1, 0.5, 500.0])
def test_any_allowed_shift_suits_a_short_fid(max_shift_hz):
    scan = truth(points=64, transients=8)
    alignment = aligned(scan, simulate_scan(scan, np.random.default_rng(3)), max_shift_hz=max_shift_hz)
    assert np.abs(alignment.shifts_hz).max() <= max_shift_hz


def test_corrupted_transients_are_rejected_with_the_reason_and_the_others_kept():
    scan = truth(corrupted_transients=4)
    fid = simulate_scan(scan, np.random.default_rng(2)).astype(np.complex128)
    energy = np.sum(np.abs(fid) ** 2, axis=0)
    alignment = aligned(scan, fid)
    assert set(alignment.rejected) == set(np.argsort(energy)[-4:])
    assert all("residual energy" in reason and "limit 5" in reason for reason in alignment.rejected.values())
    kept = [k for k in range(TRANSIENTS) if k not in alignment.rejected]
    tail = alignment.average[-500:]
    assert np.std(tail.real) == pytest.approx(scan.noise_sd / np.sqrt(len(kept)), rel=0.12)


def test_a_transient_of_half_the_amplitude_is_rejected_by_its_amplitude():
    scan = truth(pcr_snr=400.0)
    fid = simulate_scan(scan, np.random.default_rng(2)).astype(np.complex128)
    fid[:, 7] -= 0.5 * simulate_fid(scan)
    rejected = aligned(scan, fid).rejected
    assert list(rejected) == [7]
    assert "amplitude 0.50 of the median" in rejected[7]


def test_good_transients_are_rarely_rejected():
    rejected = 0
    for seed in range(20):
        scan = truth()
        rejected += len(aligned(scan, simulate_scan(scan, np.random.default_rng(seed)).astype(np.complex128)).rejected)
    # |z| > 5 with the MAD of 48 values: far below one in a thousand.
    assert rejected <= 1


def test_fewer_than_five_transients_are_never_rejected():
    fid = np.ones((64, 4), dtype=np.complex128)
    fid[:, 0] *= 100
    assert outliers(fid, np.ones(4, dtype=bool), 0.0, 5.0) == {}


def test_one_transient_is_its_own_average():
    scan = truth(transients=1)
    fid = simulate_scan(scan, np.random.default_rng(0)).astype(np.complex128)
    alignment = aligned(scan, fid)
    np.testing.assert_array_equal(alignment.average, fid[:, 0])
    assert (alignment.shifts_hz.tolist(), alignment.phases_deg.tolist(), alignment.rejected) == ([0.0], [0.0], {})


def test_result_does_not_depend_on_the_scale_of_the_data():
    scan = truth(drift_hz=10.0)
    fid = simulate_scan(scan, np.random.default_rng(3)).astype(np.complex128)
    small, large = (aligned(scan, factor * fid) for factor in (1e-9, 1e9))
    np.testing.assert_allclose(small.shifts_hz, large.shifts_hz, atol=1e-9)
    np.testing.assert_allclose(small.average * 1e18, large.average, rtol=1e-9)


def test_noise_alone_is_averaged_without_moving_it():
    rng = np.random.default_rng(4)
    fid = rng.normal(size=(1024, 32, 2)) @ [1, 1j]
    alignment = align_transients(fid, dwell_time_s=3e-4, noise_sd=1.0, max_shift_hz=50.0, outlier_z=5.0)
    np.testing.assert_array_equal(alignment.shifts_hz, 0)


def test_phasors_equal_the_exponential():
    shifts, phases = np.array([-12.3, 0.0, 41.0]), np.array([0.3, -2.0, 0.0])
    direct = np.exp(1j * (2 * np.pi * np.outer(time_axis(1000, 1e-4), shifts) + phases))
    np.testing.assert_allclose(phasors(shifts, phases, 1000, 1e-4), direct, atol=1e-12)
