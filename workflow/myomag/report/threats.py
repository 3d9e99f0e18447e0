"""What threatens a conclusion, each in one clause: controls, unknown variation, few participants, other analyses."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from myomag.cohort.controls import ALPHA
from myomag.cohort.measurement_error import CORRECTED
from myomag.cohort.plan import ALL
from myomag.wording import text
from myomag.wording.labels import Labels, is_adjusted, model_name

Row = Mapping[str, Any]
Rows = Sequence[Row]
MEDIUM = 0.3
"""Correlation that is called medium (Cohen 1988): a model that mostly misses it has few participants."""
Z_POWER = 1.960 + 0.842
"""Standard normal quantiles of a two-sided test at .05 and of a power of .8."""


class Threats:
    """Threats to the conclusions of one study, from its tables."""

    def __init__(self, tables: Mapping[str, Rows], labels: Labels, *, day_to_day_unknown: bool):
        self._tables, self._labels, self._unknown = tables, labels, day_to_day_unknown

    def of(self, row: Row) -> Iterator[str]:
        """Threats to one row of statistics.tsv."""
        yield from self._few(row)
        yield from self.shared()
        where = "" if row.get("stratum") in (None, ALL) else f" in {row['stratum']}"
        for threats in (self._adjusted, self._corrected, self._sensitivity):
            yield from (f"{threat}{where}" for threat in threats(row))

    def shared(self) -> Iterator[str]:
        """Threats to all that rests on muscle Mg."""
        for row in self._tables["statistics"]:
            if row.get("role") == "control" and (text.finite(row.get("p_fdr")) or 1) < ALPHA:
                yield f"a negative control tripped ({self._labels.column(row['predictor'])})"
        if self._unknown:
            yield "the day-to-day variation of Mg is not known"

    def _few(self, row: Row) -> Iterator[str]:
        """The correlation that this many participants find in four of five studies, by Fisher's z."""
        n = int(row["n"])
        found = math.tanh(Z_POWER / math.sqrt(n - 3)) if n > 3 else 1.0
        if found > MEDIUM:
            who = "participants" if row.get("stratum") in (None, ALL) else row["stratum"]
            yield f"with {n} {who}, a correlation below {found:.2f} is often missed (power under 80 %)"

    def _adjusted(self, row: Row) -> Iterator[str]:
        other = adjusted_version(row, self._tables["statistics"])
        if other is None:
            return
        if (low := text.finite(other["b_ci95_low"])) is None or (high := text.finite(other["b_ci95_high"])) is None:
            yield "the adjusted model cannot be estimated"
        elif _side(low, high) != _side(row["b_ci95_low"], row["b_ci95_high"]):
            yield "the simple and the adjusted model disagree"

    def _corrected(self, row: Row) -> Iterator[str]:
        for other in self._tables["measurement_error"]:
            same = (other["model"], other["predictor"]) == (row["model"], row["predictor"])
            if not same or other["method"] != CORRECTED:
                continue
            ends = [text.finite(other[key]) for key in ("b_ci95_low", "b_ci95_high")]
            low, high = (-math.inf if ends[0] is None else ends[0]), (math.inf if ends[1] is None else ends[1])
            if other["status"] != "estimated":
                yield "the correction for measurement error cannot be estimated"
            elif _side(low, high) != _side(row["b_ci95_low"], row["b_ci95_high"]):
                yield "correcting for measurement error changes the conclusion"

    def _sensitivity(self, row: Row) -> Iterator[str]:
        """Other analyses of the same term, simple or adjusted, that come to another conclusion."""
        others = [
            each
            for each in self._tables["sensitivity"]
            if is_version(each, row) and not is_reference(each) and text.finite(each["beta"]) is not None
        ]
        own = _side(row["b_ci95_low"], row["b_ci95_high"])
        differing = sum(_side(each["ci95_low"], each["ci95_high"]) != own for each in others)
        if differing:
            yield f"{differing} of {len(others)} other analyses come to another conclusion"


def is_version(one: Row, other: Row) -> bool:
    """Whether two rows are of one term of one model in one stratum, adjusted or not."""
    return all(one.get(key) == other.get(key) for key in ("outcome", "predictor", "stratum")) and model_name(
        one
    ) == model_name(other)


def adjusted_version(row: Row, statistics: Rows) -> Row | None:
    """Row of the adjusted version of a simple term; None where there is none."""
    return next((each for each in statistics if is_adjusted(each) and is_version(each, row)), None)


def is_reference(row: Row) -> bool:
    """Whether a row of sensitivity.tsv is that of the settings of the study."""
    return str(row.get("reference")).lower() in ("true", "yes")


def _side(low: float, high: float) -> int:
    """On which side of 0 an interval lies; 0 where it holds it."""
    return (low > 0) - (high < 0)
