"""Changed protocols: scans treated as one protocol whose begin times are those of two."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from myomag.core.begin_time_groups import Step, step_between, step_in_order, two_groups
from myomag.io.scan_records import BeginTime

_MOST = 10
_SESSION = re.compile(r"_ses-([A-Za-z0-9]+)")
_PREFIX = re.compile(r"sub-([A-Za-z]+)\d")


def change_remark(records: Sequence[BeginTime]) -> str | None:
    """What distinguishes two groups of begin times, their scans and the remedy; None where there is one group.

    Looked for in the technical fields of the sidecars, the sessions and the letters before the numbers of participants
    (sites), then in the order of the scans, then without a cause.

    Parameters
    ----------
    records : sequence of BeginTime
        Scans of one protocol with a usable begin time.
    """
    ordered = sorted(records, key=lambda record: _natural(record.scan))
    values = np.array([record.begin_time_us for record in ordered], dtype=float)
    sds = np.array([record.begin_time_sd_us for record in ordered], dtype=float)
    groupings = list(_groupings(ordered))
    for name, value, second in groupings:
        if step := step_between(values, sds, second, trials=len(groupings)):
            rest = f"add {name} to fit.protocol_fields" if name in ordered[0].technical_fields else _REMEDY
            return f"{_said(step, ordered)}; the second have {name} {value}: {rest}"
    if step := step_in_order(values, sds):
        first = ordered[int(step.second.argmax())].scan
        return f"{_said(step, ordered)}; a step at {first}: {_REMEDY}"
    if step := two_groups(values, sds):
        return f"{_said(step, ordered)}: {_REMEDY}"
    return None


_REMEDY = (
    "state in the sidecars what changed and name that field in fit.protocol_fields, or set fit.begin_time_us for the "
    "scans of one group in overrides"
)


def _groupings(records: Sequence[BeginTime]) -> Iterator[tuple[str, str, "np.ndarray[tuple[int], np.dtype[np.bool_]]"]]:
    """Field, value and scans that have it, for each way to divide the scans in two."""
    fields = {name: [record.technical_fields.get(name) for record in records] for name in records[0].technical_fields}
    fields |= {
        "session": [match[1] if (match := _SESSION.search(record.scan)) else None for record in records],
        "site": [match[1] if (match := _PREFIX.match(record.scan)) else None for record in records],
    }
    for name, values in fields.items():
        different = sorted({str(value) for value in values})
        # Two values allow only one grouping.
        for value in different[1:] if len(different) == 2 else different if len(different) > 2 else ():
            yield name, value, np.array([str(each) == value for each in values])


def _said(step: Step, records: Sequence[BeginTime]) -> str:
    """Both begin times and the scans that have them, the smaller group by name."""
    counts = (int((~step.second).sum()), int(step.second.sum()))
    which, fewer = ("second", step.second) if counts[1] <= counts[0] else ("first", ~step.second)
    names = [record.scan for record, mine in zip(records, fewer, strict=True) if mine]
    listed = " ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
    first, second = (f"{mean:.0f} µs in {count} scans" for mean, count in zip(step.means_us, counts, strict=True))
    return f"begin times of two protocols, {first} and {second} (the {which}: {listed})"


def _natural(name: str) -> list[tuple[int, str]]:
    """Key that sorts sub-2 before sub-10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
