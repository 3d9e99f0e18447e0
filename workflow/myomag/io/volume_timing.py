"""VolumeTiming of BIDS: when each repetition of a series starts."""

import math
from itertools import pairwise
from typing import Any

from myomag.errors import ScanError

VOLUME_TIMING = "VolumeTiming"
LONGEST_S = 86_400.0
TOLERANCE = 0.05
"""Part of the time that a repetition takes by which two may be closer, for times are stated as rounded."""


def volume_timing(value: Any, where: str) -> list[float]:
    """Times as a field states them [s], ascending.

    Raises
    ------
    ScanError
        If it is no list of ascending times.
    """
    if not isinstance(value, list) or not value or any(_no_time(each) for each in value):
        raise ScanError(
            f"{where} must be a list of the times at which the repetitions start [s, 0 to {LONGEST_S:g}], as numbers."
        )
    for number, (one, other) in enumerate(pairwise(value), start=1):
        if other <= one:
            raise ScanError(
                f"{where} does not ascend: {other:g} s of repetition {number + 1} follows {one:g} s; correct it."
            )
    return [float(each) for each in value]


def _no_time(value: Any) -> bool:
    return isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_S


def check_volume_timing(times: list[float], repetitions: int, each_s: float | None, where: str) -> None:
    """Refuse times that do not fit a series.

    Parameters
    ----------
    times : list of float
        Start of each repetition [s].
    repetitions : int
        How many there are.
    each_s : float or None
        What each takes at least by RepetitionTime [s].
    where : str
        File and field, for messages.

    Raises
    ------
    ScanError
        If there are more or fewer than repetitions, or two are closer than one takes.
    """
    if len(times) != repetitions:
        raise ScanError(f"{where} has {len(times)} times, the file {repetitions} repetitions; state one for each.")
    gaps = [other - one for one, other in pairwise(times)]
    shortest = min(gaps, default=math.inf)
    if each_s and shortest < (1 - TOLERANCE) * each_s:
        first = gaps.index(shortest) + 1
        raise ScanError(
            f"{where} starts repetition {first + 1} {shortest:g} s after repetition {first}, but RepetitionTime says "
            f"that each takes {each_s:g} s; correct one of them (both in s)."
        )
