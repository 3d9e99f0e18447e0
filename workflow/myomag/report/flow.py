"""The account of all scans: entered, failed, excluded by reason, included; it adds up by construction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myomag.cohort.reasons import filled, reason_kind
from myomag.report.text import MISSING

Row = Mapping[str, Any]
SHOWN_REASONS = 8


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
        template, numbers = reason_kind(row)
        groups.setdefault((step, template), []).append(numbers)
    losses = [Loss(step, filled(template, values), len(values)) for (step, template), values in groups.items()]
    losses.sort(key=lambda loss: (-loss.scans, loss.step, loss.reason))
    shown, rest = losses[:SHOWN_REASONS], losses[SHOWN_REASONS:]
    if len(rest) > 1:
        return (
            *shown,
            Loss(MISSING, "other reasons, see the list of excluded scans", sum(loss.scans for loss in rest)),
        )
    return (*shown, *rest)
