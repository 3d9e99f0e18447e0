"""VolumeTiming of BIDS: when each repetition of a series starts."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from myomag.errors import ScanError

VOLUME_TIMING = "VolumeTiming"
AVERAGES = "AveragesPerTransient"
"""Number of acquisitions the scanner averaged into one transient; BIDS has no field for it."""
LONGEST_S = 86_400.0
TOLERANCE = 0.05
"""Part of the time that a repetition takes by which two may be closer, for times are stated as rounded."""

FINEST_S = 0.01
"""Precision with which scanners record times."""


def volume_timing(value: Any, where: str) -> list[float]:
    """Times stated by a field [s], ascending.

    Raises
    ------
    ScanError
        If it is not a list of ascending times.
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


def times_by_clock(starts: Sequence[float], repetitions: int, each_s: float | None) -> list[float] | None:
    """Times of the scanner's clock from the first repetition on [s]; None if RepetitionTime gives the same.

    A clock that does not fit is not one of repetitions: many exports write the time of the series into every file.

    Parameters
    ----------
    starts : sequence of float
        What the headers of the repetitions, or of the transients of each, say in their order [s].
    repetitions : int
        How many there are.
    each_s : float or None
        What each takes at least by RepetitionTime [s].
    """
    if repetitions < 2 or not starts or len(starts) % repetitions:
        return None
    times = [round(start - starts[0], 6) for start in starts[:: len(starts) // repetitions]]
    # Some write whole seconds, which seem uneven for that alone.
    rounding = 1.0 if all(start == round(start) for start in starts) else FINEST_S
    shortest = min(other - one for one, other in pairwise(times))
    if shortest <= 0 or times[-1] > LONGEST_S or (each_s and shortest < (1 - TOLERANCE) * each_s - rounding):
        return None
    allowed = max(TOLERANCE * each_s, rounding) if each_s else 0.0
    even = each_s is not None and all(abs(time - each_s * k) <= allowed for k, time in enumerate(times))
    return None if even else times
