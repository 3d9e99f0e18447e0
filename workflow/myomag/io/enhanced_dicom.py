"""DICOM MR Spectroscopy Storage of Siemens (XA) and Philips, and the older private form of Philips.

All store the physicist's sign. Read with pydicom, not spec2nii 0.8.15, which needs geometry that unlocalised scans
lack. Elements from the DICOM standard, part 3, C.8.14 (public); the private ones of Philips found in public code of
spec2nii.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError
from myomag.io.raw_scan import RawScan, scaled
from myomag.io.voxels import SAVE_GRID, Voxel, picked

SAMPLES, SAMPLES_PHILIPS = (0x5600, 0x0020), (0x2005, 0x1270)
FRAMES_PHILIPS, IS_REFERENCE_PHILIPS, IS_EDITED_PHILIPS = (0x2005, 0x140F), (0x2005, 0x1304), (0x2005, 0x1597)
DWELL_PHILIPS, FREQUENCY_PHILIPS, NUCLEUS_PHILIPS = (0x2005, 0x1357), (0x2001, 0x1083), (0x2001, 0x1087)
VOXELS = ("SpectroscopyAcquisitionPhaseRows", "SpectroscopyAcquisitionPhaseColumns")
SLICES = "SpectroscopyAcquisitionOutOfPlanePhaseSteps"
GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")


def has_spectroscopy_data(dataset: Any) -> bool:
    """Whether the file has samples in the standard element or in the private one of Philips."""
    return SAMPLES in dataset or SAMPLES_PHILIPS in dataset


def read_enhanced(
    dataset: Any, name: str, *, philips: bool, little_endian: bool, voxel: Voxel | None = None
) -> RawScan:
    """Content of one file; its frames are the transients, or the slices of a grid.

    Parameters
    ----------
    dataset : pydicom.Dataset
    name : str
        Name of the file, for messages.
    philips : bool
        Whether frames may be a water reference.
    little_endian : bool
        Byte order of the file.
    voxel : sequence of int or None
        The voxel to take from a Siemens grid.

    Raises
    ------
    ScanError
        If it contains several voxels and none is given, several echoes or no complex FID, or is truncated.
    """
    _check_kind(dataset, name, philips)
    width = _number(dataset, "SpectralWidth") or (_private(dataset, DWELL_PHILIPS) if philips else None)
    return RawScan(
        fid=_fid(dataset, name, philips, little_endian, voxel)[:, :, np.newaxis],
        dwell_time_s=1 / width if width else None,
        frequency=_number(dataset, "TransmitterFrequency") or _private(dataset, FREQUENCY_PHILIPS),
        nucleus=_nucleus(dataset),
        field_t=_number(dataset, "MagneticFieldStrength"),
        metadata=_metadata(dataset, name),
    )


def averages_of_enhanced(dataset: Any) -> float | None:
    """Averages of the protocol, None if not stated."""
    return _number(_group(dataset, "MRAveragesSequence"), "NumberOfAverages")


def _metadata(dataset: Any, name: str) -> dict[str, Any]:
    timing = _group(dataset, "MRTimingAndRelatedParametersSequence")
    return {
        "EchoTime": scaled(_echo_time_ms(dataset, name), 1e-3),
        "RepetitionTime": scaled(_number(timing, "RepetitionTime") or _number(dataset, "RepetitionTime"), 1e-3),
        "FlipAngle": _number(timing, "FlipAngle") or _number(dataset, "FlipAngle"),
        "Manufacturer": dataset.get("Manufacturer"),
        "ManufacturersModelName": dataset.get("ManufacturerModelName"),
        "SoftwareVersions": _joined(dataset.get("SoftwareVersions")),
        "SequenceName": dataset.get("PulseSequenceName") or dataset.get("SequenceName"),
        "PulseSequenceType": _sequence_kind(dataset),
        "ReceiveCoilName": _group(dataset, "MRReceiveCoilSequence").get("ReceiveCoilName"),
        "TransmitCoilName": _group(dataset, "MRTransmitCoilSequence").get("TransmitCoilName"),
    }


def _sequence_kind(dataset: Any) -> str | None:
    """Localisation or echo, if stated in the header."""
    localisation = str(dataset.get("VolumeLocalizationTechnique") or "NONE").strip()
    if localisation != "NONE":
        return localisation
    return "spin echo" if str(dataset.get("EchoPulseSequence")).strip() in ("SPIN", "BOTH") else None


def _echo_time_ms(dataset: Any, name: str) -> float | None:
    """Echo time common to all frames."""
    frames = [_group(item, "MREchoSequence", groups=()) for item in dataset.get(GROUPS[1]) or ()]
    times = {_number(frame, "EffectiveEchoTime") for frame in frames} - {None}
    if len(times) > 1:
        raise ScanError(f"{name}: contains frames with {len(times)} echo times; export the one to analyse.")
    shared = _number(_group(dataset, "MREchoSequence"), "EffectiveEchoTime")
    return shared or _number(dataset, "EchoTime")


def _group(dataset: Any, sequence: str, groups: tuple[str, ...] = GROUPS) -> Any:
    """First item of a functional group, shared or of the first frame, or at the top; empty if there is none."""
    for place in (*((dataset.get(group) or [{}])[0] for group in groups), dataset):
        found = place.get(sequence)
        if found:
            return found[0]
    return {}


def _number(place: Any, key: str) -> float | None:
    """Positive number in an element."""
    try:
        value = float(place.get(key))
    except (TypeError, ValueError):
        return None
    return value if 0 < value < math.inf else None


def _private(dataset: Any, tag: tuple[int, int]) -> float | None:
    return _number({"value": dataset[tag].value}, "value") if tag in dataset else None


def _nucleus(dataset: Any) -> str | None:
    private = dataset[NUCLEUS_PHILIPS].value if NUCLEUS_PHILIPS in dataset else None
    return str(dataset.get("ResonantNucleus") or private or "").strip() or None


def _joined(value: Any) -> str | None:
    """Text of an element that may have several values."""
    if value is None or isinstance(value, str):
        return value
    return " ".join(map(str, value))


def _is_grid(dataset: Any) -> bool:
    """Whether the scan is phase encoded, so that frames are slices."""
    geometry = _group(dataset, "MRSpectroscopyFOVGeometrySequence")
    places = (geometry, dataset, *_philips_frames(dataset)[:1])
    voxels = [_number(place, key) or 1 for place in places for key in (*VOXELS, SLICES)]
    voxels += [_number(dataset, key) or 1 for key in ("Rows", "Columns")]
    return max(voxels) > 1 or len(_positions(dataset)) > 1


def _check_kind(dataset: Any, name: str, philips: bool) -> None:
    """Refuse edited scans, spectra, and grids of unknown order."""
    if philips and _is_grid(dataset):
        raise ScanError(
            f"{name}: contains several voxels of a Philips scan, which cannot be distinguished; {SAVE_GRID}."
        )
    domain, form = dataset.get("SignalDomainColumns", "TIME"), dataset.get("DataRepresentation", "COMPLEX")
    if domain != "TIME" or form != "COMPLEX":
        raise ScanError(f"{name}: contains no complex FID but {form} of {domain}; export the raw data.")
    if IS_EDITED_PHILIPS in dataset and str(dataset[IS_EDITED_PHILIPS].value).strip() == "Y":
        raise ScanError(f"{name}: is an edited scan; only unedited scans can be analysed.")


def _positions(dataset: Any) -> set[str]:
    """Positions of the frames in space, as written."""
    places = [_group(frame, "PlanePositionSequence", groups=()) for frame in dataset.get(GROUPS[1]) or ()]
    return {str(place.get("ImagePositionPatient")) for place in places}


def _fid(
    dataset: Any, name: str, philips: bool, little_endian: bool, voxel: Voxel | None
) -> NDArray[np.complexfloating]:
    """Samples in the physicist's sign, shape (points, transients); for a grid, those of one voxel, (points, 1)."""
    content = bytes(dataset[SAMPLES if SAMPLES in dataset else SAMPLES_PHILIPS].value or b"")
    geometry = _group(dataset, "MRSpectroscopyFOVGeometrySequence")
    stated = [_number(place, key) for place, key in _places_of_points(dataset, geometry)]
    points = int(next((value for value in stated if value), 0))
    if not points:
        raise ScanError(f"{name}: does not state the number of points (DataPointColumns); export it again.")
    plane = [int(_number(dataset, key) or 1) for key in ("Rows", "Columns")]
    frames = int(_number(dataset, "NumberOfFrames") or 1) * math.prod(plane)
    held, rest = divmod(len(content), 8 * points)
    # Philips declares one frame when a water reference follows it (found: public code of spec2nii).
    with_reference = philips and frames == 1 and held == 2
    if rest or (held != frames and not with_reference):
        raise ScanError(
            f"{name}: contains {len(content) // 8} of {frames} x {points} points; it is truncated or its header is "
            "wrong."
        )
    samples = np.frombuffer(content, dtype="<c8" if little_endian else ">c8").reshape(held, points).T
    if _is_grid(dataset):
        # Columns run fastest (found: public code of spec2nii); a file may contain one voxel of the grid.
        return picked(samples.T.reshape(-1, *plane, points).transpose(2, 1, 0, 3), voxel, name)[:, np.newaxis]
    return samples[:, _signal_frames(dataset, held, name, with_reference)] if philips else samples


def _places_of_points(dataset: Any, geometry: Any) -> list[tuple[Any, str]]:
    """Elements that may give the number of points, most trusted first."""
    columns = "SpectroscopyAcquisitionDataColumns"
    private = [(frame, columns) for frame in _philips_frames(dataset)[:1]]
    return [(dataset, "DataPointColumns"), (dataset, columns), (geometry, columns), *private]


def _philips_frames(dataset: Any) -> list[Any]:
    """Description of each frame in the private sequence of Philips; empty if none can be read."""
    element = dataset.get(FRAMES_PHILIPS)
    return list(element.value) if element is not None and element.VR == "SQ" else []


def _signal_frames(dataset: Any, frames: int, name: str, with_reference: bool) -> list[int]:
    """Frames of a Philips file that are not a water reference."""
    described = [frame for frame in _philips_frames(dataset) if IS_REFERENCE_PHILIPS in frame]
    flags = [bool(frame[IS_REFERENCE_PHILIPS].value) for frame in described]
    if len(flags) == frames and not all(flags):
        return [index for index, is_reference in enumerate(flags) if not is_reference]
    referenced = str(dataset.get("WaterReferencedPhaseCorrection", "NO")).strip() == "YES"
    if referenced and frames > 2:
        raise ScanError(f"{name}: does not say which of its {frames} frames are a water reference; export it again.")
    return [0] if with_reference or (referenced and frames == 2) else list(range(frames))
