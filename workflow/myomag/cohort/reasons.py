"""Reasons for lost scans, counted by kind: reasons that differ only in their numbers count as one."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

# A number on its own: not part of a label (sub-012), a file name or a version.
_NUMBER = re.compile(r"(?<![\w.\-])[-\N{MINUS SIGN}]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w]|\.\d)")


# What several raters said of one scan.
_RATED = re.compile(r"(rejected by \d+ of \d+ raters) \(.*\)")


def short_reason(row: Mapping[str, Any]) -> str:
    """Reason for losing a scan, without the names of its own files in front."""
    own = re.escape(str(row["scan"]).rpartition("_")[0] or str(row["scan"]))
    return re.sub(rf"\S*{own}\S*:\s+", "", str(row.get("reason") or ""))


def reason_kind(row: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Reason of a scan with a NUL for each number, and the numbers."""
    reason = (short_reason(row) or "no reason recorded").replace("\0", "")
    reason = _RATED.sub(r"\1", reason)
    # Each copy names another scan.
    reason = re.sub(r"(?<=the same data as )[^\s:]+(?: and \d+ more)?", "another scan", reason)
    reason = re.sub(r"(?<=datalad get )(?:'[^']*'|\S+)", "PATH", reason)
    return _NUMBER.sub("\0", reason), _NUMBER.findall(reason)


def filled(kind: str, values: Sequence[Sequence[str]]) -> str:
    """Kind of a reason with each number, or the range of the numbers where they differ."""
    parts = kind.split("\0")
    text = [parts[0]]
    for slot, part in enumerate(parts[1:]):
        seen = sorted({item[slot] for item in values}, key=lambda item: float(item.replace("\N{MINUS SIGN}", "-")))
        text += [seen[0] if len(seen) == 1 else f"{seen[0]} to {seen[-1]}", part]
    return "".join(text)
