"""Siemens twix (.dat) and rda.

Twix goes through mapvbvd, on which spec2nii builds: spec2nii 0.8.15 itself stops at de-identified headers, at voxels
that are not described and at more than three loops, and takes a truncated file for a shorter scan. An rda file is read
here for the same reasons. Twix has the physicist's sign, rda the other.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError
from myomag.io.foreign import foreign
from myomag.io.raw_scan import RawScan, is_rounded, number, read_bytes, scaled, whole_number
from myomag.io.siemens_protocol import echo_time_s
from myomag.io.time_zero import stated_begin_time
from myomag.io.twix_layout import check_layout
from myomag.io.voxels import Voxel, picked

TRANSIENT_LOOPS = ("Ave", "Rep", "Set")
OTHER_LOOPS = ("Lin", "Par", "Sli", "Seg", "Phs", "Eco", "Ida", "Idb", "Idc", "Idd", "Ide")
_RDA_END = re.compile(rb">>> End of header <<<\r?\n")


def read_rda(path: Path, voxel: Voxel | None = None) -> RawScan:
    """Content of an rda file: a text header and an averaged FID of little-endian doubles for each voxel of a grid."""
    name = path.name
    content = read_bytes(path)
    end = _RDA_END.search(content)
    if not end:
        raise ScanError(f"{name}: has no complete header; it is truncated or no rda file.")
    header = dict(re.findall(r"^([\w\[\],]+):[ \t]*(.*?)\s*$", content[: end.start()].decode("latin-1"), re.MULTILINE))
    stated = [header.get(f"CSIMatrixSize[{axis}]", "1") for axis in range(3)]
    grid = [whole_number(size, f"{name}: CSIMatrixSize") for size in stated]
    points = whole_number(header.get("VectorSize"), f"{name}: VectorSize")
    if len(content) - end.end() != 16 * points * math.prod(grid):
        raise ScanError(f"{name}: does not hold {points} points for each voxel; it is truncated or damaged.")

    def value(key: str, factor: float = 1.0) -> float | None:
        return scaled(number(header.get(key), f"{name}: {key}"), factor)

    # Columns run fastest (found: public code of spec2nii).
    held = np.frombuffer(content, dtype="<c16", offset=end.end()).reshape(*grid[::-1], points)
    samples = picked(held.transpose(2, 1, 0, 3), voxel, name)
    return RawScan(
        fid=np.conj(samples)[:, np.newaxis, np.newaxis],
        dwell_time_s=value("DwellTime", 1e-6),
        frequency=value("MRFrequency"),
        nucleus=header.get("Nucleus") or None,
        field_t=value("MagneticFieldStrength") or None,
        metadata={
            "EchoTime": value("TE", 1e-3),
            "RepetitionTime": value("TR", 1e-3),
            "FlipAngle": value("FlipAngle"),
            "Manufacturer": "Siemens",
            "ManufacturersModelName": header.get("ModelName"),
            "SoftwareVersions": header.get("SoftwareVersion[0]"),
            "SequenceName": header.get("SequenceName"),
            "TransmitCoilName": header.get("TransmitCoil"),
        },
        dwell_is_rounded=is_rounded(value("DwellTime", 1e-6), header.get("DwellTime", "")),
    )


def read_twix(path: Path) -> RawScan:
    """Content of a twix file: every readout a transient, in the order acquired, coils apart; repetitions told apart."""
    name = path.name
    check_layout(path)
    with foreign(name, "as Siemens twix"):
        from mapvbvd import mapVBVD

        measurement = mapVBVD(str(path), quiet=True)
        # A multi-raid file holds the adjustments first, the scan last.
        measurement = measurement[-1] if isinstance(measurement, list) else measurement
        readouts = measurement[_flag(list(measurement.keys()), name)]
        _check_loops(readouts, name)
        readouts.flagRemoveOS = False
        samples = np.asarray(readouts.unsorted())
        header = measurement["hdr"]
        shape = (int(readouts.NCol), int(readouts.NCha), -1)
        scan = _twix_scan(samples.reshape(shape).transpose(0, 2, 1), header)
        metadata = scan.metadata | _sampling_start(np.unique(readouts.centerCol), scan)
        return replace(scan, metadata=metadata, measurements=_repetitions(np.asarray(readouts.Rep)))


def _sampling_start(centre_columns: NDArray[np.floating], scan: RawScan) -> dict[str, Any]:
    """AcquisitionStartTime [s] of an echo whose readouts name a column as their centre: the top of the echo.

    For an FID the column says nothing that its samples do not, and many sequences leave it at half the readout.
    """
    columns = float(centre_columns[0]) if centre_columns.size == 1 else 0.0
    is_echo = stated_begin_time(scan.metadata).kind == "echo"
    if not is_echo or not scan.dwell_time_s or not 0 < columns <= scan.fid.shape[0] / 8:
        return {}
    return {"AcquisitionStartTime": -columns * scan.dwell_time_s}


def _repetitions(counters: NDArray[np.floating]) -> int:
    """Number of repetitions (loop Rep) where they follow each other with equal shares of the readouts, else 1."""
    repetitions = np.unique(counters).size
    in_order = np.repeat(np.unique(counters), counters.size // repetitions)
    return repetitions if np.array_equal(in_order, counters) else 1


def _flag(flags: Sequence[str], name: str) -> str:
    """Kind of readout that holds the scan: image, or the only one there is."""
    kinds = [flag for flag in flags if flag != "hdr"]
    if "image" in kinds:
        return "image"
    if len(kinds) != 1:
        found = ", ".join(kinds) or "none"
        raise ScanError(f"{name}: needs readouts of one kind, found {found}; convert it with spec2nii twix -e KIND.")
    return kinds[0]


def _check_loops(readouts: Any, name: str) -> None:
    """Refuse loops that are not repetitions."""
    for loop in OTHER_LOOPS:
        steps = np.unique(getattr(readouts, loop)).size
        if steps > 1:
            raise ScanError(
                f"{name}: loop {loop} has {steps} steps; only repetitions ({', '.join(TRANSIENT_LOOPS)}) of a "
                "single-voxel or unlocalised scan can be analysed. Export a reconstructed scan as DICOM or rda."
            )


def _twix_scan(fid: NDArray[np.complexfloating], header: Any) -> RawScan:
    """Scan of samples (points, transients, coils) with what the header states."""
    measured, protocol = header["Meas"], header["MeasYaps"]
    dicom = header.get("Dicom", {})
    nucleus_info = ("sTXSPEC", "asNucleusInfo", "0")
    nucleus = _stated(measured.get("ResonantNucleus"), protocol.get((*nucleus_info, "tNucleus")))
    frequency = _stated(measured.get("Frequency"), dicom.get("lFrequency"), protocol.get((*nucleus_info, "lFrequency")))
    return RawScan(
        fid=fid,
        dwell_time_s=scaled(_number(protocol.get(("sRXSPEC", "alDwellTime", "0"))), 1e-9),
        frequency=_number(frequency),
        nucleus=str(nucleus).strip('"') if nucleus else None,
        field_t=_number(_stated(measured.get("flMagneticFieldStrength"), dicom.get("flMagneticFieldStrength"))),
        metadata={
            "EchoTime": _echo_time_s(protocol),
            "RepetitionTime": scaled(_number(protocol.get(("alTR", "0"))), 1e-6),
            "FlipAngle": _number(protocol.get(("adFlipAngleDegree", "0"))),
            "Manufacturer": dicom.get("Manufacturer"),
            "ManufacturersModelName": dicom.get("ManufacturersModelName"),
            "SoftwareVersions": dicom.get("SoftwareVersions"),
            "SequenceName": measured.get("tSequenceString") or _file_of_sequence(protocol),
        },
    )


def _echo_time_s(protocol: Any) -> float | None:
    """Echo time in use [s]; a file with a loop over several echoes is refused before."""
    listed = {index: _number(protocol.get(("alTE", str(index)))) for index in range(128)}
    return echo_time_s({i: te for i, te in listed.items() if te}, _number(protocol.get(("lContrasts",))))


def _file_of_sequence(protocol: Any) -> str | None:
    """Name of the sequence's file without its folder."""
    path = str(protocol.get(("tSequenceFileName",)) or "").strip('"')
    return path.replace("\\", "/").rpartition("/")[2] or None


def _stated(*values: Any) -> Any:
    """First value that is not empty."""
    return next((value for value in values if value not in (None, "", 0.0)), None)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and np.isfinite(value) and value > 0 else None
