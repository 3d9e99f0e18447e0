"""Siemens rda.

Read here: spec2nii 0.8.15 rejects de-identified headers and undescribed voxels, and reads a truncated file as a shorter
scan. The sign is opposite to the physicist's.
"""

import math
import re
from pathlib import Path

import numpy as np

from myomag.errors import ScanError
from myomag.io.raw_scan import RawScan, is_rounded, number, read_bytes, scaled, whole_number
from myomag.io.voxels import Voxel, picked

_RDA_END = re.compile(rb">>> End of header <<<\r?\n")


def read_rda(path: Path, voxel: Voxel | None = None) -> RawScan:
    """Content of an rda file: a text header and an averaged FID of little-endian doubles for each voxel of a grid."""
    name = path.name
    content = read_bytes(path)
    end = _RDA_END.search(content)
    if not end:
        raise ScanError(f"{name}: has no complete header; it is truncated or not an rda file.")
    header = dict(re.findall(r"^([\w\[\],]+):[ \t]*(.*?)\s*$", content[: end.start()].decode("latin-1"), re.MULTILINE))
    stated = [header.get(f"CSIMatrixSize[{axis}]", "1") for axis in range(3)]
    grid = [whole_number(size, f"{name}: CSIMatrixSize") for size in stated]
    points = whole_number(header.get("VectorSize"), f"{name}: VectorSize")
    if len(content) - end.end() != 16 * points * math.prod(grid):
        raise ScanError(f"{name}: does not contain {points} points for each voxel; it is truncated or damaged.")

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
