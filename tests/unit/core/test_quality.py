"""Noise and the PCr line are measured without bias, also where the FID is short, apodised or free of noise."""

import numpy as np
import pytest

from myomag.core.axes import time_axis
from myomag.core.quality import drift_hz, fit_pcr, noise_sd, transient_noise_sd
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_fid, simulate_scan

LINES = resting_muscle(pi_ppm=4.85, beta_atp_ppm=-15.9)


def scan_of(**changes):
    return ScanTruth(LINES, **({"transients": 1, "phase_deg": 70.0, "carrier_offset_hz": 80.0} | changes))


def simulated(scan, seed=0):
    return simulate_scan(scan, np.random.default_rng(seed))[:, 0].astype(np.complex128)


def settings(scan):
    return {
        "dwell_time_s": scan.dwell_time_s,
        "spectrometer_frequency_mhz": scan.spectrometer_frequency_mhz,
    }


def measured_noise(scan, fid):
    return noise_sd(fid, **settings(scan), pcr_hz=scan.carrier_offset_hz)


def test_noise_of_a_decayed_fid_is_measured_without_bias():
    ratios = [measured_noise(scan_of(), simulated(scan_of(), seed)) / scan_of().noise_sd for seed in range(40)]
    # The MAD of 1024 values scatters by 1.17/√(2·1024) = 2.6 %.
    assert np.mean(ratios) == pytest.approx(1, abs=4 * 0.026 / np.sqrt(40))


@pytest.mark.parametrize("points", [128, 256])
def test_noise_of_a_truncated_fid_comes_from_the_spectrum_without_lines(points):
    scan = scan_of(points=points, pcr_snr=200.0)
    fid = simulated(scan)
    amplitude_left = abs(simulate_fid(scan)[-points // 4 :]).mean()
    assert amplitude_left > 3 * scan.noise_sd
    ratios = [measured_noise(scan, simulated(scan, seed)) / scan.noise_sd for seed in range(40)]
    # Some 60 complex bins at 128 points: 15 % each.
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)
    assert fid.size == points


def test_noise_of_apodised_data_is_not_that_of_its_quiet_tail():
    scan = scan_of(pcr_snr=40.0)
    decay = np.exp(-np.pi * 4.4 * time_axis(scan.points, scan.dwell_time_s))
    fid = simulated(scan) * decay
    tail = np.std(fid[-512:].real)
    assert tail < 0.01 * scan.noise_sd
    # Rms of the decayed noise over the window of the estimate lies between that of the whole FID and that at its start.
    assert 0.2 * scan.noise_sd < measured_noise(scan, fid) < scan.noise_sd


def test_noise_is_not_known_where_neither_tail_nor_spectrum_is_free():
    # 2 kHz at 7 T: 17 ppm, all of it filled by lines.
    scan = scan_of(spectrometer_frequency_mhz=120.3, dwell_time_s=5e-4, points=64, pcr_snr=300.0)
    assert measured_noise(scan, simulated(scan)) is None


def test_data_without_noise_have_none():
    fid = np.zeros(1024, dtype=np.complex128)
    fid[:100] = 1.0
    assert noise_sd(fid, dwell_time_s=1e-3, spectrometer_frequency_mhz=120.0, pcr_hz=0.0) == 0.0


def test_noise_of_transients_does_not_count_what_signal_is_left():
    scan = ScanTruth(LINES, transients=24, points=256, pcr_snr=400.0)
    fid = simulate_scan(scan, np.random.default_rng(0)).astype(np.complex128)
    assert abs(simulate_fid(scan)[-64:]).mean() > scan.noise_sd
    assert transient_noise_sd(fid) == pytest.approx(scan.noise_sd, rel=0.1)


@pytest.mark.parametrize("gaussian_hz", [3.0, 7.0, 20.0])
@pytest.mark.parametrize("mhz", [51.7, 120.3])
def test_pcr_line_is_measured_without_bias(mhz, gaussian_hz):
    scan = scan_of(spectrometer_frequency_mhz=mhz, dwell_time_s=1 / (58 * mhz), gaussian_hz=gaussian_hz, pcr_snr=1e5)
    line = fit_pcr(simulated(scan), **settings(scan), start_hz=scan.carrier_offset_hz + 5.0)
    # The straight baseline stands for γ-ATP, PDE and the hump: a few percent where PCr is broad.
    assert line.fwhm_hz == pytest.approx(scan.pcr_fwhm_hz, rel=0.02)
    assert line.amplitude == pytest.approx(scan.pcr_amplitude, rel=0.03)
    assert line.frequency_hz == pytest.approx(scan.carrier_offset_hz, abs=0.02 * scan.pcr_fwhm_hz)
    assert np.rad2deg(line.phase_rad) == pytest.approx(70.0, abs=3.0)


def test_pcr_line_at_low_snr_scatters_around_the_truth():
    scan = scan_of(pcr_snr=8.0)
    lines = [fit_pcr(simulated(scan, seed), **settings(scan), start_hz=scan.carrier_offset_hz) for seed in range(30)]
    width = np.array([line.fwhm_hz for line in lines])
    assert abs(width.mean() - scan.pcr_fwhm_hz) < 4 * width.std() / np.sqrt(30)
    assert width.std() < 0.1 * scan.pcr_fwhm_hz


def test_pcr_line_does_not_depend_on_the_scale():
    scan = scan_of()
    fid = simulated(scan)
    small, large = (fit_pcr(factor * fid, **settings(scan), start_hz=scan.carrier_offset_hz) for factor in (1e-9, 1e9))
    assert small.fwhm_hz == pytest.approx(large.fwhm_hz, rel=1e-6)
    assert small.amplitude * 1e18 == pytest.approx(large.amplitude, rel=1e-6)


def test_width_of_the_calf_scan_is_that_of_its_half_height(shared_data):
    from myomag.io.nifti_mrs import read_nifti_mrs

    data = read_nifti_mrs(next((shared_data / "calf_7t").glob("*.nii.gz")))
    fid = data.fid.astype(np.complex128).mean(axis=(1, 2))
    line = fit_pcr(
        fid, dwell_time_s=data.dwell_time_s, spectrometer_frequency_mhz=data.spectrometer_frequency_mhz, start_hz=0.0
    )
    spectrum = np.fft.fft(fid, 2**18) * np.exp(-1j * line.phase_rad)
    above = np.count_nonzero(spectrum.real > spectrum.real.max() / 2) / (2**18 * data.dwell_time_s)
    assert line.fwhm_hz == pytest.approx(above, rel=0.05)


def test_drift_counts_the_trend_and_not_the_scatter():
    assert drift_hz(np.zeros(64)) == 0
    trend = np.linspace(-10, 10, 96)
    # A running mean over 9 of 96 transients shortens the range by 8/95.
    assert drift_hz(trend) == pytest.approx(20 * (1 - 8 / 95))
    scatter = np.random.default_rng(0).normal(0, 1, 96)
    assert drift_hz(scatter) < 0.5 * np.ptp(scatter)
    assert drift_hz(np.array([0.0, 3.0])) == 3.0
