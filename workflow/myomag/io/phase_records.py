"""Base of the records of a scan, and the phases of a series."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field


class Record(BaseModel):
    """Base of every record and of its parts: no other fields, and no change afterwards."""

    # Each step needs a few of the models, and building all of them costs it 10 ms.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class ScanRecord(Record):
    """Record of one scan, stored under `role`."""

    role: ClassVar[str]
    scan: str = Field(description="BIDS stem of the scan.")


class PhaseRecord(Record):
    """Rest, exercise or recovery."""

    kind: Literal["rest", "exercise", "recovery"] = Field(description="What the muscle does.")
    first: int = Field(description="First repetition, counted from 0.")
    end: int = Field(description="Repetition after the last one.")
    start_s: float | None = Field(description="Start [s from the first repetition]; null without a repetition time.")
    end_s: float | None = Field(description="End [s].")

    @property
    def length_s(self) -> float | None:
        """Duration [s]."""
        return None if self.start_s is None or self.end_s is None else self.end_s - self.start_s


class Phases(Record):
    """Phases of a series."""

    repetition_s: float | None = Field(description="Time from one repetition to the next, the median if uneven [s].")
    volume_timing_s: list[float] | None = Field(description="Start of each repetition [s from the first], if stated.")
    middle_s: float = Field(
        description="From the start of a repetition to the mean time of its excitations [s]; 0 for a single FID."
    )
    excitations: int = Field(description="Number of excitations averaged into each repetition.")
    proposed: bool = Field(description="Whether they were inferred from PCr because no events were given.")
    phases: list[PhaseRecord] = Field(description="Phases in their order.")

    @property
    def end_s(self) -> float | None:
        """End of the last repetition [s from the first]; None without times."""
        times = self.times(self.phases[-1].end)
        return None if times is None or self.repetition_s is None else times[-1] - self.middle_s + self.repetition_s

    def times(self, count: int) -> list[float] | None:
        """Mean excitation time of each of `count` repetitions [s from the first]; None without times."""
        starts = self.volume_timing_s
        if starts is None and self.repetition_s is not None:
            starts = [self.repetition_s * k for k in range(count)]
        return None if starts is None else [start + self.middle_s for start in starts]
