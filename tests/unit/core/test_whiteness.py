"""Correction of the covariance where the residual is not white."""

import numpy as np
import pytest

from myomag.core.amares import fit_amares
from myomag.core.axes import time_axis
from myomag.core.lineshapes import line_fid
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.core.whiteness import corrected, local_excess, model_fid, temporal_excess
from myomag.settings.load import load_settings

DWELL_S, MHZ, POINTS = 1 / 3000, 51.7, 2048
ONE_LINE = {"name": "one line", "lines": {"PCr": {"shift_ppm": {"start": 0, "lower": -1, "upper": 1}}}}
ONE_LINE["lines"]["PCr"] |= {"lorentzian_hz": {"start": 10, "lower": 1, "upper": 60}, "phase_deg": {"start": 0}}


def _noise(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=POINTS) + 1j * rng.normal(size=POINTS)


def test_white_residual_is_left_alone() -> None:
    rng = np.random.default_rng(0)
    arguments = {
        "dwell_time_s": DWELL_S,
        "frequencies_hz": np.array([0.0, -800.0]),
        "widths_hz": np.array([20.0, 60.0]),
    }
    raised = np.array([local_excess(_noise(rng), **arguments) > 1 for _ in range(500)])
    # 3 SD of a mean of exponential values: below one in a hundred even for few values.
    assert raised.mean() < 0.01


def test_power_around_one_line_raises_that_line_alone() -> None:
    rng = np.random.default_rng(1)
    time = time_axis(POINTS, DWELL_S)
    # A misfit as large as the noise's whole energy within a tenth of the samples, at 0 Hz.
    misfit = 6 * line_fid(time, frequency_hz=0.0, lorentzian_fwhm_hz=10.0)
    factors = local_excess(
        _noise(rng) + misfit,
        dwell_time_s=DWELL_S,
        frequencies_hz=np.array([0.0, -800.0]),
        widths_hz=np.array([20.0, 60.0]),
    )
    power = np.abs(np.fft.fft(misfit)) ** 2
    near = np.abs(np.fft.fftfreq(POINTS, DWELL_S)) <= 20
    expected = np.sqrt((2 * POINTS + power[near].mean()) / (2 * POINTS + power.mean()))
    # The ratio of the powers is known to 1/√n over n points; half of that for the factor, and 4 SD of it.
    assert factors[0] == pytest.approx(expected, rel=2 / np.sqrt(near.sum()))
    assert factors[1] == 1.0


def test_missed_line_shape_raises_sds_and_covariance_alike() -> None:
    rng = np.random.default_rng(2)
    time = time_axis(POINTS, DWELL_S)
    fid = 200 * line_fid(time, frequency_hz=3.0, lorentzian_fwhm_hz=1.0, gaussian_fwhm_hz=15.0) + _noise(rng)
    prior = PriorKnowledge.from_dict(ONE_LINE)
    sampling = {"dwell_time_s": DWELL_S, "spectrometer_frequency_mhz": MHZ}
    fit = fit_amares(fid, prior=prior, **sampling)
    raised, factors = corrected(fit, fid, **sampling)
    assert factors[0] > 1
    assert raised.shifts_ppm_sd[0] == pytest.approx(fit.shifts_ppm_sd[0] * factors[0])
    index = raised.covariance_names.index("shift_ppm:PCr")
    assert np.sqrt(raised.covariance[index, index]) == pytest.approx(raised.shifts_ppm_sd[0])


def test_model_of_a_perfect_fit_is_the_fid() -> None:
    settings = load_settings()
    prior = PriorKnowledge.from_dict(settings.model_dump()["fit"]["prior_knowledge"])
    time = time_axis(POINTS, DWELL_S)
    fid = 30 * line_fid(time, frequency_hz=2.0, lorentzian_fwhm_hz=8.0)
    sampling = {"dwell_time_s": DWELL_S, "spectrometer_frequency_mhz": MHZ}
    fit = fit_amares(fid, prior=prior, **sampling)
    residual = fid - model_fid(fit, POINTS, **sampling)
    assert np.sum(np.abs(residual) ** 2) == pytest.approx(fit.residual_norm_sq, abs=1e-9 * np.sum(np.abs(fid) ** 2))


def test_noise_that_decays_with_the_signal_raises_the_sds_by_what_it_is_where_the_signal_lives() -> None:
    rng = np.random.default_rng(3)
    time = time_axis(POINTS, DWELL_S)
    model = line_fid(time, frequency_hz=3.0, lorentzian_fwhm_hz=10.0)
    assert temporal_excess(_noise(rng), model) == 1.0
    window = np.exp(-np.pi * 4.4 * time)
    # Weights exp(−2πLt), noise power exp(−2πAt): L/(L + A) of it remains; its mean over the FID is 1/(2πA·T).
    expected = np.sqrt(10 / 14.4 * 2 * np.pi * 4.4 * POINTS * DWELL_S)
    found = [temporal_excess(_noise(rng) * window, model) for _ in range(50)]
    # Some 30 samples carry the signal: the factor is known to 1/(2√30) each.
    assert np.mean(found) == pytest.approx(expected, rel=4 / np.sqrt(120 * 50))


def test_intervals_of_apodised_data_cover() -> None:
    rng = np.random.default_rng(4)
    time = time_axis(POINTS, DWELL_S)
    prior = PriorKnowledge.from_dict(ONE_LINE)
    sampling = {"dwell_time_s": DWELL_S, "spectrometer_frequency_mhz": MHZ}
    pulls = []
    for _ in range(60):
        fid = 30 * line_fid(time, frequency_hz=3.0, lorentzian_fwhm_hz=10.0) + _noise(rng)
        fid = fid * np.exp(-np.pi * 4.4 * time)
        fit, _ = corrected(fit_amares(fid, prior=prior, **sampling), fid, **sampling)
        pulls.append((fit.shifts_ppm[0] * MHZ - 3.0) / (fit.shifts_ppm_sd[0] * MHZ))
    # The SD of 60 pulls is known to 9 %, and the factor of each to as much.
    assert np.std(pulls) < 1.4
