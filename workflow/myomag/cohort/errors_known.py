"""What is known about the size of measurement errors: from repeated scans in the study, else from the fits."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.design import Design
from myomag.cohort.plan import LOG_MG
from myomag.cohort.repeatability import BETWEEN_SESSIONS, build_repeatability
from myomag.cohort.sample import Sample
from myomag.cohort.statistics import ESTIMATED

Values = NDArray[np.float64]
FEWEST_DF = 5
"""Fewest degrees of freedom for the error to be estimated from repeats: with fewer its interval spans a factor of 4."""


@dataclass(frozen=True)
class Errors:
    """SD of the error of each measured column of a design.

    Attributes
    ----------
    sd : mapping of str to ndarray, shape (n,)
        SD of each participant's value, by column.
    df : float
        Degrees of freedom with which their size is known.
    source : mapping of str to str
        Where the error of each column comes from.
    """

    sd: Mapping[str, Values] = field(default_factory=dict)
    df: float = math.inf
    source: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Repeats:
    """Standard error of measurement of single scans or sessions, with its degrees of freedom."""

    sem: float
    df: int
    kind: str
    participants: int

    @property
    def source(self) -> str:
        """In words."""
        return f"{self.participants} participants repeated {self.kind}"


FIT = "fit, no day-to-day variation"


def known_repeats(sample: Sample) -> dict[str, Repeats]:
    """Error of the variables of repeatability.tsv, by sessions close in time where there are enough, else by runs.

    Between sessions it includes day-to-day variation, which the fit and repeats within a session cannot show.
    """
    found: dict[str, Repeats] = {}
    if "scan" not in sample.columns:
        return found
    rows = build_repeatability(sample).to_dict("records")
    for row in sorted(rows, key=lambda row: row["repeats"] != BETWEEN_SESSIONS):
        df = row["scans"] - row["participants"]
        if row["status"] == ESTIMATED and df >= FEWEST_DF and row["sem"] > 0:
            found.setdefault(row["variable"], Repeats(row["sem"], df, row["repeats"], row["participants"]))
    return found | ({LOG_MG: found["pmg"]} if "pmg" in found else {})


def errors_of(design: Design, repeats: Mapping[str, Repeats]) -> Errors:
    """Errors of the measured columns of a design.

    The error of a mean over scans is that of one scan over √(number of scans). Where the error comes from repeats
    between sessions, sessions are counted instead, as the scans of a session share its day.
    """
    sds, sources, df = {}, {}, math.inf
    for column, by_fit in design.errors.items():
        if (known := repeats.get(column)) is None:
            sds[column], sources[column] = by_fit, FIT
            continue
        count = design.sessions if known.kind == BETWEEN_SESSIONS else design.scans
        sds[column], sources[column], df = known.sem / np.sqrt(count), known.source, min(df, known.df)
    return Errors(sds, df, sources)
