"""Data of a model in a cohort: outcome and terms of the participants with complete values."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.participants import SEXES, Values
from myomag.cohort.plan import SITE, Model, factors, lower_terms
from myomag.cohort.sample import Sample
from myomag.cohort.terms import Terms, product_terms, variable_terms
from myomag.errors import hint

FEWEST_IN_GROUP = 2


@dataclass(frozen=True)
class Design:
    """Outcome and terms of one model in one stratum.

    Attributes
    ----------
    people : tuple of str
        Participants with complete values, in the order of the arrays.
    outcome : ndarray, shape (n,)
        Outcome.
    terms : mapping of str to ndarray, shape (n,)
        Terms, those of the predictors first.
    main : sequence of str
        Terms of the predictors; the factors of a product are not among them.
    errors : mapping of str to ndarray, shape (n,)
        SD of the measurement of the outcome and of each term that was measured here, by column.
    scans, sessions : ndarray, shape (n,)
        Number of scans, and of sessions, that each value is the mean of.
    systematic : ndarray, shape (n, protocols)
        SD that the begin time of each protocol gives the outcome Mg of all its scans together.
    shared_noise : mapping of str to ndarray, shape (n,)
        Covariance that noise gives the outcome Mg and a column that the same fit gave.
    groups : ndarray of str, shape (n,)
        Level of the column with random intercepts; empty where the model has none.
    problem : str or None
        Why the model cannot be estimated.
    notes : sequence of str
        Values that were left out or changed.
    left_out : mapping of str to str
        Reason for each participant left out.
    """

    people: tuple[str, ...] = ()
    outcome: Values = field(default_factory=lambda: np.empty(0))
    terms: Mapping[str, Values] = field(default_factory=dict)
    main: Sequence[str] = ()
    errors: Mapping[str, Values] = field(default_factory=dict)
    scans: Values = field(default_factory=lambda: np.empty(0))
    sessions: Values = field(default_factory=lambda: np.empty(0))
    systematic: Values = field(default_factory=lambda: np.empty((0, 0)))
    shared_noise: Mapping[str, Values] = field(default_factory=dict)
    groups: NDArray[Any] = field(default_factory=lambda: np.empty(0, dtype=object))
    problem: str | None = None
    notes: Sequence[str] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


def build_design(sample: Sample, model: Model, stratum: str) -> Design:
    """Outcome and terms of the participants who have all of them, or the problem."""
    if absent := [name for name in model.columns if name not in sample.columns]:
        return Design(problem=absent_column(absent[0], sample.columns), main=model.predictors, notes=model.notes)
    sample = sample.by_session() if model.unit == "session" else sample
    chosen = sample.where(model.subset)
    variables = {name: chosen.variable(name, model.repeated) for name in model.columns if name not in model.subset}
    notes = tuple(dict.fromkeys((*model.notes, *(note for each in variables.values() for note in each.notes))))
    if problem := next((each.problem for each in variables.values() if each.problem), None):
        return Design(problem=problem, main=model.predictors, notes=notes)
    reasons = _reasons(chosen, model, stratum)
    entering = ~reasons.astype(bool)
    covariates, site = _without_single_site(chosen, model, entering)
    single = {
        name: variable_terms(
            name, chosen.variable(name, model.repeated).values[entering], is_sex=name == sample.sex_column
        )
        for name in model.variables
    }
    outcome, main = single[model.outcome], _terms(model.predictors, single)
    lower = (part for name in (*model.predictors, *covariates) for part in lower_terms(name))
    terms = main | _terms(covariates, single) | _terms(lower, single)
    design = Design(
        people=tuple(chosen.owners.people[entering].tolist()),
        outcome=next(iter(outcome.values()), np.empty(0)),
        terms=terms,
        main=tuple(main) or model.predictors,
        errors=dict(_errors(chosen, model, entering)),
        scans=chosen.counted("scan", model.repeated)[entering],
        sessions=chosen.counted("session_id", model.repeated)[entering],
        systematic=chosen.systematic(model.outcome, model.repeated)[entering],
        shared_noise=dict(_shared_noise(chosen, model, entering)),
        groups=chosen.levels(model.random).values[entering] if model.random else np.empty(0, dtype=object),
        notes=(*notes, *site, *(f"{name} counts 1, else 0" for name in outcome if name != model.outcome)),
        left_out=_left_out(sample, chosen, model, reasons),
    )
    several = (
        f"{model.outcome} is text with {len(outcome)} levels besides the first, not a number"
        if len(outcome) > 1
        else None
    )
    return replace(design, problem=several or _nobody(design) or _small_group(terms))


def _nobody(design: Design) -> str | None:
    """Say why no participant is left, where none is."""
    if design.people or not design.left_out:
        return None
    counts = Counter(design.left_out.values())
    return "no participant is included: " + ", ".join(f"{reason} ({count})" for reason, count in counts.most_common())


def absent_column(name: str, columns: Sequence[str]) -> str:
    """Say that a column does not exist, and which one may be meant."""
    # A different first word means a different quantity: serum_mg_mmol_l is not a misspelt mg_mmol_l.
    near = hint(name, (column for column in columns if not name.endswith(f"_{column}")))
    return "; ".join(filter(None, (f"no column {name!r} in the tables of the study", near)))


def _reasons(chosen: Sample, model: Model, stratum: str) -> NDArray[Any]:
    """First reason why each participant cannot enter, None for those who do."""
    reasons = np.full(len(chosen.owners.people), None, dtype=object)
    for name in reversed(model.variables):
        reasons[~chosen.variable(name, model.repeated).known] = f"no value of {name}"
    if model.random is not None:
        reasons[~chosen.levels(model.random).known] = f"no value of {model.random}"
    if model.strata is not None:
        other = f"not among the {stratum}" if stratum in SEXES else f"{model.strata} is not {stratum}"
        reasons[chosen.levels(model.strata).values != stratum] = other
    return reasons


def _left_out(sample: Sample, chosen: Sample, model: Model, reasons: NDArray[Any]) -> dict[str, str]:
    """Participants who do not enter, with the reason, in the order of the sample."""
    found = dict(zip(chosen.owners.people, reasons, strict=True))
    outside = f"not in the subset by {', '.join(model.subset)}"
    every = ((person, found.get(person, outside)) for person in sample.owners.people)
    # Where sessions are counted, a participant with one included session is not left out.
    entered = {person for person, reason in zip(chosen.owners.people, reasons, strict=True) if reason is None}
    return {person: reason for person, reason in every if reason is not None and person not in entered}


def _terms(names: Iterable[str], single: Mapping[str, Terms]) -> Terms:
    """Terms of predictors or covariates from those of their columns."""
    terms: Terms = {}
    for name in names:
        parts = [single[each] for each in factors(name)]
        terms |= parts[0] if len(parts) == 1 else product_terms(parts)
    return terms


def _without_single_site(
    sample: Sample, model: Model, entering: NDArray[np.bool_]
) -> tuple[list[str], tuple[str, ...]]:
    """Covariates without the site where all participants are of one, and a note on it."""
    if SITE in model.covariates and len(levels := set(sample.levels(SITE).values[entering])) == 1:
        return [name for name in model.covariates if name != SITE], (
            f"all participants are from {SITE} {levels.pop()}",
        )
    return model.covariates, ()


def _errors(sample: Sample, model: Model, entering: NDArray[np.bool_]) -> Iterator[tuple[str, Values]]:
    for name in model.variables:
        if (errors := sample.errors(name, model.repeated)) is not None:
            yield name, errors[entering]


def _shared_noise(sample: Sample, model: Model, entering: NDArray[np.bool_]) -> Iterator[tuple[str, Values]]:
    for name in model.predictors if model.control else ():
        if (shared := sample.shared_noise(model.outcome, name, model.repeated)) is not None:
            yield name, shared[entering]


def _small_group(terms: Mapping[str, Values]) -> str | None:
    """Name a group that is too small to be compared; nobody at all is a constant, which the regression names."""
    for name, values in terms.items():
        if set(values.tolist()) == {0.0, 1.0}:
            fewest = int(min(values.sum(), len(values) - values.sum()))
            if fewest < FEWEST_IN_GROUP:
                return f"{name}: one group has {fewest} participant; a comparison needs {FEWEST_IN_GROUP} in each"
    return None
