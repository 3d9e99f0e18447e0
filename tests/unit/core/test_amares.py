"""AMARES fit: exact recovery, independence of units and start, ties, bounds, honest status and uncertainty."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from myomag.core import newton
from myomag.core.amares import fit_amares
from myomag.core.axes import time_axis
from myomag.core.leading_samples import samples_to_skip
from myomag.core.lineshapes import multiplet_fid, voigt_fwhm_hz
from myomag.core.objective import BeginTimePrior
from myomag.core.prior_knowledge import PriorKnowledge, Value
from myomag.settings.documents import shipped_document
from myomag.simulate.synthetic import J_ATP_HZ, ScanTruth, SyntheticLine, resting_muscle, simulate_fid

MUSCLE = PriorKnowledge.from_dict(shipped_document("prior_knowledge", "muscle_rest"))
MHZ, DWELL_S, BEGIN_S = 51.7, 1 / 3000, 240e-6
QUANTITIES = ("amplitudes", "shifts_ppm", "linewidths_hz", "phases_deg")


def scan(**changes) -> ScanTruth:
    """A thigh at 3 T without baseline hump, inside the model of the default prior but for the alkaline Pi it lacks."""
    lines = tuple(
        line if line.name != "PME" else SyntheticLine("PME", line.amplitude, line.shift_ppm, 8.0)
        for line in resting_muscle(pi_ppm=4.82, beta_atp_ppm=-15.89)
    )
    defaults = {
        "lines": lines,
        "spectrometer_frequency_mhz": MHZ,
        "dwell_time_s": DWELL_S,
        "begin_time_s": BEGIN_S,
        "phase_deg": 40.0,
        "hump_fraction": 0.0,
        "transients": 1,
    }
    return ScanTruth(**(defaults | changes))


def noise(truth: ScanTruth, rng: np.random.Generator) -> np.ndarray:
    return truth.noise_sd * (rng.normal(size=truth.points) + 1j * rng.normal(size=truth.points))


def fit(fid, truth: ScanTruth, prior=MUSCLE, *, header_error_s=0.0, fit_begin_time=True, **options):
    return fit_amares(
        fid,
        dwell_time_s=truth.dwell_time_s,
        spectrometer_frequency_mhz=truth.spectrometer_frequency_mhz,
        prior=prior,
        begin_time_s=truth.begin_time_s + header_error_s,
        fit_begin_time=fit_begin_time,
        **options,
    )


def singlet(shape: str, **line) -> PriorKnowledge:
    widths = {
        "lorentzian": {"lorentzian_hz": {"start": 9, "lower": 0.1, "upper": 50}},
        "gaussian": {"lorentzian_hz": {"fixed": 0}, "gaussian_hz": {"start": 9, "lower": 0.1, "upper": 50}},
        "voigt": {
            "lorentzian_hz": {"start": 9, "lower": 0.1, "upper": 50},
            "gaussian_hz": {"start": 9, "lower": 0, "upper": 50},
        },
    }[shape]
    entry = {"shift_ppm": {"start": 0.3, "lower": -2, "upper": 2}, "phase_deg": {"start": 0}} | widths | line
    return PriorKnowledge.from_dict({"name": shape, "lines": {"A": entry}})


# --- recovery without noise -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["lorentzian", "gaussian", "voigt"])
@pytest.mark.parametrize("fit_begin_time", [False, True])
def test_every_parameter_of_an_exact_fid_is_recovered_to_rounding(shape, fit_begin_time):
    lorentzian, gaussian = {"lorentzian": (7.0, 0.0), "gaussian": (0.0, 11.0), "voigt": (7.0, 11.0)}[shape]
    tau = time_axis(2048, DWELL_S, BEGIN_S)
    shape_of = {"lorentzian_fwhm_hz": lorentzian, "gaussian_fwhm_hz": gaussian}
    # Two lines: of one alone, phase and begin time are the same thing.
    fid = multiplet_fid(tau, amplitude=5.0, frequency_hz=-0.8 * MHZ, phase_deg=-130.0, **shape_of)
    fid += multiplet_fid(
        tau,
        amplitude=3.0,
        frequency_hz=-10 * MHZ,
        phase_deg=-130.0,
        offsets_hz=(-8.0, 8.0),
        weights=(0.5, 0.5),
        **shape_of,
    )
    document = singlet(shape).to_dict()
    tie = {key: {"same_as": "A"} for key in ("lorentzian_hz", "gaussian_hz", "phase_deg")}
    document["lines"]["B"] = tie | {
        "shift_ppm": {"start": -9.5, "lower": -11, "upper": -9},
        "j_hz": {"start": 15, "lower": 10, "upper": 20},
        "ratios": [1, 1],
    }
    found = fit_amares(
        fid,
        dwell_time_s=DWELL_S,
        spectrometer_frequency_mhz=MHZ,
        prior=PriorKnowledge.from_dict(document),
        begin_time_s=BEGIN_S + (80e-6 if fit_begin_time else 0.0),
        fit_begin_time=fit_begin_time,
    )
    assert found.converged
    assert not found.at_bound
    np.testing.assert_allclose(found.amplitudes, [5, 3], rtol=1e-9)
    np.testing.assert_allclose(found.shifts_ppm, [-0.8, -10], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.lorentzian_hz, lorentzian, rtol=0, atol=1e-7)
    np.testing.assert_allclose(found.gaussian_hz, gaussian, rtol=0, atol=1e-7)
    np.testing.assert_allclose(found.linewidths_hz, voigt_fwhm_hz(lorentzian, gaussian), rtol=1e-5)
    np.testing.assert_allclose(found.phases_deg, -130, rtol=0, atol=1e-7)
    np.testing.assert_allclose(found.offsets_hz[1], [-8, 8], rtol=0, atol=1e-7)
    assert found.begin_time_s == pytest.approx(BEGIN_S, abs=1e-12)
    assert found.noise_sd < 1e-9


SAMPLINGS = [
    (25.8, 512, 1 / 2000),
    (25.8, 2048, 1 / 3000),
    (51.7, 512, 1 / 2500),
    (51.7, 8192, 1 / 5000),
    (120.3, 1024, 1 / 6000),
    (120.3, 2048, 1 / 20000),
    (120.3, 8192, 1 / 20000),
]


@pytest.mark.parametrize(("mhz", "points", "dwell_s"), SAMPLINGS)
@pytest.mark.parametrize("header_error_s", [-100e-6, 100e-6])
def test_muscle_is_recovered_at_every_field_and_sampling(mhz, points, dwell_s, header_error_s):
    truth = scan(spectrometer_frequency_mhz=mhz, points=points, dwell_time_s=dwell_s)
    found = fit(simulate_fid(truth), truth, header_error_s=header_error_s)
    assert found.converged
    # What the truth lacks ends at its bound, and nothing else does.
    assert found.at_bound == ("amplitude:Pi-alkaline",) or found.amplitudes[found.names.index("Pi-alkaline")] < 1e-6
    assert found.begin_time_s == pytest.approx(BEGIN_S, abs=1e-10)
    for line in truth.lines:
        index = found.names.index(line.name)
        assert found.amplitudes[index] == pytest.approx(line.amplitude, rel=1e-5)
        assert found.shifts_ppm[index] == pytest.approx(line.shift_ppm, abs=1e-6)
        assert found.lorentzian_hz[index] == pytest.approx(line.lorentzian_hz, rel=1e-4)
        assert found.gaussian_hz[index] == pytest.approx(truth.gaussian_hz, rel=1e-4)
        assert found.phases_deg[index] == pytest.approx(truth.phase_deg, abs=1e-4)
    spacing = np.diff(found.offsets_hz[found.names.index("beta-ATP")])
    np.testing.assert_allclose(spacing, J_ATP_HZ, rtol=1e-5)


def test_prior_shifts_count_from_the_carrier():
    truth = scan(carrier_offset_hz=0.1 * MHZ)
    found = fit(simulate_fid(truth), truth)
    np.testing.assert_allclose(found.shifts_ppm[found.names.index("PCr")], 0.1, atol=1e-6)
    np.testing.assert_allclose(found.shifts_ppm[found.names.index("beta-ATP")], -15.79, atol=1e-6)
    # Alkaline Pi is tied to PCr in ppm.
    assert found.shifts_ppm[found.names.index("Pi-alkaline")] == pytest.approx(5.3, abs=1e-6)


# --- units and starts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e9])
def test_the_unit_of_the_fid_does_not_matter(factor):
    truth = scan(pcr_snr=30)
    fid = simulate_fid(truth) + noise(truth, np.random.default_rng(4))
    one, other = fit(fid, truth), fit(fid * factor, truth)
    np.testing.assert_allclose(other.amplitudes, one.amplitudes * factor, rtol=1e-6)
    np.testing.assert_allclose(other.amplitudes_sd, one.amplitudes_sd * factor, rtol=1e-6)
    for name in QUANTITIES[1:]:
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-6)
        np.testing.assert_allclose(getattr(other, f"{name}_sd"), getattr(one, f"{name}_sd"), rtol=1e-6)
    assert other.begin_time_s == pytest.approx(one.begin_time_s, rel=1e-6)
    assert other.noise_sd == pytest.approx(one.noise_sd * factor, rel=1e-6)
    assert other.residual_norm_sq == pytest.approx(one.residual_norm_sq * factor**2, rel=1e-9)
    assert other.at_bound == one.at_bound


def with_random_starts(prior: PriorKnowledge, rng: np.random.Generator) -> PriorKnowledge:
    """The prior with every start drawn inside its bounds; amplitudes over three decades."""

    def drawn(quantity, entry):
        if not isinstance(entry, Value) or entry.fixed:
            return entry
        if quantity == "amplitude":
            return Value(10 ** rng.uniform(-1, 2), entry.lower, entry.upper)
        low, high = (entry.lower, entry.upper) if quantity != "phase_deg" else (-180.0, 180.0)
        return Value(rng.uniform(low, high), entry.lower, entry.upper)

    lines = (replace(line, parameters={q: drawn(q, e) for q, e in line.parameters.items()}) for line in prior.lines)
    return PriorKnowledge(prior.name, tuple(lines))


@pytest.mark.parametrize("seed", range(5))
def test_every_start_inside_the_bounds_reaches_the_same_minimum(seed):
    rng = np.random.default_rng((20, seed))
    truth = scan(
        pcr_snr=20,
        phase_deg=rng.uniform(-180, 180),
        gaussian_hz=rng.uniform(5.5, 11),
        hump_fraction=rng.uniform(0, 0.3),
    )
    skipped = samples_to_skip(DWELL_S, MHZ)
    fid = (simulate_fid(truth) + noise(truth, rng))[skipped:]
    errors = np.r_[0.0, rng.uniform(-300e-6, 300e-6, 20)]
    priors = [MUSCLE, *(with_random_starts(MUSCLE, rng) for _ in range(20))]
    fits = [
        fit(fid, truth, prior, header_error_s=skipped * DWELL_S + error)
        for prior, error in zip(priors, errors, strict=True)
    ]
    assert all(found.converged for found in fits)
    best = min(found.residual_norm_sq for found in fits)
    # The same minimum: further from it by less than a thousandth of a standard error.
    assert all(found.residual_norm_sq - best < 1e-6 * found.noise_sd**2 for found in fits)
    beta = [found.shifts_ppm[found.names.index("beta-ATP")] for found in fits]
    np.testing.assert_allclose(beta, beta[0], rtol=0, atol=1e-5)


# --- ties, fixed parameters and bounds ------------------------------------------------------------------------------


def test_ties_hold_exactly():
    truth = scan(pcr_snr=15)
    found = fit(simulate_fid(truth) + noise(truth, np.random.default_rng(5)), truth)
    at = {name: index for index, name in enumerate(found.names)}
    assert len(set(found.gaussian_hz)) == 1
    assert len(set(found.phases_deg)) == 1
    assert found.lorentzian_hz[at["NAD"]] == pytest.approx(1.25 * found.lorentzian_hz[at["alpha-ATP"]], rel=1e-14)
    assert found.shifts_ppm[at["Pi-alkaline"]] - found.shifts_ppm[at["PCr"]] == pytest.approx(5.2, abs=1e-13)
    for line, other in (("alpha-ATP", "gamma-ATP"), ("Pi", "Pi-alkaline"), ("PDE", "PME")):
        assert found.linewidths_hz_sd[at[line]] > 0
        if line != "alpha-ATP":
            assert found.linewidths_hz[at[line]] == found.linewidths_hz[at[other]]
        np.testing.assert_allclose(
            np.diff(found.offsets_hz[at["alpha-ATP"]]), np.diff(found.offsets_hz[at["gamma-ATP"]])
        )


def test_a_fixed_parameter_is_known_and_never_counted_free():
    truth = scan(pcr_snr=30)
    fid = simulate_fid(truth) + noise(truth, np.random.default_rng(6))
    document = MUSCLE.to_dict()
    document["lines"]["beta-ATP"]["lorentzian_hz"] = {"fixed": 10.0}
    document["lines"]["beta-ATP"]["amplitude"] = {"fixed": 8.2}
    fixed, free = fit(fid, truth, PriorKnowledge.from_dict(document)), fit(fid, truth)
    beta = fixed.names.index("beta-ATP")
    assert fixed.lorentzian_hz[beta] == 10.0
    assert fixed.amplitudes[beta] == pytest.approx(8.2, rel=1e-15)
    assert fixed.amplitudes_sd[beta] == 0.0
    assert not any("beta" in name for name in fixed.at_bound)
    assert fixed.shifts_ppm_sd[beta] < free.shifts_ppm_sd[beta]
    # noise_sd² · (2·points − free parameters) is the sum of squares.
    counts = [2 * truth.points - found.residual_norm_sq / found.noise_sd**2 for found in (fixed, free)]
    assert counts[1] - counts[0] == pytest.approx(2 + len(fixed.at_bound) - len(free.at_bound), abs=1e-6)


def test_a_gaussian_part_at_zero_leaves_the_widths_their_sd():
    truth = scan(pcr_snr=40, gaussian_hz=0.0)
    rng, zero = np.random.default_rng(18), 0
    for _ in range(10):
        found = fit(simulate_fid(truth) + noise(truth, rng), truth)
        assert (found.linewidths_hz_sd[: found.names.index("Pi-alkaline")] > 0).all()
        if "gaussian_hz:PCr" in found.at_bound:
            zero += 1
            assert 0 < found.bound_limits[found.at_bound.index("gaussian_hz:PCr")] < 4
            np.testing.assert_array_equal(found.linewidths_hz, found.lorentzian_hz)
    # A true value of zero is estimated below it, and hence at the bound, about every other time.
    assert 1 <= zero <= 9


def test_a_parameter_at_its_bound_is_flagged_and_spoils_no_other():
    truth = scan(pcr_snr=40)
    document = MUSCLE.to_dict()
    document["lines"]["beta-ATP"]["shift_ppm"] = {"start": -16.15, "lower": -16.3, "upper": -16.0}
    found = fit(simulate_fid(truth) + noise(truth, np.random.default_rng(7)), truth, PriorKnowledge.from_dict(document))
    beta = found.names.index("beta-ATP")
    assert "shift_ppm:beta-ATP" in found.at_bound
    assert "shift_ppm:beta-ATP" in found.message
    assert found.shifts_ppm[beta] == pytest.approx(-16.0, abs=1e-12)
    assert np.isnan(found.shifts_ppm_sd[beta])
    # The interval begins at the bound and reaches inwards; every parameter at a bound has one.
    assert len(found.bound_limits) == len(found.at_bound)
    assert -16.3 < found.bound_limits[found.at_bound.index("shift_ppm:beta-ATP")] < -16.0
    assert np.isnan(found.covariance[found.covariance_names.index("shift_ppm:beta-ATP")]).all()
    assert np.isfinite(found.amplitudes_sd[beta])
    others = [index for index, name in enumerate(found.names) if name not in ("beta-ATP", "Pi-alkaline")]
    for name in QUANTITIES:
        assert (getattr(found, f"{name}_sd")[others] > 0).all()


@pytest.mark.parametrize("in_sds", [0.3, 1.0])
def test_the_one_sided_interval_of_a_weak_line_covers_its_amplitude(in_sds):
    points, sigma = 512, 0.05
    near = {"start": 0.3, "lower": 0.0, "upper": 0.5}
    document = singlet("lorentzian", amplitude={"start": 1, "lower": 0}, shift_ppm=near).to_dict()
    document["lines"]["weak"] = document["lines"]["A"] | {
        "shift_ppm": {"same_as": "A", "offset_hz": 30},
        "lorentzian_hz": {"same_as": "A"},
        "phase_deg": {"same_as": "A"},
    }
    prior = PriorKnowledge.from_dict(document)
    tau = time_axis(points, DWELL_S)
    line = {"lorentzian_fwhm_hz": 8.0, "phase_deg": 20.0}
    strong = multiplet_fid(tau, amplitude=1.0, frequency_hz=10.0, **line)
    # var a = 4πL·Δt·σ², as for a line alone.
    amplitude = in_sds * sigma * np.sqrt(4 * np.pi * 8.0 * DWELL_S)
    fid = strong + multiplet_fid(tau, amplitude=amplitude, frequency_hz=40.0, **line)
    rng = np.random.default_rng(17)
    covered, at_bound = [], 0
    for _ in range(300):
        noisy = fid + sigma * (rng.normal(size=points) + 1j * rng.normal(size=points))
        found = fit_amares(noisy, dwell_time_s=DWELL_S, spectrometer_frequency_mhz=MHZ, prior=prior)
        if "amplitude:weak" in found.at_bound:
            at_bound += 1
            upper = found.bound_limits[found.at_bound.index("amplitude:weak")]
            assert upper > 0
        else:
            upper = found.amplitudes[1] + 1.645 * found.amplitudes_sd[1]
        covered.append(amplitude < upper)
    assert at_bound > 20
    assert np.mean(covered) > stats.binom.ppf(1e-3, 300, 0.95) / 300


def test_a_line_that_is_not_there_ends_at_zero_and_has_no_shift():
    truth = scan(pcr_snr=60)
    lines = tuple(line for line in truth.lines if line.name != "PME")
    rng = np.random.default_rng(8)
    zero = 0
    for _ in range(10):
        found = fit(simulate_fid(scan(lines=lines)) + noise(truth, rng), truth)
        index = found.names.index("PME")
        assert found.converged
        assert np.isfinite(found.shifts_ppm_sd[[found.names.index(n) for n in ("PCr", "Pi", "beta-ATP")]]).all()
        if "amplitude:PME" in found.at_bound:
            zero += 1
            assert found.amplitudes[index] == 0
            assert np.isnan(found.amplitudes_sd[index])
            assert np.isnan(found.shifts_ppm_sd[index])
            continue
        # Noise that looks like a line: with a free shift the best of several places is found, rarely beyond 4 SD.
        assert found.amplitudes[index] < 5 * found.amplitudes_sd[index]


# --- uncertainty ----------------------------------------------------------------------------------------------------


def test_sd_of_one_lorentzian_line_is_the_closed_form():
    # For s = a·exp(iφ + i2πf·t − πL·t), fine sampling and white noise σ per channel, from
    # ∫t^m·exp(−2πLt)dt = m!/(2πL)^(m+1): var a = 4πL·Δt·σ², var φ = var a/a², var f = 2πL³·Δt·σ²/a²,
    # var L = 4·var f (method: Cavassila et al. 2001, NMR Biomed 14:278).
    a, width, dwell_s, sigma, points = 4.0, 6.0, 1e-4, 0.05, 16384
    rng = np.random.default_rng(9)
    tau = time_axis(points, dwell_s)
    fid = multiplet_fid(tau, amplitude=a, frequency_hz=20.0, lorentzian_fwhm_hz=width, phase_deg=10.0)
    fid += sigma * (rng.normal(size=points) + 1j * rng.normal(size=points))
    found = fit_amares(fid, dwell_time_s=dwell_s, spectrometer_frequency_mhz=MHZ, prior=singlet("lorentzian"))
    of_amplitude = np.sqrt(4 * np.pi * width * dwell_s) * sigma
    of_frequency = np.sqrt(2 * np.pi * width**3 * dwell_s) * sigma / a
    # L enters with its own error of 1 %, to the power 3/2, the noise with that of √(1/4n) = .4 %.
    tolerance = 3 * 1.5 * (2 * of_frequency / width) + 4 / np.sqrt(4 * points) + np.pi * width * dwell_s
    assert tolerance < 0.07
    assert found.amplitudes_sd[0] == pytest.approx(of_amplitude, rel=tolerance)
    assert np.deg2rad(found.phases_deg_sd[0]) == pytest.approx(of_amplitude / a, rel=tolerance)
    assert found.shifts_ppm_sd[0] * MHZ == pytest.approx(of_frequency, rel=tolerance)
    assert found.linewidths_hz_sd[0] == pytest.approx(2 * of_frequency, rel=tolerance)


def test_covariance_is_symmetric_positive_and_agrees_with_the_sds():
    truth = scan(pcr_snr=40)
    found = fit(simulate_fid(truth) + noise(truth, np.random.default_rng(10)), truth)
    sds = np.concatenate([getattr(found, f"{name}_sd") for name in QUANTITIES] + [[found.begin_time_sd_s]])
    known = np.isfinite(np.diag(found.covariance)) & np.isfinite(sds)
    assert known.sum() > 30
    block = found.covariance[np.ix_(known, known)]
    np.testing.assert_allclose(np.sqrt(np.diag(block)), sds[known], rtol=1e-12)
    np.testing.assert_allclose(block, block.T, rtol=1e-9, atol=0)
    some = np.sqrt(np.diag(block)) > 0
    correlation = block[np.ix_(some, some)] / np.outer(*2 * (sds[known][some],))
    assert np.linalg.eigvalsh(correlation).min() > -1e-9
    assert len(found.covariance_names) == len(found.covariance) == 4 * len(found.names) + 1
    assert found.covariance_names[: len(found.names)] == tuple(f"amplitude:{name}" for name in found.names)


@pytest.fixture(scope="module")
def monte_carlo():
    """200 fits at PCr SNR 40: errors and reported SDs of five lines, shape (fits, quantities)."""
    # Alkaline Pi and UDPG are in the truth, so that no parameter of the model lies on its bound.
    lines = (*scan().lines, SyntheticLine("Pi-alkaline", 0.6, 5.2, 8.0), SyntheticLine("UDPG", 1.0, -9.7, 8.0))
    truth = scan(lines=lines, pcr_snr=40)
    fid, rng = simulate_fid(truth), np.random.default_rng(40)
    of_name = {line.name: line for line in truth.lines}
    errors, sds = [], []
    for _ in range(200):
        found = fit(fid + noise(truth, rng), truth)
        at = [found.names.index(name) for name in ("PCr", "Pi", "gamma-ATP", "alpha-ATP", "beta-ATP")]
        lines = [of_name[found.names[index]] for index in at]
        true = [
            *(line.amplitude for line in lines),
            *(line.shift_ppm for line in lines),
            *(voigt_fwhm_hz(line.lorentzian_hz, truth.gaussian_hz) for line in lines),
        ]
        names = QUANTITIES[:3]
        errors.append(np.concatenate([getattr(found, name)[at] for name in names]) - true)
        sds.append(np.concatenate([getattr(found, f"{name}_sd")[at] for name in names]))
    noise_free = fit(fid, truth, begin_time_prior=None)
    bound = np.concatenate([getattr(noise_free, f"{name}_sd")[at] for name in names])
    return np.array(errors), np.array(sds), bound * truth.noise_sd / noise_free.noise_sd


def test_errors_are_as_large_as_the_bound_says(monte_carlo):
    errors, _, bound = monte_carlo
    count, quantities = errors.shape
    ratio = (errors**2).sum(axis=0) / bound**2
    # χ² of 200 fits; the chance that one of 15 quantities falls outside is one in a thousand.
    chance = 1e-3 / quantities / 2
    assert (ratio > stats.chi2.ppf(chance, count)).all()
    assert (ratio < stats.chi2.ppf(1 - chance, count)).all()
    assert (np.abs(errors.mean(axis=0)) < stats.norm.ppf(1 - chance) * bound / np.sqrt(count)).all()


def test_reported_sds_are_those_of_the_errors(monte_carlo):
    errors, sds, bound = monte_carlo
    np.testing.assert_allclose(np.median(sds, axis=0), bound, rtol=0.03)
    inside = (np.abs(errors) < 1.96 * sds).sum()
    # 3000 intervals in 200 independent fits; those of one fit are far from independent, so count them as 200.
    low, high = stats.binom.ppf([0.0005, 0.9995], 200, 0.95) / 200
    assert low < inside / errors.size < high


# --- begin time -----------------------------------------------------------------------------------------------------


def test_a_begin_time_that_is_not_fitted_stays_and_has_no_sd():
    truth = scan(pcr_snr=40)
    found = fit(simulate_fid(truth) + noise(truth, np.random.default_rng(11)), truth, fit_begin_time=False)
    assert found.begin_time_s == BEGIN_S
    assert found.begin_time_sd_s == 0.0


def test_a_begin_time_outside_its_window_ends_at_the_bound():
    truth = scan()
    found = fit(simulate_fid(truth), truth, header_error_s=50e-6, begin_time_window_s=20e-6)
    assert found.begin_time_s == pytest.approx(BEGIN_S + 30e-6, abs=1e-12)
    assert "begin_time_s" in found.at_bound
    assert np.isnan(found.begin_time_sd_s)


def test_knowledge_of_the_begin_time_narrows_the_interval_of_beta():
    truth = scan(pcr_snr=40)
    fid = simulate_fid(truth) + noise(truth, np.random.default_rng(12))
    free = fit(fid, truth)
    vague, sharp = (
        fit(fid, truth, begin_time_prior=BeginTimePrior(BEGIN_S, sd_s, truth.noise_sd)) for sd_s in (1.0, 1e-9)
    )
    known = fit(fid, truth, fit_begin_time=False)
    beta = free.names.index("beta-ATP")
    assert vague.shifts_ppm[beta] == pytest.approx(free.shifts_ppm[beta], abs=1e-8)
    assert vague.shifts_ppm_sd[beta] == pytest.approx(free.shifts_ppm_sd[beta], rel=1e-6)
    assert sharp.shifts_ppm[beta] == pytest.approx(known.shifts_ppm[beta], abs=1e-6)
    assert sharp.shifts_ppm_sd[beta] == pytest.approx(known.shifts_ppm_sd[beta], rel=1e-3)
    assert known.shifts_ppm_sd[beta] < 0.9 * free.shifts_ppm_sd[beta]


# --- honest status --------------------------------------------------------------------------------------------------


def test_a_fit_that_runs_out_of_iterations_says_so(monkeypatch):
    monkeypatch.setattr(newton, "MAX_ITERATIONS", 2)
    truth = scan(pcr_snr=20)
    found = fit(simulate_fid(truth) + noise(truth, np.random.default_rng(13)), truth)
    assert not found.converged
    assert found.message.startswith("stopped before the minimum after 2 iterations")


def test_conjugated_data_do_not_pass_for_muscle():
    truth = scan(pcr_snr=40)
    found = fit(np.conj(simulate_fid(truth) + noise(truth, np.random.default_rng(14))), truth)
    # ATP is not where it belongs, and most of it is left in the residual.
    assert {"amplitude:beta-ATP", "shift_ppm:beta-ATP", "lorentzian_hz:beta-ATP"} & set(found.at_bound)
    assert found.noise_sd > 1.3 * truth.noise_sd
    assert "at a bound" in found.message


@pytest.mark.parametrize("points", [512, 2048])
def test_noise_alone_is_fitted_without_pretending(points):
    rng = np.random.default_rng(15)
    found = fit(rng.normal(size=points) + 1j * rng.normal(size=points), scan())
    pcr = found.names.index("PCr")
    assert "amplitude:PCr" in found.at_bound or found.amplitudes[pcr] < 6 * found.amplitudes_sd[pcr]


@pytest.mark.parametrize(
    ("fid", "message"),
    [
        (np.zeros(256), "the FID is zero"),
        (np.full(256, np.nan), "not finite"),
        (np.r_[np.ones(255), np.inf], "not finite"),
        (np.ones((256, 2)), "one-dimensional"),
        (np.ones(8), "8 samples cannot determine"),
        (np.array([]), "the FID is zero"),
    ],
)
def test_an_fid_that_cannot_be_fitted_is_refused(fid, message):
    with pytest.raises(ValueError, match=message):
        fit(fid, scan())


def test_the_input_is_left_as_it_was_and_single_precision_is_accepted():
    truth = scan(pcr_snr=40)
    fid = (simulate_fid(truth) + noise(truth, np.random.default_rng(16))).astype(np.complex64)
    before = fid.copy()
    single, double = fit(fid, truth), fit(before.astype(np.complex128), truth)
    assert np.array_equal(fid, before)
    assert np.array_equal(single.shifts_ppm, double.shifts_ppm)


@pytest.mark.parametrize(("first", "second"), [*product(["lorentzian", "voigt"], repeat=2)])
def test_the_prior_is_not_changed_by_a_fit(first, second):
    prior, other = singlet(first), singlet(second)
    before = prior.to_dict()
    tau = time_axis(512, DWELL_S)
    fid = multiplet_fid(tau, amplitude=1.0, frequency_hz=10.0, lorentzian_fwhm_hz=5.0)
    options = {"dwell_time_s": DWELL_S, "spectrometer_frequency_mhz": MHZ}
    one = fit_amares(fid, prior=prior, **options)
    fit_amares(fid, prior=other, **options)
    assert prior.to_dict() == before
    assert fit_amares(fid, prior=prior, **options).shifts_ppm == one.shifts_ppm
