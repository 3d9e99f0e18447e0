"""Prior of the begin time of a scan: from its protocol, its header, or its own data."""

import math
from collections.abc import Mapping
from typing import Literal

from myomag.core.pooling import MIN_SPREAD_US, without
from myomag.io.scan_records import BeginTime, ExpectedBeginTime, PooledBeginTime
from myomag.settings.fit import FitSettings
from myomag.steps.begin_time_start import begin_time_window_us

Expected = tuple[ExpectedBeginTime, float]
"""Prior of the begin time, and the largest distance of the fit from it [µs]."""

CONTRADICTED = 3.0
DATA_SD_US = 1000.0
"""Prior SD of a begin time estimated from the data: practically uninformative."""


def expected_begin_time(own: BeginTime, settings: FitSettings, pooled: Mapping[str, PooledBeginTime]) -> Expected:
    """Prior of the begin time, and the largest distance of the fit from it [µs].

    The pooled value of the protocol without this scan's own contribution, with a spread of at least 1 µs; for an
    outlying scan, or without other scans, the stated value with its assumed error.

    Parameters
    ----------
    own : BeginTime
        Estimate from the scan alone.
    settings : FitSettings
        Error of the stated value, window, and whether to fit and to pool.
    pooled : mapping of str to PooledBeginTime
        Pooled values by protocol.
    """
    source, sd_us = _alone(own, settings) if settings.fit_begin_time else ("fixed", None)
    protocol = pooled.get(own.protocol) if settings.pool_begin_time and settings.fit_begin_time else None
    outlying = protocol is not None and own.scan in protocol.outlying
    if protocol is not None and not outlying and _others(own, protocol):
        return told_by_protocol(own, protocol)
    stated = ExpectedBeginTime(
        source=source, stated_by=own.start_source, mean_us=own.start_us, sd_us=sd_us, outlying=outlying
    )
    return stated, begin_time_window_us(own.start_kind, settings)


def told_by_protocol(own: BeginTime, protocol: PooledBeginTime) -> Expected:
    """Estimate from the other scans of the protocol; outlying scans do not contribute."""
    told = None if own.scan in protocol.outlying else _others(own, protocol)
    mean_us, common_sd_us = told or (protocol.begin_time_us, protocol.begin_time_sd_us)
    sd_us = math.hypot(common_sd_us, protocol.spread_us, MIN_SPREAD_US)
    expected = ExpectedBeginTime(
        source="protocol",
        stated_by=own.start_source,
        mean_us=mean_us,
        sd_us=sd_us,
        common_sd_us=common_sd_us,
        outlying=False,
    )
    return expected, 6 * sd_us


def _alone(own: BeginTime, settings: FitSettings) -> tuple[Literal["stated", "data"], float]:
    """Source of the begin time of a scan without its protocol, and its SD [µs].

    A statement that the scan contradicts by three SDs is not used.
    """
    sd_us = settings.echo_begin_time_sd_us if own.start_kind == "echo" else settings.begin_time_sd_us
    contradicted = (
        own.begin_time_us is not None
        and own.begin_time_sd_us is not None
        and abs(own.begin_time_us - own.start_us) > CONTRADICTED * math.hypot(own.begin_time_sd_us, sd_us)
    )
    return ("data", DATA_SD_US) if own.start_by_data or contradicted else ("stated", sd_us)


def _others(own: BeginTime, protocol: PooledBeginTime) -> tuple[float, float] | None:
    """Pooled begin time and its SD without this scan's own contribution [µs]; None if there is no other scan."""
    mean_us, sd_us = protocol.begin_time_us, protocol.begin_time_sd_us
    if own.begin_time_us is None or own.begin_time_sd_us is None or not own.poolable:
        return mean_us, sd_us
    return without(mean_us, sd_us, own.begin_time_us, own.begin_time_sd_us, protocol.spread_us)
