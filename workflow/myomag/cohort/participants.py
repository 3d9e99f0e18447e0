"""Variables of participants, averaged over their included scans."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from myomag.io.tables import is_missing, number

if TYPE_CHECKING:
    import pandas as pd

WOMEN_CODES = frozenset({"f", "female", "w", "woman"})
MEN_CODES = frozenset({"m", "male", "man"})
_TOP_CODED = re.compile(r"(\d+(\.\d+)?)\+")


@dataclass(frozen=True)
class Variable:
    """One number per participant.

    Attributes
    ----------
    values : mapping of str to float
        Participants with a value.
    problem : str or None
        Why the column cannot be used at all.
    notes : tuple of str
        What was done to single values.
    """

    values: Mapping[str, float]
    problem: str | None = None
    notes: tuple[str, ...] = ()


def participant_values(scans: "pd.DataFrame", name: str) -> Variable:
    """Mean of a numeric column over the scans of each participant; numbers may be written as text.

    BIDS top-codes high ages for privacy as `89+`: such a value counts as 89, with a note.
    """
    collected: dict[str, list[float]] = {}
    top_coded = 0
    for person, value in zip(scans["participant_id"].tolist(), scans[name].tolist(), strict=True):
        if is_missing(value):
            continue
        text = str(value)
        if coded := _TOP_CODED.fullmatch(text):
            text, top_coded = coded[1], top_coded + 1
        if (parsed := number(text)) is None:
            return Variable({}, f"{name} of {person} is {str(value)[:40]!r}, not a number")
        collected.setdefault(person, []).append(parsed)
    note = f"{name} of {top_coded} scans is top-coded (such as 89+) and taken at its lower bound"
    means = {person: sum(values) / len(values) for person, values in collected.items()}
    return Variable(means, None, (note,) if top_coded else ())


def participant_sex(scans: "pd.DataFrame", name: str) -> Variable:
    """Sex of each participant, women 1 and men 0; F/M, female/male in any case, anything else is left out."""
    collected: dict[str, set[float]] = {}
    unknown: set[str] = set()
    for person, value in zip(scans["participant_id"].tolist(), scans[name].tolist(), strict=True):
        if is_missing(value):
            continue
        code = str(value).strip().lower()
        if code in WOMEN_CODES | MEN_CODES:
            collected.setdefault(person, set()).add(float(code in WOMEN_CODES))
        else:
            unknown.add(str(value)[:40])
    values = {person: min(codes) for person, codes in collected.items() if len(codes) == 1}
    notes = [
        f"{name} of {person} differs between scans" for person, codes in sorted(collected.items()) if len(codes) > 1
    ]
    if unknown:
        stated = ", ".join(sorted(unknown)[:5])
        notes.append(f"{name} values other than F/M or female/male left out: {stated}")
    if not values and unknown:
        return Variable({}, f"{name} has no F/M or female/male values (found: {stated})")
    return Variable(values, None, tuple(notes))
