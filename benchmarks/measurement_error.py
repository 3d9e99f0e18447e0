"""Simulated cohorts of 441 with known truth: attenuation of the naive slopes, bias and coverage of the corrected ones.

Prints one table; with --write also into benchmarks/MEASUREMENT_ERROR.md.
"""

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from myomag.cohort.measurement_error import METHODS, corrected_regression

PAGE = Path(__file__).resolve().parent / "MEASUREMENT_ERROR.md"
PARTICIPANTS = 441
SD_PMG = 0.07
LOG_SD = SD_PMG * np.log(10)
MODELS = {"strength ~ Mg": (3, (2,)), "Mg ~ age": (2, (0,)), "strength ~ Mg + age + sex": (3, (2, 0, 1))}
"""Outcome and predictors as columns of `VARIABLES`."""
VARIABLES = ("age", "sex", "Mg", "strength")
PATHS = np.array([[0, 0, 0, 0], [0, 0, 0, 0], [-0.45, -0.25, 0, 0], [-0.5, -0.7, 0.3, 0]], dtype=float)
"""Direct effect of a column on a row; each variable adds scatter of its own, of variance `OWN`."""
OWN = np.array([1.0, 0.25, 0.7, 0.6])
OF_SLOPE = ("mean", "bias / MC error", "95 % interval covers")
HEAD = ("model", "reliability", "term", "method", "true b", *OF_SLOPE, "true β", *OF_SLOPE)
TOTAL = np.linalg.inv(np.eye(4) - PATHS)
COVARIANCE = TOTAL * OWN @ TOTAL.T


def cohort(rng: np.random.Generator) -> np.ndarray:
    """True values, shape (participants, variables): age uniform, sex 0 or 1, the rest normal about its causes."""
    own = np.sqrt(OWN) * rng.normal(size=(PARTICIPANTS, 4))
    own[:, 0] = rng.uniform(-np.sqrt(3), np.sqrt(3), PARTICIPANTS)
    own[:, 1] = rng.integers(2, size=PARTICIPANTS)
    return own @ TOTAL.T


def error_sds(rng: np.random.Generator, reliability: float) -> np.ndarray:
    """Error SDs of Mg that vary between participants by about a third, for the given reliability on average."""
    mean_square = np.exp(2 * 0.3**2)
    variance = COVARIANCE[2, 2] * (1 - reliability) / reliability
    return np.sqrt(variance / mean_square) * rng.lognormal(0, 0.3, PARTICIPANTS)


def true_slopes(model: str, error_variance: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Slopes b and beta of the population, for Mg with an error of the given variance."""
    outcome, predictors = MODELS[model]
    covariance = COVARIANCE + np.diag([0, 0, error_variance, 0])
    b = np.linalg.solve(covariance[np.ix_(predictors, predictors)], covariance[predictors, outcome])
    return b, b * np.sqrt(np.diag(covariance)[list(predictors)] / covariance[outcome, outcome])


def replicates(model: str, reliability: float, bootstrap: int, simex: int, seeds: range) -> np.ndarray:
    """Estimate and limits of b and beta, shape (seeds, terms, methods, 6)."""
    outcome, predictors = MODELS[model]
    found = []
    for seed in seeds:
        rng = np.random.default_rng((11, seed))
        values, sds = cohort(rng), error_sds(rng, reliability)
        values[:, 2] += sds * rng.normal(size=PARTICIPANTS)
        estimates = corrected_regression(
            values[:, outcome],
            {VARIABLES[index]: values[:, index] for index in predictors},
            {"Mg": sds} if 2 in predictors else {},
            outcome_error_sd=sds if outcome == 2 else None,
            seed=seed,
            bootstrap=bootstrap,
            simex=simex,
        )
        numbers = [(e.b, e.b_ci95_low, e.b_ci95_high, e.beta, e.beta_ci95_low, e.beta_ci95_high) for e in estimates]
        found.append(np.array(numbers).reshape(len(predictors), len(METHODS), 6))
    return np.array(found)


def rows(count: int, bootstrap: int, simex: int) -> Iterator[str]:
    """Lines of the table: one per model, reliability, term and method."""
    yield "| " + " | ".join(HEAD) + " |"
    yield "|---" * len(HEAD) + "|"
    for model in MODELS:
        for reliability in (0.35, 0.6, 0.9):
            found = spread(partial(replicates, model, reliability, bootstrap, simex), count)
            yield from model_rows(model, reliability, found)


def model_rows(model: str, reliability: float, found: np.ndarray) -> Iterator[str]:
    """Lines of one model: truth is that of error-free data; for the naive slopes, bias is from what theory expects."""
    truth = true_slopes(model)
    attenuated = true_slopes(model, COVARIANCE[2, 2] * (1 - reliability) / reliability)
    for term, index in enumerate(MODELS[model][1]):
        for method, name in enumerate(METHODS):
            cells = [model, f"{reliability:g}", VARIABLES[index], name]
            for which in (0, 1):
                estimate, low, high = found[:, term, method, 3 * which : 3 * which + 3].T
                expected = (attenuated if name == "naive" else truth)[which][term]
                error = estimate.std(ddof=1) / np.sqrt(len(estimate))
                covers = np.mean((low < truth[which][term]) & (truth[which][term] < high))
                cells += [
                    f"{truth[which][term]:.3f}",
                    f"{estimate.mean():.3f}",
                    f"{(estimate.mean() - expected) / error:+.1f}",
                    f"{100 * covers:.1f} %",
                ]
            yield "| " + " | ".join(cells) + " |"


def scale_replicates(reliability: float, bootstrap: int, simex: int, seeds: range) -> np.ndarray:
    """Estimate and limits of β of strength on pMg and on Mg [mmol/l], shape (seeds, 2, methods, 3).

    True pMg is 3.37 ± .07 and strength depends on true Mg with β = .5; the SD of Mg is Mg·ln 10·SD(pMg).
    """
    found = []
    for seed in seeds:
        rng = np.random.default_rng((12, seed))
        pmg, error = rng.normal(3.37, SD_PMG, PARTICIPANTS), error_sds(rng, reliability)
        error *= SD_PMG / np.sqrt(COVARIANCE[2, 2])
        spread = np.sqrt(np.exp(LOG_SD**2) - 1)
        relative = np.exp(-np.log(10) * (pmg - 3.37) - LOG_SD**2 / 2)
        strength = 0.5 * relative / spread + np.sqrt(0.75) * rng.normal(size=PARTICIPANTS)
        pmg += error * rng.normal(size=PARTICIPANTS)
        mg = 1000 * 10**-pmg
        for values, sd in ((pmg, error), (mg, mg * np.log(10) * error)):
            result = corrected_regression(
                strength, {"x": values}, {"x": sd}, seed=seed, bootstrap=bootstrap, simex=simex
            )
            found.append([(e.beta, e.beta_ci95_low, e.beta_ci95_high) for e in result])
    return np.array(found).reshape(-1, 2, len(METHODS), 3)


def scale_rows(count: int, bootstrap: int, simex: int) -> Iterator[str]:
    """Lines of the second table: Mg or pMg as predictor."""
    yield "\n| predictor | reliability of pMg | method | true β | " + " | ".join(OF_SLOPE) + " |"
    yield "|---" * 7 + "|"
    # Of lognormal Mg, the correlation with its logarithm.
    truths = {"pMg": -0.5 * LOG_SD / np.sqrt(np.exp(LOG_SD**2) - 1), "Mg": 0.5}
    for reliability in (0.35, 0.6, 0.9):
        found = spread(partial(scale_replicates, reliability, bootstrap, simex), count)
        for scale, (name, truth) in enumerate(truths.items()):
            for method in (1, 2):
                estimate, low, high = found[:, scale, method].T
                error = estimate.std(ddof=1) / np.sqrt(count)
                covers = np.mean((low < truth) & (truth < high))
                yield (
                    f"| {name} | {reliability:g} | {METHODS[method]} | {truth:.3f} | {estimate.mean():.3f} | "
                    f"{(estimate.mean() - truth) / error:+.1f} | {100 * covers:.1f} % |"
                )


def spread(task, count: int) -> np.ndarray:
    """Results of `task(seeds)` for `count` seeds on all cores."""
    cores = os.cpu_count() or 1
    parts = [range(a, b) for a, b in pairwise(np.linspace(0, count, cores + 1).astype(int))]
    with ProcessPoolExecutor(cores) as pool:
        return np.concatenate(list(pool.map(task, parts)))


def page(lines: list[str], options: argparse.Namespace) -> str:
    """Text of MEASUREMENT_ERROR.md."""
    se = 100 * np.sqrt(0.05 * 0.95 / options.count)
    head = [
        "# Slopes corrected for measurement error, on simulated cohorts",
        "",
        f"Made by `benchmarks/measurement_error.py --write`: {options.count} cohorts of {PARTICIPANTS} per line,",
        f"{options.bootstrap} resamples, {options.simex} remeasurements per level. Error SDs differ between",
        "participants by about 30 %. The bias is that from the true slope, for naive slopes from the attenuated one of",
        "theory, in units of its Monte-Carlo error; the same cohorts serve all lines, so that lines stray together.",
        f"The coverage of {options.count} cohorts has a Monte-Carlo SE of {se:.1f} %. Intervals: bias-corrected and",
        "accelerated bootstrap (Efron 1987).",
        "",
        "Below, the same effect of Mg estimated with pMg or with Mg as predictor. The error of Mg grows with Mg, which",
        "the corrections do not allow for: its intervals fall short. myomag therefore corrects the logarithm of Mg, as",
        "in the lines of pMg; those of Mg show why.",
        "",
    ]
    return "\n".join([*head, *lines]) + "\n"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="simulated cohorts per line")
    parser.add_argument("--bootstrap", type=int, default=500, help="resamples per interval")
    parser.add_argument("--simex", type=int, default=20, help="remeasurements per error level")
    parser.add_argument("--write", action="store_true", help="write MEASUREMENT_ERROR.md")
    options = parser.parse_args()
    lines = []
    sizes = (options.count, options.bootstrap, options.simex)
    for line in chain(rows(*sizes), scale_rows(*sizes)):
        lines.append(line)
        print(line, flush=True)
    if options.write:
        PAGE.write_text(page(lines, options), encoding="utf-8")


if __name__ == "__main__":
    main()
