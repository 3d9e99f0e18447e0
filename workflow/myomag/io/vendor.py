"""Raw files of all kinds: the reader for a file, from its name and first bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from myomag.errors import ScanError
from myomag.io.bruker import PARAMETER_FILES, SAMPLE_FILES, read_bruker
from myomag.io.files import not_fetched, to_fetch
from myomag.io.nifti_mrs import MrsData, read_nifti_mrs
from myomag.io.raw_scan import RawScan, completed
from myomag.io.voxels import Voxel, picked, voxel_text

SIGNATURES = (
    ("nifti", (0, b"\x1f\x8b")),
    ("nifti", (344, b"n+1")),
    ("nifti", (4, b"n+2")),
    ("dicom", (128, b"DICM")),
    ("rda", (0, b">>> Begin of header <<<")),
    ("jmrui", (0, b"jMRUI Data Textfile")),
)
LCMODEL_NAMELISTS = (b"$SEQPAR", b"$NMID", b"&SEQPAR", b"&NMID")
EXTENSIONS = {
    ".gz": "nifti",
    ".nii": "nifti",
    ".ima": "dicom",
    ".dcm": "dicom",
    ".rda": "rda",
    ".txt": "jmrui",
    ".mrui": "mrui",
    ".raw": "lcmodel",
    ".dat": "twix",
    ".spar": "philips",
    ".sdat": "philips",
    ".7": "ge",
    ".data": "philips-list",
    ".list": "philips-list",
}
WITHOUT_SIGNATURE = ("mrui", "twix", "philips", "philips-list", "ge")
FORMATS = (
    "NIfTI-MRS, Siemens .dat, .IMA, .dcm or .rda, Philips .SDAT/.SPAR or .data/.list, GE P-file .7, Bruker folder with "
    "fid, rawdata.job0 or fid_proc.64, jMRUI .txt or .mrui, LCModel .RAW"
)
GRIDS = ("nifti", "dicom", "rda")
"""Formats from which a voxel of a grid can be taken."""

HDF5 = b"\x89HDF"


def read_scan(
    raw: Sequence[Path],
    sidecars: Sequence[Mapping[str, Any]],
    *,
    nucleus: str | None,
    conjugate: bool = False,
    voxel: Voxel | None = None,
) -> MrsData:
    """Scan in a raw file of any supported format, completed by its sidecars.

    Parameters
    ----------
    raw : sequence of Path
        The file; the SPAR/SDAT pair; data/list with SPAR; a Bruker folder; or the DICOM files of one series.
    sidecars : sequence of mapping
        Contents of the JSON sidecars, general first, closest last.
    nucleus : str or None
        Nucleus of a file whose format does not state it.
    conjugate : bool
        Whether the data were stored with the opposite frequency sign.
    voxel : sequence of int or None
        Column, row and slice, counted from 1, of the voxel to take from a grid.

    Raises
    ------
    ScanError
        If the file cannot be read, or something in it is missing, impossible or contradictory.
    """
    name = raw[0].name
    content = _content(raw, _kind(raw), voxel)
    if isinstance(content, MrsData):
        content = RawScan(
            fid=content.fid,
            dwell_time_s=content.dwell_time_s,
            frequency=content.spectrometer_frequency_mhz,
            nucleus=content.nucleus,
            metadata=content.metadata,
            measurements=content.measurements,
        )
    if voxel is not None:
        content = replace(content, metadata=content.metadata | {"VoxelOfGrid": voxel_text(voxel)})
    if conjugate:
        content = replace(content, fid=np.conj(content.fid))
    return completed(content, sidecars, nucleus, name)


def _content(raw: Sequence[Path], kind: str, voxel: Voxel | None) -> RawScan | MrsData:
    """Read with the reader of `kind`, imported only when needed."""
    if kind in GRIDS:
        return _of_grid(raw, kind, voxel)
    content = _of_scan(raw, kind)
    # One voxel, or none: a given one must be the first.
    picked(content.fid[np.newaxis, np.newaxis, np.newaxis], voxel, raw[0].name)
    return content


def _of_grid(raw: Sequence[Path], kind: str, voxel: Voxel | None) -> RawScan | MrsData:
    """Read a format whose files may contain several voxels."""
    if kind == "dicom":
        from myomag.io.dicom import read_dicom

        return read_dicom(raw, voxel)
    path = _only(raw)
    if kind == "nifti":
        return read_nifti_mrs(path, voxel)
    from myomag.io.siemens import read_rda

    return read_rda(path, voxel)


def _of_scan(raw: Sequence[Path], kind: str) -> RawScan:
    """Read a format whose files contain one scan."""
    if kind == "philips":
        from myomag.io.philips import read_philips

        return read_philips(raw)
    if kind == "philips-list":
        from myomag.io.philips_list import read_data_list

        return read_data_list(raw)
    if kind == "bruker":
        return read_bruker(raw)
    return _single(_only(raw), kind)


def _only(raw: Sequence[Path]) -> Path:
    if len(raw) > 1:
        raise ScanError(f"{raw[0].name}: is one of {len(raw)} raw files for this scan; keep one.")
    return raw[0]


def _single(path: Path, kind: str) -> RawScan:
    if kind == "lcmodel":
        from myomag.io.lcmodel import read_lcmodel_raw

        return read_lcmodel_raw(path)
    if kind in ("jmrui", "mrui"):
        from myomag.io.jmrui import read_jmrui_text, read_mrui

        return read_jmrui_text(path) if kind == "jmrui" else read_mrui(path)
    if kind == "ge":
        from myomag.io.ge_pfile import read_pfile

        return read_pfile(path)
    from myomag.io.twix import read_twix

    return read_twix(path)


def _kind(raw: Sequence[Path]) -> str:
    """Format of some files taken together, else that of the first."""
    bruker = [path for path in raw if path.name in (*SAMPLE_FILES, *PARAMETER_FILES)]
    if any(path.name in SAMPLE_FILES for path in bruker):
        return _present(bruker, "bruker")
    if {".data", ".list"} & {path.suffix.lower() for path in raw}:
        return _present(raw, "philips-list")
    return kind_of(raw[0])


def _present(paths: Sequence[Path], kind: str) -> str:
    """The kind of some files, after checking that their content is here."""
    for path in paths:
        _start(path)
    return kind


def _start(path: Path) -> bytes:
    """First bytes of a file whose content is here."""
    if not_fetched(path):
        raise ScanError(f"{path.name}: {to_fetch(path.name)}")
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise ScanError(f"{path.name}: cannot be read ({error.strerror}).") from error
    if not start:
        raise ScanError(f"{path.name}: is empty; copy or export it again.")
    return start


def kind_of(path: Path) -> str:
    """Format of a file, from its first bytes, or from the extension if the format has no signature.

    Raises
    ------
    ScanError
        If it cannot be read, is empty or not here, or has no supported format.
    """
    start = _start(path)
    for kind, (offset, signature) in SIGNATURES:
        if start[offset : offset + len(signature)] == signature:
            return kind
    if any(namelist in start.upper() for namelist in LCMODEL_NAMELISTS):
        return "lcmodel"
    if start.startswith(HDF5):
        raise ScanError(
            f"{path.name}: is HDF5; if it is a GE ScanArchive, no open software reads it: have the scanner also save "
            "a P-file (.7), or read it with GE's Orchestra and save it as NIfTI-MRS."
        )
    expected = EXTENSIONS.get(path.suffix.lower())
    if expected not in WITHOUT_SIGNATURE:
        raise ScanError(
            f"{path.name}: is not one of the supported formats ({FORMATS}). Save it as NIfTI-MRS: spec2nii converts "
            "more formats (UIH, Varian, Bruker 2dseq, text)."
        )
    return expected
