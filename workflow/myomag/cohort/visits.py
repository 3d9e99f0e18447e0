"""When the scans of a participant were acquired, and which of them repeat a measurement."""

import math
import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.participants import Values, by_value, numbers_of
from myomag.cohort.plan import roles
from myomag.cohort.sample import Sample

if TYPE_CHECKING:
    import pandas as pd

DAYS_PER_YEAR = 365.25
_VISIT = re.compile(r"_(ses|run)-[A-Za-z0-9]+")
Places = NDArray[np.intp]
"""Places of some scans in a sample."""


def visits(sample: Sample) -> tuple["pd.DataFrame", str | None]:
    """Scans in time, and the column with the time: the first of those named that varies within participants.

    Parameters
    ----------
    sample : Sample
        The scans.

    Returns
    -------
    DataFrame
        Of each scan the participant_id and session_id, its `kind`, which is its name without session and run (scans of
        another voi- or acq- are no repeats), and the `years` since the first dated scan of the participant.
    str or None
        The column.
    """
    import pandas as pd

    used, years = None, np.full(len(sample.owners.places), np.nan)
    for name in (roles(sample.settings).get(name, name) for name in sample.settings.time_columns):
        if name in sample.columns and np.any((found := _years(sample, name)) > 0):
            used, years = name, found
            break
    kinds = [_VISIT.sub("", str(scan)) for scan in sample.column("scan")]
    labels = {name: sample.column(name).fillna("").to_numpy() for name in ("participant_id", "session_id")}
    return pd.DataFrame({**labels, "kind": kinds, "years": years}), used


def same_session(found: "pd.DataFrame") -> list[Places]:
    """Repeats within one session: of each participant the first session with more than one scan of one kind."""
    groups = found.groupby(["kind", "session_id"]).indices.values()
    return _one_each(found, map(np.asarray, groups))


def close_sessions(found: "pd.DataFrame", max_years: float) -> list[Places]:
    """Repeats in several sessions close in time: of each participant the first scan of each of them."""
    first = found.drop_duplicates(["kind", "session_id"]).dropna(subset="years").sort_values("years", kind="stable")
    close = first[first["years"] - first.groupby("kind")["years"].transform("min") <= max_years]
    return _one_each(found, (group.index.to_numpy() for _, group in close.groupby("kind")))


def _one_each(found: "pd.DataFrame", groups: Iterable[Places]) -> list[Places]:
    """First group of each participant that has several scans."""
    several = sorted((group for group in groups if len(group) > 1), key=min, reverse=True)
    return list({found["participant_id"][group[0]]: group for group in several}.values())[::-1]


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
