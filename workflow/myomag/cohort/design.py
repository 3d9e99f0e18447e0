"""What a model says of a cohort: outcome and terms of the participants who have all of them."""

import difflib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.columns import ERROR_COLUMNS
from myomag.cohort.participants import (
    SEXES,
    Variable,
    is_text,
    number_of,
    participant_errors,
    participant_levels,
    participant_sex,
    participant_values,
    sex_of,
)
from myomag.cohort.plan import ALL, MG, Model
from myomag.core.magnesium import mg_mmol_l

if TYPE_CHECKING:
    import pandas as pd

Values = NDArray[np.float64]
FEWEST_IN_GROUP = 2


class Sample:
    """Scans as variables of participants; each variable is read once.

    Parameters
    ----------
    scans : DataFrame
        Rows of the cohort that enter.
    sex_column : str
        Column with the sex.
    """

    def __init__(self, scans: "pd.DataFrame", sex_column: str) -> None:
        self.scans, self.sex_column = scans, sex_column
        self.people = tuple(dict.fromkeys(scans["participant_id"].tolist()))
        self._variables: dict[tuple[str, str], Variable] = {}

    def variable(self, name: str, repeated: str = "mean") -> Variable:
        """Variable of the participants: sex as women or men, text as its level, Mg as the mean of pMg."""
        key = name, repeated
        if key not in self._variables:
            self._variables[key] = self._read(name, repeated)
        return self._variables[key]

    def _read(self, name: str, repeated: str) -> Variable:
        if name == self.sex_column:
            return participant_sex(self.scans, name)
        if name == MG:
            pmg = self.variable("pmg", repeated)
            return replace(pmg, values={person: mg_mmol_l(value) for person, value in pmg.values.items()})
        if is_text(self.scans, name):
            return participant_levels(self.scans, name)
        return participant_values(self.scans, name, repeated)

    def errors(self, name: str, repeated: str = "mean") -> dict[str, float] | None:
        """SD of the measurement of each participant, None for a variable that was not measured here.

        That of Mg is ln 10 · Mg · SD of pMg.
        """
        if name == MG:
            pmg, mg = participant_errors(self.scans, "pmg_sd", repeated), self.variable(MG, repeated).values
            return {person: math.log(10) * mg[person] * sd for person, sd in pmg.items() if person in mg}
        if name not in ERROR_COLUMNS:
            return None
        return participant_errors(self.scans, ERROR_COLUMNS[name], repeated)

    def where(self, subset: Mapping[str, Any]) -> "Sample":
        """Those scans whose values are among the levels or within the range given for each column."""
        if not subset:
            return self
        kept = np.ones(len(self.scans), dtype=bool)
        for name, wanted in subset.items():
            kept &= [_belongs(value, wanted, name == self.sex_column) for value in self.scans[name].tolist()]
        return Sample(self.scans[kept], self.sex_column)

    def strata(self, model: Model) -> list[str]:
        """Levels that get an estimate each: women and men, those of another column, or all."""
        if model.strata is None or model.strata not in self.scans.columns:
            return list(SEXES) if model.strata == self.sex_column else [ALL]
        if model.strata == self.sex_column:
            return list(SEXES)
        return sorted(set(participant_levels(self.scans, model.strata).values.values())) or [ALL]


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
    main : tuple of str
        Terms of the predictors.
    errors : mapping of str to ndarray, shape (n,)
        SD of the measurement of the outcome and of each term that was measured here, by column.
    problem : str or None
        Why the model cannot be estimated.
    notes : tuple of str
        What was done to single values.
    left_out : mapping of str to str
        Reason of each participant who is not in.
    """

    people: tuple[str, ...] = ()
    outcome: Values = field(default_factory=lambda: np.empty(0))
    terms: Mapping[str, Values] = field(default_factory=dict)
    main: tuple[str, ...] = ()
    errors: Mapping[str, Values] = field(default_factory=dict)
    problem: str | None = None
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


def build_design(sample: Sample, model: Model, stratum: str) -> Design:
    """Outcome and terms of the participants who have all of them, or the problem."""
    columns = list(sample.scans.columns)
    if absent := [name for name in model.columns if name not in columns]:
        return Design(problem=absent_column(absent[0], columns), main=model.predictors, notes=model.notes)
    chosen = sample.where(model.subset)
    variables = {name: chosen.variable(name, model.repeated) for name in model.columns if name not in model.subset}
    notes = tuple(dict.fromkeys((*model.notes, *(note for each in variables.values() for note in each.notes))))
    if problem := next((each.problem for each in variables.values() if each.problem), None):
        return Design(problem=problem, main=model.predictors, notes=notes)
    left_out = dict(_left_out(sample, chosen, model, stratum))
    people = tuple(person for person in chosen.people if person not in left_out)
    main = _terms(chosen, model.predictors, model, people)
    terms = main | _terms(chosen, model.covariates, model, people)
    outcome = _terms(chosen, (model.outcome,), model, people)
    design = Design(
        people=people,
        outcome=next(iter(outcome.values()), np.empty(0)),
        terms=terms,
        main=tuple(main) or model.predictors,
        errors=dict(_errors(chosen, model, people)),
        notes=(*notes, *(f"{name} counts 1, else 0" for name in outcome if name != model.outcome)),
        left_out=left_out,
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
    near = difflib.get_close_matches(name, columns, n=1)
    return f"no column {name!r} in the tables of the study" + (f"; did you mean {near[0]!r}?" if near else "")


def _left_out(sample: Sample, chosen: Sample, model: Model, stratum: str) -> Iterator[tuple[str, str]]:
    """Participants who cannot enter, with the first reason."""
    needed = (model.outcome, *model.predictors, *model.covariates)
    known = {name: chosen.variable(name, model.repeated).values for name in needed}
    levels = participant_stratum(chosen, model)
    present = set(chosen.people)
    for person in sample.people:
        if person not in present:
            yield person, f"not in the subset by {', '.join(model.subset)}"
        elif levels is not None and levels.get(person) != stratum:
            yield person, f"not among the {stratum}" if stratum in SEXES else f"{model.strata} is not {stratum}"
        elif lacking := next((name for name in needed if person not in known[name]), None):
            yield person, f"no value of {lacking}"


def participant_stratum(sample: Sample, model: Model) -> Mapping[str, str] | None:
    """Stratum of each participant; None where the model has no strata."""
    if model.strata is None:
        return None
    if model.strata == sample.sex_column:
        return sample.variable(model.strata).values
    return participant_levels(sample.scans, model.strata).values


def _terms(sample: Sample, names: Sequence[str], model: Model, people: Sequence[str]) -> dict[str, Values]:
    """Terms of variables: a number as it is, women 1 and men 0, each level of a text but the first as 1."""
    terms: dict[str, Values] = {}
    for name in names:
        values = [sample.variable(name, model.repeated).values[person] for person in people]
        if name == sample.sex_column:
            terms[name] = np.array([float(value == "women") for value in values])
        elif any(isinstance(value, str) for value in values):
            levels = sorted(set(values))
            for level in levels[1:] or levels:
                terms[f"{name}: {level}"] = np.array([float(value == level) for value in values])
        else:
            terms[name] = np.array(values, dtype=np.float64)
    return terms


def _errors(sample: Sample, model: Model, people: Sequence[str]) -> Iterator[tuple[str, Values]]:
    for name in dict.fromkeys((model.outcome, *model.predictors, *model.covariates)):
        if (errors := sample.errors(name, model.repeated)) is not None:
            yield name, np.array([errors.get(person, math.nan) for person in people])


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
    if isinstance(wanted, Mapping):
        number = number_of(value)
        low, high = (wanted.get(key) for key in ("min", "max"))
        return number is not None and (low is None or number >= low) and (high is None or number <= high)
    if is_sex:
        return sex_of(value) is not None and sex_of(value) in {_sex_level(level) for level in wanted}
    number = number_of(value)
    return any(str(level) == str(value) or (number is not None and number_of(level) == number) for level in wanted)


def _sex_level(level: Any) -> str | None:
    return str(level) if level in SEXES else sex_of(level)
