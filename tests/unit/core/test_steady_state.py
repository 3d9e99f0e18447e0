"""Transients before the steady state, by the Bloch equations of a train of pulses, and what is none."""

from types import SimpleNamespace

import numpy as np
import pytest

from myomag.core.line_tracks import LineTracks, Track
from myomag.core.steady_state import transients_before_steady_state

LIMITS = {"min_z": 4.0, "tolerance": 0.01}


def train(count, flip_deg, tr_s, t1_s):
    """Signal of a train of pulses from equilibrium on, relative to its last, and its ratio of successive excesses."""
    longitudinal, signal, recovery = 1.0, [], np.exp(-tr_s / t1_s)
    for _ in range(count):
        signal.append(longitudinal * np.sin(np.deg2rad(flip_deg)))
        longitudinal = 1 - (1 - longitudinal * np.cos(np.deg2rad(flip_deg))) * recovery
    return np.array(signal) / signal[-1]


def tracks(pcr, atp, pi, sd=0.01, seed=0):
    rng = np.random.default_rng(seed)
    noisy = [
        Track(curve + sd * size * rng.standard_normal(len(curve)), sd * size)
        for curve, size in ((pcr, 1), (atp, 4), (pi, 7))
    ]
    return LineTracks(*noisy, Track(np.zeros(len(pcr)), 0.01))


def saturated(count, flip_deg, tr_s, gain=1.0, **changes):
    curves = [gain * train(count, flip_deg, tr_s, t1) for t1 in (4.0, 1.8, 4.5)]
    return tracks(*curves, **changes)


@pytest.mark.parametrize(("flip_deg", "tr_s"), [(90, 2.0), (60, 5.0), (45, 2.0), (30, 1.0)])
@pytest.mark.parametrize("count", [32, 96])
def test_as_many_as_are_a_hundredth_above_are_left_out(count, flip_deg, tr_s):
    # The last of the train stands for its steady state.
    expected = int(np.argmax(train(count + 50, flip_deg, tr_s, 4.0) <= 1.01))
    found = [transients_before_steady_state(saturated(count, flip_deg, tr_s, seed=k), **LIMITS) for k in range(20)]
    assert abs(np.median(found) - expected) <= max(1, 0.25 * expected)
    assert np.mean(np.array(found) > 0) >= 0.95


ORDER = np.arange(40)
NONE = {
    "rest": {},
    "slow drift": {"gain": 1 - 0.3 * ORDER / 40},
    "one step": {"gain": np.where(ORDER < 7, 1.3, 1.0)},
    "gain like saturation": {"gain": 1 + 0.4 * 0.5**ORDER},
    "first one weak": {"gain": np.where(ORDER == 0, 0.5, 1.0)},
    "second one lost": {"gain": np.where(ORDER == 1, 0.1, 1.0)},
    "a late one strong": {"gain": np.where(ORDER == 20, 2.0, 1.0)},
    "rising": {"gain": 1 - 0.2 * 0.7**ORDER},
}


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_saturation_leaves_none_out(name):
    gain = NONE[name].get("gain", np.ones(40))
    found = [transients_before_steady_state(tracks(gain, gain, gain, sd=0.004, seed=k), **LIMITS) for k in range(50)]
    assert np.mean(np.array(found) > 0) <= 0.02


def test_muscle_that_starts_to_work_is_no_saturation():
    pcr = 0.5 + 0.5 * 0.8**ORDER
    found = [
        transients_before_steady_state(tracks(pcr, np.ones(40), 1 + 4 * (1 - pcr), seed=k), **LIMITS) for k in range(20)
    ]
    assert set(found) == {0}


@pytest.mark.parametrize("count", [3, 5, 7])
def test_the_first_of_a_few_is_left_out_where_pcr_stands_above_atp(count):
    found = [transients_before_steady_state(saturated(count, 90, 2.0, seed=k), **LIMITS) for k in range(20)]
    assert set(found) == {1}
    # A gain is common to all lines, and muscle that starts to work turns PCr into Pi.
    gain, pcr = np.where(np.arange(count) == 0, 1.5, 1.0), np.where(np.arange(count) == 0, 1.0, 0.7)
    for pi, atp in ((gain, gain), (3 - 2 * pcr, np.ones(count))):
        others = [tracks(gain if pi is gain else pcr, atp, pi, seed=k) for k in range(20)]
        assert {transients_before_steady_state(each, **LIMITS) for each in others} == {0}


def test_of_two_transients_none_is_left_out():
    assert transients_before_steady_state(saturated(2, 90, 2.0), **LIMITS) == 0


def test_no_more_than_a_third_is_left_out():
    assert transients_before_steady_state(saturated(24, 15, 0.5), **LIMITS) <= 8


def test_the_real_calf(shared_data):
    from myomag.core.scan_state import scan_state
    from myomag.steps.transients import read_transients

    data, fid, _ = read_transients(next((shared_data / "calf_7t").glob("*.nii.gz")))
    settings = SimpleNamespace(
        dwell_time_s=data.dwell_time_s,
        spectrometer_frequency_mhz=data.spectrometer_frequency_mhz,
        max_shift_hz=50.0,
        outlier_z=5.0,
        steady_state_z=4.0,
        steady_state_tolerance=0.01,
        ratio_tolerance=0.025,
        shift_tolerance_ppm=0.01,
    )
    assert scan_state(fid, **vars(settings)).dummy_transients == 2
    # From the third on they are steady, in any part of the scan.
    for first in (2, 20, 40):
        assert scan_state(fid[:, first:], **vars(settings)).dummy_transients == 0
