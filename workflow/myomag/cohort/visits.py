"""When scans of a participant were taken, and which of them repeat one measurement."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from myomag.cohort.design import Sample
from myomag.cohort.participants import Values, by_value, numbers_of
from myomag.cohort.plan import roles
from myomag.io.tables import is_missing

DAYS_PER_YEAR = 365.25
_VISIT = re.compile(r"_(ses|run)-[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Visit:
    """One scan in time.

    Attributes
    ----------
    row : int
        Position in the table of scans.
    participant_id, session_id : str
        Who, and in which session; "" where there is none.
    kind : str
        Name of the scan without session and run: scans of another kind (voi-, acq-) are no repeats.
    years : float or None
        Time since the first dated scan of the participant [years].
    """

    row: int
    participant_id: str
    session_id: str
    kind: str
    years: float | None


def visits(sample: Sample) -> tuple[list[Visit], str | None]:
    """Scans in time, and the column that told the time: the first named that varies within participants.

    Parameters
    ----------
    sample : Sample
        The scans.
    """
    used, years = None, np.full(len(sample.owners.places), np.nan)
    for name in (roles(sample.settings).get(name, name) for name in sample.settings.time_columns):
        if name in sample.columns and np.any((found := _years(sample, name)) > 0):
            used, years = name, found
            break
    labels = (sample.column(name).tolist() for name in ("participant_id", "session_id", "scan"))
    scans = zip(*labels, years.tolist(), strict=True)
    return [_visit(row, *scan) for row, scan in enumerate(scans)], used


def _visit(row: int, person: str, session: Any, scan: str, time: float) -> Visit:
    label, kind = "" if is_missing(session) else str(session), _VISIT.sub("", str(scan))
    return Visit(row, person, label, kind, None if math.isnan(time) else time)


def same_session(found: Sequence[Visit]) -> list[list[Visit]]:
    """Repeats within one session: of each participant the first session with more than one scan of one kind."""
    return list(_first_groups(found, lambda visit: (visit.kind, visit.session_id)))


def close_sessions(found: Sequence[Visit], max_years: float) -> list[list[Visit]]:
    """Repeats in several sessions close in time: of each participant the first scan of each of them."""
    groups = []
    for members in _by(found, lambda visit: visit.kind).values():
        first = list(_by(members, lambda visit: visit.session_id).values())
        dated = sorted((each[0] for each in first if each[0].years is not None), key=lambda visit: visit.years or 0.0)
        groups.append([visit for visit in dated if (visit.years or 0.0) - (dated[0].years or 0.0) <= max_years])
    return _one_each([group for group in groups if len(group) > 1])


def _first_groups(found: Sequence[Visit], key: Any) -> Iterator[list[Visit]]:
    yield from _one_each([group for group in _by(found, key).values() if len(group) > 1])


def _one_each(groups: Sequence[list[Visit]]) -> list[list[Visit]]:
    """First group of each participant."""
    return list({group[0].participant_id: group for group in reversed(groups)}.values())[::-1]


def _by(found: Sequence[Visit], key: Any) -> dict[Any, list[Visit]]:
    groups: dict[Any, list[Visit]] = {}
    for visit in found:
        groups.setdefault(key(visit), []).append(visit)
    return groups


def _years(sample: Sample, name: str) -> Values:
    """Years since the first dated scan of the participant, from numbers of years or from dates; NaN where unknown."""
    column = sample.column(name)
    times = numbers_of(column)
    if np.isnan(times).all():
        times = by_value(column, _date_years, math.nan)
    first: Values = sample.owners.group(times).transform("min").to_numpy()
    return times - first


def _date_years(value: Any) -> float:
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None).toordinal() / DAYS_PER_YEAR
    except ValueError:
        return math.nan
