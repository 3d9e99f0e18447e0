"""Optional lines: fitted where the data ask for them, and no burden where they do not."""

import numpy as np
import pytest

from myomag.core.amares import fit_amares
from myomag.core.axes import time_axis
from myomag.core.prior_knowledge import PriorKnowledge

MHZ, DWELL_S, POINTS = 51.7, 1 / 3000, 1024
LINE = {
    "amplitude": {"start": 1, "lower": 0},
    "lorentzian_hz": {"start": 10, "lower": 0.5, "upper": 100},
    "phase_deg": {"same_as": "A"},
}
PRIOR = PriorKnowledge.from_dict(
    {
        "name": "one or two",
        "lines": {
            "A": LINE | {"shift_ppm": {"start": 4.8, "lower": 4, "upper": 5.5}, "phase_deg": {"start": 0}},
            "B": LINE | {"shift_ppm": {"start": 4.5, "lower": 3.6, "upper": 5.4}, "optional": True},
        },
    }
)


def fit(second: float, seed: int, snr: float = 40.0):
    tau, rng = time_axis(POINTS, DWELL_S), np.random.default_rng((18, seed))
    fid = np.exp((2j * np.pi * 4.85 * MHZ - np.pi * 10) * tau)
    fid += second * np.exp((2j * np.pi * 4.4 * MHZ - np.pi * 12) * tau)
    fid += (rng.normal(size=POINTS) + 1j * rng.normal(size=POINTS)) / snr
    return fit_amares(fid, dwell_time_s=DWELL_S, spectrometer_frequency_mhz=MHZ, prior=PRIOR)


def test_a_second_line_that_is_there_is_found_in_its_place():
    for seed in range(10):
        found = fit(0.4, seed)
        assert found.names == ("A", "B")
        for row, (amplitude, shift) in enumerate([(1, 4.85), (0.4, 4.4)]):
            assert abs(found.amplitudes[row] - amplitude) < 4 * found.amplitudes_sd[row]
            assert abs(found.shifts_ppm[row] - shift) < 4 * found.shifts_ppm_sd[row]


def test_a_line_that_is_not_there_is_left_out_and_changes_nothing():
    alone = PRIOR.required
    for seed in range(40):
        found = fit(0.0, seed)
        # Three parameters have to gain 3·ln 2048 = 22.9 in χ²: chance does that once in some thousand scans.
        assert found.names == ("A",)
    tau = time_axis(POINTS, DWELL_S)
    fid = np.exp((2j * np.pi * 4.85 * MHZ - np.pi * 10) * tau)
    options = {"dwell_time_s": DWELL_S, "spectrometer_frequency_mhz": MHZ}
    one, other = (fit_amares(fid, prior=prior, **options) for prior in (PRIOR, alone))
    assert one.names == other.names
    assert one.shifts_ppm == pytest.approx(other.shifts_ppm, rel=1e-15)


def test_apodised_noise_does_not_ask_for_lines_or_orders():
    tau = time_axis(POINTS, DWELL_S)
    for seed in range(10):
        rng = np.random.default_rng((22, seed))
        fid = np.exp((2j * np.pi * 4.85 * MHZ - np.pi * 10) * tau)
        fid = (fid + 0.03 * (rng.normal(size=POINTS) + 1j * rng.normal(size=POINTS))) * np.exp(-np.pi * 4.4 * tau)
        found = fit_amares(
            fid,
            dwell_time_s=DWELL_S,
            spectrometer_frequency_mhz=MHZ,
            prior=PRIOR,
            shape_order=4,
            max_shape_order=12,
        )
        assert found.names == ("A",)
        assert found.line_shape.order == 4


def test_a_small_pool_that_takes_the_place_of_its_line_is_left_out():
    small = LINE | {"shift_ppm": {"start": 5.2, "lower": 5.2, "upper": 5.2}, "at_most": {"line": "A", "ratio": 0.5}}
    lines = {"A": PRIOR.required.to_dict()["lines"]["A"], "pool": small}
    prior = PriorKnowledge.from_dict({"name": "a line and its pool", "lines": lines})
    tau, rng = time_axis(POINTS, DWELL_S), np.random.default_rng(35)
    options = {"dwell_time_s": DWELL_S, "spectrometer_frequency_mhz": MHZ, "prior": prior}
    for place in (4.9, 5.15, 5.2, 5.25):
        fid = np.exp((2j * np.pi * place * MHZ - np.pi * 10) * tau)
        found = fit_amares(fid + (rng.normal(size=POINTS) + 1j * rng.normal(size=POINTS)) / 40, **options)
        assert abs(found.shifts_ppm[0] - place) < 4 * found.shifts_ppm_sd[0]
        assert found.names == ("A",) or found.amplitudes[1] <= 0.5 * found.amplitudes[0]
