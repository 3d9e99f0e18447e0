"""Philips raw export: .data (samples of each coil and average) with its .list (index of the samples).

Layout found in public code of spec2nii 0.8.15 (Philips/philips_data_list.py) and in the comments of a .list file. The
samples have the physicist's sign. Neither file contains frequency, dwell time or nucleus: a SPAR file of the same scan,
or the sidecar, states them.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError
from myomag.io.philips import of_pair, scan_of_spar, spar_header
from myomag.io.raw_scan import RawScan, number, read_bytes, whole_number

COLUMNS = (
    *("typ", "mix", "dyn", "card", "echo", "loca", "chan", "extr1", "extr2", "kx", "ky", "kz", "aver"),
    *("sign", "rf", "grad", "enc", "rtop", "rr", "size", "offset"),
)
"""Columns of the index if the file does not name them."""

SIGNAL = "STD"
"""Kind of the vectors with the signal; others contain noise, corrections and data rejected by the scanner."""

SINGLE = ("mix", "card", "echo", "loca", "extr1", "extr2", "kx", "ky", "kz")
"""Loops that have one step in a single-voxel scan."""


def read_data_list(raw: Sequence[Path]) -> RawScan:
    """Content of a .data/.list pair, given by either file: averages and dynamics are transients, coils are separate.

    Raises
    ------
    ScanError
        If it contains several voxels, echoes or mixes, or is truncated.
    """
    index_file, samples_file = of_pair(raw, ".list"), of_pair(raw, ".data")
    index, name = _index(index_file), index_file.name
    _check_loops(index, name)
    order = np.lexsort((index["chan"], index["aver"], index["dyn"]))
    index = {key: values[order] for key, values in index.items()}
    coils, dynamics = np.unique(index["chan"]).size, np.unique(index["dyn"]).size
    transients, rest = divmod(index["chan"].size, coils)
    different = np.unique(np.stack([index[key] for key in ("dyn", "aver", "chan")]), axis=1).shape[1]
    if rest or different != transients * coils:
        raise ScanError(f"{name}: lists the coils of some averages twice or not at all; export the scan again.")
    fid = _samples(samples_file, index, name).reshape(transients, coils, -1).transpose(2, 0, 1)
    return _described(raw, fid, dynamics if 1 < dynamics < transients and transients % dynamics == 0 else 1)


def _index(path: Path) -> dict[str, NDArray[np.int64]]:
    """Columns of the index of the signal."""
    names, rows = list(COLUMNS), []
    for line in read_bytes(path).decode("latin-1").splitlines():
        words = line.split()
        if words[:3] == ["#", "typ", "mix"]:
            names = words[1:]
        elif words[:1] == [SIGNAL]:
            rows.append(words)
    if not rows:
        raise ScanError(f"{path.name}: lists no vectors of signal ({SIGNAL}); export the raw data again.")
    if not {"dyn", "chan", "aver", "size", "offset"} <= set(names) or {len(row) for row in rows} != {len(names)}:
        raise ScanError(f"{path.name}: its index does not have the columns {' '.join(names)}; it is damaged.")
    try:
        table = np.array([row[1:] for row in rows], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise ScanError(
            f"{path.name}: its index contains something other than whole numbers; it is damaged."
        ) from error
    return dict(zip(names[1:], table.T, strict=True))


def _check_loops(index: dict[str, NDArray[np.int64]], name: str) -> None:
    for loop in SINGLE:
        steps = np.unique(index[loop]).size if loop in index else 1
        if steps > 1:
            raise ScanError(
                f"{name}: loop {loop} has {steps} steps; only averages and dynamics of a single-voxel or unlocalised "
                "scan can be analysed. Export the part to analyse as SPAR/SDAT."
            )


def _samples(path: Path, index: dict[str, NDArray[np.int64]], name: str) -> NDArray[np.complex64]:
    """Vectors in the order of the index, shape (vectors, points)."""
    content, sizes, offsets = read_bytes(path), np.unique(index["size"]), index["offset"]
    if sizes.size > 1 or sizes[0] < 8 or sizes[0] % 8 or (offsets % 8).any() or offsets.min() < 0:
        raise ScanError(f"{name}: lists vectors that are not whole complex samples; it is damaged.")
    if offsets.max() + sizes[0] > len(content):
        raise ScanError(f"{path.name}: contains {len(content)} bytes, fewer than {name} lists; it is truncated.")
    held = np.frombuffer(content, dtype="<c8", count=len(content) // 8)
    return held[offsets[:, np.newaxis] // 8 + np.arange(sizes[0] // 8)]


def _described(raw: Sequence[Path], fid: NDArray[np.complex64], measurements: int) -> RawScan:
    """The samples with the fields of a SPAR file of the scan, given or beside them."""
    spar = spar_of(raw)
    if spar is None:
        return scan_of_spar(fid, {}, raw[0].name, measurements)
    header = spar_header(spar)
    if number(header.get("samples"), f"{spar.name}: samples") not in (None, float(fid.shape[0])):
        points = whole_number(header.get("samples"), f"{spar.name}: samples")
        raise ScanError(
            f"{spar.name}: describes {points} points, {raw[0].name} contains {fid.shape[0]}; it belongs to another "
            "scan."
        )
    return scan_of_spar(fid, header, spar.name, measurements)


def spar_of(raw: Sequence[Path]) -> Path | None:
    """SPAR file that describes a data/list pair, given or beside it under the same name."""
    beside = [path for path in (*raw, *sorted(raw[0].parent.iterdir())) if path.suffix.lower() == ".spar"]
    return next((path for path in beside if path in raw or path.stem.lower() == raw[0].stem.lower()), None)
