"""Scans of a cohort as variables of participants."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.columns import ERROR_COLUMNS, PHASE, SHARED_NOISE
from myomag.cohort.participants import (
    SEXES,
    Owners,
    Values,
    Variable,
    around_the_mean,
    by_value,
    is_text,
    number_of,
    numbers_of,
    participant_covariances,
    participant_errors,
    participant_levels,
    participant_sex,
    participant_values,
)
from myomag.cohort.plan import ALL, LOG_MG, MG, Model
from myomag.core.calibration import mg_mmol_l
from myomag.settings.cohort import CohortSettings, Range
from myomag.study.cells import sex_of

if TYPE_CHECKING:
    import pandas as pd


class Sample:
    """Scans as variables of participants; each variable is read once.

    Parameters
    ----------
    cohort : DataFrame
        Rows of the cohort.
    entering : ndarray of bool, shape (rows,)
        Those included; a separate table would take the memory twice.
    settings : CohortSettings
        Settings of the analysis.
    notes : mapping of str to str, optional
        What was done to cells of single columns when the tables of the study were read.
    by_session : bool
        Whether each session of a participant has a value of its own.
    """

    def __init__(
        self,
        cohort: "pd.DataFrame",
        entering: NDArray[np.bool_],
        settings: CohortSettings,
        notes: Mapping[str, str] | None = None,
        *,
        by_session: bool = False,
    ) -> None:
        self.cohort, self.entering, self.settings, self.notes = cohort, entering, settings, notes or {}
        self.sex_column = settings.sex_column
        self.columns = [*cohort.columns, *([LOG_MG] if "pmg" in cohort.columns else [])]
        self.sessions = by_session and "session_id" in self.columns
        sessions = self.column("session_id") if self.sessions else None
        self.owners = Owners.of(self.column("participant_id"), sessions)
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
        if name in (MG, LOG_MG):
            pmg = self.variable("pmg", repeated)
            return replace(pmg, values=mg_mmol_l(pmg.values) if name == MG else 3 - pmg.values)
        column = self.column(name)
        if name == PHASE:
            column = around_the_mean(column)
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
        measured = "pmg" if name in (MG, LOG_MG) else name
        if measured not in ERROR_COLUMNS:
            return None
        sd = participant_errors(self.column(ERROR_COLUMNS[measured]), self.owners, repeated)
        return np.asarray(math.log(10) * self.variable(MG, repeated).values * sd) if name == MG else sd

    def shared_noise(self, outcome: str, name: str, repeated: str = "mean") -> Values | None:
        """Covariance that the noise of the fit gives Mg and another column, None where it gives none or is not known.

        That of log10 Mg is that of pMg with the other sign, that of Mg ln 10 · Mg times it.
        """
        if outcome not in (MG, LOG_MG) or (column := SHARED_NOISE.get(name)) not in self.columns:
            return None
        shared = participant_covariances(self.column(str(column)), self.owners, repeated)
        factor = math.log(10) * self.variable(MG, repeated).values if outcome == MG else 1.0
        return None if np.isnan(shared).all() else -factor * np.nan_to_num(shared)

    def counted(self, name: str, repeated: str = "mean") -> Values:
        """Number of scans, or of different values of a column such as the session, that each value is the mean of."""
        if repeated == "first" or name not in self.columns:
            return np.ones(len(self.owners.people))
        values = self.column(name).fillna("").to_numpy()
        return np.asarray(self.owners.group(values).nunique().to_numpy(), dtype=np.float64)

    def systematic(self, outcome: str, repeated: str = "mean") -> Values:
        """SD that each protocol's begin time gives Mg, shape (participants, protocols); no columns for one protocol.

        It is the same error for all scans of the protocol, whose means it moves and whose number does not reduce it.
        """
        nothing = np.zeros((len(self.owners.people), 0))
        if outcome not in (MG, LOG_MG, "pmg") or "protocol" not in self.columns:
            return nothing
        protocols = self.column("protocol").fillna("").to_numpy()
        names = sorted(set(protocols))
        sd = np.nan_to_num(numbers_of(self.column("pmg_sd_systematic")))
        if len(names) < 2 or not np.any(sd):
            return nothing
        factor = math.log(10) * self.variable(MG, repeated).values if outcome == MG else np.ones(len(nothing))
        columns = (self.owners.group(np.where(protocols == name, sd, 0.0)) for name in names)
        found = [(each.mean() if repeated == "mean" else each.first()).to_numpy() * factor for each in columns]
        return np.nan_to_num(np.column_stack(found))

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
        return Sample(self.cohort, kept, self.settings, self.notes, by_session=self.sessions)

    def by_session(self) -> "Sample":
        """The same scans with one value for each session of a participant."""
        return Sample(self.cohort, self.entering, self.settings, self.notes, by_session=True)

    def strata(self, model: Model) -> list[str]:
        """Levels that get an estimate each: women and men, those of another column, or all."""
        if model.strata == self.sex_column:
            return list(SEXES)
        if model.strata is None or model.strata not in self.columns:
            return [ALL]
        levels = self.levels(model.strata)
        return sorted(set(levels.values[levels.known])) or [ALL]


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
