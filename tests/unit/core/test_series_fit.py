"""The model of a series, the phases proposed by PCr, and the recovery of PCr."""

import numpy as np
import pytest

from muscle_fids import J_HZ, LINES, noise
from myomag.core.phases import Phase, proposed_phases
from myomag.core.recovery import fit_recovery
from myomag.core.series_course import APART, SHARE, series_course
from myomag.core.series_model import Lines
from myomag.core.series_start import knots_of, still_amplitudes
from series_samples import BEGIN_S, DWELL_S, MHZ, pi_ppm, series

WIDTH_HZ = 9.0


def lines(points=500):
    time = BEGIN_S + DWELL_S * np.arange(points)
    fids = [
        sum(np.exp((2j * np.pi * (ppm * MHZ + part * J_HZ) - np.pi * WIDTH_HZ) * time) for part in parts) / len(parts)
        for ppm, _, parts in LINES.values()
    ]
    return Lines(tuple(LINES), np.array(fids) * np.exp(0.7j), time)


PHASES = [Phase("rest", 0, 16), Phase("exercise", 16, 32), Phase("recovery", 32, 64)]


def course_of(truth):
    """Course of a series, fitted with the true lines."""
    fids, known = truth.fids[:500], lines()
    how = {"noise_sd": truth.noise_sd, "pcr_fwhm_hz": WIDTH_HZ}
    first = still_amplitudes(fids, known, moving=["Pi", "beta-ATP"], max_shift_hz=30.0, **how)
    ranges = {"Pi": (-1.6 * MHZ, 0.9 * MHZ), "beta-ATP": (-0.8 * MHZ, 0.8 * MHZ)}
    wanted = {"Pi": 0.02 * MHZ, "beta-ATP": 0.05 * MHZ}
    return series_course(fids, known, first, PHASES, ranges_hz=ranges, wanted_sd_hz=wanted, **how)


def scatters_as_stated(found, true, variance):
    """Whether 64 values lie about the truth within four standard errors of their mean and of their SD."""
    z = (found - true) / np.sqrt(variance)
    return abs(z.mean()) < 4 / 8 and abs(z.std() - 1) < 4 / np.sqrt(128)


@pytest.mark.parametrize("snr", [10, 40])
def test_amplitudes_and_shifts_scatter_about_the_truth_as_their_sds_say(snr):
    truth = series(rng=np.random.default_rng(snr), snr=snr, drift_hz=4.0)
    course = course_of(truth)
    assert course.fit.converged and not course.spoiled.any() and not course.pooled.any()
    moved = (pi_ppm(truth.ph) - LINES["Pi"][0]) * MHZ
    assert scatters_as_stated(course.fit.moved("Pi"), moved, course.fit.variance("Pi"))
    for name, true in (("PCr", truth.pcr), ("Pi", truth.pi)):
        amplitude, covariance = course.fit.amplitude(name)
        assert scatters_as_stated(amplitude, true, np.diag(covariance))
    assert np.ptp(course.fit.frequency_hz) == pytest.approx(4.0, abs=0.5)


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_two_pools_of_pi_are_told_with_their_share_and_their_mean_shift(share):
    truth = series(rng=np.random.default_rng(7), snr=20, acid=(share, 6.5))
    course = course_of(truth)
    fit, told = course.fit, course.pooled
    # The pools part from one another and meet again: at their widest, 17 Hz, they are told apart for sure.
    assert told[26:36].all() and not told[:16].any()
    upper, lower = pi_ppm(truth.pools)
    apart = (upper - lower) * MHZ
    z = (fit.moved(SHARE) - share)[told] / np.sqrt(fit.variance(SHARE)[told])
    assert np.abs(z).max() < 4
    z = (fit.moved(APART) - apart)[told] / np.sqrt(fit.variance(APART)[told])
    assert np.abs(z).max() < 4
    mean = ((1 - share) * upper + share * lower - LINES["Pi"][0]) * MHZ
    worked = slice(16, 64)
    z = (fit.moved("Pi") - mean)[worked] / np.sqrt(fit.variance("Pi")[worked])
    # 48 values of which pieces share knots.
    assert np.mean(np.abs(z) < 1.96) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 48)
    assert scatters_as_stated(fit.amplitude("Pi")[0], truth.pi, np.diag(fit.amplitude("Pi")[1]))


def test_noise_does_not_split_a_single_pool():
    """The odds ask for a fall of χ² that noise makes 3 times in 10,000: none in 4."""
    for seed in range(4):
        truth = series(rng=np.random.default_rng([8, seed]), snr=(10, 40)[seed % 2], pi_broader_hz=4.0 * (seed > 1))
        assert not course_of(truth).fit.has(SHARE)


def test_knots_stand_as_close_as_the_wanted_sd_allows():
    phases = [Phase("rest", 0, 12), Phase("exercise", 12, 24)]
    each = knots_of(np.full(24, 1 / 0.5**2), phases, 1.0)
    assert np.array_equal(each, np.eye(24)), "one repetition tells enough"
    # An SD of 2 needs 1.5 · 2² repetitions between knots.
    wide = knots_of(np.full(24, 1 / 2.0**2), phases, 1.0)
    assert wide.shape == (24, 5)
    assert np.allclose(wide.sum(axis=1), 1)


def test_phases_are_those_by_which_pcr_falls_and_rises():
    truth = series(rng=np.random.default_rng(1), repetitions=(12, 14, 30))
    pcr = truth.pcr + 0.4 * np.random.default_rng(2).standard_normal(len(truth.pcr))
    twice = np.concatenate([pcr, pcr[12:]])
    found = proposed_phases(twice, 0.4)
    assert [phase.kind for phase in found] == ["rest", "exercise", "recovery", "exercise", "recovery"]
    # The lowest repetition is the last of work and the first of recovery alike.
    assert np.all(np.abs(np.array([phase.first for phase in found]) - [0, 12, 26, 56, 70]) <= 1)
    still = proposed_phases(33 + 0.4 * np.random.default_rng(3).standard_normal(60), 0.4)
    assert still == [Phase("rest", 0, 60)]


def test_time_constant_is_unbiased_and_its_interval_holds_it_in_95_of_100():
    rng, time = np.random.default_rng(4), 3.0 * np.arange(30)
    sd, draws = 0.6, 400
    found = [
        fit_recovery(time, 32 - 15 * np.exp(-time / 24) + sd * rng.standard_normal(30), sd**2 * np.eye(30))
        for _ in range(draws)
    ]
    tau = np.array([each.tau_s for each in found])
    assert abs(np.mean(tau) / 24 - 1) < 0.02
    held = np.mean([each.tau_low_s < 24 < each.tau_high_s for each in found])
    # Four standard errors of a share of 400.
    assert abs(held - 0.95) < 4 * np.sqrt(0.95 * 0.05 / draws)
    ends = np.array([(each.end, each.end_sd) for each in found])
    assert np.std(ends[:, 0]) == pytest.approx(ends[:, 1].mean(), rel=4 / np.sqrt(2 * draws))


def test_a_second_exponential_and_scatter_beyond_noise_are_told():
    rng, time = np.random.default_rng(5), 2.0 * np.arange(60)
    twofold = 32 - 8 * np.exp(-time / 6) - 8 * np.exp(-time / 60) + 0.15 * rng.standard_normal(60)
    found = fit_recovery(time, twofold, 0.15**2 * np.eye(60))
    # The grid of pairs has steps of a third.
    assert found.p_second < 1e-3 and found.two_taus_s == pytest.approx((6, 60), rel=0.5)
    single = 32 - 16 * np.exp(-time / 24)
    calm, restless = (
        fit_recovery(time, single + noise(rng, 60, scatter).real, 0.15**2 * np.eye(60)) for scatter in (0.15, 0.6)
    )
    assert calm.p_second > 1e-3
    assert restless.tau_high_s - restless.tau_low_s > 2.5 * (calm.tau_high_s - calm.tau_low_s)
    with pytest.raises(ValueError, match="at least 5"):
        fit_recovery(time[:4], single[:4], np.eye(4))
