"""Coils are combined to nearly the SNR that known sensitivities and noise would give."""

import numpy as np
import pytest

from myomag.core.coils import combine_coils

POINTS, DWELL_S = 2048, 1 / 3000


def scan(rng, coils, transients, ideal_snr, *, correlation=0.0, jitter_rad=0.0, decay_hz=15.0):
    """Data of many coils whose optimal combination, averaged, has the SNR given; and the FID without noise."""
    time = np.arange(POINTS) * DWELL_S
    signal = np.exp((2j * np.pi * 12 - np.pi * decay_hz) * time)
    for ppm in (-2.4, -7.5, -15.9, 4.9):
        signal = signal + 0.2 * np.exp((2j * np.pi * 51.7 * ppm - np.pi * 25) * time)
    profile = rng.normal(size=coils) + 1j * rng.normal(size=coils)
    mixing = np.linalg.cholesky((1 - correlation) * np.eye(coils) + correlation * np.ones((coils, coils)))
    optimal = np.linalg.norm(np.linalg.solve(mixing, profile))
    # SNR of the first sample, per real channel, after combination and averaging.
    profile *= ideal_snr / (np.abs(signal[0]) * optimal * np.sqrt(transients))
    phases = np.exp(1j * jitter_rad * rng.normal(size=transients))
    noise = rng.normal(size=(POINTS, transients, coils)) + 1j * rng.normal(size=(POINTS, transients, coils))
    return signal[:, None, None] * phases[:, None] * profile + noise @ mixing.T, signal, phases


def reached(data, signal, phases):
    """SNR of the combined and averaged FID, by its projection on the signal."""
    mean = (combine_coils(data) * phases.conj()).mean(axis=1)
    share = np.vdot(signal, mean) / np.vdot(signal, signal)
    noise = mean[-POINTS // 4 :]
    return abs(share * signal[0]) / np.sqrt((np.abs(noise) ** 2).mean() / 2)


@pytest.mark.parametrize("correlation", [0.0, 0.5])
@pytest.mark.parametrize("jitter_rad", [0.0, 0.3])
def test_32_coils_reach_95_percent_of_the_ideal_snr(correlation, jitter_rad):
    for seed in range(2):
        rng = np.random.default_rng((19, seed))
        data, signal, phases = scan(rng, 32, 128, 10.0, correlation=correlation, jitter_rad=jitter_rad)
        snr = reached(data, signal, phases)
        # The projection on a signal of some 30 samples has an SD of .3 at SNR 10.
        assert snr > 0.95 * 10 - 3 * 0.3


def test_transients_of_opposite_phase_are_combined_as_well():
    rng = np.random.default_rng(20)
    data, signal, phases = scan(rng, 8, 64, 20.0, jitter_rad=30.0)
    assert reached(data, signal, phases) > 0.95 * 20 - 3 * 0.3


def test_a_single_strong_transient_is_combined():
    rng = np.random.default_rng(21)
    data, signal, phases = scan(rng, 16, 1, 50.0, correlation=0.3)
    assert reached(data, signal, phases) > 0.95 * 50 - 3 * 0.3
