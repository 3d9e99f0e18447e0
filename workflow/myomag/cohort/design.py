"""What a model says of a cohort: outcome and terms of the participants who have all of them."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.columns import ERROR_COLUMNS
from myomag.cohort.participants import (
    SEXES,
    Owners,
    Values,
    Variable,
    by_value,
    is_text,
    number_of,
    participant_errors,
    participant_levels,
    participant_sex,
    participant_values,
)
from myomag.cohort.plan import ALL, MG, Model
from myomag.core.calibration import mg_mmol_l
from myomag.errors import hint
from myomag.settings.cohort import CohortSettings, Range
from myomag.study.cells import sex_of

if TYPE_CHECKING:
    import pandas as pd

FEWEST_IN_GROUP = 2


class Sample:
    """Scans as variables of participants; each variable is read once.

    Parameters
    ----------
    cohort : DataFrame
        Rows of the cohort.
    entering : ndarray of bool, shape (rows,)
        Those that enter: a table of its own would take the memory again.
    settings : CohortSettings
        How they are analysed.
    notes : mapping of str to str, optional
        What was done to cells of single columns when the tables of the study were read.
    """

    def __init__(
        self,
        cohort: "pd.DataFrame",
        entering: NDArray[np.bool_],
        settings: CohortSettings,
        notes: Mapping[str, str] | None = None,
    ) -> None:
        self.cohort, self.entering, self.settings, self.notes = cohort, entering, settings, notes or {}
        self.sex_column = settings.sex_column
        self.columns = list(cohort.columns)
        self.owners = Owners.of(self.column("participant_id"))
        self._variables: dict[tuple[str, str], Variable] = {}

    def column(self, name: str) -> "pd.Series[Any]":
        """Value of each scan."""
        return self.cohort[name][self.entering]

    def variable(self, name: str, repeated: str = "mean") -> Variable:
        """Variable of the participants: sex as women or men, text as its level, Mg as the mean of pMg."""
        key = name, repeated
        if key not in self._variables:
            found = self._read(name, repeated)
            notes = (*found.notes, *([self.notes[name]] if name in self.notes else []))
            self._variables[key] = replace(found, notes=notes)
        return self._variables[key]

    def _read(self, name: str, repeated: str) -> Variable:
        if name == MG:
            pmg = self.variable("pmg", repeated)
            return replace(pmg, values=mg_mmol_l(pmg.values))
        column = self.column(name)
        if name == self.sex_column:
            return participant_sex(column, self.owners)
        if is_text(column):
            return participant_levels(column, self.owners)
        return participant_values(column, self.owners, repeated)

    def levels(self, name: str) -> Variable:
        """Level of each participant by which strata are told apart."""
        if name == self.sex_column:
            return self.variable(name)
        return participant_levels(self.column(name), self.owners)

    def errors(self, name: str, repeated: str = "mean") -> Values | None:
        """SD of the measurement of each participant, None for a variable that was not measured here.

        That of Mg is ln 10 · Mg · SD of pMg.
        """
        if name == MG:
            pmg = participant_errors(self.column("pmg_sd"), self.owners, repeated)
            return np.asarray(math.log(10) * self.variable(MG, repeated).values * pmg)
        if name not in ERROR_COLUMNS:
            return None
        return participant_errors(self.column(ERROR_COLUMNS[name]), self.owners, repeated)

    def where(self, subset: Mapping[str, Any]) -> "Sample":
        """Those scans whose values are among the levels or within the range given for each column."""
        chosen = np.ones(len(self.owners.places), dtype=bool)
        for name, wanted in subset.items():
            belongs = partial(_belongs, wanted=wanted, is_sex=name == self.sex_column)
            chosen &= by_value(self.column(name), belongs)
        return self.only(chosen) if subset else self

    def only(self, chosen: NDArray[np.bool_]) -> "Sample":
        """Some of the scans; `chosen` has one value for each that enters."""
        kept = self.entering.copy()
        kept[self.entering] = chosen
        return Sample(self.cohort, kept, self.settings, self.notes)

    def strata(self, model: Model) -> list[str]:
        """Levels that get an estimate each: women and men, those of another column, or all."""
        if model.strata == self.sex_column:
            return list(SEXES)
        if model.strata is None or model.strata not in self.columns:
            return [ALL]
        levels = self.levels(model.strata)
        return sorted(set(levels.values[levels.known])) or [ALL]


@dataclass(frozen=True)
class Design:
    """Outcome and terms of one model in one stratum.

    Attributes
    ----------
    people : tuple of str
        Participants with all values, in the order of the arrays.
    outcome : ndarray, shape (n,)
        Outcome.
    terms : mapping of str to ndarray, shape (n,)
        Terms, those of the predictors first.
    main : sequence of str
        Terms of the predictors.
    errors : mapping of str to ndarray, shape (n,)
        SD of the measurement of the outcome and of each term that was measured here, by column.
    problem : str or None
        Why the model cannot be estimated.
    notes : sequence of str
        What was done to single values.
    left_out : mapping of str to str
        Reason of each participant who is not in.
    """

    people: tuple[str, ...] = ()
    outcome: Values = field(default_factory=lambda: np.empty(0))
    terms: Mapping[str, Values] = field(default_factory=dict)
    main: Sequence[str] = ()
    errors: Mapping[str, Values] = field(default_factory=dict)
    problem: str | None = None
    notes: Sequence[str] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


def build_design(sample: Sample, model: Model, stratum: str) -> Design:
    """Outcome and terms of the participants who have all of them, or the problem."""
    if absent := [name for name in model.columns if name not in sample.columns]:
        return Design(problem=absent_column(absent[0], sample.columns), main=model.predictors, notes=model.notes)
    chosen = sample.where(model.subset)
    variables = {name: chosen.variable(name, model.repeated) for name in model.columns if name not in model.subset}
    notes = tuple(dict.fromkeys((*model.notes, *(note for each in variables.values() for note in each.notes))))
    if problem := next((each.problem for each in variables.values() if each.problem), None):
        return Design(problem=problem, main=model.predictors, notes=notes)
    reasons = _reasons(chosen, model, stratum)
    entering = ~reasons.astype(bool)
    main = _terms(chosen, model.predictors, model, entering)
    terms = main | _terms(chosen, model.covariates, model, entering)
    outcome = _terms(chosen, (model.outcome,), model, entering)
    design = Design(
        people=tuple(chosen.owners.people[entering].tolist()),
        outcome=next(iter(outcome.values()), np.empty(0)),
        terms=terms,
        main=tuple(main) or model.predictors,
        errors=dict(_errors(chosen, model, entering)),
        notes=(*notes, *(f"{name} counts 1, else 0" for name in outcome if name != model.outcome)),
        left_out=_left_out(sample, chosen, model, reasons),
    )
    several = f"{model.outcome} is text with {len(outcome)} other levels, not a number" if len(outcome) > 1 else None
    return replace(design, problem=several or _nobody(design) or _small_group(terms))


def _nobody(design: Design) -> str | None:
    """Say why no participant is left, where none is."""
    if design.people or not design.left_out:
        return None
    counts = Counter(design.left_out.values())
    return "no participant enters: " + ", ".join(f"{reason} ({count})" for reason, count in counts.most_common())


def absent_column(name: str, columns: Sequence[str]) -> str:
    """Say that a column does not exist, and which one may be meant."""
    # Another word in front makes another quantity: serum_mg_mmol_l is no misspelt mg_mmol_l.
    near = hint(name, (column for column in columns if not name.endswith(f"_{column}")))
    return "; ".join(filter(None, (f"no column {name!r} in the tables of the study", near)))


def _reasons(chosen: Sample, model: Model, stratum: str) -> NDArray[Any]:
    """First reason why each participant cannot enter, None for those who do."""
    reasons = np.full(len(chosen.owners.people), None, dtype=object)
    for name in reversed((model.outcome, *model.predictors, *model.covariates)):
        reasons[~chosen.variable(name, model.repeated).known] = f"no value of {name}"
    if model.strata is not None:
        other = f"not among the {stratum}" if stratum in SEXES else f"{model.strata} is not {stratum}"
        reasons[chosen.levels(model.strata).values != stratum] = other
    return reasons


def _left_out(sample: Sample, chosen: Sample, model: Model, reasons: NDArray[Any]) -> dict[str, str]:
    """Participants who do not enter, with the reason, in the order of the sample."""
    found = dict(zip(chosen.owners.people, reasons, strict=True))
    outside = f"not in the subset by {', '.join(model.subset)}"
    every = ((person, found.get(person, outside)) for person in sample.owners.people)
    return {person: reason for person, reason in every if reason is not None}


def _terms(sample: Sample, names: Sequence[str], model: Model, entering: NDArray[np.bool_]) -> dict[str, Values]:
    """Terms of variables: a number as it is, women 1 and men 0, each level of a text but the first as 1."""
    terms: dict[str, Values] = {}
    for name in names:
        values = sample.variable(name, model.repeated).values[entering]
        if values.dtype != object or len(values) == 0:
            terms[name] = values.astype(np.float64)
        elif name == sample.sex_column:
            terms[name] = (values == SEXES[0]).astype(np.float64)
        else:
            levels = sorted(set(values))
            terms |= {f"{name}: {level}": (values == level).astype(np.float64) for level in levels[1:] or levels}
    return terms


def _errors(sample: Sample, model: Model, entering: NDArray[np.bool_]) -> Iterator[tuple[str, Values]]:
    for name in dict.fromkeys((model.outcome, *model.predictors, *model.covariates)):
        if (errors := sample.errors(name, model.repeated)) is not None:
            yield name, errors[entering]


def _small_group(terms: Mapping[str, Values]) -> str | None:
    """Name a group that is too small to be compared; nobody at all is a constant, which the regression names."""
    for name, values in terms.items():
        if set(values.tolist()) == {0.0, 1.0}:
            fewest = int(min(values.sum(), len(values) - values.sum()))
            if fewest < FEWEST_IN_GROUP:
                return f"{name}: a group of {fewest} participant; a comparison needs {FEWEST_IN_GROUP} in each group"
    return None


def _belongs(value: Any, wanted: Any, is_sex: bool) -> bool:
    """Whether a value is one of some levels, or lies in a range {min, max}."""
    if isinstance(wanted, Range):
        number, low, high = number_of(value), wanted.min, wanted.max
        return number is not None and (low is None or number >= low) and (high is None or number <= high)
    if is_sex:
        return sex_of(value) is not None and sex_of(value) in {_sex_level(level) for level in wanted}
    number = number_of(value)
    return any(str(level) == str(value) or (number is not None and number_of(level) == number) for level in wanted)


def _sex_level(level: Any) -> str | None:
    return str(level) if level in SEXES else sex_of(level)
