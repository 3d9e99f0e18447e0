"""Profile over the place of a line: a normal error gives a parabola, a second minimum widens the interval."""

import numpy as np
import pytest

from myomag.core.amares import fit_amares
from myomag.core.axes import time_axis
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.core.profile import ShiftProfile

MHZ, DWELL_S, POINTS, J_HZ = 51.7, 1 / 3000, 1024, 16.5
SAMPLING = {"dwell_time_s": DWELL_S, "spectrometer_frequency_mhz": MHZ}
BETA_PPM = -15.89


def line(shift, ratios=(1,), **changes):
    free = {
        "amplitude": {"start": 1, "lower": 0},
        "shift_ppm": {"start": shift, "lower": shift - 0.6, "upper": shift + 0.6},
        "lorentzian_hz": {"start": 10, "lower": 0.5, "upper": 100},
        "phase_deg": {"start": 0},
        "j_hz": {"fixed": J_HZ},
        "ratios": list(ratios),
    }
    return free | changes


PRIOR = PriorKnowledge.from_dict(
    {
        "name": "two",
        "lines": {"PCr": line(0.0), "beta-ATP": line(BETA_PPM, (1, 2, 1), phase_deg={"same_as": "PCr"})},
    }
)


def scan(snr: float, seed: int, ratios=(1, 2, 1)) -> np.ndarray:
    tau, rng = time_axis(POINTS, DWELL_S), np.random.default_rng((16, seed))
    fid = 33 * np.exp(-np.pi * 10 * tau)
    for order, ratio in zip((-1, 0, 1), ratios, strict=True):
        fid = fid + 8.2 * ratio / 4 * np.exp((2j * np.pi * (BETA_PPM * MHZ + order * J_HZ) - np.pi * 14) * tau)
    return fid + 33 / snr * (rng.normal(size=POINTS) + 1j * rng.normal(size=POINTS))


def fit(fid):
    return fit_amares(fid, **SAMPLING, prior=PRIOR, profiled=("beta-ATP",))


def distance(found) -> tuple[float, float]:
    rows = [found.covariance_names.index(f"shift_ppm:{name}") for name in ("beta-ATP", "PCr")]
    block = found.covariance[np.ix_(rows, rows)]
    return found.shifts_ppm[1] - found.shifts_ppm[0], float(np.sqrt(block[0, 0] + block[1, 1] - 2 * block[0, 1]))


def test_a_normal_error_gives_back_its_sd_and_interval():
    places = np.linspace(-16.3, -15.5, 9)
    profile = ShiftProfile("beta-ATP", places, ((places + 15.9) / 0.05) ** 2)
    # Trapezoids 4e-4 ppm wide.
    assert profile.spread_ppm() == pytest.approx(0.05, rel=1e-3)
    assert profile.interval() == pytest.approx((-15.9 - 1.96 * 0.05, -15.9 + 1.96 * 0.05), abs=1e-3)
    assert profile.minima() == ((pytest.approx(-15.9), pytest.approx(0, abs=1e-12)),)


def test_two_equal_minima_are_both_named_and_both_inside_the_interval():
    places = np.linspace(-16.4, -15.4, 11)
    chi2 = np.minimum((places + 16.1) ** 2, (places + 15.7) ** 2) / 0.05**2
    profile = ShiftProfile("beta-ATP", places, chi2)
    assert sorted(place for place, _ in profile.minima()) == pytest.approx([-16.1, -15.7])
    low, high = profile.interval()
    assert low < -16.1
    assert high > -15.7
    # Half of the probability lies .4 ppm away, and the interval ends beyond that.
    assert profile.spread_ppm() > 0.4 / np.sqrt(2) * 0.9
    assert profile.spread_ppm() < 0.55 / np.sqrt(2)


def test_at_high_snr_nothing_is_profiled():
    found = fit(scan(60, 0))
    assert found.profiles == ()


def test_a_triplet_with_its_outer_line_in_the_noise_gets_a_wide_interval():
    # Of intensities 1:1:0 it is the triplet half a coupling away as much as the one in its place.
    found = fit(scan(15, 1, ratios=(1, 1, 0)))
    (profile,) = found.profiles
    assert profile.line == "beta-ATP"
    value, sd = distance(found)
    assert sd == pytest.approx(profile.spread_ppm(), rel=1e-9)
    assert abs(value - BETA_PPM) < 3 * sd


def test_intervals_at_low_snr_cover():
    pulls = []
    for seed in range(60):
        value, sd = distance(fit(scan(8, seed)))
        if np.isfinite(sd):
            pulls.append(abs(value - BETA_PPM) / sd)
    inside = np.mean(np.array(pulls) < 1.96)
    # Four SDs of a share of 60 below 95 %.
    assert inside > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 60)
    assert np.median(pulls) > 0.4
