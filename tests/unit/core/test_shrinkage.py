"""Shrinkage of the shifts and phases of transients: what is there stays, what is noise goes."""

import numpy as np

from myomag.core.shrinkage import shrink_phases, shrink_to_trend

COUNT = 64
ALL = np.ones(COUNT, dtype=bool)


def noise(sd, seed=0):
    return sd * np.random.default_rng(seed).normal(size=COUNT)


def test_noise_alone_is_taken_out():
    for shrink in (shrink_to_trend, shrink_phases):
        assert np.abs(shrink(noise(0.1), np.full(COUNT, 0.01), ALL)).max() < 0.05


def test_a_drift_far_beyond_the_noise_stays_with_mean_zero():
    drift = np.linspace(3.0, 7.0, COUNT)
    kept = shrink_to_trend(drift + noise(0.1), np.full(COUNT, 0.01), ALL)
    np.testing.assert_allclose(kept, drift - drift.mean(), atol=0.1)
    assert abs(kept.mean()) < 1e-12


def test_jumps_far_beyond_the_noise_stay_each_by_its_own_precision():
    jumps = np.where(np.arange(COUNT) % 2, 1.0, -1.0)
    variance = np.where(np.arange(COUNT) < 8, 0.5, 1e-4)
    kept = shrink_to_trend(jumps, variance, ALL)
    np.testing.assert_allclose(kept[8:], jumps[8:], atol=0.1)
    assert np.abs(kept[:8]).max() < 0.8


def test_phases_are_taken_around_their_circular_mean():
    phases = np.where(np.arange(COUNT) % 2, 3.0, -3.0)
    kept = shrink_phases(phases, np.full(COUNT, 1e-6), ALL)
    np.testing.assert_allclose(np.abs(kept), np.pi - 3.0, atol=1e-3)


def test_transients_without_a_known_variance_follow_the_others():
    variance = np.full(COUNT, 0.01)
    variance[5] = np.inf
    drift = np.linspace(-2.0, 2.0, COUNT)
    spoilt = np.where(np.arange(COUNT) == 5, 99.0, drift)
    assert abs(shrink_to_trend(spoilt, variance, ALL)[5] - drift[5]) < 0.1
    assert shrink_phases(spoilt, variance, ALL)[5] == 0


def test_too_few_transients_are_left_alone():
    assert not shrink_to_trend(np.array([1.0, 2.0]), np.ones(2), np.ones(2, dtype=bool)).any()
    assert not shrink_phases(np.array([1.0]), np.ones(1), np.ones(1, dtype=bool)).any()
