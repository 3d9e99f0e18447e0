"""GE P-files (.7): frames of integers after a header whose layout depends on the revision of the scanner's software.

Read here, not by spec2nii 0.8.15, which rejects pulse-acquire sequences (fidcsi, fidall) and revisions below 14. GE
stores the opposite of the physicist's sign: in a 1H file the metabolites are below water only after conjugation.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError
from myomag.io.raw_scan import RawScan, read_bytes
from myomag.io.voxels import SAVE_GRID

HEAD_BYTES = 2**18
"""Larger than the header of any revision."""

WAY_OUT = "read it with GE's Orchestra and save it as NIfTI-MRS"

Field = tuple[int, str]
"""Offset in the file, and the format of `struct`."""

RAW_FIELDS: Mapping[str, Field] = {
    "is_encoded": (44, "h"),
    "passes": (64, "h"),
    "slices": (68, "H"),
    "echoes": (70, "h"),
    "averages": (72, "h"),
    "frames": (74, "h"),
    "points": (80, "H"),
    "bytes": (82, "h"),
    "samples": (1468, "i"),
    "columns": (374, "h"),
    "rows": (376, "h"),
    "planes": (378, "h"),
    "width": (368, "f"),
    "frequency": (424, "I"),
    "receivers": (200, "8h"),
}
"""Fields of the raw header up to revision 25."""

RAW_FIELDS_26 = {name: (at + (76 if at < 200 else 64), kind) for name, (at, kind) in RAW_FIELDS.items()} | {
    "samples": (4, "i")
}

IMAGE_FIELDS: Mapping[str, Mapping[str, Field]] = {
    "9": {"te": (0, "i"), "tr": (-8, "i"), "flip": (52, "h"), "sequence": (112, "33s"), "coil": (168, "17s")},
    "11": {"te": (0, "i"), "tr": (-8, "i"), "flip": (212, "h"), "sequence": (342, "33s"), "coil": (459, "17s")},
    "14": {"te": (0, "i"), "tr": (-8, "i"), "flip": (348, "h"), "sequence": (552, "33s"), "coil": (669, "17s")},
    "15": {"te": (0, "i"), "tr": (-8, "i"), "flip": (344, "h"), "sequence": (552, "33s"), "coil": (669, "17s")},
    "20": {"te": (0, "i"), "tr": (-8, "i"), "flip": (348, "h"), "sequence": (568, "33s"), "coil": (685, "17s")},
}
"""Fields of the image header by the first revision with this layout, counted from its echo time."""


@dataclass(frozen=True)
class Layout:
    """Where the fields are in a family of revisions.

    Attributes
    ----------
    first, last : float
        Revisions of the family.
    image : str
        Key of IMAGE_FIELDS.
    te, gauss : int
        Offset of the echo time and of the field strength.
    pass_size : (int, str)
        Number of bytes of samples.
    samples : int
        Start of the samples in revisions that do not state it; 0 in others.
    """

    first: float
    last: float
    image: str
    te: int
    gauss: int
    pass_size: Field
    samples: int = 0

    @property
    def fields(self) -> dict[str, Field]:
        """All fields used for a scan; none identifies the patient."""
        image = {name: (self.te + at, kind) for name, (at, kind) in IMAGE_FIELDS[self.image].items()}
        raw = dict(RAW_FIELDS_26 if self.first >= 26 else RAW_FIELDS)
        if self.first > 28:
            raw["slices"] = (3200, "i")
        return {**raw, **image, "gauss": (self.gauss, "i"), "pass_size": self.pass_size}


LAYOUTS = (
    Layout(9, 9, "9", 60136, 57436, (116, "i"), samples=61464),
    Layout(11, 11, "11", 65032, 61560, (116, "i"), samples=66072),
    Layout(14, 14.3, "14", 144580, 140980, (116, "I")),
    Layout(15, 15.001, "15", 144580, 140980, (116, "I")),
    Layout(16, 16, "15", 144628, 140980, (116, "I")),
    Layout(20.001, 20.007, "20", 148404, 143392, (1660, "q")),
    Layout(24, 25.004, "20", 148404, 143392, (1660, "q")),
    Layout(26, 27, "20", 199244, 194232, (1540, "q")),
    Layout(27.001, 28, "20", 207436, 202424, (1540, "q")),
    Layout(28.002, 30.1, "20", 207436, 202424, (1540, "q")),
    Layout(31, 31, "20", 207740, 202728, (1540, "q")),
)
"""Offsets found in public code of spec2nii 0.8.15 (GE/ge_hdr_fields.py, ge_read_pfile.py, from VESPA and SIVIC)."""


def read_pfile(path: Path) -> RawScan:
    """Content of a single-voxel or unlocalised P-file: every frame is a transient, coils are separate.

    Raises
    ------
    ScanError
        If its revision is unknown, or it contains several voxels, slices or echoes or is truncated.
    """
    content = read_bytes(path)
    header = pfile_header(content, len(content), path.name)
    return scan_of_pfile(header, _without_chopping(_frames(content, header), header["averages"]))


def pfile_header(content: bytes, size: int, name: str) -> dict[str, Any]:
    """Fields of the header of a P-file, with `layout`, `coils`, the frames `held` for each and the `start` of samples.

    Parameters
    ----------
    content : bytes
        The file, or its first HEAD_BYTES.
    size : int
        Bytes of the whole file.
    name : str
        Name of the file, for messages.

    Raises
    ------
    ScanError
        If its revision is unknown, or it contains several voxels, slices or echoes or is truncated.
    """
    layout = layout_of(content, name)
    header = _fields(content, layout, name)
    _check_kind(header, name)
    return header | {"layout": layout} | _extent(header, layout, size, name)


def scan_of_pfile(header: Mapping[str, Any], fid: NDArray[np.complexfloating]) -> RawScan:
    """Samples (points, frames, coils) with what the header of a P-file states."""
    flip = header["flip"]
    return RawScan(
        fid=fid,
        dwell_time_s=1 / header["width"] if header["width"] > 0 else None,
        frequency=header["frequency"] / 1e7 or None,
        nucleus=None,
        field_t=header["gauss"] / 1e4 if header["gauss"] > 0 else None,
        metadata={
            "EchoTime": header["te"] / 1e6 if header["te"] > 0 else None,
            "RepetitionTime": header["tr"] / 1e6 if header["tr"] > 0 else None,
            "FlipAngle": float(flip) if flip > 0 else None,
            "Manufacturer": "GE",
            "SequenceName": _text(header["sequence"]).rpartition("/")[2],
            "ReceiveCoilName": _text(header["coil"]),
        },
    )


def layout_of(content: bytes, name: str) -> Layout:
    """Layout of a P-file by the revision in its first bytes.

    Raises
    ------
    ScanError
        If that is unknown.
    """
    revision = struct.unpack_from("<f", content)[0] if len(content) >= 4 else 0.0
    for layout in LAYOUTS:
        if layout.first - 1e-4 < revision < layout.last + 1e-4:
            return layout
    shown = f"revision {revision:.5g}" if 1 <= revision < 1000 else "unknown revision"
    raise ScanError(
        f"{name}: is not a readable P-file ({shown}; known are 9, 11, 14 to 16, 20 and 24 to 31); {WAY_OUT}."
    )


def _fields(content: bytes, layout: Layout, name: str) -> dict[str, Any]:
    if len(content) < layout.te + 1024:
        raise ScanError(f"{name}: ends within its header; it is truncated.")
    found = {field: struct.unpack_from(f"<{kind}", content, at) for field, (at, kind) in layout.fields.items()}
    header = {field: values[0] if len(values) == 1 else values for field, values in found.items()}
    if not np.isfinite(header["width"]):
        raise ScanError(f"{name}: the spectral width is not a number; the header is damaged.")
    return header


def _check_kind(header: Mapping[str, Any], name: str) -> None:
    """Refuse spectroscopic images, several slices or passes, and several echoes."""
    voxels = [max(int(header[axis]), 1) for axis in ("columns", "rows", "planes")]
    if header["is_encoded"] and max(voxels) > 1:
        raise ScanError(
            f"{name}: contains {'x'.join(map(str, voxels))} phase encodings not yet reconstructed to voxels; "
            f"reconstruct it, {SAVE_GRID}."
        )
    for field in ("slices", "passes", "echoes"):
        if header[field] > 1:
            raise ScanError(f"{name}: contains {header[field]} {field}; save the one to analyse as NIfTI-MRS.")


def _extent(header: Mapping[str, Any], layout: Layout, length: int, name: str) -> dict[str, int]:
    """Number of coils, frames of each in the file, and where they start.

    Each coil starts with a baseline, a frame without signal; some sequences write none.
    """
    points, size, frames = header["points"], header["bytes"], header["frames"]
    if size not in (2, 4) or points < 1 or frames < 1:
        raise ScanError(f"{name}: states {frames} frames of {points} points of {size} bytes; the header is damaged.")
    pairs = np.reshape(header["receivers"], (4, 2))
    coils = max(int(sum(last - first + 1 for first, last in pairs if first or last)), 1)
    start = header["samples"] or layout.samples
    held, rest = divmod(header["pass_size"], 2 * size * points * coils)
    if rest or held - frames not in (0, 1):
        raise ScanError(
            f"{name}: states {header['pass_size']} bytes for {frames} frames of {points} points and {coils} coils, "
            f"which are inconsistent; {WAY_OUT}."
        )
    if start < 1 or start + header["pass_size"] > length:
        raise ScanError(f"{name}: contains fewer than its {frames} frames of {points} points; it is truncated.")
    if start + 2 * header["pass_size"] <= length:
        raise ScanError(f"{name}: contains more than its {frames} frames; save the part to analyse as NIfTI-MRS.")
    return {"coils": coils, "held": held, "start": start}


def _frames(content: bytes, header: Mapping[str, Any]) -> NDArray[np.complex128]:
    """Samples in the physicist's sign, shape (points, frames, coils), without the baseline of each coil."""
    size, held = header["bytes"], header["held"]
    values = np.frombuffer(content, f"<i{size}", offset=header["start"], count=header["pass_size"] // size)
    parts = values.astype(np.float64).reshape(header["coils"], held, header["points"], 2)[:, held - header["frames"] :]
    return np.asarray((parts[..., 0] - 1j * parts[..., 1]).transpose(2, 1, 0))


def _without_chopping(fid: NDArray[np.complex128], averages: int) -> NDArray[np.complex128]:
    """Frames with the sign of every second one restored if the excitation alternates between frames.

    The scanner undoes the alternation within a frame of several averages; the header does not say whether a sequence
    alternates. The samples do: a repeated signal adds up either with or without the alternating signs.
    """
    signs = (-1.0) ** np.arange(fid.shape[1])
    as_stored, turned = fid.sum(axis=1), np.einsum("ptc,t->pc", fid, signs)
    chopped = averages <= 1 and np.vdot(turned, turned).real > np.vdot(as_stored, as_stored).real
    return fid * signs[:, np.newaxis] if chopped else fid


def _text(value: bytes) -> str:
    return value.partition(b"\0")[0].decode("ascii", "replace").strip()
