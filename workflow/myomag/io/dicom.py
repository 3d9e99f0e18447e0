"""DICOM spectroscopy files of one series: the reader each needs, and their combined transients."""

import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from myomag.errors import ScanError
from myomag.io.dicom_clock import clock_of
from myomag.io.enhanced_dicom import averages_of_enhanced, has_spectroscopy_data, read_enhanced
from myomag.io.foreign import foreign
from myomag.io.raw_scan import RawScan, averages_each, read_bytes
from myomag.io.siemens_dicom import averages_of_csa, has_csa_samples, read_csa
from myomag.io.voxels import Voxel


def read_dicom(paths: Sequence[Path], voxel: Voxel | None = None) -> RawScan:
    """Scan in the DICOM spectroscopy files of one series; the FIDs of all files are transients.

    From a grid, the given voxel is taken.

    Raises
    ------
    ScanError
        If a file cannot be read, or the files are not from one scan.
    """
    _check_copies(paths)
    # Some manufacturers do not number instances: then the names give the order, counted naturally.
    named = sorted(paths, key=lambda path: [part.zfill(20) for part in re.split(r"(\d+)", path.name)])
    numbered = sorted((_read_file(path, voxel) for path in named), key=lambda item: item.number)
    scans = [item.scan for item in numbered]
    if len({(s.fid.shape, s.dwell_time_s, s.frequency, s.nucleus) for s in scans}) > 1:
        raise ScanError(
            f"{paths[0].name}: the {len(paths)} DICOM files differ in size, dwell time, frequency or nucleus."
        )
    fid = np.concatenate([scan.fid for scan in scans], axis=1)
    fids, averages = fid.shape[1], numbered[0].averages
    # Of files with several frames each is a repetition, unless its frames are means.
    frames = fids // len(paths)
    each = averages_each(fids if frames == 1 else frames, averages)
    measurements = fids if each > 1 else len(paths) if frames > 1 else 1
    clock_s = tuple(start for item in numbered for start in item.clock_s)
    return replace(scans[0], fid=fid, measurements=measurements, averages=each, clock_s=clock_s)


def _check_copies(paths: Sequence[Path]) -> None:
    """Refuse duplicate files, whose FIDs would count twice."""
    seen: dict[str, str] = {}
    for path in paths if len(paths) > 1 else ():
        first = seen.setdefault(sha256(read_bytes(path)).hexdigest(), path.name)
        if first != path.name:
            raise ScanError(f"{path.name}: is a copy of {first}; remove one of them.")


class _File(NamedTuple):
    """One file: its number in the series, the averages of its protocol, and its time, or those of its frames [s]."""

    number: int
    scan: RawScan
    averages: float | None
    clock_s: list[float]


def _read_file(path: Path, voxel: Voxel | None) -> _File:
    with foreign(path.name, "as DICOM spectroscopy"):
        dataset = open_dicom(path)
        averages = averages_of_csa(dataset) or averages_of_enhanced(dataset)
        scan = scan_of(dataset, path.name, voxel)
        return _File(int(dataset.get("InstanceNumber") or 0), scan, averages, clock_of(dataset))


def open_dicom(path: Path, *, pixels: bool = True) -> Any:
    """Dataset of a DICOM file, read only up to the image data if pixels are not wanted.

    Raises
    ------
    ScanError
        If it is deflated.
    """
    from pydicom import dcmread
    from pydicom.filereader import read_file_meta_info
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    # Before the file is read: deflated data could expand without limit.
    if read_file_meta_info(path).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        raise ScanError(f"{path.name}: deflated DICOM is not supported; export it uncompressed.")
    return dcmread(path, stop_before_pixels=not pixels)


def scan_of(dataset: Any, name: str, voxel: Voxel | None = None) -> RawScan:
    """Scan in a dataset, by the reader for its manufacturer and form; from a grid, the given voxel is taken.

    Raises
    ------
    ScanError
        If it contains no supported spectroscopy data.
    """
    maker = str(dataset.get("Manufacturer", "")).lower()
    siemens, philips = ("siemens" in maker), ("philips" in maker)
    if siemens and has_csa_samples(dataset):
        return read_csa(dataset, name, voxel)
    if (siemens or philips) and has_spectroscopy_data(dataset):
        little_endian = bool(dataset.original_encoding[1])
        return read_enhanced(dataset, name, philips=philips, little_endian=little_endian, voxel=voxel)
    if siemens or philips:
        what = "an image" if "PixelData" in dataset else "no spectroscopy data"
        raise ScanError(f"{name}: contains {what}; give the DICOM file of the spectroscopy series.")
    raise ScanError(
        f"{name}: is DICOM from an unsupported manufacturer; for GE give the P-file (.7), for UIH convert it with "
        "spec2nii uih, for others save it as NIfTI-MRS."
    )
