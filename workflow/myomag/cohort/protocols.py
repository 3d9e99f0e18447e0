"""Begin time of each protocol, pooled over its scans."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from myomag.cohort.protocol_changes import change_remark
from myomag.core.pooling import pool
from myomag.io.scan_records import BeginTime

PROTOCOLS_COLUMNS = {
    "protocol": "Digest of the fields that define the protocol.",
    "n": "Scans whose estimates were pooled; a copy of another scan's data is not counted again.",
    "begin_time_us": "Pooled begin time, rounded to 1 µs.",
    "begin_time_sd_us": "Standard deviation of the pooled value, rounded up to two digits of a coarse grid.",
    "spread_us": "Standard deviation between scans beyond their own errors, rounded up likewise.",
    "header_us": "Median begin time stated by the headers or the settings.",
    "outlying": "Scans that disagree with the others; they are fitted without the pooled value.",
    "not_pooled": "Scans without a usable estimate of their own; they use the pooled value.",
    "fields": "Values of the fields that define the protocol.",
    "remark": "Signs of two protocols among the begin times, with scans and remedy; empty where they agree.",
}
"""Columns of protocols.tsv and what they contain."""
_GRID = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def protocol_rows(records: Sequence[BeginTime]) -> list[dict[str, Any]]:
    """Rows of protocols.tsv, one per protocol, sorted.

    The pooled values are rounded to the precision that matters, so that an additional scan rarely changes them and,
    with them, the fits of all the others.

    Parameters
    ----------
    records : sequence of BeginTime
        Those of all scans, in any order.
    """
    groups: dict[str, list[BeginTime]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record.scan):
        groups[record.protocol].append(record)
    return [_row(protocol, members) for protocol, members in sorted(groups.items())]


def _row(protocol: str, members: Sequence[BeginTime]) -> dict[str, Any]:
    usable = [record for record in members if record.poolable]
    counted = list({record.fid_sha256 or record.scan: record for record in reversed(usable)}.values())
    fields = members[0].protocol_fields
    row: dict[str, Any] = dict.fromkeys(PROTOCOLS_COLUMNS)
    row |= {
        "protocol": protocol,
        "n": 0,
        "header_us": float(np.median([record.start_us for record in members])),
        "not_pooled": " ".join(record.scan for record in members if not record.poolable) or None,
        "fields": "; ".join(f"{name}={value}" for name, value in fields.items() if value is not None) or None,
    }
    if usable:
        pooled = pool(
            np.array([record.begin_time_us for record in counted]),
            np.array([record.begin_time_sd_us for record in counted]),
        )
        # An uncounted copy follows the scan that was counted.
        outlying = {r.fid_sha256 or r.scan for r, out in zip(counted, pooled.outlying, strict=True) if out}
        row |= {
            "n": int((~pooled.outlying).sum()),
            "begin_time_us": float(round(pooled.mean)),
            "begin_time_sd_us": rounded_up(pooled.sd),
            "spread_us": rounded_up(pooled.spread),
            "remark": change_remark(counted),
            "outlying": " ".join(r.scan for r in usable if (r.fid_sha256 or r.scan) in outlying) or None,
        }
    return row


def rounded_up(value: float) -> float:
    """Smallest number of the grid 1, 1.2, 1.5 … 10 times a power of ten that is not below a positive value; 0 stays."""
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return float(f"{power * next(step for step in _GRID if step * power >= value * (1 - 1e-12)):.3g}")
