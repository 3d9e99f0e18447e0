"""Start values come from the data, not from the prior's own start values."""

import numpy as np
import pytest

from myomag.core.axes import time_axis
from myomag.core.lineshapes import line_fid, multiplet_fid
from myomag.core.parameters import parameter_map
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.core.start_values import MAX_WIDTH, STEPS_PER_WIDTH, start_values, width_hz

MHZ, DWELL_S, POINTS = 51.7, 1 / 3000, 2048


@pytest.mark.parametrize("width", [3.0, 8.0, 25.0, 80.0])
def test_the_width_is_that_of_the_decay(width):
    fid = line_fid(time_axis(POINTS, DWELL_S), frequency_hz=100.0, lorentzian_fwhm_hz=width)
    # Half of the energy falls on a whole number of samples; what is left in the last eighth is taken for noise.
    samples = np.log(2) / (2 * np.pi * width * DWELL_S)
    left = np.exp(-2 * np.pi * width * DWELL_S * POINTS * 7 / 8)
    assert width_hz(fid, DWELL_S) == pytest.approx(width, rel=1.1 / samples + 20 * left)


def test_the_width_survives_noise():
    rng = np.random.default_rng(1)
    fid = line_fid(time_axis(POINTS, DWELL_S), frequency_hz=100.0, lorentzian_fwhm_hz=8.0)
    widths = [
        width_hz(fid + 0.1 * (rng.normal(size=POINTS) + 1j * rng.normal(size=POINTS)), DWELL_S) for _ in range(20)
    ]
    # The floor (.02 per sample, from 256 of them) is off by 6 %, over 2048 samples 2.6 of the energy 1/(2π·8·DWELL_S)
    # = 60. That moves the half by 1.3, and the time of the half by 1.3/(30·ln 2) = 6 %: four SDs.
    np.testing.assert_allclose(widths, 8.0, rtol=0.25)


@pytest.mark.parametrize("fid", [np.ones(POINTS), np.arange(1, POINTS + 1), np.r_[1, np.zeros(POINTS - 1)]])
def test_a_width_is_found_whatever_the_envelope(fid):
    assert 1 / (POINTS * DWELL_S) <= width_hz(fid.astype(complex), DWELL_S) <= MAX_WIDTH / DWELL_S


def prior(**first):
    line = {
        "amplitude": {"start": 1, "lower": 0},
        "shift_ppm": {"start": 0, "lower": -1, "upper": 1},
        "lorentzian_hz": {"start": 40, "lower": 0.5, "upper": 60},
        "phase_deg": {"start": 0, "lower": 0, "upper": 360},
    } | first
    second = line | {
        "shift_ppm": {"start": -9, "lower": -12, "upper": -8},
        "phase_deg": {"same_as": "A"},
        "j_hz": {"fixed": 16},
        "ratios": [1, 1],
    }
    return PriorKnowledge.from_dict({"name": "x", "lines": {"A": line, "B": second}})


def started(document, fid, *, begin_time_s=0.0, fit_begin_time=False, window_s=400e-6):
    layout = parameter_map(document, MHZ, fit_begin_time=fit_begin_time)
    if fit_begin_time:
        layout.lower[-1], layout.upper[-1] = begin_time_s - window_s, begin_time_s + window_s
    theta = start_values(fid, DWELL_S, begin_time_s, layout, fit_begin_time=fit_begin_time)
    assert (layout.lower <= theta).all()
    assert (theta <= layout.upper).all()
    return dict(zip(layout.names, theta, strict=True))


def simulated(begin_time_s=0.0):
    tau = time_axis(POINTS, DWELL_S, begin_time_s)
    one = multiplet_fid(tau, amplitude=3.0, frequency_hz=0.6 * MHZ, lorentzian_fwhm_hz=8.0, phase_deg=-100.0)
    return one + multiplet_fid(
        tau,
        amplitude=2.0,
        frequency_hz=-11.3 * MHZ,
        lorentzian_fwhm_hz=8.0,
        phase_deg=-100.0,
        offsets_hz=(-8.0, 8.0),
        weights=(0.5, 0.5),
    )


def test_lines_are_found_within_half_a_step_of_the_candidates():
    theta = started(prior(), simulated())
    step = 8.0 / STEPS_PER_WIDTH
    assert theta["shift_ppm:A"] == pytest.approx(0.6 * MHZ, abs=step)
    assert theta["shift_ppm:B"] == pytest.approx(-11.3 * MHZ, abs=step)
    assert theta["amplitude:A"] == pytest.approx(3.0, rel=0.3)
    assert theta["amplitude:B"] == pytest.approx(2.0, rel=0.3)
    assert theta["lorentzian_hz:A"] == pytest.approx(8.0, rel=0.3)
    # The circle of phases begins where the bounds of the prior begin.
    assert np.rad2deg(theta["phase_deg:A"]) == pytest.approx(260.0, abs=20)


def test_the_begin_time_is_found_from_the_phases():
    found = started(prior(), simulated(begin_time_s=300e-6), begin_time_s=150e-6, fit_begin_time=True)
    # A frequency off by a step of 2.7 Hz turns the phase of its line by 30° (half a decay time of 40 ms): 30°/617 Hz.
    assert found["begin_time_s"] == pytest.approx(300e-6, abs=135e-6)


def test_start_values_of_the_prior_have_no_influence():
    one = started(prior(j_hz={"start": 15, "lower": 14, "upper": 20}, ratios=[1, 1]), simulated())
    other = started(
        prior(
            amplitude={"start": 77, "lower": 0},
            shift_ppm={"start": -0.9, "lower": -1, "upper": 1},
            lorentzian_hz={"start": 1, "lower": 0.5, "upper": 60},
            phase_deg={"start": 300, "lower": 0, "upper": 360},
            j_hz={"start": 19, "lower": 14, "upper": 20},
            ratios=[1, 1],
        ),
        simulated(),
    )
    assert "j_hz:A" in one
    # The template is shifted by a factor of modulus one, not computed anew.
    assert other == pytest.approx(one, rel=1e-9)


def test_a_line_that_came_out_negative_starts_small_but_not_at_zero():
    tau = time_axis(POINTS, DWELL_S)
    negative = simulated() - 2 * multiplet_fid(
        tau,
        amplitude=2.0,
        frequency_hz=-11.3 * MHZ,
        lorentzian_fwhm_hz=8.0,
        phase_deg=-100.0,
        offsets_hz=(-8.0, 8.0),
        weights=(0.5, 0.5),
    )
    theta = started(prior(), negative)
    assert 0 < theta["amplitude:B"] < 0.01 * theta["amplitude:A"]


def test_fixed_frequencies_stay():
    document = prior().to_dict()
    document["lines"]["A"]["shift_ppm"] = {"fixed": 0.6}
    theta = started(PriorKnowledge.from_dict(document), simulated())
    assert "shift_ppm:A" not in theta
    assert theta["shift_ppm:B"] == pytest.approx(-11.3 * MHZ, abs=8.0 / STEPS_PER_WIDTH)


def test_bounds_outside_the_band_do_not_run_away():
    document = prior().to_dict()
    document["lines"]["B"]["shift_ppm"] = {"start": -9}
    theta = started(PriorKnowledge.from_dict(document), simulated())
    assert abs(theta["shift_ppm:B"]) <= 0.5 / DWELL_S
