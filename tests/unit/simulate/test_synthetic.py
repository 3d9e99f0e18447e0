"""Simulated scans are what their truth says."""

from dataclasses import replace

import numpy as np
import pytest

from myomag.core.axes import frequency_axis_hz, spectrum
from myomag.simulate.synthetic import J_ATP_HZ, ScanTruth, SyntheticLine, resting_muscle, simulate_fid, simulate_scan

MUSCLE = ScanTruth(lines=resting_muscle(pi_ppm=4.82, beta_atp_ppm=-15.9))
QUIET = replace(MUSCLE, pcr_snr=1e9, hump_fraction=0.0)


def lone_line(ratios, **acquisition):
    line = SyntheticLine("line", 1.0, 0.0, 2.0, ratios)
    return ScanTruth(lines=(line,), hump_fraction=0.0, gaussian_hz=0.0, **acquisition)


def test_first_sample_at_time_zero_is_the_sum_of_the_amplitudes():
    fid = simulate_fid(replace(MUSCLE, phase_deg=60.0, hump_fraction=0.5))
    total = sum(line.amplitude for line in MUSCLE.lines) + 0.5 * 33.0
    assert fid[0] == pytest.approx(total * np.exp(1j * np.pi / 3))


def test_begin_time_leaves_out_the_start_of_the_same_fid():
    whole = simulate_fid(replace(MUSCLE, points=1003))
    late = simulate_fid(replace(MUSCLE, points=1000, begin_time_s=3 * MUSCLE.dwell_time_s))
    np.testing.assert_allclose(late, whole[3:], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("line", "shift_ppm"), [("PCr", 0.0), ("Pi", 4.82)])
def test_lines_stand_at_their_shift_from_pcr_with_higher_ppm_at_higher_frequency(line, shift_ppm):
    truth = replace(QUIET, carrier_offset_hz=20.0, points=8192)
    axis = frequency_axis_hz(truth.points, truth.dwell_time_s)
    expected = 20.0 + shift_ppm * truth.spectrometer_frequency_mhz
    near = np.abs(axis - expected) < 40
    peak = axis[near][np.argmax(spectrum(simulate_fid(truth)).real[near])]
    assert peak == pytest.approx(expected, abs=0.5 / (truth.points * truth.dwell_time_s)), line


@pytest.mark.parametrize(("ratios", "sign"), [((1.0, 1.0), -1), ((1.0, 2.0, 1.0), 1)])
def test_multiplets_beat_with_the_coupling(ratios, sign):
    # A doublet is cos(πJt), a triplet (1 + cos 2πJt)/2: both vanish at t = 1/2J, and at 1/J they differ in sign.
    fid = simulate_fid(lone_line(ratios, dwell_time_s=1 / (2 * J_ATP_HZ), points=3))
    assert abs(fid[1]) < 1e-12
    assert fid[2] == pytest.approx(sign * np.exp(-np.pi * 2.0 / J_ATP_HZ))


def test_pcr_snr_is_that_of_the_averaged_fid():
    truth = replace(MUSCLE, pcr_snr=40.0, transients=16)
    noise = simulate_scan(truth, np.random.default_rng(3)).mean(axis=1) - simulate_fid(truth)
    channels = np.concatenate([noise.real, noise.imag])
    # The SD of an SD estimated from N samples is SD/√(2N); five of them.
    assert channels.std() == pytest.approx(33.0 / 40.0, rel=5 / np.sqrt(2 * len(channels)))


def test_frequency_drifts_from_the_first_to_the_last_transient():
    truth = replace(QUIET, drift_hz=6.0, transients=5)
    transients = simulate_scan(truth, np.random.default_rng(3))
    fid = simulate_fid(truth)[:, None]
    turns = np.unwrap(np.angle(transients[:300] * fid[:300].conj()), axis=0) / (2 * np.pi)
    slopes = (turns[-1] - turns[0]) / (299 * truth.dwell_time_s)
    np.testing.assert_allclose(slopes, [-3.0, -1.5, 0.0, 1.5, 3.0], atol=1e-3)


def test_phases_jitter_by_the_stated_sd():
    truth = replace(QUIET, phase_jitter_deg=5.0, transients=2000, points=1)
    phases = np.rad2deg(np.angle(simulate_scan(truth, np.random.default_rng(3))[0]))
    assert phases.std() == pytest.approx(5.0, rel=5 / np.sqrt(2 * 2000))


def test_corrupted_transients_stand_out_and_the_rest_stay_clean():
    truth = replace(MUSCLE, corrupted_transients=3)
    transients = simulate_scan(truth, np.random.default_rng(3))
    energy = np.sort(np.var(transients - simulate_fid(truth)[:, None], axis=0)) / (2 * truth.noise_sd**2)
    # The variance of one transient is estimated from 4096 samples: SD √(2/4096) = .022.
    np.testing.assert_allclose(energy, [1.0] * 13 + [64.0] * 3, rtol=5 * 0.022)


def test_hump_is_broad_and_gone_after_two_milliseconds():
    with_hump = replace(MUSCLE, hump_fraction=0.3)
    hump = np.abs(simulate_fid(with_hump) - simulate_fid(replace(MUSCLE, hump_fraction=0.0)))
    assert hump[0] == pytest.approx(0.3 * 33.0)
    # exp(−π·26 ppm·51.7 MHz·2 ms)
    assert hump[6] == pytest.approx(0.3 * 33.0 * np.exp(-np.pi * 26 * 51.7 * 2e-3))


def test_scan_is_single_precision_and_depends_on_the_generator_alone():
    first, again, other = (simulate_scan(MUSCLE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.dtype == np.complex64 and first.shape == (2048, 16)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_pcr_width_is_that_of_the_voigt_line():
    truth = replace(QUIET, points=65536)
    axis = frequency_axis_hz(truth.points, truth.dwell_time_s)
    pcr = ScanTruth(lines=truth.lines[:1], points=truth.points, hump_fraction=0.0)
    shape = spectrum(simulate_fid(pcr)).real
    width = np.ptp(axis[shape > shape.max() / 2])
    assert width == pytest.approx(truth.pcr_fwhm_hz, abs=2 * (axis[1] - axis[0]))
