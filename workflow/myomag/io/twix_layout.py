"""The chain of readouts in a Siemens twix file, and the texts of its header.

Layout as in the public code of mapvbvd and spec2nii. VD, VE, XA: a table of measurements, readouts of a 192-byte header
and, for each channel, 32 bytes and the samples. VB: one measurement, 128 bytes before each channel.
"""

import mmap
import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from myomag.errors import ScanError

ACQUISITION_END, SYNC_DATA = 1 << 0, 1 << 5
REFERENCE, REFERENCE_AND_SCAN = 1 << 22, 1 << 23
SCAN = 0
KINDS = {1 << 1: "rtfeedback", 1 << 2: "rtfeedback", 1 << 14: "phasestab", 1 << 15: "phasestab"}
KINDS |= {1 << 21: "phasecor", REFERENCE: "refscan", 1 << 25: "noise"}
"""Bits of the evaluation mask that mark readouts outside the scan proper, with spec2nii's names."""

MAX_MEASUREMENTS = 64
SHORTEST_READOUT = 128
LARGEST_HEADER = 2**25
"""Largest header that is read [bytes]; one to ten million are usual."""
LONGEST_VALUE = 1000
"""Number of bytes after a parameter's name that contain its value."""


@dataclass(frozen=True)
class Readouts:
    """Readouts of one kind and size.

    Attributes
    ----------
    points, coils : int
        Size of each.
    positions : list of int
        Offset of the header of each in the file [bytes], in the order acquired.
    table : bool
        Whether the file has a table of measurements (VD and later).
    """

    points: int
    coils: int
    positions: list[int]
    table: bool


Measurement = dict[int, Readouts]
"""Readouts of a measurement by kind: bits of KINDS, or SCAN."""


def check_layout(path: Path) -> tuple[int, int]:
    """Points and number of readouts of a twix file; one whose readouts do not lead to the end mark is refused."""
    with opened(path) as (_, measurement):
        if not measurement:
            return 0, 0
        first = measurement[min(measurement)]
        return first.points, len(first.positions)


@contextmanager
def opened(path: Path) -> Iterator[tuple[mmap.mmap, Measurement]]:
    """Content of a twix file and the readouts of its last measurement, after a walk over all of them.

    A damaged length could lead to an endless loop or past the end.

    Raises
    ------
    ScanError
        If the readouts do not lead to the end mark, or those of one kind differ in size.
    """
    with _mapped(path) as content:
        # A multi-raid file has the adjustments first, the scan last.
        walked = [_walk(content, start, table, path.name) for start, table in _measurements(content, path.name)]
        yield content, walked[-1]


def _mapped(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise ScanError(f"{path.name}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise ScanError(f"{path.name}: is empty.") from error


def _measurements(content: mmap.mmap, name: str) -> list[tuple[int, bool]]:
    """Offset of each measurement [bytes] and whether the file has a table of them."""
    first, count = (_unsigned(content, position, "<I", name) for position in (0, 4))
    if first >= 10_000 or count > MAX_MEASUREMENTS:
        return [(0, False)]
    if not count:
        raise ScanError(f"{name}: is not a twix file, or is damaged: it lists no measurement.")
    return [(_unsigned(content, 16 + 152 * index, "<Q", name), True) for index in range(count)]


def _walk(content: mmap.mmap, start: int, table: bool, name: str) -> Measurement:
    """Follow the readouts of one measurement to its end mark."""
    mask_at, size_at = (40, 48) if table else (20, 28)
    base, per_channel = (192, 32) if table else (0, 128)
    position = start + _unsigned(content, start, "<I", name)
    sizes: dict[int, tuple[int, int]] = {}
    positions: defaultdict[int, list[int]] = defaultdict(list)
    while True:
        mask = _unsigned(content, position + mask_at, "<I", name)
        length = _unsigned(content, position, "<I", name) & 0x1FFFFFF
        if mask & ACQUISITION_END or length == 0:
            return {kind: Readouts(*sizes[kind], found, table) for kind, found in positions.items()}
        if not mask & SYNC_DATA:
            points, coils = (_unsigned(content, position + size_at + offset, "<H", name) for offset in (0, 2))
            positions[_kind(mask)].append(position)
            if sizes.setdefault(_kind(mask), (points, coils)) != (points, coils):
                raise ScanError(f"{name}: readouts of one kind differ in size; the file is damaged or not one scan.")
            length = base + (8 * points + per_channel) * coils
        if length < SHORTEST_READOUT or position + length > len(content):
            raise ScanError(f"{name}: a readout reaches beyond the file; it is truncated or damaged.")
        position += length


def _kind(mask: int) -> int:
    """Bits of KINDS in an evaluation mask; a reference that is also part of the scan counts as scan."""
    kind = mask & sum(KINDS)
    return kind & ~REFERENCE if mask & REFERENCE_AND_SCAN else kind


def header_texts(path: Path) -> tuple[dict[str, bytes], str]:
    """Header texts of the last measurement by name, and the name of the person in the measurement table."""
    with path.open("rb") as file:
        first, count = struct.unpack("<II", file.read(8))
        start, listed = 0, ""
        if first < 10_000 and 0 < count <= MAX_MEASUREMENTS:
            file.seek(16 + 152 * (count - 1))
            start, _, name = struct.unpack("<QQ64s", file.read(80))
            listed = name.partition(b"\0")[0].decode("latin-1")
        file.seek(start)
        size, number = struct.unpack("<II", file.read(8))
        content = file.read(min(size, LARGEST_HEADER))
    texts, place = {}, 0
    for _ in range(min(number, 64)):
        end = content.find(b"\0", place)
        if end < 0 or end + 5 > len(content):
            break
        (length,) = struct.unpack_from("<I", content, end + 1)
        name, place = content[place:end].decode("latin-1"), end + 5 + length
        texts[name] = content[end + 5 : place]
    return texts, listed


def parameter(text: bytes, key: str) -> str:
    """Value of a header parameter: the last item in its braces, after its attributes; empty if there is none."""
    name, place = f'."{key}">'.encode(), 0
    # A single regular expression would take as long as everything else together.
    while (place := text.find(name, place)) >= 0:
        place += len(name)
        _, opens, rest = text[place : place + LONGEST_VALUE].decode("latin-1").partition("{")
        values = re.findall(r'"([^"]*)"|([-+.\dEe]+)', rest.partition("}")[0]) if opens else []
        if values and (value := "".join(values[-1]).strip()):
            return value
    return ""


def _unsigned(content: mmap.mmap, position: int, layout: str, name: str) -> int:
    if position + struct.calcsize(layout) > len(content):
        raise ScanError(f"{name}: ends before its end mark; it is truncated.")
    return int(struct.unpack_from(layout, content, position)[0])
