"""Results of all scans on disk, read one by one: 10 kB each as Python objects, and a study may have 100,000."""

import itertools
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from myomag.errors import StudyError

Row = Mapping[str, Any]


class StoredRows:
    """Rows of scans by participant, session and scan, kept as lines of JSON in a file.

    Parameters
    ----------
    file : binary file
        Empty, open for writing and reading as long as the rows are read.
    rows : iterable of mapping
        One per scan, see `columns.flat_result`.

    Raises
    ------
    StudyError
        If a scan appears twice.
    """

    def __init__(self, file: IO[bytes], rows: Iterable[Row]) -> None:
        self._file = file
        keys, places = [], array("q")
        for row in rows:
            keys.append((row["participant_id"], row.get("session_id") or "", row["scan"]))
            places.append(file.tell())
            file.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")
        order = sorted(range(len(keys)), key=keys.__getitem__)
        for first, second in itertools.pairwise(order):
            if keys[first][2] == keys[second][2]:
                raise StudyError(f"{keys[first][2]}: the scan appears twice; each scan may enter once.")
        self._places = array("q", (places[each] for each in order))

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Row]:
        for place in self._places:
            self._file.seek(place)
            yield json.loads(self._file.readline())
