"""Bias and coverage of β-ATP and Pi under what the field does, at SNR 10 to 200: prints a table.

    python benchmarks/line_shapes.py --scans 100

Each scan is fitted twice: by Voigt lines and by the line shape of the scan. The simulation is this file's own.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from myomag.core.amares import AmaresFit, fit_amares
from myomag.core.families import mg_calibration
from myomag.core.leading_samples import samples_to_skip
from myomag.core.line_shape import HIGHEST_ORDER, LEAST_ORDER
from myomag.core.model_choice import model_variance, variants
from myomag.core.objective import BeginTimePrior
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.core.whiteness import corrected
from myomag.settings.load import load_settings

SETTINGS = load_settings().model_dump()
PRIOR = PriorKnowledge.from_dict(SETTINGS["fit"]["prior_knowledge"])
MG = mg_calibration(SETTINGS["magnesium"]["mg_calibration"])
MHZ, DWELL_S, POINTS, J_HZ, STATED_S = 51.7, 1 / 3000, 2048, 16.5, 300e-6
SAMPLING = {"dwell_time_s": DWELL_S, "spectrometer_frequency_mhz": MHZ}
SKIPPED = samples_to_skip(DWELL_S, MHZ)


@dataclass(frozen=True)
class Condition:
    """What the field does to the envelope, and what the muscle holds beside the usual lines (amplitude, ppm, Hz)."""

    envelope: Callable[[np.ndarray], np.ndarray] = np.ones_like
    further: tuple[tuple[float, float, float], ...] = field(default=())


CONDITIONS = {
    "Voigt": Condition(),
    "tail of 6 Hz": Condition(lambda t: 1 / (1 - 2j * np.pi * 6 * t)),
    "tail of −4 Hz": Condition(lambda t: 1 / (1 + 2j * np.pi * 4 * t)),
    "second component .3 at 12 Hz": Condition(lambda t: (1 + 0.3 * np.exp(2j * np.pi * 12 * t)) / 1.3),
    "eddy current .5 rad, 5 ms": Condition(lambda t: np.exp(0.5j * np.exp(-t / 5e-3))),
    "eddy current −.5 rad, 2 ms": Condition(lambda t: np.exp(-0.5j * np.exp(-t / 2e-3))),
    "UDPG 1.5 mM": Condition(further=((1.5, -9.7, 10.0),)),
    "hump of .3": Condition(further=((10.0, -1.0, 26 * MHZ),)),
    "second Pi, pH 6.75": Condition(further=((1.8, 4.48, 8.0),)),
}


def scan(condition: Condition, snr: float, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, float]]:
    """FID with noise, and the true shifts of β-ATP and Pi [ppm]."""
    truth = {"beta-ATP": rng.normal(-15.894, 0.02), "Pi": rng.normal(4.86, 0.02)}
    lines = [
        (33.0, 0.0, rng.uniform(3, 6), (1,)),
        (4.5, truth["Pi"], rng.uniform(6, 11), (1,)),
        (8.2, rng.normal(-2.4, 0.02), rng.uniform(7, 11), (1, 1)),
        (8.2, rng.normal(-7.45, 0.02), rng.uniform(7, 11), (1, 1)),
        (8.2, truth["beta-ATP"], rng.uniform(8, 13), (1, 2, 1)),
        (1.2, 6.5, rng.uniform(8, 12), (1,)),
        (2.5, 2.95, rng.uniform(6, 10), (1,)),
        (1.2, -8.2, rng.uniform(9, 13), (1,)),
        *((*line, (1,)) for line in condition.further),
    ]
    tau = rng.uniform(300e-6, 350e-6) + DWELL_S * np.arange(POINTS)
    fid = np.zeros(POINTS, dtype=np.complex128)
    for amplitude, ppm, width, ratios in lines:
        for order, ratio in enumerate(ratios):
            frequency = ppm * MHZ + J_HZ * (order - (len(ratios) - 1) / 2)
            fid += amplitude * ratio / sum(ratios) * np.exp((2j * np.pi * frequency - np.pi * width) * tau)
    gaussian = np.exp(-((np.pi * rng.uniform(8, 13) * tau) ** 2) / (4 * np.log(2)))
    fid *= gaussian * condition.envelope(tau) * np.exp(1j * rng.uniform(-np.pi, np.pi))
    return fid + 33 / snr * (rng.normal(size=POINTS) + 1j * rng.normal(size=POINTS)), truth


def fitted(fid: np.ndarray, prior: PriorKnowledge, **shape: Any) -> tuple[AmaresFit, dict[str, float]]:
    """Fit of one scan as the pipeline does it, and the model variance of its shifts [ppm²]."""
    first_s, samples = STATED_S + SKIPPED * DWELL_S, fid[SKIPPED:]
    options: dict[str, Any] = SAMPLING | {"begin_time_s": first_s, "fit_begin_time": True} | shape
    own = fit_amares(samples, prior=prior, **options)
    options["begin_time_prior"] = BeginTimePrior(first_s, 100e-6, own.noise_sd)
    if not shape:
        return corrected(fit_amares(samples, prior=prior, **options), samples, **SAMPLING)[0], {}
    found = fit_amares(samples, prior=prior, profiled=("beta-ATP", "Pi"), start=own.start, **options)
    others = variants(samples, found, prior, skipped=SKIPPED, **options)
    extra = {line: model_variance(found, others, {line: 1.0, "PCr": -1.0}) for line in ("beta-ATP", "Pi")}
    return corrected(found, samples, **SAMPLING)[0], extra


def distance(fit: AmaresFit, line: str) -> tuple[float, float]:
    """Shift of a line from PCr and its SD [ppm]."""
    rows = [fit.covariance_names.index(f"shift_ppm:{name}") for name in (line, "PCr")]
    block = fit.covariance[np.ix_(rows, rows)]
    value = fit.shifts_ppm[fit.names.index(line)] - fit.shifts_ppm[fit.names.index("PCr")]
    return float(value), float(np.sqrt(block[0, 0] + block[1, 1] - 2 * block[0, 1]))


def errors(
    condition: Condition, snr: float, scans: int, prior: PriorKnowledge, **shape: Any
) -> tuple[np.ndarray, float]:
    """Errors of β and of Pi [ppm], each with noise and total SD, and that of Mg, per scan; and time of a scan [s]."""
    rows, spent = [], 0.0
    for seed in range(scans):
        fid, truth = scan(condition, snr, np.random.default_rng((2026, seed)))
        begun = time.process_time()
        fit, extra = fitted(fid, prior, **shape)
        spent += time.process_time() - begun
        row = []
        for line in ("beta-ATP", "Pi"):
            value, sd = distance(fit, line)
            row += [value - truth[line], sd, np.sqrt(sd**2 + extra.get(line, 0.0))]
        beta = truth["beta-ATP"] + row[0]
        inside = MG.lower_ppm < beta < MG.upper_ppm
        rows.append([*row, 10 ** (MG.pmg(truth["beta-ATP"]) - MG.pmg(beta)) - 1 if inside else np.nan])
    return np.array(rows), spent / scans


def line(label: str, rows: np.ndarray, seconds: float) -> str:
    """Row of the table."""
    beta, sd, total, pi, _, pi_total, mg = rows.T
    covered, all_covered = (100 * np.nanmean(np.abs(beta) < 1.96 * each) for each in (sd, total))
    return (
        f"| {label} | {100 * np.nanmedian(mg):+.1f} | {1e3 * np.nanmean(beta):+.1f} | {1e3 * np.nanstd(beta):.1f} | "
        f"{1e3 * np.nanmedian(sd):.1f} | {covered:.0f} | {all_covered:.0f} | {np.nanmedian(total / sd):.2f} | "
        f"{1e3 * np.nanmean(pi):+.1f} | {100 * np.nanmean(np.abs(pi) < 1.96 * pi_total):.0f} | {1e3 * seconds:.0f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=100)
    parser.add_argument("--snr", type=float, nargs="+", default=[10.0, 15.0, 40.0, 200.0])
    options = parser.parse_args()
    print(
        "| truth, SNR, lines | Mg, median error % | β error | SD | stated | noise covers % | total covers % | ", end=""
    )
    print("total/noise | Pi error | total covers % | CPU ms |\n|" + "---|" * 11)
    shape = {"shape_order": LEAST_ORDER, "max_shape_order": HIGHEST_ORDER}
    for snr in options.snr:
        for name, condition in CONDITIONS.items():
            for label, extra in (("Voigt", {}), ("shape of the scan", shape)):
                prior = PRIOR if extra else PRIOR.required
                rows, seconds = errors(condition, snr, options.scans, prior, **extra)
                print(line(f"{name}, {snr:g}, {label}", rows, seconds), flush=True)


if __name__ == "__main__":
    main()
