"""Siemens twix (.dat), samples and header.

Read here: mapvbvd installs 110 MB that it does not use and trusts the lengths in a damaged file; spec2nii, built on it,
rejects de-identified headers, undescribed voxels and more than three loops. A test compares with mapvbvd. Twix has the
physicist's sign.
"""

import mmap
import re
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError
from myomag.io.raw_scan import RawScan, scaled
from myomag.io.siemens_protocol import echo_time_s, echo_times_us, protocol_entries, protocol_number
from myomag.io.time_zero import stated_begin_time
from myomag.io.twix_layout import KINDS, SCAN, Measurement, Readouts, header_texts, opened, parameter

LOOPS = ("Lin", "Ave", "Sli", "Par", "Eco", "Phs", "Rep", "Set", "Seg", "Ida", "Idb", "Idc", "Idd", "Ide")
"""Counters in the header of a readout, in this order."""
TRANSIENT_LOOPS = ("Ave", "Rep", "Set")

TICK_S = 2.5e-3
"""Unit of the time in the header of a readout."""

NUCLEUS_INFO = "sTXSPEC.asNucleusInfo[0]"


def read_twix(path: Path) -> RawScan:
    """Content of a twix file: every readout is a transient, in order of acquisition; coils and repetitions separate."""
    name = path.name
    with opened(path) as (content, measurement):
        readouts = _scan_readouts(measurement, name)
        counters, centres = _counters(content, readouts)
        clock_s = _clock_s(content, readouts)
        fid = _samples(content, readouts)
    _check_loops(counters, name)
    texts, _ = header_texts(path)
    scan = _stated(fid, texts)
    metadata = scan.metadata | _sampling_start(np.unique(centres), scan)
    measurements = _repetitions(counters[:, LOOPS.index("Rep")])
    return replace(scan, metadata=metadata, measurements=measurements, clock_s=clock_s)


def _scan_readouts(measurement: Measurement, name: str) -> Readouts:
    """Readouts of the scan: those without a special kind, or of the only kind present."""
    if SCAN not in measurement and len(measurement) != 1:
        kinds = {text for kind in measurement for bit, text in KINDS.items() if kind & bit}
        raise ScanError(
            f"{name}: needs readouts of one kind, found {', '.join(sorted(kinds)) or 'none'}; "
            "convert it with spec2nii twix -e KIND."
        )
    found = measurement[SCAN] if SCAN in measurement else next(iter(measurement.values()))
    if not found.points or not found.coils:
        raise ScanError(f"{name}: its readouts contain no samples; it is damaged.")
    return found


def _counters(content: mmap.mmap, readouts: Readouts) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Loop counters, shape (readouts, loops), and the column named as the centre of each readout."""
    start = 52 if readouts.table else 32
    read = [np.frombuffer(content, "<u2", 17, position + start).copy() for position in readouts.positions]
    found = np.stack(read).astype(int)
    return found[:, : len(LOOPS)], found[:, 16]


def _clock_s(content: mmap.mmap, readouts: Readouts) -> tuple[float, ...]:
    """Time of each readout [s after midnight]."""
    return tuple(TICK_S * struct.unpack_from("<I", content, position + 12)[0] for position in readouts.positions)


def _samples(content: mmap.mmap, readouts: Readouts) -> NDArray[np.complexfloating]:
    """Samples, shape (points, transients, coils)."""
    head, before = (192, 32) if readouts.table else (0, 128)
    points, coils, number = readouts.points, readouts.coils, len(readouts.positions)
    fid = np.empty((points, number, coils), dtype=np.complex64)
    for index, position in enumerate(readouts.positions):
        block = np.frombuffer(content, np.uint8, coils * (before + 8 * points), position + head).reshape(coils, -1)
        fid[:, index] = block[:, before:].copy().view("<c8").T
    return fid


def _check_loops(counters: NDArray[np.integer], name: str) -> None:
    """Refuse loops that are not repetitions."""
    for loop, steps in zip(LOOPS, (np.unique(column).size for column in counters.T), strict=True):
        if steps > 1 and loop not in TRANSIENT_LOOPS:
            raise ScanError(
                f"{name}: loop {loop} has {steps} steps; only repetitions ({', '.join(TRANSIENT_LOOPS)}) of a "
                "single-voxel or unlocalised scan can be analysed. Export a reconstructed scan as DICOM or rda."
            )


def _sampling_start(centre_columns: NDArray[np.integer], scan: RawScan) -> dict[str, Any]:
    """AcquisitionStartTime [s] of an echo whose readouts name a column as their centre: the top of the echo.

    For an FID the column adds nothing to its samples, and many sequences leave it at half the readout.
    """
    columns = float(centre_columns[0]) if centre_columns.size == 1 else 0.0
    is_echo = stated_begin_time(scan.metadata).kind == "echo"
    if not is_echo or not scan.dwell_time_s or not 0 < columns <= scan.fid.shape[0] / 8:
        return {}
    return {"AcquisitionStartTime": -columns * scan.dwell_time_s}


def _repetitions(counters: NDArray[np.integer]) -> int:
    """Number of repetitions (loop Rep) if they are consecutive with equal shares of the readouts, else 1."""
    repetitions = np.unique(counters).size
    in_order = np.repeat(np.unique(counters), counters.size // repetitions)
    return repetitions if np.array_equal(in_order, counters) else 1


def _stated(fid: NDArray[np.complexfloating], texts: Mapping[str, bytes]) -> RawScan:
    """Scan made of samples and the header texts."""
    entries = protocol_entries(texts.get("MeasYaps", b"").decode("latin-1"))

    def stated(key: str, *parts: str) -> str | None:
        found = (parameter(texts.get(part, b""), key) for part in parts)
        return next((value for value in found if value), None)

    def number(value: str | None) -> float | None:
        return protocol_number({"": value or ""}, "")

    frequency = number(stated("Frequency", "Meas")) or number(stated("lFrequency", "Dicom"))
    field = number(stated("flMagneticFieldStrength", "Meas")) or number(stated("flMagneticFieldStrength", "Dicom"))
    file = re.split(r"[\\/]", entries.get("tSequenceFileName", ""))[-1]
    return RawScan(
        fid=fid,
        dwell_time_s=scaled(protocol_number(entries, "sRXSPEC.alDwellTime[0]"), 1e-9),
        frequency=frequency or protocol_number(entries, f"{NUCLEUS_INFO}.lFrequency"),
        nucleus=stated("ResonantNucleus", "Meas") or entries.get(f"{NUCLEUS_INFO}.tNucleus") or None,
        field_t=field,
        metadata={
            "EchoTime": echo_time_s(echo_times_us(entries), protocol_number(entries, "lContrasts")),
            "RepetitionTime": scaled(protocol_number(entries, "alTR[0]"), 1e-6),
            "FlipAngle": protocol_number(entries, "adFlipAngleDegree[0]"),
            "Manufacturer": stated("Manufacturer", "Dicom"),
            "ManufacturersModelName": stated("ManufacturersModelName", "Dicom"),
            "SoftwareVersions": stated("SoftwareVersions", "Dicom"),
            "SequenceName": stated("tSequenceString", "Meas") or file or None,
        },
    )
