"""Simulated cohorts with known truth: level, power and coverage of what the cohort step concludes.

Prints the page; with --write also into benchmarks/INFERENCE.md. One process, some minutes.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from myomag.cohort.agreement import repeat_agreement
from myomag.cohort.measurement_error import corrected_slopes
from myomag.cohort.regression import NotEstimable, Regression, linear_regression, with_covariance
from myomag.cohort.shared_noise import excess_over_noise
from myomag.cohort.terms import error_loadings, product_terms

PAGE = Path(__file__).resolve().parent / "INFERENCE.md"
Row = dict[str, float]
TEXT = """\
# What the cohort step concludes, on simulated cohorts

Made by `python benchmarks/inference.py --write`: {count} cohorts per line, {seconds:.0f} s in one process. A rate
of 5 % has a Monte-Carlo error of {error:.1f} %. Variables are in SDs of true values; the tests are those of the tables,
at 5 %, two-sided.

## 1. Naive and corrected

Strength on Mg, adjusted for age (related to both). *Disagree*: one of the intervals excludes 0 and the other
does not. *Covers*: the 95 % interval covers the true slope. Error sizes differ between participants by about
30 %. Cohorts whose stated error exceeds all of the scatter have no corrected slope and are left out of its columns.

{naive}

## 2. A difference between women and men

The product `muscle_mg*sex`, naive and corrected, against reading the difference off two p-values (significant in women,
not in men, or the other way round). Reliability .8.

{difference}

## 3. Negative controls

Mg on a nuisance of the measurement. *Sex*: women have less Mg and a lower SNR, by the SDs given; the control, adjusted
for sex and age, must not fire. *Noise*: errors of Mg and of the begin time with the correlation given, as one fit makes
them; the test is that of the excess over what this predicts. *Fault*: Mg truly follows the nuisance.

{controls}

## 4. All the error there is

Reliability .38 between days, of which the fits state .89, 120 participants; slope .5. Repeats: that many participants
measured on two days, whose SEM the correction takes with its degrees of freedom.

{days}

Two protocols of 60 scans each without a true difference of Mg; each has a begin time of its own, whose error moves all
its scans by the SD given (share of the SD of Mg between people).

{protocols}
"""


def main() -> None:
    """Simulate and print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="cohorts per line")
    parser.add_argument("--write", action="store_true", help="write benchmarks/INFERENCE.md")
    options = parser.parse_args()
    start = time.monotonic()
    sections = (naive, difference, controls, days, protocols)
    parts = {part.__name__: table(part(options.count)) for part in sections}
    error = 100 * math.sqrt(0.05 * 0.95 / options.count)
    page = TEXT.format(count=options.count, seconds=time.monotonic() - start, error=error, **parts)
    print(page)
    if options.write:
        PAGE.write_text(page, encoding="utf-8")


def table(rows: Iterator[Row]) -> str:
    """Rows as a table; rates as per cent."""
    found = list(rows)
    lines = ["| " + " | ".join(found[0]) + " |", "|---" * len(found[0]) + "|"]
    lines += ["| " + " | ".join(map(cell, row.items())) + " |" for row in found]
    return "\n".join(lines)


def cell(item: tuple[str, float | str]) -> str:
    """Text as it is, numbers as they are written, rates as per cent."""
    name, value = item
    if isinstance(value, str):
        return value
    return f"{100 * value:.1f} %" if name[0].isupper() else f"{value:g}"


def rates(simulate: Callable[[np.random.Generator], Row], count: int, seed: int) -> Row:
    """Means over simulated cohorts of what each yields; NaN counts nowhere."""
    found = [simulate(np.random.default_rng((seed, number))) for number in range(count)]
    return {key: float(np.nanmean([each[key] for each in found])) for key in found[0]}


def error_sds(rng: np.random.Generator, n: int, reliability: float) -> np.ndarray:
    """SDs of errors that make a variable of SD 1 as reliable as that, differing by about 30 %."""
    return math.sqrt((1 - reliability) / reliability / math.exp(2 * 0.3**2)) * rng.lognormal(0, 0.3, n)


def leaves_out(found: object, value: float) -> float:
    """Whether an interval leaves out a value; an end that it lacks is beyond all."""
    return float(found.b_ci95_low > value or found.b_ci95_high < value)


def naive(count: int) -> Iterator[Row]:
    """Level, power, agreement and coverage before and after the correction."""
    for slope in (0.0, 0.5):
        for n in (24, 60, 441):
            for reliability in (0.35, 0.6, 0.9):

                def simulate(rng: np.random.Generator, n=n, reliability=reliability, slope=slope) -> Row:
                    age, sd = rng.normal(size=n), error_sds(rng, n, reliability)
                    mg = -0.3 * age + math.sqrt(1 - 0.09) * rng.normal(size=n)
                    strength = slope * mg - 0.5 * age + rng.normal(size=n)
                    terms = {"mg": mg + sd * rng.normal(size=n), "age": age}
                    plain = linear_regression(strength, terms)
                    own = plain.coefficients[0]
                    row = {"Naive rejects": leaves_out(own, 0), "Naive covers": 1 - leaves_out(own, slope)}
                    keys = ("Corrected rejects", "Disagree", "Corrected covers", "Without an end", "Not estimable")
                    try:
                        one = corrected_slopes(plain, terms, error_loadings(terms, {"mg": sd}))[0]
                    except NotEstimable:
                        return row | dict.fromkeys(keys, math.nan) | {"Not estimable": 1.0}
                    rejects, ends = leaves_out(one, 0), (one.b_ci95_low, one.b_ci95_high)
                    held = 1 - leaves_out(one, slope)
                    values = (rejects, rejects != row["Naive rejects"], held, math.isnan(sum(ends)), 0.0)
                    return row | dict(zip(keys, map(float, values), strict=True))

                yield {"slope": slope, "n": n, "reliability": reliability} | rates(simulate, count, 1)


def difference(count: int) -> Iterator[Row]:
    """Test of a difference of slopes against two p-values."""
    for women, men in ((0.0, 0.0), (0.4, 0.4), (0.6, 0.0)):
        for n in (60, 120, 441):

            def simulate(rng: np.random.Generator, n=n, women=women, men=men) -> Row:
                sex = (rng.random(n) < 0.5).astype(float)
                mg = rng.normal(size=n)
                strength = np.where(sex == 1, women, men) * mg - 1.5 * sex + rng.normal(size=n)
                sd = error_sds(rng, n, 0.8)
                mg = mg + sd * rng.normal(size=n)
                terms = product_terms([{"mg": mg}, {"sex": sex}]) | {"mg": mg, "sex": sex}
                plain = linear_regression(strength, terms)
                whole = corrected_slopes(plain, terms, error_loadings(terms, {"mg": sd}))[0]
                each = [
                    linear_regression(strength[sex == which], {"mg": mg[sex == which]}).coefficients[0].p < 0.05
                    for which in (1, 0)
                ]
                row = {
                    "Product rejects": float(plain.coefficients[0].p < 0.05),
                    "Corrected rejects": float(whole.p < 0.05),
                }
                covers = 1 - leaves_out(whole, women - men)
                return row | {"Corrected covers": covers, "Read off": float(each[0] != each[1])}

            yield {"slope, women": women, "slope, men": men, "n": n} | rates(simulate, count, 2)


def controls(count: int) -> Iterator[Row]:
    """Controls with a true effect of sex, with shared noise, and with a fault."""
    n = 120

    def fires(mg: np.ndarray, nuisance: np.ndarray, sex: np.ndarray, age: np.ndarray, shared: float) -> Row:
        terms = {"nuisance": nuisance, "sex": sex, "age": age}
        found = linear_regression(mg, terms)
        simple = linear_regression(mg, {"nuisance": nuisance}).coefficients[0].p
        _, excess = excess_over_noise(found, terms, "nuisance", np.full(n, shared))
        adjusted = found.coefficients[0].p
        return {
            "Simple": float(simple < 0.05),
            "Adjusted": float(adjusted < 0.05),
            "Beyond noise": float(excess < 0.05),
        }

    for label, effect, noise, fault in (
        ("nothing", 0.0, 0.0, 0.0),
        ("sex, 1 SD", 1.0, 0.0, 0.0),
        ("noise, r = .3", 0.0, 0.3, 0.0),
        ("noise, r = .7", 0.0, 0.7, 0.0),
        ("fault", 0.0, 0.0, 0.3),
        ("fault and noise, r = .3", 0.0, 0.3, 0.3),
    ):

        def simulate(rng: np.random.Generator, effect=effect, noise=noise, fault=fault) -> Row:
            sex, age = (rng.random(n) < 0.5).astype(float), rng.normal(size=n)
            u, v = rng.multivariate_normal([0, 0], [[1, noise], [noise, 1]], n).T
            lasting = rng.normal(size=n)
            mg = -effect * sex + fault / math.sqrt(1 - fault**2) * (v + lasting) + u + rng.normal(size=n)
            nuisance = -effect * sex + lasting + v
            return fires(mg, nuisance, sex, age, noise)

        yield {"what there is": label} | rates(simulate, count, 3)


def days(count: int) -> Iterator[Row]:
    """Coverage where the fits know a tenth of the error, without and with repeats."""
    n, slope, between, stated = 120, 0.5, 1 / 0.38 - 1, 1 / 0.89 - 1
    for repeats in (0, 10, 20, 40):

        def simulate(rng: np.random.Generator, repeats=repeats) -> Row:
            mg = rng.normal(size=n)
            strength = slope * mg + rng.normal(size=n)
            scans = mg[:, None] + math.sqrt(between) * rng.normal(size=(n, 2))
            sd, df = np.full(n, math.sqrt(stated)), math.inf
            values = scans[:, 0].copy()
            if repeats:
                values[:repeats] = scans[:repeats].mean(axis=1)
                sem = repeat_agreement(list(scans[:repeats])).sem
                sd, df = sem / np.sqrt(np.where(np.arange(n) < repeats, 2, 1)), repeats
            plain = linear_regression(strength, {"mg": values})
            row = {"Naive covers": 1 - leaves_out(plain.coefficients[0], slope)}
            try:
                (one,) = corrected_slopes(
                    plain, {"mg": values}, error_loadings({"mg": values}, {"mg": sd}), error_df=df
                )
            except NotEstimable:
                return row | {"Corrected covers": math.nan, "Without an end": math.nan, "Not estimable": 1.0}
            lacks = math.isnan(one.b_ci95_low + one.b_ci95_high)
            held = 1 - leaves_out(one, slope)
            return row | {"Corrected covers": held, "Without an end": float(lacks), "Not estimable": 0.0}

        yield {"participants with repeats": repeats} | rates(simulate, count, 4)


def protocols(count: int) -> Iterator[Row]:
    """Level of the comparison of two protocols, with and without the error that the scans of each share."""
    n = 120
    second = (np.arange(n) % 2).astype(float)
    for shared in (0.0, 0.1, 0.2):

        def simulate(rng: np.random.Generator, shared=shared) -> Row:
            moved = shared * rng.normal(size=2)
            mg = rng.normal(size=n) + moved[second.astype(int)]
            found: Regression = linear_regression(mg, {"protocol": second})
            held = with_covariance(found, np.array([[2 * shared**2]]), "").coefficients[0]
            return {"Without it": float(found.coefficients[0].p < 0.05), "With it": float(held.p < 0.05)}

        yield {"shared SD": shared} | rates(simulate, count, 5)


if __name__ == "__main__":
    main()
