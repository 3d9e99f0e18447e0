"""Correction for measurement error: each model with a measured variable, naive and corrected."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from myomag.cohort.design import Design
from myomag.cohort.errors_known import Errors, errors_of, known_repeats
from myomag.cohort.measurement_error import (
    CORRECTED,
    NAIVE,
    Values,
    corrected_slopes,
    error_variance,
    reliability,
)
from myomag.cohort.plan import Model
from myomag.cohort.regression import Coefficient, NotEstimable, Regression
from myomag.cohort.sample import Sample
from myomag.cohort.statistics import ESTIMATED, NOT_ESTIMABLE, designs, estimate, measurement_weights, row_name
from myomag.cohort.terms import error_loadings, factors_of

if TYPE_CHECKING:
    import pandas as pd

MEASUREMENT_ERROR_COLUMNS = {
    "model": "Model and stratum, as in statistics.tsv; models without a measured variable and controls are left out.",
    "outcome": "Outcome, a column of cohort.tsv.",
    "predictor": "Main term, as in statistics.tsv.",
    "stratum": "Participants in the model.",
    "covariates": "What the model is adjusted for.",
    "n": "Participants with complete values.",
    "measured": "Variable with measurement error.",
    "error_source": "Where the size of the error comes from: repeats in this study between sessions, else within a "
    "session (the SEM in repeatability.tsv), else the SD from the fit of each scan, without day-to-day variation.",
    "error_sd": "Root mean square of the SDs of the error; for repeated scans, of the error of their mean.",
    "reliability": "Share of the variance of the measured variable that is not error: a slope on it alone is the "
    "true slope times this share, a correlation with it the true one times its square root.",
    "reliability_ci95_low": "Lower end of the 95 % interval of the reliability.",
    "reliability_ci95_high": "Upper end of the 95 % interval of the reliability.",
    "method": "naive: error ignored, as in statistics.tsv; corrected: the error variance subtracted (regression "
    "calibration; SIMEX has the same limit). Error in the outcome alone leaves b unchanged and shrinks beta.",
    "b": "Slope, in the units given in statistics.tsv.",
    "b_ci95_low": "Lower end of the 95 % interval of b: the values that the t test does not reject, both naive and "
    "corrected. The corrected interval includes the uncertainty of the reliability, and has no "
    "end where the reliability may be 0.",
    "b_ci95_high": "Upper end of the 95 % interval of b.",
    "beta": "Standardised slope, in SDs of the observed values (naive) or of the true ones (corrected).",
    "beta_ci95_low": "Lower end of the 95 % interval of beta, with the standard deviations taken as known.",
    "beta_ci95_high": "Upper end of the 95 % interval of beta.",
    "p": "Two-sided p of b = 0. Where only this term has error, the correction leaves p unchanged.",
    "status": "estimated, or not estimable.",
    "reason": "Why there is no result.",
}
"""Columns of measurement_error.tsv and what they contain."""
ESTIMATES = tuple(list(MEASUREMENT_ERROR_COLUMNS)[13:-2])


def build_measurement_error(sample: Sample) -> "pd.DataFrame":
    """Build measurement_error.tsv: each main term, naive and corrected.

    Parameters
    ----------
    sample : Sample
        The included scans.
    """
    import pandas as pd

    repeats = known_repeats(sample)
    rows = [
        row
        for model, stratum, design in designs(sample)
        if not model.control and (design.problem is None and design.errors)
        for row in _rows(model, stratum, design, errors_of(design, repeats))
    ]
    return pd.DataFrame(rows, columns=list(MEASUREMENT_ERROR_COLUMNS))


def _rows(model: Model, stratum: str, design: Design, errors: Errors) -> Iterator[dict[str, Any]]:
    row: dict[str, Any] = {"model": row_name(model, stratum), "outcome": model.outcome, "stratum": stratum}
    row |= {"covariates": ", ".join(model.covariates) or None, "n": len(design.people)}
    measured = model.outcome if model.outcome in errors.sd else next(iter(errors.sd))
    row |= {"measured": measured, "error_source": errors.source[measured]}
    try:
        naive = estimate(model, design)
    except NotEstimable as error:
        for name in design.main:
            yield row | {"predictor": name, "status": NOT_ESTIMABLE, "reason": str(error)}
        return
    try:
        row |= _reliability(design, model, measured, errors)
        corrected, reason = _corrected(model, design, naive, errors), None
    except NotEstimable as error:
        corrected, reason = {}, str(error)
    for term in naive.coefficients:
        if term.name not in design.main:
            continue
        yield row | {"predictor": term.name, "method": NAIVE, "status": ESTIMATED} | _numbers(term)
        status = NOT_ESTIMABLE if reason else ESTIMATED
        found = corrected.get(term.name, {})
        yield row | {"predictor": term.name, "method": CORRECTED, "status": status, "reason": reason} | found


def _numbers(term: Coefficient) -> dict[str, float]:
    return {key: getattr(term, key) for key in ESTIMATES}


def _reliability(design: Design, model: Model, measured: str, errors: Errors) -> dict[str, float]:
    values = design.outcome if measured == model.outcome else design.terms[measured]
    sd = errors.sd[measured]
    found = reliability(values, sd, errors.df)
    return {
        "error_sd": math.sqrt(np.mean(sd**2)),
        "reliability": found.reliability,
        "reliability_ci95_low": found.ci95_low,
        "reliability_ci95_high": found.ci95_high,
    }


def _corrected(model: Model, design: Design, naive: Regression, known: Errors) -> dict[str, dict[str, float]]:
    """Corrected numbers of each term."""
    if model.random is not None:
        raise NotEstimable(
            f"the correction does not support a random intercept: make {model.random} a covariate instead"
        )
    errors = {name: sd for name, sd in known.sd.items() if name in design.terms}
    for term in design.terms:
        if sum(name in errors for name in factors_of(term, design.terms)) > 1:
            raise NotEstimable(f"both factors of {term} are measured with error")
    for name, sd in errors.items():
        error_variance(name, design.terms[name], sd)
    loadings = error_loadings(design.terms, errors)
    outcome_error = known.sd.get(model.outcome, np.zeros(1))
    error_variance("the outcome", design.outcome, outcome_error)
    found = corrected_slopes(
        naive,
        design.terms,
        loadings,
        error_df=known.df,
        weights=measurement_weights(model, design),
        true_sds=_true_sds(design.terms, loadings),
        outcome_sd=math.sqrt(np.var(design.outcome, ddof=1) - np.mean(outcome_error**2)),
    )
    return {each.term: {key: getattr(each, key) for key in ESTIMATES} for each in found}


def _true_sds(terms: Mapping[str, Values], loadings: Sequence[Values]) -> dict[str, float]:
    """SD of each term without error, NaN where error explains all of it."""
    errors = np.sum([np.mean(loading**2, axis=0) for loading in loadings], axis=0) * np.ones(len(terms))
    observed = [np.var(values, ddof=1) for values in terms.values()]
    return {name: math.sqrt(max(each, 0.0)) or math.nan for name, each in zip(terms, observed - errors, strict=True)}
