"""Files of jMRUI: text (.txt) and binary (.mrui).

Read here, not by spec2nii 0.8.15, which writes Hz for MHz, assumes 1H if it cannot identify the nucleus, and tags the
signals of a file as an undefined dimension. jMRUI stores the physicist's sign.
"""

import re
import string
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError
from myomag.io.raw_scan import RawScan, is_rounded, number, read_bytes, scaled, whole_number

NUCLEUS_CODES = {1: "1H", 2: "31P", 3: "13C", 5: "23Na"}
"""TypeOfNucleus as a number (found: public code of spec2nii); 0 is not stated."""

_SIGNAL = re.compile(r"^Signal\s+(?:number:?\s*)?\d+\s+out\s+of\s+(\d+)\s+in\s+file.*$", re.MULTILINE | re.IGNORECASE)
_MRUI_HEADER_BYTES = 512
_TEXT_BYTES = np.frombuffer(string.printable.encode() + b"\x00", dtype=np.uint8)


def read_jmrui_text(path: Path) -> RawScan:
    """Content of a jMRUI text file; the signals of the file are its transients."""
    name = path.name
    head, *blocks = _SIGNAL.split(read_bytes(path).decode("latin-1"))
    header = dict(re.findall(r"^(\w+)\s*:[ \t]*(.*?)\s*$", head, re.MULTILINE))
    signals = [_signal(text, name) for text in blocks[1::2]]
    points = whole_number(header.get("PointsInDataset"), f"{name}: PointsInDataset")
    expected = whole_number(header.get("DatasetsInFile") or str(len(signals)), f"{name}: DatasetsInFile")
    if len(signals) != expected or any(signal.size != points for signal in signals):
        raise ScanError(f"{name}: does not contain {expected} signals of {points} points; it is truncated or damaged.")
    frequency = number(header.get("TransmitterFrequency"), f"{name}: TransmitterFrequency")
    begin_ms = number(header.get("BeginTime"), f"{name}: BeginTime")
    interval = header.get("SamplingInterval", "")
    dwell = scaled(number(interval, f"{name}: SamplingInterval"), 1e-3)
    return RawScan(
        fid=np.stack(signals, axis=1)[:, :, np.newaxis],
        dwell_time_s=dwell,
        frequency=frequency or None,
        nucleus=_nucleus(header.get("TypeOfNucleus", "")),
        field_t=number(header.get("MagneticField"), f"{name}: MagneticField") or None,
        metadata=_begin_time(begin_ms or 0.0),
        dwell_is_rounded=is_rounded(dwell, interval),
    )


def read_mrui(path: Path) -> RawScan:
    """Content of a binary jMRUI file: 64 big-endian doubles of header, frames of complex doubles, free text.

    Layout (found: public code of spec2nii): 1 points, 2 sampling interval [ms], 3 begin time [ms], 5 transmitter
    frequency [Hz], 6 field [T], 7 nucleus. The free text may name the patient and is never read.
    """
    name = path.name
    content = read_bytes(path)
    if len(content) < _MRUI_HEADER_BYTES:
        raise ScanError(f"{name}: is too short for a .mrui file; it is truncated.")
    header = np.frombuffer(content, dtype=">f8", count=13).astype(float)
    if not np.isfinite(header[:8]).all():
        raise ScanError(f"{name}: the header contains numbers that are not finite; it is damaged.")
    points = whole_number(str(header[1]), f"{name}: number of points")
    fid = _frames(content[_MRUI_HEADER_BYTES:], points, name)
    return RawScan(
        fid=fid[:, :, np.newaxis],
        dwell_time_s=header[2] * 1e-3 or None,
        frequency=header[5] or None,
        nucleus=_nucleus(str(header[7])),
        field_t=header[6] or None,
        metadata=_begin_time(header[3]),
    )


def _signal(text: str, name: str) -> NDArray[np.complex128]:
    """Complex samples of a block of lines: real, imaginary and, in some files, the spectrum.

    Computers in many countries print decimal commas: if no number has a point, a comma is one.
    """
    plain = text.replace(",", " " if "." in text else ".").replace(";", " ")
    rows = [line.split()[:2] for line in plain.splitlines() if line.strip()]
    try:
        values = np.array(rows, dtype=np.float64).reshape(len(rows), 2)
    except ValueError as error:
        raise ScanError(f"{name}: a line of samples does not contain two numbers; it is damaged.") from error
    return values.view(np.complex128)[:, 0]


def _frames(block: bytes, points: int, name: str) -> NDArray[np.complex128]:
    """Frames of the data block, shape (points, frames), up to the first text."""
    size = 16 * points
    count = 0
    while (count + 1) * size <= len(block) and not _is_text(block[count * size : (count + 1) * size]):
        count += 1
    if not count or not _is_text(block[count * size :].strip(b"\0")):
        raise ScanError(f"{name}: does not contain whole frames of {points} points; it is truncated or damaged.")
    return np.frombuffer(block, dtype=">c16", count=count * points).reshape(count, points).T.astype(np.complex128)


def _is_text(block: bytes) -> bool:
    """Whether nearly all bytes are printable or 0, as those of doubles never are; all zeros are samples."""
    values = np.frombuffer(block, dtype=np.uint8)
    return not values.size or bool(values.any() and np.isin(values, _TEXT_BYTES).mean() > 0.9)


def _nucleus(text: str) -> str | None:
    """Nucleus stated by name or by code; None if neither is usable."""
    text = text.strip()
    try:
        return NUCLEUS_CODES.get(int(float(text)))
    except (ValueError, OverflowError):
        return text or None


def _begin_time(begin_ms: float) -> dict[str, Any]:
    """BIDS has no begin time; for a pulse-acquire scan it is the echo time."""
    return {"EchoTime": begin_ms * 1e-3} if begin_ms > 0 else {}
