"""A wrong begin time in the header must not reach the magnesium."""

import numpy as np
import pytest

from myomag.core.amares import AmaresFit, fit_amares
from myomag.core.families import shift_calibration
from myomag.core.leading_samples import samples_to_skip
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.settings.load import load_settings
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_fid

SETTINGS = load_settings().model_dump()
PRIOR = PriorKnowledge.from_dict(SETTINGS["fit"]["prior_knowledge"])
CALIBRATION = shift_calibration(SETTINGS["magnesium"]["mg_calibration"], "mg")
BETA_PPM, BEGIN_TIME_S = -15.9, 240e-6


def _scan(seed: int) -> tuple[ScanTruth, np.ndarray]:
    rng = np.random.default_rng((240, seed))
    truth = ScanTruth(
        lines=resting_muscle(pi_ppm=4.82, beta_atp_ppm=BETA_PPM),
        begin_time_s=BEGIN_TIME_S,
        phase_deg=rng.uniform(-180, 180),
        hump_fraction=0.25,
        transients=1,
    )
    noise = truth.lines[0].amplitude / 40 * rng.normal(size=(2, truth.points))
    return truth, simulate_fid(truth) + noise[0] + 1j * noise[1]


def _fit(truth: ScanTruth, fid: np.ndarray, header_error_s: float) -> AmaresFit:
    skip = samples_to_skip(truth.dwell_time_s, truth.spectrometer_frequency_mhz)
    return fit_amares(
        fid[skip:],
        dwell_time_s=truth.dwell_time_s,
        spectrometer_frequency_mhz=truth.spectrometer_frequency_mhz,
        prior=PRIOR,
        begin_time_s=BEGIN_TIME_S + header_error_s + skip * truth.dwell_time_s,
        fit_begin_time=True,
    )


def _beta_ppm(fit: AmaresFit) -> float:
    return float(fit.shifts_ppm[fit.names.index("beta-ATP")] - fit.shifts_ppm[fit.names.index("PCr")])


@pytest.mark.parametrize("header_error_s", [-100e-6, -50e-6, 50e-6, 100e-6])
def test_the_fit_does_not_depend_on_the_begin_time_of_the_header(header_error_s: float) -> None:
    truth, fid = _scan(0)
    right = _beta_ppm(_fit(truth, fid, 0.0))
    # The solver stops within 1e-5 standard errors of the minimum, whose shift is known to 0.01 ppm.
    assert _beta_ppm(_fit(truth, fid, header_error_s)) == pytest.approx(right, abs=1e-6)


def test_pmg_is_unbiased_under_a_broad_signal_and_a_wrong_header() -> None:
    errors = []
    for seed in range(60):
        truth, fid = _scan(seed)
        errors.append(CALIBRATION.value(_beta_ppm(_fit(truth, fid, 100e-6))) - CALIBRATION.value(BETA_PPM))
    # The bias goal is .005; 60 scans know their mean to its standard error.
    assert abs(np.mean(errors)) < 0.005 + 3 * np.std(errors) / np.sqrt(len(errors))


def test_peak_picking_with_the_same_header_is_off_by_tens_of_times_as_much() -> None:
    truth, fid = _scan(0)
    size = 16 * truth.points
    ppm = np.fft.fftfreq(size, truth.dwell_time_s) / truth.spectrometer_frequency_mhz
    hz = ppm * truth.spectrometer_frequency_mhz
    apodised = fid * np.exp(-20 * np.arange(truth.points) * truth.dwell_time_s)
    phase = 2 * np.pi * hz * (BEGIN_TIME_S + 100e-6) + np.deg2rad(truth.phase_deg)
    real = (np.fft.fft(apodised, size) * np.exp(-1j * phase)).real
    beta, pcr = (ppm[np.where(np.abs(ppm - at) < 0.6, real, -np.inf).argmax()] for at in (BETA_PPM, 0.0))
    assert abs(CALIBRATION.value(beta - pcr) - CALIBRATION.value(BETA_PPM)) > 0.05
