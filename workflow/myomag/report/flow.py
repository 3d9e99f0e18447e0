"""The account of all scans: entered, failed, excluded by reason, included; it adds up by construction."""

from collections.abc import Sequence
from dataclasses import dataclass

from myomag.io.tables import TableRow
from myomag.wording.text import MISSING

SHOWN_REASONS = 8


@dataclass(frozen=True)
class Loss:
    """Scans lost at one step for reasons that differ in their numbers only."""

    step: str
    reason: str
    scans: int
    participants: int


@dataclass(frozen=True)
class ParticipantFlow:
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


def participant_flow(rows: Sequence[TableRow]) -> ParticipantFlow:
    """Flow of all scans and participants from the rows of flow.tsv."""
    stages = {str(row["stage"]): row for row in rows}
    entered, analysed = (stages.get(stage, {"scans": 0, "participants": 0}) for stage in ("entered", "analysed"))
    return ParticipantFlow(
        int(entered["scans"]),
        int(entered["participants"]),
        _losses([row for row in rows if row["stage"] == "failed"]),
        _losses([row for row in rows if row["stage"] == "excluded"]),
        int(analysed["scans"]),
        int(analysed["participants"]),
    )


def _losses(rows: Sequence[TableRow]) -> tuple[Loss, ...]:
    """Losses by step and kind of reason, the frequent first; rare kinds beyond the list make one entry."""
    losses = [
        Loss(str(row["step"] or MISSING), str(row["reason"]), int(row["scans"]), int(row["participants"]))
        for row in rows
    ]
    losses.sort(key=lambda loss: (-loss.scans, loss.step, loss.reason))
    shown, rest = losses[:SHOWN_REASONS], losses[SHOWN_REASONS:]
    if len(rest) < 2:
        return tuple(losses)
    counts = [sum(getattr(loss, key) for loss in rest) for key in ("scans", "participants")]
    return (*shown, Loss(MISSING, "other reasons, see the list of excluded scans", *counts))
