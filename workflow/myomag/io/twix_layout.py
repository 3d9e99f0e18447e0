"""The chain of readouts in a Siemens twix file, walked before a reader trusts it.

mapvbvd follows the lengths it finds: a damaged one sends it into an endless loop or past the end, where it stops
silently with the readouts it has.
"""

import mmap
import struct
from collections import Counter
from pathlib import Path

from myomag.errors import ScanError

ACQUISITION_END, SYNC_DATA = 1 << 0, 1 << 5
KIND_BITS = sum(1 << bit for bit in (1, 2, 14, 15, 21, 22, 25))
"""Bits of the evaluation mask that make a readout something else than part of the scan, as mapvbvd sorts them."""

MAX_MEASUREMENTS = 64
SHORTEST_READOUT = 128


def check_layout(path: Path) -> tuple[int, int]:
    """Points and number of the readouts of a twix file; one whose readouts do not lead to the end mark is refused.

    Layout as mapvbvd reads it (found: public code). VD, VE, XA: a table of measurements, readouts of a 192-byte
    header and, for each channel, 32 bytes and the samples. VB: one measurement, 128 bytes before each channel.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            # A multi-raid file holds the adjustments first, the scan last.
            return [_walk(content, start, table, path.name) for start, table in _measurements(content, path.name)][-1]
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
        raise ScanError(f"{name}: is no twix file, or a damaged one: it lists no measurement.")
    return [(_unsigned(content, 16 + 152 * index, "<Q", name), True) for index in range(count)]


def _walk(content: mmap.mmap, start: int, table: bool, name: str) -> tuple[int, int]:
    """Follow the readouts of one measurement to its end mark; points and number of those of the scan."""
    mask_at, size_at = (40, 48) if table else (20, 28)
    base, per_channel = (192, 32) if table else (0, 128)
    position = start + _unsigned(content, start, "<I", name)
    sizes: dict[int, tuple[int, ...]] = {}
    counts: Counter[int] = Counter()
    while True:
        mask = _unsigned(content, position + mask_at, "<I", name)
        length = _unsigned(content, position, "<I", name) & 0x1FFFFFF
        if mask & ACQUISITION_END or length == 0:
            kind = min(counts, default=0)
            return sizes.get(kind, (0,))[0], counts[kind]
        if not mask & SYNC_DATA:
            size = tuple(_unsigned(content, position + size_at + offset, "<H", name) for offset in (0, 2))
            counts[mask & KIND_BITS] += 1
            if sizes.setdefault(mask & KIND_BITS, size) != size:
                raise ScanError(f"{name}: readouts of one kind differ in size; the file is damaged or not one scan.")
            length = base + (8 * size[0] + per_channel) * size[1]
        if length < SHORTEST_READOUT or position + length > len(content):
            raise ScanError(f"{name}: a readout reaches beyond the file; it is truncated or damaged.")
        position += length


def _unsigned(content: mmap.mmap, position: int, layout: str, name: str) -> int:
    if position + struct.calcsize(layout) > len(content):
        raise ScanError(f"{name}: ends before its end mark; it is truncated.")
    return int(struct.unpack_from(layout, content, position)[0])
