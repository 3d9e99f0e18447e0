"""Phase of a block pulse: Bloch rotation, its delay near resonance, and what a begin time leaves of it."""

import numpy as np
import pytest

from myomag.core.pulse_phase import beyond_begin_time, block_pulse_phase


def rotated(offset_hz, duration_s, flip_angle_deg):
    """Magnetisation after the pulse in small steps of B1 along x, then of the offset about z, as a complex number."""
    steps = 20000
    nutation, turn = np.deg2rad(flip_angle_deg) / steps, 2 * np.pi * offset_hz * duration_s / steps
    transverse, z = 0j, 1.0
    for _ in range(steps):
        y = transverse.imag * np.cos(nutation) - z * np.sin(nutation)
        z = transverse.imag * np.sin(nutation) + z * np.cos(nutation)
        transverse = (transverse.real + 1j * y) * np.exp(1j * turn)
    return transverse


@pytest.mark.parametrize("offset_hz", [-800.0, -100.0, 50.0, 250.0])
@pytest.mark.parametrize("flip_angle_deg", [30.0, 90.0])
def test_phase_and_amplitude_are_those_of_the_bloch_equations(offset_hz, flip_angle_deg):
    phase, amplitude = block_pulse_phase(np.array([offset_hz]), duration_s=500e-6, flip_angle_deg=flip_angle_deg)
    expected = rotated(offset_hz, 500e-6, flip_angle_deg) / -1j
    # Steps of 1/20000 of the pulse.
    assert np.exp(1j * phase[0]) * amplitude[0] == pytest.approx(expected, abs=5e-4)


def test_near_resonance_a_90_degree_pulse_delays_by_2_over_pi_of_its_duration():
    offsets = np.array([-10.0, 10.0])
    phase, amplitude = block_pulse_phase(offsets, duration_s=500e-6, flip_angle_deg=90.0)
    # Known result: precession seems to begin 2T/π before the end of the pulse.
    np.testing.assert_allclose(phase / (2 * np.pi * offsets), 2 / np.pi * 500e-6, rtol=1e-3)
    np.testing.assert_allclose(amplitude, 1, rtol=1e-3)


def test_a_begin_time_takes_up_a_straight_line_and_nothing_else():
    offsets = np.array([-820.0, -385.0, -124.0, 0.0, 250.0])
    straight = 0.3 + 2 * np.pi * offsets * 40e-6
    left, delay = beyond_begin_time(straight, offsets, np.ones(5))
    np.testing.assert_allclose(left, 0, atol=1e-12)
    assert delay == pytest.approx(40e-6)
    phase, _ = block_pulse_phase(offsets, duration_s=500e-6, flip_angle_deg=90.0)
    left, _ = beyond_begin_time(phase, offsets, np.ones(5))
    assert 0.01 < np.abs(left).max() < 0.5


def test_a_pulse_without_duration_is_refused():
    with pytest.raises(ValueError, match="positive"):
        block_pulse_phase(np.zeros(1), duration_s=0.0, flip_angle_deg=90.0)
