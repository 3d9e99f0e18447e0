"""Results of all scans in little memory: 10 kB each as Python objects, some 500 bytes packed."""

import itertools
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from myomag.errors import StudyError

Row = Mapping[str, Any]


class PackedRows:
    """Rows of scans by participant, session and scan, kept as compressed JSON and unpacked one by one when read.

    Parameters
    ----------
    rows : iterable of mapping
        One per scan, see `columns.flat_result`.

    Raises
    ------
    StudyError
        If a scan appears twice.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._packed: list[bytes] = []
        self._model = b""
        keys = []
        for row in rows:
            keys.append((row["participant_id"], row.get("session_id") or "", row["scan"]))
            self._packed.append(self._pack(row))
        order = sorted(range(len(keys)), key=keys.__getitem__)
        for first, second in itertools.pairwise(order):
            if keys[first][2] == keys[second][2]:
                raise StudyError(f"{keys[first][2]}: the scan appears twice; each scan may enter once.")
        self._packed = [self._packed[place] for place in order]

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[Row]:
        for packed in self._packed:
            yield self._unpack(packed)

    def _pack(self, row: Row) -> bytes:
        """Compressed row, marked where its text refers to that of the first complete scan, which most repeat."""
        text = json.dumps(row, separators=(",", ":")).encode()
        packer = zlib.compressobj(zdict=self._model)
        packed = bytes([bool(self._model)]) + packer.compress(text) + packer.flush()
        if row.get("magnesium"):
            self._model = self._model or text
        return packed

    def _unpack(self, packed: bytes) -> Row:
        row: Row = json.loads(zlib.decompressobj(zdict=self._model if packed[0] else b"").decompress(packed[1:]))
        return row
