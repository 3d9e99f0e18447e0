"""Results of the models: one row per model, stratum and term, even where there is no result."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from myomag.cohort.design import Design, build_design
from myomag.cohort.kinds import UNNAMED, by_size, kinds_of
from myomag.cohort.participants import Values
from myomag.cohort.plan import LOG_MG, Model, planned_models
from myomag.cohort.random_intercepts import random_intercepts
from myomag.cohort.regression import (
    NotEstimable,
    Regression,
    false_discovery,
    linear_regression,
    with_covariance,
)
from myomag.cohort.sample import Sample
from myomag.cohort.shared_noise import excess_over_noise
from myomag.cohort.terms import factors_of, is_group
from myomag.settings.cohort import CohortSettings

if TYPE_CHECKING:
    import pandas as pd

STATISTICS_COLUMNS = {
    "model": "Model from the settings (cohort.models), followed by `_adjusted` if adjusted and by its stratum.",
    "outcome": "Outcome, a column of cohort.tsv. The scans of a participant are averaged first (Mg as pMg, i.e. as a "
    "geometric mean), or the first one is taken, as the model states, so that n counts participants.",
    "predictor": "Term: a column of cohort.tsv, or `column: level` for a level of a text column against the first one. "
    "Sex is coded women = 1, men = 0. log10_mg_mmol_l is the decadic logarithm of Mg in mmol/L, 3 - pMg. `a*b` is the "
    "product of the two, each centred on its mean; both are also terms of their own. It shows how the slope of one "
    "depends on the other.",
    "role": "main: what the model is about; control: a negative control, where an effect points to the measurement "
    "rather than the muscle; covariate: what the model is adjusted for.",
    "stratum": "Participants in the model: women, men, a level of another column, or all.",
    "covariates": "What the model is adjusted for.",
    "estimator": "How the slopes and their errors were estimated.",
    "n": "Participants with complete values, or their sessions where the model counts sessions.",
    "b_unit": "Unit of b.",
    "b": "Slope: change of the outcome per unit of the predictor, with the other terms held constant.",
    "b_se": "Standard error of b.",
    "b_ci95_low": "Lower end of the 95 % interval of b.",
    "b_ci95_high": "Upper end of the 95 % interval of b.",
    "b_noise": "Controls only: the slope expected from noise alone, since Mg and the predictor come from the same fit.",
    "beta": "Slope with outcome and predictor in units of their standard deviations, even where the predictor is sex; "
    "with a single predictor it is Pearson's correlation.",
    "ci95_low": "Lower end of the 95 % interval of beta, with the standard deviations taken as known.",
    "ci95_high": "Upper end of the 95 % interval of beta.",
    "p": "Two-sided p of the t test of b = 0, or of b = b_noise where it is given; not corrected for multiplicity.",
    "p_fdr": "p adjusted for the false discovery rate (Benjamini-Hochberg) over all main terms of the kind; controls "
    "form a family of their own, and covariates are not adjusted.",
    "r2": "Share of the variance explained by all terms together; not given with a random intercept.",
    "r2_adjusted": "The same, adjusted for the number of terms.",
    "partial_r": "Correlation of outcome and predictor after the other terms are removed from both.",
    "partial_r_ci95_low": "Lower end of the 95 % interval of partial_r by Fisher's z.",
    "partial_r_ci95_high": "Upper end of the 95 % interval of partial_r by Fisher's z.",
    "status": "estimated, or not estimable.",
    "reason": "Why the model is not estimable, or which values were left out or changed.",
}
"""Columns of statistics.tsv and what they contain."""
NUMBERS = tuple(name for name in list(STATISTICS_COLUMNS)[9:-2])
MAIN, CONTROL, COVARIATE = "main", "control", "covariate"
LOG_UNIT, PER_LOG = "log10(Mg)", "tenfold Mg"
ESTIMATED, NOT_ESTIMABLE = "estimated", "not estimable"


def build_statistics(sample: Sample, units: Mapping[str, str] | None = None) -> "pd.DataFrame":
    """Build statistics.tsv: each model of the settings in each of its strata, one row per term.

    Parameters
    ----------
    sample : Sample
        The included scans.
    units : mapping of str to str, optional
        Units of the columns, as far as they are known.
    """
    import pandas as pd

    rows = [
        row for model, stratum, design in designs(sample) for row in _model_rows(model, stratum, design, units or {})
    ]
    for family in (MAIN, CONTROL):
        members = [row for row in rows if row["role"] == family]
        for row, adjusted in zip(members, false_discovery([row["p"] for row in members]), strict=True):
            row["p_fdr"] = adjusted
    return pd.DataFrame(rows, columns=list(STATISTICS_COLUMNS))


def included(cohort: "pd.DataFrame", settings: CohortSettings, notes: Mapping[str, str] | None = None) -> Sample:
    """Included scans of the cohort as variables of participants; `notes` say which cells of a column were changed."""
    return Sample(cohort, (cohort["status"] == "included").to_numpy(dtype=bool), settings, notes)


def samples_of_kinds(sample: Sample) -> dict[str, Sample]:
    """Scans of each kind as variables of participants, the kind with most participants first; one even without scans.

    Averages over the scans of a participant, models and comparisons of repeats each use scans of one kind.
    """
    if "scan" not in sample.columns or not sample.entering.any():
        return {UNNAMED: sample}
    kinds = kinds_of(sample.column("scan"), sample.settings.kind_by)
    found = by_size(kinds, sample.column("participant_id"))
    return {kind: sample if len(found) == 1 else sample.only(kinds == kind) for kind in found}


def designs(sample: Sample) -> Iterator[tuple[Model, str, Design]]:
    """Design of each model from the settings in each of its strata."""
    for model in planned_models(sample.settings, sample.columns):
        for stratum in sample.strata(model):
            yield model, stratum, build_design(sample, model, stratum)


def row_name(model: Model, stratum: str) -> str:
    """Name of a model in a stratum, which identifies its rows."""
    return model.name if model.strata is None else f"{model.name}_{stratum}"


def estimate(model: Model, design: Design) -> Regression:
    """Regression of a design: weighted, robust or with random intercepts, as the model states.

    Raises
    ------
    NotEstimable
        With the reason.
    """
    if design.problem:
        raise NotEstimable(design.problem)
    if model.random is not None:
        if model.robust or model.weights is not None:
            raise NotEstimable(f"random: {model.random}: cannot be combined with robust or weights; remove one of them")
        return random_intercepts(design.outcome, design.terms, design.groups, model.random)
    weights = measurement_weights(model, design)
    found = linear_regression(design.outcome, design.terms, weights=weights, robust=model.robust)
    return _with_protocols(found, design, weights) if design.systematic.size else found


def _with_protocols(found: Regression, design: Design, weights: Values | None) -> Regression:
    """Regression whose slope errors include the error of the begin time that the scans of a protocol share.

    Errors Ls of the outcome, with s independent between protocols, give the slopes the covariance AL(AL)ᵀ with the
    least squares A = S⁻¹wᵀ; where all scans have one protocol, or its site is a term, only that term is affected.
    """
    columns = np.column_stack(list(design.terms.values()))
    shares = np.ones(len(columns)) if weights is None else weights / weights.mean()
    w = columns - np.average(columns, axis=0, weights=shares)
    moved = np.linalg.solve((w.T * shares) @ w, (w.T * shares) @ design.systematic)
    count = int(np.sum(np.any(design.systematic > 0, axis=0)))
    return with_covariance(found, moved @ moved.T, f"errors include the begin times of {count} protocols")


def measurement_weights(model: Model, design: Design) -> Values | None:
    """Weights 1/SD² of the measured outcome where the model requests them."""
    if model.weights is None:
        return None
    if (errors := design.errors.get(model.outcome)) is None:
        raise NotEstimable(f"weights: {model.weights}: {model.outcome} was not measured here and has no SD per scan")
    weights: Values = 1 / errors**2
    return weights


def _model_rows(model: Model, stratum: str, design: Design, units: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Rows of the terms, predictors first; one row per predictor where nothing is estimated."""
    row: dict[str, Any] = dict.fromkeys(STATISTICS_COLUMNS)
    row |= {"model": row_name(model, stratum), "outcome": model.outcome, "stratum": stratum}
    row |= {"covariates": ", ".join(model.covariates) or None, "estimator": _estimator(model), "n": len(design.people)}
    own = CONTROL if model.control else MAIN
    try:
        result = estimate(model, design)
    except NotEstimable as error:
        reason = "; ".join([str(error), *design.notes])
        for name in design.main:
            yield row | {"predictor": name, "role": own, "status": NOT_ESTIMABLE, "reason": reason}
        return
    notes = "; ".join((*design.notes, *result.notes)) or None
    row |= {"r2": result.r2, "r2_adjusted": result.r2_adjusted, "status": ESTIMATED, "reason": notes}
    for term in result.coefficients:
        values = {key: getattr(term, key) for key in NUMBERS if hasattr(term, key)}
        if model.standardise:
            values |= {"ci95_low": term.beta_ci95_low, "ci95_high": term.beta_ci95_high}
        else:
            values["beta"] = None
        if term.name in design.shared_noise and model.random is None and model.weights is None:
            shared = design.shared_noise[term.name]
            values["b_noise"], values["p"] = excess_over_noise(result, design.terms, term.name, shared)
        role = own if term.name in design.main else COVARIATE
        unit = _unit(model, term.name, design, units)
        yield row | values | {"predictor": term.name, "role": role, "b_unit": unit}


def _estimator(model: Model) -> str:
    if model.random is not None:
        return f"linear mixed model (REML), random intercept of {model.random}"
    squares = "least squares" if model.weights is None else "weighted least squares (1/SD² of the outcome)"
    return f"{squares}, HC3" if model.robust else squares


def _unit(model: Model, term: str, design: Design, units: Mapping[str, str]) -> str:
    """Unit of a slope; a difference between groups has the unit of the outcome."""
    factors = factors_of(term, design.terms)
    return slope_unit(model.outcome, [name for name in factors if not is_group(design.terms[name].tolist())], units)


def slope_unit(outcome: str, numbers: Sequence[str], units: Mapping[str, str]) -> str:
    """Unit of a slope of the outcome per unit of each number; without numbers, the unit of a difference."""
    first = LOG_UNIT if outcome == LOG_MG else units.get(outcome) or f"unit of {outcome}"
    per = (PER_LOG if name == LOG_MG else units.get(name) or f"unit of {name}" for name in numbers)
    return " per ".join((first, *per))
