"""Muscle against serum Mg: which is more closely related to age and strength, in one test instead of two p-values."""

from typing import TYPE_CHECKING, Any

import numpy as np

from myomag.cohort.correlations import steiger
from myomag.cohort.design import Design, build_design
from myomag.cohort.plan import ALL, Model, roles
from myomag.cohort.regression import NotEstimable, check_estimable
from myomag.cohort.sample import Sample
from myomag.cohort.statistics import ESTIMATED, NOT_ESTIMABLE

if TYPE_CHECKING:
    import pandas as pd

COMPARISONS_COLUMNS = {
    "outcome": "Outcome that both are correlated with, a column of cohort.tsv.",
    "stratum": "Participants compared: women, men or all.",
    "first": "First correlate: muscle Mg, on the scale of cohort.mg_scale.",
    "second": "Second correlate: serum Mg.",
    "n": "Participants with all three values.",
    "r_first": "Pearson's correlation of outcome and first correlate.",
    "r_second": "Pearson's correlation of outcome and second correlate.",
    "r_between": "Pearson's correlation of the two correlates.",
    "difference": "r_first - r_second, with their signs.",
    "ci95_low": "Lower end of the 95 % interval of the difference (Zou 2007).",
    "ci95_high": "Upper end of the 95 % interval of the difference.",
    "z": "Steiger's z for the test of no difference (dependent correlations with one variable in common).",
    "p": "Two-sided p of that test.",
    "status": "estimated, or not estimable.",
    "reason": "Why there is no result, or which values were left out or changed.",
}
"""Columns of comparisons.tsv and what they contain."""


def build_comparisons(sample: Sample) -> "pd.DataFrame":
    """Build comparisons.tsv: with age for all, with strength within each sex.

    Parameters
    ----------
    sample : Sample
        The included scans.
    """
    import pandas as pd

    settings, serum = sample.settings, sample.settings.serum_mg_column
    muscle = roles(settings)["muscle_mg"]
    both = [muscle, serum]
    models = (
        Model(name="age", outcome=settings.age_column, predictors=both),
        Model(name="strength", outcome=settings.strength_column, predictors=both, strata=settings.sex_column),
    )
    rows = [
        {"outcome": model.outcome, "stratum": stratum, "first": muscle, "second": serum}
        | _compared(model, build_design(sample, model, stratum))
        for model in models
        for stratum in (sample.strata(model) if model.strata else (ALL,))
    ]
    return pd.DataFrame(rows, columns=list(COMPARISONS_COLUMNS))


def _compared(model: Model, design: Design) -> dict[str, Any]:
    notes = list(design.notes)
    row = {"n": len(design.people), "status": ESTIMATED, "reason": "; ".join(notes) or None}
    try:
        return row | _difference(model, design)
    except NotEstimable as error:
        return row | {"status": NOT_ESTIMABLE, "reason": "; ".join([str(error), *notes])}


def _difference(model: Model, design: Design) -> dict[str, float]:
    """Three correlations, and the difference of the first two with interval and test."""
    if design.problem:
        raise NotEstimable(design.problem)
    muscle, serum = model.predictors
    if serum == muscle:
        raise NotEstimable(f"{serum} cannot be compared with itself")
    if serum not in design.terms:
        raise NotEstimable(f"{serum} is text, not a number")
    first, second = design.terms[muscle], design.terms[serum]
    check_estimable(design.outcome, design.terms)
    r_first, r_second, r_between = np.corrcoef([design.outcome, first, second])[[0, 0, 1], [1, 2, 2]].tolist()
    result = steiger(r_first, r_second, r_between, len(design.people))
    numbers = {key: getattr(result, key) for key in ("difference", "ci95_low", "ci95_high", "z", "p")}
    return {"r_first": r_first, "r_second": r_second, "r_between": r_between} | numbers
