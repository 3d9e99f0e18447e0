"""When a DICOM file, or each of its frames, was acquired: only differences of these times leave the reader."""

from datetime import datetime
from typing import Any

FORMS = ("%Y%m%d%H%M%S.%f", "%Y%m%d%H%M%S")
PER_FRAME = "PerFrameFunctionalGroupsSequence"
SOME_DAY = "20000101"
"""Stands for a date that was removed."""


def clock_of(dataset: Any) -> list[float]:
    """Start of the acquisition, or of each of several frames [s from any time]; empty where one is not stated."""
    frames = [_content(frame).get("FrameAcquisitionDateTime") for frame in dataset.get(PER_FRAME) or ()]
    if len(frames) < 2:
        date, time = str(dataset.get("AcquisitionDate") or SOME_DAY), str(dataset.get("AcquisitionTime") or "")
        frames = [dataset.get("AcquisitionDateTime") or (date + time if time else None)]
    found = [_seconds(str(each or "")) for each in frames]
    return [each for each in found if each is not None] if None not in found else []


def _content(frame: Any) -> Any:
    return (frame.get("FrameContentSequence") or [{}])[0]


def _seconds(text: str) -> float | None:
    """Seconds of a date and time of DICOM; None where it is none, or says no seconds."""
    # A zone may follow, the same one in all files of a series.
    text = text.strip().partition("+")[0].partition("-")[0]
    for form in FORMS:
        try:
            return (datetime.strptime(text, form) - datetime(2000, 1, 1)).total_seconds()
        except ValueError:
            continue
    return None
