"""Simulated cohorts of 441 with known truth: attenuation of the naive slopes, bias and coverage of the corrected ones.

Prints one table; with --write also into benchmarks/MEASUREMENT_ERROR.md.
"""

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise

import numpy as np

from myomag.cohort.measurement_error import METHODS, corrected_regression

PARTICIPANTS = 441
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
    cores = os.cpu_count() or 1
    parts = [range(a, b) for a, b in pairwise(np.linspace(0, count, cores + 1).astype(int))]
    with ProcessPoolExecutor(cores) as pool:
        for model in MODELS:
            for reliability in (0.35, 0.6, 0.9):
                found = np.concatenate(list(pool.map(partial(replicates, model, reliability, bootstrap, simex), parts)))
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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="simulated cohorts per line")
    parser.add_argument("--bootstrap", type=int, default=500)
    parser.add_argument("--simex", type=int, default=20)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    lines = []
    for line in rows(options.count, options.bootstrap, options.simex):
        lines.append(line)
        print(line, flush=True)


if __name__ == "__main__":
    main()
