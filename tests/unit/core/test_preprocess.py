"""Coils are combined without loss; PCr is found wherever it is, and reversed data are not."""

from dataclasses import replace

import numpy as np
import pytest

from myomag.core.axes import time_axis
from myomag.core.coils import combine_coils
from myomag.core.preprocess import MirroredSpectrumError, find_pcr_hz, shift_frequency
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_fid, simulate_scan

LINES = resting_muscle(pi_ppm=4.85, beta_atp_ppm=-15.9)
FIELDS_MHZ = (25.9, 51.7, 120.3)


def scan_at(mhz, **changes):
    """One averaged scan of 58 ppm bandwidth, with phase and begin time unknown to the code."""
    defaults = {"transients": 1, "phase_deg": 130.0, "begin_time_s": 2e-4, "pcr_snr": 40.0}
    return ScanTruth(LINES, spectrometer_frequency_mhz=mhz, dwell_time_s=1 / (58 * mhz), **(defaults | changes))


def found_ppm(scan, fid):
    """PCr found minus PCr simulated [ppm]."""
    found = find_pcr_hz(fid, dwell_time_s=scan.dwell_time_s, spectrometer_frequency_mhz=scan.spectrometer_frequency_mhz)
    return (found - scan.carrier_offset_hz) / scan.spectrometer_frequency_mhz


def simulated(scan, seed=0):
    return simulate_scan(scan, np.random.default_rng(seed))[:, 0].astype(np.complex128)


@pytest.mark.parametrize("mhz", FIELDS_MHZ)
@pytest.mark.parametrize("offset_ppm", [-9.0, -2.4, 0.0, 4.85, 9.0])
def test_pcr_is_found_wherever_the_carrier_sits(mhz, offset_ppm):
    scan = scan_at(mhz, carrier_offset_hz=offset_ppm * mhz)
    # One bin of the zero-filled spectrum.
    assert abs(found_ppm(scan, simulated(scan))) <= 58 / 4096


@pytest.mark.parametrize("mhz", FIELDS_MHZ)
@pytest.mark.parametrize("snr", [4, 8])
def test_pcr_is_found_at_low_snr(mhz, snr):
    for seed in range(10):
        scan = scan_at(mhz, pcr_snr=float(snr), carrier_offset_hz=3 * mhz)
        assert abs(found_ppm(scan, simulated(scan, seed))) < 0.4


@pytest.mark.parametrize("mhz", FIELDS_MHZ[1:])
def test_a_pi_line_taller_than_pcr_is_not_taken_for_it(mhz):
    lines = (replace(LINES[0], amplitude=12.0), replace(LINES[1], amplitude=40.0), *LINES[2:])
    scan = replace(scan_at(mhz, carrier_offset_hz=-2 * mhz), lines=lines)
    fid = simulated(scan)
    assert abs(found_ppm(scan, fid)) < 0.1


@pytest.mark.parametrize("mhz", FIELDS_MHZ)
def test_a_broad_hump_taller_than_pcr_in_time_is_not_taken_for_it(mhz):
    scan = scan_at(mhz, hump_fraction=2.0, hump_shift_ppm=-8.0)
    assert abs(found_ppm(scan, simulated(scan))) < 0.1


@pytest.mark.parametrize("mhz", FIELDS_MHZ[1:])
def test_conjugated_data_are_refused(mhz):
    for seed in range(5):
        scan = scan_at(mhz, carrier_offset_hz=2 * mhz, pcr_snr=25.0)
        with pytest.raises(MirroredSpectrumError, match="appear to be conjugated"):
            found_ppm(scan, np.conj(simulated(scan, seed)))


@pytest.mark.parametrize("mhz", FIELDS_MHZ)
@pytest.mark.parametrize("snr", [3, 10, 30])
def test_data_of_the_right_sign_are_never_called_conjugated(mhz, snr):
    for seed in range(15):
        scan = scan_at(mhz, pcr_snr=float(snr), gaussian_hz=5.0 + seed)
        found_ppm(scan, simulated(scan, seed))


@pytest.mark.parametrize("name", ["calf_7t", "thigh_3t"])
def test_the_sign_of_real_scans_is_told(shared_data, name):
    fid, dwell_time_s, mhz = real_scan(shared_data, name)
    settings = {"dwell_time_s": dwell_time_s, "spectrometer_frequency_mhz": mhz}
    # Both were acquired with PCr on resonance.
    assert abs(find_pcr_hz(fid, **settings)) < 0.05 * mhz
    with pytest.raises(MirroredSpectrumError):
        find_pcr_hz(np.conj(fid), **settings)


def real_scan(shared_data, name):
    if name == "thigh_3t":
        stored = np.load(shared_data / name / "rest.npz")
        return stored["fid"], float(stored["dwell"]), float(stored["MHz"])
    from myomag.io.nifti_mrs import read_nifti_mrs

    data = read_nifti_mrs(next((shared_data / name).glob("*.nii.gz")))
    return data.fid.astype(np.complex128).mean(axis=(1, 2)), data.dwell_time_s, data.spectrometer_frequency_mhz


def test_noise_alone_has_no_pcr():
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(size=(2048, 2)) @ [1, 1j]
        with pytest.raises(ValueError, match="no PCr line"):
            find_pcr_hz(noise, dwell_time_s=3e-4, spectrometer_frequency_mhz=51.7)


def test_the_flat_spectrum_of_one_huge_sample_has_no_pcr():
    scan = replace(scan_at(51.7), dwell_time_s=2.5e-4)
    fid = simulated(scan)
    fid[64] = 1e20
    with pytest.raises(ValueError, match="flat"):
        found_ppm(scan, fid)


def test_pcr_is_found_in_data_without_noise_at_any_scale():
    scan = scan_at(51.7)
    for factor in (1e-6, 1.0, 1e9):
        assert abs(found_ppm(scan, factor * simulate_fid(scan))) < 0.05


def test_shifting_moves_a_line_and_keeps_its_first_phase():
    time = time_axis(512, 1e-3)
    moved = shift_frequency(np.exp(2j * np.pi * 100 * time + 0.7j), -40.0, 1e-3)
    np.testing.assert_allclose(moved, np.exp(2j * np.pi * 60 * time + 0.7j), atol=1e-10)


def coils(sensitivity, mixing, *, snr=20.0, seed=0):
    """Transients of several coils with correlated noise, the signal, and the noise."""
    rng = np.random.default_rng(seed)
    scan = scan_at(51.7, transients=8, phase_deg=0.0)
    signal = simulate_fid(scan)[:, None, None] * np.ones((1, 8, 1)) * sensitivity
    white = rng.normal(size=(*signal.shape, 2)) @ [1, 1j] * scan.pcr_amplitude / snr
    return scan, signal, white @ mixing.T


SENSITIVITY = np.array([1.0, 0.6 * np.exp(2j), 0.3 * np.exp(-1j), 0.05])
MIXING = np.diag([1.0, 0.5, 1.5, 1.0]) + 0.3 * np.tri(4, k=-1) * (1 + 1j)


def test_combined_snr_is_that_of_the_best_linear_combination():
    scan, signal, noise = coils(SENSITIVITY, MIXING)
    combined = combine_coils(signal + noise)
    covariance = 2 * (scan.pcr_amplitude / 20) ** 2 * MIXING @ MIXING.conj().T
    best = np.sqrt(np.real(SENSITIVITY.conj() @ np.linalg.solve(covariance, SENSITIVITY)))
    reference = simulate_fid(scan)
    gain = np.vdot(reference, combined.mean(axis=1)) / np.vdot(reference, reference).real
    rest = combined[-500:] - gain * reference[-500:, None]
    achieved = abs(gain) / np.sqrt(np.mean(np.abs(rest) ** 2))
    # The noise SD is known to 1/√(2·4000) = 1.1 %.
    assert achieved == pytest.approx(best, rel=0.05)
    single = abs(SENSITIVITY) / np.sqrt(np.diag(covariance).real)
    assert achieved > 1.2 * single.max()


def test_combined_signal_has_amplitude_and_phase_of_the_best_coil():
    scan, signal, noise = coils(SENSITIVITY, np.diag([1.0, 0.5, 1.5, 1.0]))
    combined = combine_coils(signal + 0.01 * noise)
    reference = simulate_fid(scan)
    gain = np.vdot(reference, combined.mean(axis=1)) / np.vdot(reference, reference).real
    # Coil 1 has .6 of the signal at half the noise.
    assert gain == pytest.approx(SENSITIVITY[1], abs=1e-3)


def test_one_coil_stays_as_it_is():
    fid = np.arange(12, dtype=np.complex128).reshape(4, 3, 1)
    np.testing.assert_array_equal(combine_coils(fid), fid[:, :, 0])


def test_coils_without_noise_and_dead_coils_do_no_harm():
    scan, signal, _ = coils(np.array([1.0, 0.5j, 0.0, 0.0]), MIXING)
    combined = combine_coils(signal)
    assert np.all(np.isfinite(combined))
    reference = simulate_fid(scan)
    assert abs(np.vdot(reference, combined[:, 0])) == pytest.approx(
        np.linalg.norm(reference) * np.linalg.norm(combined[:, 0])
    )


@pytest.mark.parametrize("mhz", [25.85, 51.7, 120.3])
@pytest.mark.parametrize(("pi_ppm", "pcr", "pi"), [(3.67, 14, 22), (3.9, 18, 18), (4.15, 20, 16)])
def test_pcr_is_found_where_work_made_pi_as_tall(mhz, pi_ppm, pcr, pi):
    from muscle_fids import muscle_fid, noise

    dwell_s = 51.7 / mhz / 3000
    for seed in range(3):
        fid = muscle_fid(mhz=mhz, dwell_s=dwell_s, PCr=(0.0, pcr), Pi=(pi_ppm, pi), offset_hz=20.0)
        fid = fid + noise(np.random.default_rng(seed), 2048, 33 / 40)
        found = find_pcr_hz(fid, dwell_time_s=dwell_s, spectrometer_frequency_mhz=mhz)
        assert found == pytest.approx(20.0, abs=6)
