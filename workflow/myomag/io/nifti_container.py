"""The bytes of a NIfTI file: nothing is allocated before its size was checked against the file."""

import gzip
import io
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError

MRS_EXTENSION = 44
VOXEL_MM = 10000.0
"""Size stated for a voxel that has none."""

MAX_BYTES = 2**31
"""Largest decompressed file that is read [bytes]: 1,000 transients of 4,096 points and 32 coils fit twice."""

NIFTI1 = np.dtype(
    {
        "names": [
            "sizeof_hdr",
            "dim",
            "datatype",
            "pixdim",
            "vox_offset",
            "scl_slope",
            "scl_inter",
            "xyzt_units",
            "magic",
        ],
        "formats": ["i4", "8i2", "i2", "8f4", "f4", "f4", "f4", "u1", "S4"],
        "offsets": [0, 40, 70, 76, 108, 112, 116, 123, 344],
        "itemsize": 348,
    }
)
NIFTI2 = np.dtype(
    [
        ("sizeof_hdr", "i4"),
        ("magic", "S4"),
        ("line_ends", "S4"),
        ("datatype", "i2"),
        ("bitpix", "i2"),
        ("dim", "8i8"),
        ("intent_p", "3f8"),
        ("pixdim", "8f8"),
        ("vox_offset", "i8"),
        ("scl_slope", "f8"),
        ("scl_inter", "f8"),
        ("cal", "2f8"),
        ("slice_time", "2f8"),
        ("slice_range", "2i8"),
        ("descrip", "S80"),
        ("aux_file", "S24"),
        ("qform_code", "i4"),
        ("sform_code", "i4"),
        ("quaternion", "3f8"),
        ("qoffset", "3f8"),
        ("srow", "(3,4)f8"),
        ("slice_code", "i4"),
        ("xyzt_units", "i4"),
        ("intent_code", "i4"),
        ("intent_name", "S16"),
        ("dim_info", "u1"),
        ("unused", "S15"),
    ]
)
"""Headers of both versions: of the first only what is read here, of the second, which is written too, all of it."""

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
        If the file is truncated, damaged, promises more than it holds, or holds something else.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            size = path.stat().st_size
            # Deflate expands to at most 1032 times its size.
            limit = min(MAX_BYTES, size * 1032 if zipped else size)
            stream: io.BufferedIOBase = gzip.GzipFile(fileobj=raw) if zipped else raw
            return _content(stream, limit, path.name)
    except OSError as error:
        reason = error.strerror or "damaged compressed data"
        raise ScanError(f"{path.name}: cannot be read ({reason}); copy or export it again.") from error
    except (EOFError, zlib.error) as error:
        raise ScanError(f"{path.name}: is truncated or damaged; copy or export it again.") from error


def _content(stream: io.BufferedIOBase, limit: int, name: str) -> NiftiContent:
    block = stream.read(NIFTI2.itemsize)
    header = _header(block, name)
    shape = _shape(header, name)
    dtype = _dtype(header, name)
    offset = _offset(header, name)
    total = offset + math.prod(shape) * dtype.itemsize
    if total > limit:
        raise ScanError(
            f"{name}: the header promises {total} bytes, more than the file can hold ({limit}); "
            "it is truncated or its header is damaged."
        )
    content = block + stream.read(max(total - len(block), 0) + 1)
    if len(content) != total:
        what = "more" if len(content) > total else "fewer"
        raise ScanError(f"{name}: holds {what} bytes than its header describes; it is truncated or damaged.")
    samples = np.frombuffer(content, dtype=dtype, offset=offset).reshape(shape, order="F")
    extensions = _extensions(content[header.dtype.itemsize : offset], _byte_order(header), name)
    return NiftiContent(_scaled(samples, header, name), _dwell_time_s(header, name), extensions)


def _header(block: bytes, name: str) -> NDArray[Any]:
    """Header at the start of `block`, shape ()."""
    for kind, magic in ((NIFTI1, b"n+1"), (NIFTI2, b"n+2")):
        for order in ("<", ">") if len(block) >= kind.itemsize else ():
            header: NDArray[Any] = np.frombuffer(block, kind.newbyteorder(order), count=1)[0]
            if header["sizeof_hdr"] == kind.itemsize and header["magic"][:3] == magic:
                return header
    raise ScanError(f"{name}: is not a single-file NIfTI; convert the scan to NIfTI-MRS (.nii.gz).")


def _byte_order(header: Any) -> Literal[">", "="]:
    """Byte order of a header as `struct` and numpy call it."""
    return ">" if header.dtype["sizeof_hdr"].byteorder == ">" else "="


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
        raise ScanError(f"{name}: datatype = {code}: NIfTI-MRS holds complex samples (32 or 1792).")
    return np.dtype(DATA_TYPES[code]).newbyteorder(_byte_order(header))


def _offset(header: Any, name: str) -> int:
    value = float(header["vox_offset"])
    least: int = header.dtype.itemsize + 4
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


def nifti2_bytes(samples: NDArray[np.complex64], dwell_time_s: float, intent: bytes, extension: bytes) -> bytes:
    """Single-file NIfTI-2 with one header extension of NIfTI-MRS.

    Parameters
    ----------
    samples : ndarray, 4 to 7 dimensions
        Complex samples, the fourth dimension in time.
    dwell_time_s : float
        Sampling interval [s].
    intent, extension : bytes
        Name of the intent, and content of the extension.
    """
    # An extension is as long as a multiple of 16 bytes, 8 of them for its length and code.
    content = extension.ljust(math.ceil((len(extension) + 8) / 16) * 16 - 8, b"\x00")
    block = struct.pack("<4B2i", 1, 0, 0, 0, len(content) + 8, MRS_EXTENSION) + content
    header = np.zeros((), NIFTI2.newbyteorder("<"))
    header["sizeof_hdr"], header["magic"], header["intent_name"] = NIFTI2.itemsize, b"n+2", intent
    header["line_ends"] = b"\r\n\x1a\n"
    header["datatype"], header["bitpix"] = 32, 64
    header["dim"] = [samples.ndim, *samples.shape, *(1,) * (7 - samples.ndim)]
    header["pixdim"] = [1, VOXEL_MM, VOXEL_MM, VOXEL_MM, dwell_time_s, 1, 1, 1]
    header["vox_offset"] = NIFTI2.itemsize + len(block)
    header["scl_slope"] = 1
    header["sform_code"] = 2
    header["srow"] = np.eye(3, 4) * VOXEL_MM
    header["xyzt_units"] = 2 + 8  # mm and s
    return header.tobytes() + block + samples.astype("<c8").tobytes(order="F")
