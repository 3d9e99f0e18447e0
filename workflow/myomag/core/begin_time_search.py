"""Search for the begin time far from the stated value.

A begin time that is off by half a millisecond turns the ATP lines by half a cycle or more relative to PCr, and a fit
that starts there ends in a wrong minimum. Fits in windows over the whole range find the right one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

from myomag.core.amares import AmaresFit

RANGE_S = (-1000e-6, 3000e-6)
"""Range of begin times searched [s]; extended to this distance from the stated value if that is farther:"""

HEADER_OFF_S = 2500e-6
"""Largest expected error of a header [s]."""

WINDOW_S = 400e-6
"""Half width of a window of the search [s]."""

SAME_S = 150e-6
"""Begin times closer than this are the same minimum: the next one is at least one cycle of β-ATP at 7 T away [s]."""

SURE, DOUBT = 20.0, 6.0
"""Δχ² above which one minimum is preferred, and below which two are equivalent: odds of 20,000 and of 20 to 1."""

FitAt = Callable[[float, float, int | None], AmaresFit]
"""Fit with the begin time within a window: centre and half width [s], and largest number of Newton steps."""


@dataclass(frozen=True)
class Found:
    """Result of the search.

    Attributes
    ----------
    begin_time_s : float or None
        Begin time to start from instead of the stated one; None if that one is confirmed.
    doubt : str
        Why the begin time is not determined; "" if it is.
    """

    begin_time_s: float | None
    doubt: str = ""


def search_begin_time(fit_at: FitAt, stated_s: float | None, own: AmaresFit, offset_s: float = 0.0) -> Found:
    """Begin time from the data, if it differs from that of a fit from the stated one.

    Parameters
    ----------
    fit_at : callable
        Fits the scan in a window of begin times.
    stated_s : float or None
        Stated begin time [s]; None if not stated.
    own : AmaresFit
        Fit from the stated begin time, or from 0.
    offset_s : float
        Time from the first sample of the FID, to which begin times refer here, to the first one fitted [s].
    """
    low, high = RANGE_S
    if stated_s is None:
        fits = [own, *_in_windows(fit_at, low, high)]
        return _undisputed(fits, own, offset_s)
    low, high = min(low, stated_s - HEADER_OFF_S), max(high, stated_s + HEADER_OFF_S)
    centre_s, half_s = (low + high) / 2, (high - low) / 2
    # Start of a fit over the whole range: next to the minimum in nearly all scans.
    if not _apart(fit_at(centre_s, half_s, 0), own) and _inside(own):
        return Found(None)
    wide = fit_at(centre_s, half_s, None)
    if not _apart(wide, own) and _inside(own):
        return Found(None)
    best = min([wide, *_in_windows(fit_at, low, high)], key=lambda each: each.residual_norm_sq)
    gain, found_s = _gain(best, own), best.begin_time_s - offset_s
    if not _apart(best, own):
        # At the edge of its window a fit has not reached its minimum, which is nearby.
        return Found(None if _inside(own) or not _inside(best) else found_s)
    if gain < DOUBT:
        return Found(None)
    if gain < SURE:
        return Found(None, f"the data fit {found_s * 1e6:.0f} µs better than {(own.begin_time_s - offset_s) * 1e6:.0f}")
    return Found(found_s)


def _undisputed(fits: list[AmaresFit], own: AmaresFit, offset_s: float) -> Found:
    """Best of several fits, doubtful if another minimum explains as much."""
    best = min(fits, key=lambda each: each.residual_norm_sq)
    found_us = (best.begin_time_s - offset_s) * 1e6
    if not _inside(best):
        return Found(None, "no begin time fits")
    for other in fits:
        if _inside(other) and _apart(other, best) and _gain(best, other) < SURE:
            return Found(
                None, (f"the data fit {found_us:.0f} and {(other.begin_time_s - offset_s) * 1e6:.0f} µs equally well")
            )
    return Found(best.begin_time_s - offset_s if _apart(best, own) or not _inside(own) else None)


def _in_windows(fit_at: FitAt, low_s: float, high_s: float) -> list[AmaresFit]:
    """Fits in windows that overlap by half and cover a range."""
    count = max(1, round((high_s - low_s) / WINDOW_S) - 1)
    return [fit_at(low_s + (index + 1) * WINDOW_S, WINDOW_S, None) for index in range(count)]


def _gain(better: AmaresFit, other: AmaresFit) -> float:
    """Δχ² by which one fit explains more, relative to its own residual noise."""
    return (other.residual_norm_sq - better.residual_norm_sq) / better.noise_sd**2


def _apart(one: AmaresFit, other: AmaresFit) -> bool:
    return abs(one.begin_time_s - other.begin_time_s) > SAME_S


def _inside(fit: AmaresFit) -> bool:
    """Whether the begin time ended within its window."""
    return isfinite(fit.begin_time_sd_s) and fit.begin_time_sd_s > 0
