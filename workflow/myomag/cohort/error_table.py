"""Measurement error carried through: each model with a measured variable, naive and corrected."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from myomag.cohort.design import Design, Sample
from myomag.cohort.measurement_error import CorrectedEstimate, corrected_regression, reliability
from myomag.cohort.plan import MG, Model
from myomag.cohort.regression import NotEstimable, check_estimable
from myomag.cohort.statistics import ESTIMATED, NOT_ESTIMABLE, designs, measurement_weights, row_name

if TYPE_CHECKING:
    import pandas as pd

LOG_MG = "log10_mg_mmol_l"
MEASUREMENT_ERROR_COLUMNS = {
    "model": "Model and stratum, as in statistics.tsv; models without a measured variable and controls are left out.",
    "outcome": "Outcome, a column of cohort.tsv.",
    "predictor": "Main term, as in statistics.tsv.",
    "stratum": "Participants in the model.",
    "covariates": "What the model is adjusted for.",
    "n": "Participants with all values.",
    "measured": "Variable with measurement error, as it enters here; its SD is that of the fit, of repeated scans that "
    "of their mean. Mg enters by its logarithm, whose error does not grow with the value as that of Mg does.",
    "reliability": "Share of the variance of the measured variable that is not error: a slope on it alone is that "
    "share of the true one, a correlation with it the square root of that share.",
    "reliability_ci95_low": "Lower end of the 95 % interval of the reliability.",
    "reliability_ci95_high": "Upper end of the 95 % interval of the reliability.",
    "method": "naive: error ignored; regression_calibration and simex: corrected for it. An error of the outcome alone "
    "leaves b as it is and shrinks beta. Regression calibration takes the size of the errors as independent of the "
    "value; simex needs no such assumption.",
    "b": "Slope, in the units given in statistics.tsv; per tenfold Mg, or in powers of ten of Mg, where its logarithm "
    "is a term or the outcome.",
    "b_ci95_low": "Lower end of the 95 % bootstrap interval of b.",
    "b_ci95_high": "Upper end of the 95 % bootstrap interval of b.",
    "beta": "Standardised slope, in SDs of the observed values (naive) or of the true ones (corrected).",
    "beta_ci95_low": "Lower end of the 95 % bootstrap interval of beta.",
    "beta_ci95_high": "Upper end of the 95 % bootstrap interval of beta.",
    "status": "estimated, or not estimable.",
    "reason": "Why there is no result.",
}
"""Columns of measurement_error.tsv and what they hold."""
ESTIMATES = tuple(list(MEASUREMENT_ERROR_COLUMNS)[11:-2])
SEED = 20190917
"""The same for every model and study, so that the same data give the same bytes."""
RESAMPLES, MOST_DRAWS = 1000, 4_000_000
"""Resamples of the bootstrap, fewer beyond 4,000 participants: 10,000 have 400, which keeps the memory small."""


def build_measurement_error(sample: Sample) -> "pd.DataFrame":
    """Build measurement_error.tsv: each main term by each method.

    Parameters
    ----------
    sample : Sample
        The included scans.
    """
    import pandas as pd

    rows = [
        row
        for model, stratum, design in designs(sample)
        if not model.control and (design.problem is None and design.errors)
        for row in _rows(model, stratum, design)
    ]
    return pd.DataFrame(rows, columns=list(MEASUREMENT_ERROR_COLUMNS))


def _with_log_mg(design: Design, outcome: str) -> Design:
    """Design with log10 [Mg] = 3 − pMg in place of Mg: its error is that of pMg.

    The error of Mg grows with Mg, and regression calibration, which takes them as independent, would overcorrect.
    """
    if MG not in design.errors:
        return design
    mg = design.outcome if outcome == MG else design.terms[MG]
    error = design.errors[MG] / (math.log(10) * mg)
    return replace(
        design,
        outcome=np.log10(mg) if outcome == MG else design.outcome,
        terms={name: np.log10(mg) if name == MG else values for name, values in design.terms.items()},
        errors={name: error if name == MG else sd for name, sd in design.errors.items()},
    )


def _rows(model: Model, stratum: str, observed: Design) -> Iterator[dict[str, Any]]:
    design = _with_log_mg(observed, model.outcome)
    row: dict[str, Any] = {"model": row_name(model, stratum), "outcome": model.outcome, "stratum": stratum}
    row |= {"covariates": ", ".join(model.covariates) or None, "n": len(design.people)}
    measured = model.outcome if model.outcome in design.errors else next(iter(design.errors))
    row |= {"measured": LOG_MG if measured == MG else measured}
    try:
        _check_correctable(model, design)
        row |= _reliability(design, model, measured)
        estimates = _estimates(design, model)
    except NotEstimable as error:
        for name in design.main:
            yield row | {"predictor": name, "status": NOT_ESTIMABLE, "reason": str(error)}
        return
    for estimate in estimates:
        if estimate.term in design.main:
            values = {key: getattr(estimate, key) for key in ESTIMATES}
            yield row | values | {"predictor": estimate.term, "method": estimate.method, "status": ESTIMATED}


def _check_correctable(model: Model, design: Design) -> None:
    check_estimable(design.outcome, design.terms)
    if model.random is not None:
        raise NotEstimable(f"the correction knows no random intercept: take {model.random} as covariate")


def _reliability(design: Design, model: Model, measured: str) -> dict[str, float]:
    values = design.outcome if measured == model.outcome else design.terms[measured]
    found = reliability(values, design.errors[measured])
    return {
        "reliability": found.reliability,
        "reliability_ci95_low": found.ci95_low,
        "reliability_ci95_high": found.ci95_high,
    }


def _estimates(design: Design, model: Model) -> tuple[CorrectedEstimate, ...]:
    return corrected_regression(
        design.outcome,
        design.terms,
        {name: sd for name, sd in design.errors.items() if name in design.terms},
        outcome_error_sd=design.errors.get(model.outcome),
        weights=measurement_weights(model, design),
        seed=SEED,
        bootstrap=min(RESAMPLES, MOST_DRAWS // len(design.people)),
    )
