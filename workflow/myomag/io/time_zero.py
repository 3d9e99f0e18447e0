"""Begin time stated in a sidecar: the delay from the time at which all lines are in phase to the first sample.

For an FID that time is the centre of the excitation, for an echo its top. EchoTime (BIDS, NIfTI-MRS) is the time from
the excitation to the top of the echo: it is a begin time for FIDs only. `AcquisitionStartTime` (NIfTI-MRS 0.11,
definitions.json [found]) is the "time, relative to EchoTime, or time of FID generation, that the acquisition starts".
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["fid", "echo", "unknown"]

SEQUENCE_FIELDS = ("PulseSequenceType", "ScanningSequence", "SequenceName")
"""BIDS fields that may name the sequence."""

SHORTEST_ECHO_S = 5e-3
"""No 31P spin echo is shorter, and no FID starts as late: this distinguishes them if no sequence is named."""

LONGEST_BEGIN_S = 10e-3
"""Above this, EchoTime is not the begin time of an FID: the ATP lines turn by several cycles relative to PCr."""

LONGEST_ECHO_S = 0.1
"""Above this, no ATP signal is left (T2 about 20 to 60 ms): the number is in ms, such as .35 for .00035 s."""

_ECHO = re.compile(r"(?<!com)press(?!ure)|steam|laser|hahn|spin ?echo|svs ?st\b|\bse\b|(?<!gradient )\becho\b")
_FID = re.compile(r"\bfid(?!el)|fid\b|pulse ?(?:and ?)?acq|(?:single|one) ?pulse|gradient ?echo|\bgre?\b")


@dataclass(frozen=True)
class StatedBeginTime:
    """Begin time stated in a sidecar.

    Attributes
    ----------
    value_s : float or None
        Begin time [s], negative if samples precede the time of equal phase; None if unknown.
    source : str
        Field and value it was taken from, or why it is unknown.
    kind : {"fid", "echo", "unknown"}
        What the sequence samples.
    """

    value_s: float | None
    source: str
    kind: Kind


def stated_begin_time(sidecar: Mapping[str, Any]) -> StatedBeginTime:
    """Begin time from AcquisitionStartTime, else from the kind of sequence, else from EchoTime.

    Parameters
    ----------
    sidecar : mapping
        BIDS sidecar of a scan: EchoTime and AcquisitionStartTime [s], names of the sequence.
    """
    echo_time = _seconds(sidecar.get("EchoTime"))
    kind, named = sequence_kind(sidecar)
    if kind == "unknown" and echo_time is not None and echo_time < LONGEST_ECHO_S:
        kind = "echo" if echo_time >= SHORTEST_ECHO_S else "fid"
    start = _seconds(sidecar.get("AcquisitionStartTime"))
    if start is not None:
        return _by_start(start, echo_time, kind)
    if kind == "echo":
        reason = named or f"EchoTime {echo_time:g} s is too long for an FID"
        return StatedBeginTime(0.0, f"{reason}: an echo, sampled from its top", kind)
    return _by_echo_time(echo_time, named, kind)


def sequence_kind(sidecar: Mapping[str, Any]) -> tuple[Kind, str]:
    """What the named sequence samples, and the field that says so; unknown if names are absent or contradictory."""
    found: dict[Kind, str] = {}
    for field in SEQUENCE_FIELDS:
        value = sidecar.get(field)
        text = re.sub(r"[^a-z0-9]+", " ", value.lower()) if isinstance(value, str) else ""
        if _ECHO.search(text):
            found.setdefault("echo", f"{field} {value}")
        if _FID.search(text):
            found.setdefault("fid", f"{field} {value}")
    return next(iter(found.items())) if len(found) == 1 else ("unknown", "")


def _by_start(start: float, echo_time: float | None, kind: Kind) -> StatedBeginTime:
    """Begin time from AcquisitionStartTime.

    For an FID it counts from the excitation, unless it is 0 or below: as nothing is sampled during the pulse, it then
    counts from EchoTime.
    """
    stated = f"AcquisitionStartTime {start:g} s"
    if abs(start) > LONGEST_BEGIN_S:
        return StatedBeginTime(None, f"{stated}: milliseconds?", kind)
    if kind == "fid" and start <= 0 and echo_time and echo_time <= LONGEST_BEGIN_S:
        return StatedBeginTime(echo_time + start, f"{stated} from EchoTime {echo_time:g} s", kind)
    return StatedBeginTime(start, stated, kind)


def _by_echo_time(echo_time: float | None, named: str, kind: Kind) -> StatedBeginTime:
    """Begin time of an FID, or of an unnamed sequence whose EchoTime is too short for an echo."""
    if not echo_time:
        return StatedBeginTime(None, "no EchoTime" if echo_time is None else "EchoTime 0 s: not set", kind)
    if echo_time > LONGEST_BEGIN_S:
        contradiction = f", as {named} is an FID" if named else ""
        return StatedBeginTime(None, f"EchoTime {echo_time:g} s: milliseconds?{contradiction}", kind)
    return StatedBeginTime(echo_time, f"EchoTime {echo_time:g} s", kind)


def _seconds(value: Any) -> float | None:
    """Finite number [s], None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
