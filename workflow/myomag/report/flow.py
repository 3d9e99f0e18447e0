"""The account of all scans: entered, failed, excluded by reason, included; it adds up by construction."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myomag.report.text import MISSING

Row = Mapping[str, Any]
SHOWN_REASONS = 8
# A number that stands alone: not a part of a label (sub-012), a file name or a version.
_NUMBER = re.compile(r"(?<![\w.\-])[-\N{MINUS SIGN}]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w]|\.\d)")


@dataclass(frozen=True)
class Loss:
    """Scans lost at one step for reasons that differ in their numbers only."""

    step: str
    reason: str
    scans: int


@dataclass(frozen=True)
class Flow:
    """Number of scans and participants at each stage; entered = failed + excluded + included."""

    entered: int
    participants: int
    failed: tuple[Loss, ...]
    excluded: tuple[Loss, ...]
    included: int
    included_participants: int

    @property
    def failed_scans(self) -> int:
        """Number of scans that could not be processed to the end."""
        return sum(loss.scans for loss in self.failed)

    @property
    def excluded_scans(self) -> int:
        """Number of scans that were processed but do not enter the statistics."""
        return sum(loss.scans for loss in self.excluded)


def participant_flow(cohort: Sequence[Row], exclusions: Sequence[Row]) -> Flow:
    """Flow of all scans of the cohort; `exclusions` tells the step at which each was lost."""
    steps = {row["scan"]: row.get("step") for row in exclusions}
    included = [row for row in cohort if row["status"] == "included"]
    failed = [row for row in cohort if row["status"] == "failed"]
    excluded = [row for row in cohort if row["status"] not in ("included", "failed")]
    return Flow(
        len(cohort),
        len({row["participant_id"] for row in cohort}),
        _losses(failed, steps),
        _losses(excluded, steps),
        len(included),
        len({row["participant_id"] for row in included}),
    )


def _losses(rows: Sequence[Row], steps: Mapping[str, Any]) -> tuple[Loss, ...]:
    """Count scans by step and kind of reason, the frequent first; rare kinds beyond the list make one entry."""
    groups: dict[tuple[str, str], list[list[str]]] = {}
    for row in rows:
        step = str(steps.get(row["scan"]) or MISSING)
        template, numbers = _template(row)
        groups.setdefault((step, template), []).append(numbers)
    losses = [Loss(step, _filled(template, values), len(values)) for (step, template), values in groups.items()]
    losses.sort(key=lambda loss: (-loss.scans, loss.step, loss.reason))
    shown, rest = losses[:SHOWN_REASONS], losses[SHOWN_REASONS:]
    if len(rest) > 1:
        return (
            *shown,
            Loss(MISSING, "other reasons, see the list of excluded scans", sum(loss.scans for loss in rest)),
        )
    return (*shown, *rest)


def short_reason(row: Row) -> str:
    """Reason of a scan without the names of its own files in front."""
    own = re.escape(str(row["scan"]).rpartition("_")[0] or str(row["scan"]))
    return re.sub(rf"\S*{own}\S*:\s+", "", str(row.get("reason") or ""))


def _template(row: Row) -> tuple[str, list[str]]:
    """Reason with a NUL for each number, and the numbers."""
    reason = (short_reason(row) or "no reason recorded").replace("\0", "")
    return _NUMBER.sub("\0", reason), _NUMBER.findall(reason)


def _filled(template: str, values: Sequence[Sequence[str]]) -> str:
    """Template with each number, or the range of the numbers where they differ."""
    parts = template.split("\0")
    filled = [parts[0]]
    for slot, part in enumerate(parts[1:]):
        seen = sorted({item[slot] for item in values}, key=lambda item: float(item.replace("\N{MINUS SIGN}", "-")))
        filled += [seen[0] if len(seen) == 1 else f"{seen[0]} to {seen[-1]}", part]
    return "".join(filled)
