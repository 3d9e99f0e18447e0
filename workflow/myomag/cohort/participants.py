"""Variables of participants: one value each, however many scans they have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myomag.io.tables import is_missing, number
from myomag.study.cells import sex_of
from myomag.study.faults import TOP_CODED

if TYPE_CHECKING:
    import pandas as pd
    from pandas.api.typing import SeriesGroupBy

SEXES = ("women", "men")
LARGEST = 1e100
"""No measurement is larger, and sums of squares would overflow."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Owners:
    """Owners of the scans.

    Attributes
    ----------
    people : ndarray of str, shape (participants,)
        Participants in the order of their first scans; where sessions count, that of each session.
    places : ndarray of int, shape (scans,)
        Place of the participant, or of the session, of each scan among them.
    """

    people: NDArray[Any]
    places: NDArray[np.intp]

    @classmethod
    def of(cls, participants: "pd.Series[Any]", sessions: "pd.Series[Any] | None" = None) -> "Owners":
        """Owners of scans, from the participant of each, and the session where each counts by itself."""
        import pandas as pd

        names = participants if sessions is None else participants.astype(str) + " " + sessions.fillna("").astype(str)
        places, _ = pd.factorize(names)
        _, first = np.unique(places, return_index=True)
        return cls(np.asarray(participants, dtype=object)[first], places)

    def group(self, values: NDArray[Any]) -> "SeriesGroupBy[Any, Any]":
        """Values of the scans by participant, whose results come in the order of `people`."""
        import pandas as pd

        return pd.Series(values).groupby(self.places)


@dataclass(frozen=True)
class Variable:
    """One value per participant.

    Attributes
    ----------
    values : ndarray, shape (participants,)
        Numbers, NaN where there is none; texts, none of them empty, as objects, None where there is none.
    problem : str or None
        Why the column cannot be used at all.
    notes : tuple of str
        Values that were left out or changed.
    """

    values: NDArray[Any]
    problem: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether the values are texts."""
        return self.values.dtype == object

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether each participant has a value."""
        return self.values.astype(bool) if self.is_text else ~np.isnan(self.values)

    @property
    def numbers(self) -> Values:
        """The values as numbers; NaN for each text."""
        return np.full(len(self.values), np.nan) if self.is_text else self.values


def participant_values(column: "pd.Series[Any]", owners: Owners, repeated: str = "mean") -> Variable:
    """Number of each participant: the mean over the scans, or the first one; numbers may be written as text.

    BIDS top-codes high ages as `89+` for privacy: such a value is read as 89, with a note.
    """
    values = numbers_of(column)
    faulty = _present(column) & np.isnan(values)
    if faulty.any():
        place = int(np.argmax(faulty))
        text, person = str(column.iloc[place]), owners.people[owners.places[place]]
        fault = "not a number" if number(text) is None else "too large for a measurement"
        return _unusable(owners, f"{column.name} of {person} is {text[:40]!r}, {fault}")
    top_coded = 0 if _numeric(column) else int(np.sum(by_value(column, _is_top_coded)))
    note = f"{column.name} is top-coded (such as 89+) in {top_coded} scans; the lower bound is used"
    return Variable(_summary(values, owners, repeated), None, (note,) if top_coded else ())


def participant_errors(column: "pd.Series[Any]", owners: Owners, repeated: str = "mean") -> Values:
    """SD of a measured value of each participant, from the SDs of the scans: that of their mean, or of the first."""
    values = numbers_of(column)
    if repeated == "first":
        return _summary(values, owners, repeated)
    return np.sqrt(_of_mean(values**2, owners))


def around_the_mean(angles: "pd.Series[Any]") -> "pd.Series[Any]":
    """Angles [degrees] as distances from their mean direction, so that 179 and −179 are neighbours."""
    import pandas as pd

    turned = np.exp(1j * np.deg2rad(numbers_of(angles)))
    distances = np.rad2deg(np.angle(turned * np.conj(np.nansum(turned))))
    return pd.Series(distances, angles.index, name=angles.name)


def participant_covariances(column: "pd.Series[Any]", owners: Owners, repeated: str = "mean") -> Values:
    """Covariance of the errors of two measured values of each participant, from those of the scans."""
    values = numbers_of(column)
    return _summary(values, owners, repeated) if repeated == "first" else _of_mean(values, owners)


def _of_mean(variances: Values, owners: Owners) -> Values:
    """Variance of the mean over the scans of each participant, from those of the scans."""
    of_each = owners.group(variances)
    return np.asarray(of_each.sum(min_count=1) / of_each.count() ** 2)


def participant_sex(column: "pd.Series[Any]", owners: Owners) -> Variable:
    """Sex of each participant, women or men; F/M, female/male in any case, anything else is left out."""
    levels = by_value(column, lambda value: -1 if (sex := sex_of(value)) is None else SEXES.index(sex), -1)
    values, notes = _agreed(levels, SEXES, column.name, owners)
    found = {str(value)[:40] for value in column[(levels < 0) & _present(column)].unique().tolist()}
    sexes = Variable(values, None, tuple(notes))
    if not found:
        return sexes
    stated = ", ".join(sorted(found)[:5])
    if not np.any(sexes.known):
        return _unusable(owners, f"{column.name} has no F/M or female/male values (found: {stated})")
    return replace(sexes, notes=(*notes, f"{column.name} values other than F/M or female/male left out: {stated}"))


def participant_levels(column: "pd.Series[Any]", owners: Owners) -> Variable:
    """Level of a text column of each participant; one whose scans differ is left out."""
    names: dict[str, int] = {}
    levels = by_value(column, lambda value: -1 if is_missing(value) else names.setdefault(str(value), len(names)), -1)
    values, notes = _agreed(levels, list(names), column.name, owners)
    return Variable(values, None, tuple(notes))


def numbers_of(column: "pd.Series[Any]") -> Values:
    """Number of each scan as `number_of` reads it, NaN where there is none."""
    if _numeric(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(np.abs(values) <= LARGEST, values, np.nan)
    return by_value(column, lambda value: np.nan if (found := number_of(value)) is None else found, np.nan)


def by_value(column: "pd.Series[Any]", of: Callable[[Any], Any], missing: Any = False) -> NDArray[Any]:
    """What `of` says of the value of each scan, asked once for each distinct value; `missing` where there is none."""
    import pandas as pd

    places, distinct = pd.factorize(column)
    return np.array([*map(of, distinct.tolist()), missing])[places]


def number_of(value: Any) -> float | None:
    """Number behind a value of a table, the lower bound of a top-coded one (89+); None if it is none or enormous."""
    text = str(value)
    coded = TOP_CODED.fullmatch(text)
    found = None if is_missing(value) else number(coded[1] if coded else text)
    return found if found is not None and abs(found) <= LARGEST else None


def is_text(column: "pd.Series[Any]") -> bool:
    """Whether a column contains only text and no number."""
    return bool(np.any(_present(column)) and np.all(np.isnan(numbers_of(column))))


def _is_top_coded(value: Any) -> bool:
    return TOP_CODED.fullmatch(str(value)) is not None


def _numeric(column: "pd.Series[Any]") -> bool:
    return column.dtype.kind in "fiu"


def _present(column: "pd.Series[Any]") -> NDArray[np.bool_]:
    """Whether each scan has a value; a blank text does not count."""
    if _numeric(column):
        return column.notna().to_numpy()
    return by_value(column, lambda value: not is_missing(value))


def _unusable(owners: Owners, problem: str) -> Variable:
    return Variable(np.full(len(owners.people), np.nan), problem)


def _summary(values: Values, owners: Owners, repeated: str) -> Values:
    """Mean over the scans of each participant, or the first value; NaN where there is none."""
    of_each = owners.group(values)
    return (of_each.mean() if repeated == "mean" else of_each.first()).to_numpy()


def _agreed(
    levels: NDArray[np.intp], names: Sequence[str], column: Any, owners: Owners
) -> tuple[NDArray[Any], list[str]]:
    """Level of each participant whose scans agree, and a note for each of the others; −1 means no level."""
    of_each = owners.group(np.where(levels < 0, np.nan, levels))
    differing = (of_each.nunique() > 1).to_numpy()
    agreed = of_each.first().fillna(-1).mask(differing, -1).to_numpy(dtype=int)
    notes = [f"{column} of {person} differs between scans" for person in sorted(owners.people[differing])]
    return np.array([*names, None], dtype=object)[agreed], notes
