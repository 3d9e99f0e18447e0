"""The bytes of a NIfTI file: sizes are checked against the file before anything is allocated."""

import gzip
import io
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError
from myomag.io.nibabel_headers import Nifti1Header, Nifti2Header

MAX_BYTES = 2**31
"""Largest decompressed file that is read [bytes]: twice 1,000 transients of 4,096 points and 32 coils."""

MAX_EXPANSION, ALWAYS_EXPANDED = 100, 2**25
"""The noise of an FID hardly compresses: a larger file [bytes] that expands further is not a scan but a trap."""

LONGEST_HEADER = Nifti2Header.sizeof_hdr

DATA_TYPES = {32: "c8", 1792: "c16"}
TIME_UNITS_S = {0: 1.0, 8: 1.0, 16: 1e-3, 24: 1e-6}
"""NIfTI code of a time unit to seconds; 0 (not stated) is read as seconds, as NIfTI-MRS prescribes."""


@dataclass(frozen=True)
class NiftiContent:
    """Content of one NIfTI file.

    Attributes
    ----------
    data : ndarray, 4 to 7 dimensions
        Complex samples as stored.
    dwell_time_s : float
        pixdim[4] [s].
    extensions : list of (int, bytes)
        Header extensions: code and content.
    """

    data: NDArray[Any]
    dwell_time_s: float
    extensions: list[tuple[int, bytes]]


def read_nifti(path: Path) -> NiftiContent:
    """Header, extensions and complex samples of a single-file NIfTI-1 or NIfTI-2, plain or gzipped.

    Raises
    ------
    ScanError
        If the file is truncated, damaged, describes more than it contains, or contains something else.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            size = path.stat().st_size
            limit = min(MAX_BYTES, max(size * MAX_EXPANSION, ALWAYS_EXPANDED) if zipped else size)
            stream: io.BufferedIOBase = gzip.GzipFile(fileobj=raw) if zipped else raw
            return _content(stream, limit, path.name)
    except OSError as error:
        reason = error.strerror or "damaged compressed data"
        raise ScanError(f"{path.name}: cannot be read ({reason}); copy or export it again.") from error
    except (EOFError, zlib.error) as error:
        raise ScanError(f"{path.name}: is truncated or damaged; copy or export it again.") from error


def read_nifti_header(path: Path) -> tuple[tuple[int, ...], list[tuple[int, bytes]]]:
    """Shape and header extensions of a NIfTI file; its samples are not read.

    Raises
    ------
    ScanError
        If the header is truncated or damaged.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream: io.BufferedIOBase = gzip.GzipFile(fileobj=raw) if zipped else raw
            block = stream.read(LONGEST_HEADER)
            header = _header(block, path.name)
            block += stream.read(max(min(_offset(header, path.name), ALWAYS_EXPANDED) - len(block), 0))
    except (OSError, EOFError, zlib.error) as error:
        raise ScanError(f"{path.name}: is truncated or damaged; copy or export it again.") from error
    start, end = len(header.binaryblock), _offset(header, path.name)
    return _shape(header, path.name), _extensions(block[start:end], header.endianness, path.name)


def _content(stream: io.BufferedIOBase, limit: int, name: str) -> NiftiContent:
    block = stream.read(LONGEST_HEADER)
    header = _header(block, name)
    shape = _shape(header, name)
    dtype = _dtype(header, name)
    offset = _offset(header, name)
    total = offset + math.prod(shape) * dtype.itemsize
    if total > limit:
        raise ScanError(
            f"{name}: the header describes {total} bytes, more than the file can contain ({limit}); it is truncated "
            "or its header is damaged."
        )
    content = block + stream.read(max(total - len(block), 0) + 1)
    if len(content) != total:
        what = "more" if len(content) > total else "fewer"
        raise ScanError(f"{name}: contains {what} bytes than its header describes; it is truncated or damaged.")
    samples = np.frombuffer(content, dtype=dtype, offset=offset).reshape(shape, order="F")
    extensions = _extensions(content[len(header.binaryblock) : offset], header.endianness, name)
    return NiftiContent(_scaled(samples, header, name), _dwell_time_s(header, name), extensions)


def _header(block: bytes, name: str) -> Any:
    """Nibabel header object at the start of `block`."""
    kinds: tuple[tuple[Any, bytes], ...] = ((Nifti1Header, b"n+1"), (Nifti2Header, b"n+2"))
    for kind, magic in kinds:
        if kind.may_contain_header(block):
            header = kind(block[: kind.sizeof_hdr], check=False)
            if header["magic"].item()[:3] == magic:
                return header
    raise ScanError(f"{name}: is not a single-file NIfTI; convert the scan to NIfTI-MRS (.nii.gz).")


def _shape(header: Any, name: str) -> tuple[int, ...]:
    dim = [int(size) for size in header["dim"]]
    if not 4 <= dim[0] <= 7:
        raise ScanError(f"{name}: dim[0] = {dim[0]}: a NIfTI-MRS file has 4 to 7 dimensions.")
    shape = tuple(dim[1 : dim[0] + 1])
    if min(shape) < 1:
        raise ScanError(f"{name}: dim = {list(shape)}: each dimension must be at least 1.")
    return shape


def _dtype(header: Any, name: str) -> np.dtype[Any]:
    code = int(header["datatype"])
    if code not in DATA_TYPES:
        raise ScanError(f"{name}: datatype = {code}: NIfTI-MRS has complex samples (32 or 1792).")
    return np.dtype(DATA_TYPES[code]).newbyteorder(header.endianness)


def _offset(header: Any, name: str) -> int:
    value = float(header["vox_offset"])
    least = len(header.binaryblock) + 4
    if value == 0:
        return least
    if not least <= value <= MAX_BYTES or value != int(value):
        raise ScanError(f"{name}: vox_offset = {value:g} is impossible; the header is damaged.")
    return int(value)


def _dwell_time_s(header: Any, name: str) -> float:
    unit = int(header["xyzt_units"]) & 0x38
    if unit not in TIME_UNITS_S:
        raise ScanError(f"{name}: xyzt_units = {int(header['xyzt_units'])}: the dwell time needs a unit of time.")
    dwell = float(header["pixdim"][4])
    if not 0 < dwell < math.inf:
        raise ScanError(f"{name}: pixdim[4] = {dwell:g}: the dwell time must be above 0.")
    return dwell * TIME_UNITS_S[unit]


def _scaled(samples: NDArray[Any], header: Any, name: str) -> NDArray[Any]:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope in (0.0, 1.0) or math.isnan(slope):
        slope = 1.0
    if not math.isfinite(slope) or (math.isfinite(intercept) and intercept != 0):
        raise ScanError(f"{name}: scl_slope, scl_inter = {slope:g}, {intercept:g}: an FID has no offset.")
    if slope == 1:
        return samples
    with np.errstate(over="ignore", invalid="ignore"):
        return samples.astype(np.complex128) * slope


def _extensions(block: bytes, endianness: str, name: str) -> list[tuple[int, bytes]]:
    """Header extensions of the bytes between header and data; only those of NIfTI-MRS are ever interpreted."""
    extensions = []
    start = 4
    while block[:1] != b"\x00" and start + 8 <= len(block):
        size, code = struct.unpack_from(f"{endianness}2i", block, start)
        if size == 0 and code == 0:
            break
        if size < 8 or start + size > len(block):
            raise ScanError(f"{name}: a header extension of {size} bytes is impossible; the file is damaged.")
        extensions.append((code, block[start + 8 : start + size]))
        start += size
    return extensions
