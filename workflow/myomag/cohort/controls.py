"""Tripped negative controls, and what the conclusions become when the variable of the control is held constant."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from myomag.cohort.design import build_design
from myomag.cohort.plan import LOG_MG, MG, Model, planned_models
from myomag.cohort.regression import NotEstimable, Regression
from myomag.cohort.sample import Sample
from myomag.cohort.statistics import CONTROL, ESTIMATED, NOT_ESTIMABLE, build_statistics, estimate, row_name

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.05
"""Level over all controls together (FDR): of studies without a fault, one in twenty trips a control."""
CONTROLS_COLUMNS = {
    "control": "Negative control in statistics.tsv with p_fdr below .05: Mg is associated with how it was measured.",
    "held": "Variable of the control, held constant here.",
    "model": "Conclusion that rests on Mg, as in statistics.tsv.",
    "outcome": "Outcome, a column of cohort.tsv.",
    "predictor": "Main term, as in statistics.tsv.",
    "stratum": "Participants in the model.",
    "covariates": "What the model is adjusted for, besides the variable held constant.",
    "n": "Participants with complete values.",
    "beta": "Standardised slope as in statistics.tsv.",
    "ci95_low": "Lower end of its 95 % interval.",
    "ci95_high": "Upper end of its 95 % interval.",
    "p": "Its p.",
    "beta_held": "Standardised slope with the variable of the control held constant.",
    "held_ci95_low": "Lower end of its 95 % interval.",
    "held_ci95_high": "Upper end of its 95 % interval.",
    "p_held": "Its p.",
    "status": "estimated, or not estimable.",
    "reason": "Why there is no result.",
}
"""Columns of controls.tsv and what they contain."""


def build_controls(sample: Sample) -> "pd.DataFrame":
    """Build controls.tsv: each conclusion on Mg under each tripped control; no rows where none is tripped.

    Parameters
    ----------
    sample : Sample
        The included scans.
    """
    import pandas as pd

    statistics = build_statistics(sample)
    tripped = statistics[(statistics["role"] == CONTROL) & (statistics["p_fdr"].astype(float) < ALPHA)]
    rows = [
        {"control": control, "held": held} | row
        for control, held in zip(tripped["model"], tripped["predictor"], strict=True)
        for row in _threatened(sample, str(held))
    ]
    return pd.DataFrame(rows, columns=list(CONTROLS_COLUMNS))


def _threatened(sample: Sample, held: str) -> Iterator[dict[str, Any]]:
    for model in planned_models(sample.settings, sample.columns):
        if model.control or {MG, LOG_MG}.isdisjoint(model.variables) or held in model.variables:
            continue
        for stratum in sample.strata(model):
            yield from _rows(sample, model, stratum, held)


def _rows(sample: Sample, model: Model, stratum: str, held: str) -> Iterator[dict[str, Any]]:
    """Main terms of an estimable model, as it is and with a variable held constant."""
    design = build_design(sample, model, stratum)
    row: dict[str, Any] = {"model": row_name(model, stratum), "outcome": model.outcome, "stratum": stratum}
    row |= {"covariates": ", ".join(model.covariates) or None, "n": len(design.people)}
    try:
        before = estimate(model, design)
    except NotEstimable:
        return
    other = model.model_copy(update={"covariates": [*model.covariates, held]})
    try:
        after, reason = estimate(other, build_design(sample, other, stratum)), None
    except NotEstimable as error:
        after, reason = None, str(error)
    for name in design.main:
        numbers = _numbers(before, name, ("beta", "ci95_low", "ci95_high", "p"))
        numbers |= _numbers(after, name, ("beta_held", "held_ci95_low", "held_ci95_high", "p_held")) if after else {}
        status = NOT_ESTIMABLE if reason else ESTIMATED
        yield row | {"predictor": name, "status": status, "reason": reason} | numbers


def _numbers(found: Regression, name: str, keys: tuple[str, ...]) -> dict[str, float]:
    term = next(term for term in found.coefficients if term.name == name)
    return dict(zip(keys, (term.beta, term.beta_ci95_low, term.beta_ci95_high, term.p), strict=True))
