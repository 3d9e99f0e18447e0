"""Simulated fits for the benchmarks: muscle FIDs at 3 T with known truth, fitted as the pipeline does."""

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from myomag.core.amares import AmaresFit, fit_amares
from myomag.core.axes import time_axis
from myomag.core.calibration import ShiftPosterior
from myomag.core.crlb import parameter_covariance
from myomag.core.families import shift_calibration
from myomag.core.leading_samples import samples_to_skip
from myomag.core.lineshapes import line_fid
from myomag.core.objective import BeginTimePrior, Objective
from myomag.core.parameters import parameter_map
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.settings.load import load_settings
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_fid

MHZ, DWELL_S, POINTS = 51.7, 1 / 3000, 2048
BEGIN_TIME_S = 240e-6
LINES = ("PCr", "Pi", "gamma-ATP", "alpha-ATP", "beta-ATP")
SETTINGS = load_settings().model_dump()
PRIOR = PriorKnowledge.from_dict(SETTINGS["fit"]["prior_knowledge"])
SKIP = samples_to_skip(DWELL_S, MHZ)


@dataclass(frozen=True)
class Scenario:
    """What distinguishes a set of simulated scans."""

    snr: float = 40.0
    hump: float = 0.0
    gaussian_hz: tuple[float, float] = (5.5, 11.0)
    header_error_us: float = 0.0
    pooled_us: float | None = None


def truth(scenario: Scenario, rng: np.random.Generator) -> ScanTruth:
    """Draw one scan: pH, Mg, phase, line width and hump vary as in a cohort."""
    return ScanTruth(
        lines=resting_muscle(pi_ppm=rng.normal(4.82, 0.02), beta_atp_ppm=rng.normal(-15.89, 0.02)),
        spectrometer_frequency_mhz=MHZ,
        dwell_time_s=DWELL_S,
        points=POINTS,
        transients=1,
        begin_time_s=BEGIN_TIME_S,
        phase_deg=rng.uniform(-180, 180),
        gaussian_hz=rng.uniform(*scenario.gaussian_hz),
        pcr_snr=scenario.snr,
        hump_fraction=scenario.hump,
        hump_fwhm_ppm=rng.uniform(25, 28),
    )


def noisy_fid(scan: ScanTruth, rng: np.random.Generator) -> np.ndarray:
    """FID with white noise for the SNR of the scan."""
    noise = scan.lines[0].amplitude / scan.pcr_snr * (rng.normal(size=(2, scan.points)))
    return simulate_fid(scan) + noise[0] + 1j * noise[1]


def fit(fid: np.ndarray, scenario: Scenario, prior: PriorKnowledge = PRIOR) -> AmaresFit:
    """Fit from the header's begin time, or with what the protocol tells of it."""
    first = BEGIN_TIME_S + SKIP * DWELL_S
    known = None
    if scenario.pooled_us:
        known = BeginTimePrior(first, scenario.pooled_us * 1e-6, noise_sd=33 / scenario.snr)
    return fit_amares(
        fid[SKIP:],
        dwell_time_s=DWELL_S,
        spectrometer_frequency_mhz=MHZ,
        prior=prior,
        begin_time_s=first + scenario.header_error_us * 1e-6,
        fit_begin_time=True,
        begin_time_prior=known,
    )


def shift_errors(scenario: Scenario, seeds: range) -> np.ndarray:
    """Errors of one scan per row.

    β−PCr and its SD [ppm], Pi−PCr and its SD [ppm], begin time and its SD [µs], pMg, and whether the 95 % intervals of
    pMg and pH hold the truth.
    """
    calibration = shift_calibration(SETTINGS["magnesium"]["mg_calibration"], "mg")
    ph = shift_calibration(SETTINGS["magnesium"]["ph_calibration"], "ph")
    rows = []
    for seed in seeds:
        rng = np.random.default_rng((2019, seed))
        scan = truth(scenario, rng)
        result = fit(noisy_fid(scan, rng), scenario)
        row = []
        for line in ("beta-ATP", "Pi"):
            known = next(item.shift_ppm for item in scan.lines if item.name == line)
            shift, sd = difference(result, line)
            row += [shift - known, sd]
            if line == "beta-ATP":
                inside = calibration.lower_ppm < shift < calibration.upper_ppm
                pmg = calibration.value(shift) - calibration.value(known) if inside else np.nan
                mg_found = calibration.posterior(shift, sd)
                holds = [holds_truth(mg_found, calibration.value(known))]
            else:
                holds.append(holds_truth(ph.posterior(shift, sd), ph.value(known)))
        row += [(result.begin_time_s - SKIP * DWELL_S - BEGIN_TIME_S) * 1e6, result.begin_time_sd_s * 1e6, pmg, *holds]
        rows.append(row)
    return np.array(rows)


def holds_truth(posterior: ShiftPosterior, truth: float) -> float:
    """1 if the 95 % interval holds the truth, 0 if not, NaN where there is no interval."""
    if posterior.ci95_low is None or posterior.ci95_high is None:
        return np.nan
    return float(posterior.ci95_low <= truth <= posterior.ci95_high)


def difference(result, line: str) -> tuple[float, float]:
    """Shift of a line from PCr and its SD [ppm]."""
    one, two = result.names.index(line), result.names.index("PCr")
    rows = [result.covariance_names.index(f"shift_ppm:{name}") for name in (line, "PCr")]
    block = result.covariance[np.ix_(rows, rows)]
    return result.shifts_ppm[one] - result.shifts_ppm[two], float(np.sqrt(block[0, 0] + block[1, 1] - 2 * block[0, 1]))


def peak_picked_pmg_errors(scenario: Scenario, seeds: range) -> np.ndarray:
    """Error of pMg by peak picking: phased with the header's begin time, zero-filled, highest point near β and PCr."""
    calibration = shift_calibration(SETTINGS["magnesium"]["mg_calibration"], "mg")
    errors = []
    for seed in seeds:
        rng = np.random.default_rng((2019, seed))
        scan = truth(scenario, rng)
        fid = noisy_fid(scan, rng) * np.exp(-20 * np.arange(POINTS) * DWELL_S)
        size = 16 * POINTS
        ppm = np.fft.fftfreq(size, DWELL_S) / MHZ
        assumed = BEGIN_TIME_S + scenario.header_error_us * 1e-6
        spectrum = np.fft.fft(fid, size) * np.exp(-2j * np.pi * ppm * MHZ * assumed - 1j * np.deg2rad(scan.phase_deg))
        peak = [ppm[np.where(abs(ppm - at) < 0.6, spectrum.real, -np.inf).argmax()] for at in (-15.9, 0.0)]
        shift = peak[0] - peak[1]
        inside = calibration.lower_ppm < shift < calibration.upper_ppm
        known = next(item.shift_ppm for item in scan.lines if item.name == "beta-ATP")
        errors.append(calibration.value(shift) - calibration.value(known) if inside else np.nan)
    return np.array(errors)


def model_theta():
    """Parameters of a muscle scan inside the model of the default prior, and the layout they belong to."""
    layout = parameter_map(PRIOR, MHZ, fit_begin_time=True)
    theta = layout.start.copy()
    theta[-1] = BEGIN_TIME_S + SKIP * DWELL_S
    for index, name in enumerate(layout.names):
        if name.startswith("phase_deg"):
            theta[index] = 0.7
    return layout, theta


def efficiency(snr: float, seeds: range) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Errors of shift, amplitude and width of the main lines over their Cramér–Rao SD, shape (scans, quantities).

    The scans are drawn from the fit's own model, so that the bound applies.
    """
    layout, theta = model_theta()
    time = time_axis(POINTS - SKIP, DWELL_S, theta[-1])
    fid = sum(
        amplitude
        * np.exp(1j * phase)
        * line_fid(time, frequency_hz=frequency, lorentzian_fwhm_hz=lorentzian, gaussian_fwhm_hz=np.sqrt(gaussian_sq))
        for amplitude, frequency, lorentzian, gaussian_sq, phase in layout.components(theta).T
    )
    problem = Objective(fid, DWELL_S, theta[-1], layout, fit_begin_time=True)
    pcr = theta[layout.names.index("amplitude:PCr")]
    noise = pcr / snr
    bound = parameter_covariance(problem.evaluate(theta).information, np.ones(len(theta), dtype=bool), noise)
    names = [
        f"{quantity}:{line}"
        for line in LINES
        for quantity in ("amplitude", "shift_ppm", "lorentzian_hz")
        if f"{quantity}:{line}" in layout.names
    ]
    columns = [layout.names.index(name) for name in names]
    errors = []
    for seed in seeds:
        rng = np.random.default_rng((7, seed))
        draw = noise * rng.normal(size=(2, len(fid)))
        result = fit_amares(
            fid + draw[0] + 1j * draw[1],
            dwell_time_s=DWELL_S,
            spectrometer_frequency_mhz=MHZ,
            prior=PRIOR,
            begin_time_s=theta[-1],
            fit_begin_time=True,
        )
        found = {
            "amplitude": result.amplitudes,
            "shift_ppm": result.shifts_ppm * MHZ,
            "lorentzian_hz": result.lorentzian_hz,
        }
        row = [found[name.split(":")[0]][result.names.index(name.split(":")[1])] for name in names]
        errors.append(np.array(row) - theta[columns])
    return np.array(errors), np.sqrt(np.diag(bound))[columns], names


def spread(task, *arguments, count: int) -> list:
    """Run `task(*arguments, seeds)` for `count` seeds on all cores; results in the order of the seeds."""
    cores = os.cpu_count() or 1
    edges = np.linspace(0, count, cores + 1).astype(int)
    with ProcessPoolExecutor(cores) as pool:
        jobs = [pool.submit(task, *arguments, range(a, b)) for a, b in pairwise(edges)]
        return [job.result() for job in jobs]
