"""The same data under two names: a copy is found by the digest of its samples, whatever the file format."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from myomag.cohort.categories import DUPLICATE

REMEDY = "remove the wrong one, or reject it in overrides (cohort.allow_same_data includes them all)"


def mark_same_data(rows: Sequence[dict[str, Any]]) -> None:
    """Exclude, in place, the scans that hold the same data as others.

    Nobody can tell whose data these are, so all of them are excluded; of repeats within one session, which differ only
    in their run, the first stays. Scans that failed or were rejected by hand no longer count as copies.

    Parameters
    ----------
    rows : sequence of dict
        Scans with `scan`, `participant_id`, `session_id`, `kind`, `status`, `step`, `category`, `reason`, `complete`
        and `data`, the digest of the samples, in the order of the table.
    """
    standing = [row for row in rows if row["status"] != "failed" and row["step"] != "overrides"]
    for members in same_data((row["data"], row) for row in standing):
        whose = {(row["participant_id"], row["session_id"], row["kind"]) for row in members}
        for row in members if len(whose) > 1 else members[1:]:
            others = [other["scan"] for other in members if other is not row]
            reasons = [row["reason"], said(others, repeats=len(whose) == 1)]
            row |= {"status": "excluded", "step": row["step"] or "cohort", "complete": False}
            row["category"] = row["category"] or DUPLICATE
            row["reason"] = "; ".join(filter(None, reasons))


def same_data(scans: Iterable[tuple[str | None, Any]]) -> Iterator[list[Any]]:
    """Groups of scans with equal digests, of more than one scan; those without a digest are in none."""
    groups: dict[str, list[Any]] = defaultdict(list)
    for digest, scan in scans:
        if digest:
            groups[digest].append(scan)
    yield from (members for members in groups.values() if len(members) > 1)


def said(others: Sequence[str], *, repeats: bool = False) -> str:
    """Reason for excluding a scan that contains the data of others."""
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return f"the same data as {others[0]}{more}" + (": a repeat counts once" if repeats else f": {REMEDY}")
