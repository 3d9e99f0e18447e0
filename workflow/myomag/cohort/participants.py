"""Variables of participants, one value each however many scans they have."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from myomag.io.tables import is_missing, number

if TYPE_CHECKING:
    import pandas as pd

WOMEN_CODES = frozenset({"f", "female", "w", "woman"})
MEN_CODES = frozenset({"m", "male", "man"})
SEXES = ("women", "men")
LARGEST = 1e100
"""Beyond this nothing is measured, and sums of squares overflow."""
_TOP_CODED = re.compile(r"(\d+(\.\d+)?)\+")


@dataclass(frozen=True)
class Variable:
    """One value per participant.

    Attributes
    ----------
    values : mapping of str to float or str
        Participants with a value.
    problem : str or None
        Why the column cannot be used at all.
    notes : tuple of str
        What was done to single values.
    """

    values: Mapping[str, Any]
    problem: str | None = None
    notes: tuple[str, ...] = ()


def participant_values(scans: "pd.DataFrame", name: str, repeated: str = "mean") -> Variable:
    """Number of each participant: the mean over the scans, or the first one; numbers may be written as text.

    BIDS top-codes high ages for privacy as `89+`: such a value counts as 89, with a note.
    """
    collected: dict[str, list[float]] = {}
    top_coded = 0
    for person, value in _present(scans, name):
        top_coded += _TOP_CODED.fullmatch(str(value)) is not None
        if (parsed := number_of(value)) is None:
            fault = "not a number" if number(str(value)) is None else "too large for a measurement"
            return Variable({}, f"{name} of {person} is {str(value)[:40]!r}, {fault}")
        collected.setdefault(person, []).append(parsed)
    note = f"{name} of {top_coded} scans is top-coded (such as 89+) and taken at its lower bound"
    summary: Callable[[list[float]], float] = _mean if repeated == "mean" else _first
    return Variable({p: summary(values) for p, values in collected.items()}, None, (note,) if top_coded else ())


def participant_errors(scans: "pd.DataFrame", name: str, repeated: str = "mean") -> dict[str, float]:
    """SD of a measured value of each participant, from the SDs of the scans: that of their mean, or of the first."""
    collected: dict[str, list[float]] = {}
    for person, value in _present(scans, name):
        if (parsed := number_of(value)) is not None:
            collected.setdefault(person, []).append(parsed)
    if repeated == "first":
        return {person: values[0] for person, values in collected.items()}
    return {person: sum(sd**2 for sd in values) ** 0.5 / len(values) for person, values in collected.items()}


def participant_sex(scans: "pd.DataFrame", name: str) -> Variable:
    """Sex of each participant, women or men; F/M, female/male in any case, anything else is left out."""
    known, unknown = [], set()
    for person, value in _present(scans, name):
        if (sex := sex_of(value)) is None:
            unknown.add(str(value)[:40])
        else:
            known.append((person, sex))
    values, notes = _agreed(known, name)
    if unknown:
        stated = ", ".join(sorted(unknown)[:5])
        notes.append(f"{name} values other than F/M or female/male left out: {stated}")
    if not values and unknown:
        return Variable({}, f"{name} has no F/M or female/male values (found: {stated})")
    return Variable(values, None, tuple(notes))


def participant_levels(scans: "pd.DataFrame", name: str) -> Variable:
    """Level of a text column of each participant; one whose scans differ is left out."""
    values, notes = _agreed([(person, str(value)) for person, value in _present(scans, name)], name)
    return Variable(values, None, tuple(notes))


def sex_of(value: Any) -> str | None:
    """Sex behind a code: women, men or None."""
    code = str(value).strip().lower()
    return "women" if code in WOMEN_CODES else "men" if code in MEN_CODES else None


def number_of(value: Any) -> float | None:
    """Number behind a value of a table, the lower bound of a top-coded one (89+); None if it is none or enormous."""
    text = str(value)
    coded = _TOP_CODED.fullmatch(text)
    found = None if is_missing(value) else number(coded[1] if coded else text)
    return found if found is not None and abs(found) <= LARGEST else None


def is_text(scans: "pd.DataFrame", name: str) -> bool:
    """Whether a column holds text alone, no number among it."""
    values = [str(value) for _, value in _present(scans, name)]
    return bool(values) and all(number_of(value) is None for value in values)


def _present(scans: "pd.DataFrame", name: str) -> Iterator[tuple[str, Any]]:
    for person, value in zip(scans["participant_id"].tolist(), scans[name].tolist(), strict=True):
        if not is_missing(value):
            yield person, value


def _agreed(pairs: Sequence[tuple[str, str]], name: str) -> tuple[dict[str, str], list[str]]:
    """Value of each participant whose scans agree, and a note for each other one."""
    collected: dict[str, set[str]] = {}
    for person, value in pairs:
        collected.setdefault(person, set()).add(value)
    values = {person: min(found) for person, found in collected.items() if len(found) == 1}
    notes = [f"{name} of {person} differs between scans" for person in sorted(collected) if person not in values]
    return values, notes


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _first(values: list[float]) -> float:
    return values[0]
