"""The begin time that the fit of a scan starts from: from the settings, else from the sidecar."""

from collections.abc import Mapping
from typing import Any

from myomag.io.time_zero import LONGEST_BEGIN_S, Kind, StatedBeginTime, sequence_kind, stated_begin_time
from myomag.settings.fit import FitSettings

ECHO_WINDOW_SDS = 6.0
"""Largest distance of the fitted begin time from the top of an echo [SD of its position]."""


def begin_time_starts(sidecar: Mapping[str, Any], settings: FitSettings) -> tuple[StatedBeginTime, ...]:
    """Begin times to start from, with their sources: one, or two between which the data decide.

    Parameters
    ----------
    sidecar : mapping
        BIDS sidecar of the averaged scan.
    settings : FitSettings
        A begin time set by the user, which takes precedence, and the window of the fit.
    """
    if settings.begin_time_us is not None:
        source = f"fit.begin_time_us {settings.begin_time_us:g} µs"
        return (StatedBeginTime(float(settings.begin_time_us) * 1e-6, source, "unknown"),)
    stated, echo_time = stated_begin_time(sidecar), sidecar.get("EchoTime")
    if stated.kind == "fid" and stated.value_s is not None and stated.value_s < 0:
        # Samples before the excitation were removed where the data showed them, so this statement does not apply to
        # them.
        return (_by_echo_time(float(echo_time or 0.0), f"{stated.source}, where the data contain signal", "fid"),)
    if _tells_no_kind(sidecar, settings):
        fid = _by_echo_time(sidecar["EchoTime"], "no sequence named, and the data match an FID", "fid")
        echo = StatedBeginTime(0.0, "no sequence named, and the data match an echo sampled from its top", "echo")
        return (fid, echo) if stated.kind == "fid" else (echo, fid)
    return (stated,)


def begin_time_window_us(kind: Kind, settings: FitSettings) -> float:
    """Largest distance of the fitted begin time from its start [µs]: smaller for the top of an echo."""
    widest, echo_us = settings.begin_time_window_us, ECHO_WINDOW_SDS * settings.echo_begin_time_sd_us
    return min(widest, echo_us) if kind == "echo" else widest


def _by_echo_time(echo_time_s: float, why: str, kind: Kind) -> StatedBeginTime:
    return StatedBeginTime(echo_time_s, f"EchoTime {echo_time_s:g} s ({why})", kind)


def _tells_no_kind(sidecar: Mapping[str, Any], settings: FitSettings) -> bool:
    """Whether EchoTime, by the sidecar, could be either the begin time of an FID or the time of an echo.

    Within the window, the fit moves from one to the other by itself.
    """
    echo_time = sidecar.get("EchoTime")
    if sidecar.get("AcquisitionStartTime") is not None or not isinstance(echo_time, int | float):
        return False
    unnamed = sequence_kind(sidecar)[0] == "unknown"
    return unnamed and settings.begin_time_window_us * 1e-6 < echo_time <= LONGEST_BEGIN_S
