"""A line is there, or noise and misfit are: spectra written down by other code than the package's."""

from dataclasses import replace

import numpy as np
import pytest
from muscle_spectra import AMOUNTS, Scan, fid

from myomag.core.amares import fit_amares
from myomag.core.detection import line_evidence
from myomag.core.leading_samples import samples_to_skip
from myomag.core.local_residual import local_residual
from myomag.core.prior_knowledge import PriorKnowledge, Value
from myomag.settings.base import content
from myomag.settings.load import load_settings

PRIOR = PriorKnowledge.from_dict(content(load_settings().fit.prior_knowledge))
CHANCE = 2e-3
ALONE = tuple(name for name in AMOUNTS if name != "pcr")
FIELDS = (Scan(mhz=25.9, dwell_s=500e-6, points=1024), Scan(), Scan(mhz=120.3, dwell_s=125e-6, width_hz=12.0))


def fitted(scan, samples):
    skipped = samples_to_skip(scan.dwell_s, scan.mhz)
    left = samples[skipped:]
    begin_s = scan.begin_s + skipped * scan.dwell_s
    sampling = {"dwell_time_s": scan.dwell_s, "spectrometer_frequency_mhz": scan.mhz}
    fit = fit_amares(left, **sampling, prior=PRIOR, begin_time_s=begin_s, fit_begin_time=True)
    return fit, left, sampling | {"noise_sd": AMOUNTS["pcr"] / scan.snr}


def evidence(scan, seed, name):
    fit, samples, sampling = fitted(scan, fid(scan, np.random.default_rng(seed)))
    entry = PRIOR.line(name).parameters["shift_ppm"]
    assert isinstance(entry, Value)
    return line_evidence(fit, samples, name, (entry.lower, entry.upper), **sampling)


@pytest.mark.parametrize("scan", FIELDS, ids=lambda scan: f"{scan.mhz:g} MHz")
@pytest.mark.parametrize("name", ["beta-ATP", "alpha-ATP", "Pi"])
def test_lines_of_muscle_are_there_at_an_snr_of_15(scan, name):
    assert evidence(replace(scan, snr=15.0), 1, name).p_chance < CHANCE


@pytest.mark.parametrize("snr", [15.0, 60.0, 250.0])
@pytest.mark.parametrize("scan", FIELDS, ids=lambda scan: f"{scan.mhz:g} MHz")
@pytest.mark.parametrize(
    "extra",
    [{}, {"hump": 1.0}, {"baseline": 0.1}, {"tail": 0.2}, {"eddy_rad": 0.3}],
    ids=["plain", "hump", "baseline", "tail", "eddy"],
)
def test_beta_atp_that_is_not_there_is_not_found_in_noise_or_misfit(scan, snr, extra):
    found = evidence(replace(scan, snr=snr, without=("beta",), **extra), 2, "beta-ATP")
    # By chance in fewer than one of five hundred, and 45 are tried; the ratio to α and γ keeps the rest.
    assert found.p_chance > CHANCE or found.amplitude < 0.15 * AMOUNTS["alpha"]


@pytest.mark.parametrize("name", ["beta-ATP", "alpha-ATP", "Pi"])
def test_beside_pcr_alone_no_line_is_found(name):
    assert evidence(Scan(snr=95.0, without=ALONE), 3, name).p_chance > CHANCE


def test_evidence_gives_place_and_amplitude():
    scan = Scan(snr=100.0, places={"beta": -16.1}, amounts={"beta": 6.0})
    found = evidence(scan, 4, "beta-ATP")
    assert found.shift_ppm == pytest.approx(-16.1, abs=0.1)
    assert found.amplitude == pytest.approx(6.0, rel=0.25)
    assert found.misfit == pytest.approx(1.0, abs=0.3)


def test_evidence_does_not_depend_on_the_unit_of_the_fid():
    scan = Scan(snr=30.0)
    samples = fid(scan, np.random.default_rng(5))
    z = []
    for factor in (1.0, 1e-6):
        fit, left, sampling = fitted(scan, samples * factor)
        sampling["noise_sd"] *= factor
        z.append(line_evidence(fit, left, "beta-ATP", (-16.6, -15.6), **sampling).z)
    assert z[1] == pytest.approx(z[0], rel=1e-3)


def test_residual_around_a_line_is_that_of_noise_where_the_model_holds_and_a_share_of_it_where_not():
    fit, samples, sampling = fitted(Scan(), fid(Scan(), np.random.default_rng(6)))
    for name in ("PCr", "Pi", "beta-ATP"):
        over_noise, share = local_residual(fit, samples, name, **sampling)
        assert over_noise == pytest.approx(1.0, abs=0.35)
        assert share == 0.0
    moved = replace(fit, shifts_ppm=fit.shifts_ppm + 0.3 * (np.array(fit.names) == "beta-ATP"))
    over_noise, share = local_residual(moved, samples, "beta-ATP", **sampling)
    assert over_noise > 1.5
    assert share > 0.2
