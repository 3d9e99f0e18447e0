"""What other choices of the model add to the SD of a shift: nothing where the model is right, much where it is not."""

import numpy as np
import pytest

from myomag.core.amares import fit_amares
from myomag.core.axes import time_axis
from myomag.core.model_choice import Variant, model_variance, variants
from myomag.core.prior_knowledge import PriorKnowledge

MHZ, DWELL_S, POINTS = 51.7, 1 / 3000, 1024
WEIGHTS = {"beta-ATP": 1.0, "PCr": -1.0}
LINE = {
    "amplitude": {"start": 1, "lower": 0},
    "lorentzian_hz": {"start": 10, "lower": 0.5, "upper": 100},
    "phase_deg": {"same_as": "PCr"},
}
PRIOR = PriorKnowledge.from_dict(
    {
        "name": "three",
        "lines": {
            "PCr": LINE | {"shift_ppm": {"start": 0, "lower": -1, "upper": 1}, "phase_deg": {"start": 0}},
            "alpha-ATP": LINE | {"shift_ppm": {"start": -7.5, "lower": -8, "upper": -7}},
            "beta-ATP": LINE | {"shift_ppm": {"start": -15.9, "lower": -17, "upper": -15}},
        },
    }
)


def fit(seed, hump=0.0, snr=60.0):
    tau, rng = time_axis(POINTS, DWELL_S, 3e-4), np.random.default_rng((21, seed))
    fid = sum(
        amplitude * np.exp((2j * np.pi * ppm * MHZ - np.pi * 12) * tau)
        for amplitude, ppm in ((33, 0), (8, -7.5), (8, -15.9))
    )
    fid = fid + hump * np.exp((2j * np.pi * -3 * MHZ - np.pi * 300) * tau)
    fid = fid + 33 / snr * (rng.normal(size=POINTS) + 1j * rng.normal(size=POINTS))
    skipped = 3
    options = {
        "dwell_time_s": DWELL_S,
        "spectrometer_frequency_mhz": MHZ,
        "begin_time_s": 3e-4 + skipped * DWELL_S,
        "fit_begin_time": True,
        "shape_order": 4,
        "max_shape_order": 12,
    }
    fid = fid[skipped:]
    found = fit_amares(fid, prior=PRIOR, **options)
    return found, variants(fid, found, PRIOR, skipped=skipped, **options)


def variance(found):
    rows = [found.covariance_names.index(f"shift_ppm:{line}") for line in WEIGHTS]
    block = found.covariance[np.ix_(rows, rows)]
    return block[0, 0] + block[1, 1] - 2 * block[0, 1]


def test_where_the_model_is_right_the_choice_adds_little():
    ratios = []
    for seed in range(20):
        found, others = fit(seed)
        assert [each.name for each in others] == ["twice the samples left out", "order +1 of the line shape"]
        ratios.append(1 + model_variance(found, others, WEIGHTS) / variance(found))
    assert np.median(np.sqrt(ratios)) < 1.1


def test_a_broad_signal_that_is_not_modelled_shows_in_it():
    ratios = [model_variance(*fit(seed, hump=15.0), WEIGHTS) / variance(fit(seed, hump=15.0)[0]) for seed in range(5)]
    assert np.median(np.sqrt(ratios)) > 0.5


def test_a_width_that_a_tie_gets_wrong_shows_in_it():
    tied = {"lorentzian_hz": {"same_as": "alpha-ATP"}, "phase_deg": {"same_as": "PCr"}, "amplitude": LINE["amplitude"]}
    document = PRIOR.to_dict()
    document["lines"]["NAD"] = tied | {"shift_ppm": {"start": -8.2, "lower": -8.5, "upper": -7.9}}
    prior = PriorKnowledge.from_dict(document)
    tau = time_axis(POINTS, DWELL_S, 3e-4)
    # Half as wide again as the tie says, and so strong and so near that α-ATP moves by more than the noise lets it.
    lines = ((33, 0, 12), (8, -7.5, 12), (8, -15.9, 12), (2, -8.2, 18))
    fid = sum(amount * np.exp((2j * np.pi * ppm * MHZ - np.pi * width) * tau) for amount, ppm, width in lines)
    rng = np.random.default_rng(5)
    fid = fid + 33 / 1000 * (rng.normal(size=POINTS) + 1j * rng.normal(size=POINTS))
    options = {"dwell_time_s": DWELL_S, "spectrometer_frequency_mhz": MHZ, "begin_time_s": 3e-4}
    found = fit_amares(fid, prior=prior, **options)
    (wider,) = variants(fid, found, prior, skipped=0, **options)
    assert wider.name == "wider lines where the width is tied"
    assert model_variance(found, (wider,), {"alpha-ATP": 1.0}) > found.shifts_ppm_sd[1] ** 2
    error = found.shifts_ppm[1] + 7.5
    assert error**2 < 9 * (found.shifts_ppm_sd[1] ** 2 + model_variance(found, (wider,), {"alpha-ATP": 1.0}))


def test_a_difference_that_noise_explains_counts_for_nothing():
    found, _ = fit(1)
    assert model_variance(found, (), WEIGHTS) == 0.0
    assert model_variance(found, (Variant("the same", found),), WEIGHTS) == pytest.approx(0.0, abs=1e-15)
