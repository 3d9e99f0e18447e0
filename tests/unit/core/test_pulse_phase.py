"""Phase of a block pulse: Bloch rotation, its delay near resonance, and what the fit makes of it."""

import numpy as np
import pytest

from myomag.core.prior_knowledge import PriorKnowledge
from myomag.core.pulse_phase import BlockPulse, excited_by

PULSE = BlockPulse(500e-6, 90.0)
MHZ = 51.7


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


@pytest.mark.parametrize("offset_hz", [-800.0, -100.0, 250.0])
@pytest.mark.parametrize("flip_angle_deg", [30.0, 90.0])
def test_phase_is_that_of_the_bloch_equations(offset_hz, flip_angle_deg):
    phase = BlockPulse(500e-6, flip_angle_deg).phase(np.array([offset_hz]))[0]
    expected = rotated(offset_hz, 500e-6, flip_angle_deg) / -1j
    # Steps of 1/20000 of the pulse.
    assert np.exp(1j * phase) == pytest.approx(expected / abs(expected), abs=1e-3)


def test_near_resonance_a_90_degree_pulse_delays_by_2_over_pi_of_its_duration():
    offsets = np.array([-10.0, 10.0])
    # Known result: precession seems to begin 2T/π before the end of the pulse.
    assert PULSE.effective_delay_s == pytest.approx(2 / np.pi * 500e-6)
    np.testing.assert_allclose(PULSE.phase(offsets) / (2 * np.pi * offsets), PULSE.effective_delay_s, rtol=1e-3)


def prior(**beta):
    widths = {"lorentzian_hz": {"start": 6}}
    return PriorKnowledge.from_dict(
        {
            "name": "two",
            "lines": {
                "PCr": {"shift_ppm": {"start": 0}, "phase_deg": {"start": 0}} | widths,
                "beta-ATP": {"shift_ppm": {"start": -15.9}} | widths | beta,
            },
        }
    )


@pytest.mark.parametrize(("pulse", "pcr_hz"), [(PULSE, 0.0), (BlockPulse(500e-6, 90.0, carrier_ppm=-5.0), 5.0 * MHZ)])
def test_a_line_that_shares_the_phase_gets_what_the_begin_time_does_not_take_up(pulse, pcr_hz):
    changed = excited_by(prior(phase_deg={"same_as": "PCr"}), pulse, MHZ)
    offsets = pcr_hz + np.array([0.0, -15.9 * MHZ])
    left = np.rad2deg(pulse.phase(offsets) - 2 * np.pi * offsets * pulse.effective_delay_s)
    assert changed.line("beta-ATP").parameters["phase_deg"].offset == pytest.approx(left[1] - left[0])
    assert changed.line("PCr") == prior(phase_deg={"same_as": "PCr"}).line("PCr")


def test_a_fixed_phase_is_moved_and_a_free_one_left_alone():
    offset = -15.9 * MHZ
    left = np.rad2deg(PULSE.phase(np.array([offset]))[0] - 2 * np.pi * offset * PULSE.effective_delay_s)
    fixed = excited_by(prior(phase_deg={"fixed": 10.0}), PULSE, MHZ).line("beta-ATP").parameters["phase_deg"]
    assert fixed.fixed
    assert fixed.start == pytest.approx(10.0 + left)
    free = prior(phase_deg={"start": 10.0})
    assert excited_by(free, PULSE, MHZ) == free


@pytest.mark.parametrize("flip_angle_deg", [0.0, 180.0])
def test_what_is_no_excitation_pulse_is_refused(flip_angle_deg):
    with pytest.raises(ValueError, match="pulse"):
        BlockPulse(500e-6, flip_angle_deg)
