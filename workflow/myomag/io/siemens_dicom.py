"""Siemens DICOM of software VA to VE: samples and header are private (CSA), in the opposite of the physicist's sign.

Read here with nibabel's reader of the CSA header, not by spec2nii 0.8.15, which adds up left-over echo times and needs
a voxel and a number of frames.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError
from myomag.io.raw_scan import RawScan, scaled
from myomag.io.siemens_protocol import echo_time_s, echo_times_us, protocol_entries, protocol_number
from myomag.io.voxels import Voxel, picked

CREATOR_OF_SAMPLES = "SIEMENS CSA NON-IMAGE"
STEPS = (
    *("Rows", "Columns", "SpectroscopyAcquisitionPhaseRows", "SpectroscopyAcquisitionPhaseColumns"),
    "SpectroscopyAcquisitionOut-of-planePhaseSteps",
)
PROTOCOLS = ("MrPhoenixProtocol", "MrProtocol")


def has_csa_samples(dataset: Any) -> bool:
    """Whether the file has samples in the private element of Siemens."""
    return _samples_element(dataset) is not None


def read_csa(dataset: Any, name: str, voxel: Voxel | None = None) -> RawScan:
    """Content of one file; its frames are the transients, or the slices of a grid.

    Parameters
    ----------
    dataset : pydicom.Dataset
    name : str
        Name of the file, for messages.
    voxel : sequence of int or None
        The voxel to take from a grid.

    Raises
    ------
    ScanError
        If it contains several voxels and none is given, or no complex FID, or is truncated.
    """
    image, series = _tags(dataset, "image"), _tags(dataset, "series")
    protocol = protocol_entries(str(next((series[key] for key in PROTOCOLS if key in series), "")))
    _check_kind(image, name)
    dwell_ns = _number(image, "RealDwellTime")
    frequency = _number(image, "ImagingFrequency")
    return RawScan(
        fid=_fid(dataset, image, protocol, name, voxel)[:, :, np.newaxis],
        dwell_time_s=scaled(dwell_ns, 1e-9),
        frequency=frequency or protocol_number(protocol, "sTXSPEC.asNucleusInfo[0].lFrequency"),
        nucleus=_text(image, "ImagedNucleus", "ResonantNucleus") or protocol.get("sTXSPEC.asNucleusInfo[0].tNucleus"),
        field_t=_number(image, "MagneticFieldStrength"),
        metadata=_metadata(dataset, image, protocol),
    )


def averages_of_csa(dataset: Any) -> float | None:
    """Averages of the protocol, None if not stated."""
    return _number(_tags(dataset, "image"), "NumberOfAverages")


def _metadata(dataset: Any, image: Mapping[str, Any], protocol: Mapping[str, str]) -> dict[str, Any]:
    echo_ms, contrasts = _number(image, "EchoTime"), protocol_number(protocol, "lContrasts")
    sequence_file = protocol.get("tSequenceFileName", "").replace("\\", "/").rpartition("/")[2]
    return {
        "EchoTime": echo_time_s(echo_times_us(protocol), contrasts, echo_ms),
        "RepetitionTime": scaled(_number(image, "RepetitionTime"), 1e-3),
        "InversionTime": scaled(_number(image, "InversionTime"), 1e-3),
        "FlipAngle": _number(image, "FlipAngle"),
        "Manufacturer": dataset.get("Manufacturer"),
        "ManufacturersModelName": dataset.get("ManufacturerModelName"),
        "SoftwareVersions": dataset.get("SoftwareVersions"),
        "SequenceName": _text(image, "SequenceName") or sequence_file or None,
        "ReceiveCoilName": _text(image, "ReceivingCoil", "ImaCoilString"),
        "TransmitCoilName": _text(image, "TransmittingCoil"),
    }


def _tags(dataset: Any, kind: str) -> dict[str, Any]:
    """First item of each non-empty tag of a CSA header; empty if the file has no such header."""
    from nibabel.nicom import csareader

    read_private: Any = csareader.get_csa_header
    header = read_private(dataset, kind)
    return {key: tag["items"][0] for key, tag in header["tags"].items() if tag["items"]} if header else {}


def _number(tags: Mapping[str, Any], key: str) -> float | None:
    """Positive number in a tag."""
    value = tags.get(key)
    return float(value) if isinstance(value, int | float) and 0 < value < math.inf else None


def _text(tags: Mapping[str, Any], *keys: str) -> str | None:
    """First of some tags with text."""
    return next((tags[key].strip() for key in keys if isinstance(tags.get(key), str) and tags[key].strip()), None)


def _is_grid(image: Mapping[str, Any], protocol: Mapping[str, str]) -> bool:
    """Whether the scan is phase encoded, so that frames are slices."""
    steps = [_number(image, key) for key in STEPS]
    steps += [protocol_number(protocol, f"sSpecPara.lFinalMatrixSize{axis}") for axis in ("Phase", "Slice")]
    return max(step or 1 for step in steps) > 1


def _check_kind(image: Mapping[str, Any], name: str) -> None:
    """Refuse spectra."""
    if image.get("SignalDomainColumns", "TIME") != "TIME" or image.get("DataRepresentation", "COMPLEX") != "COMPLEX":
        raise ScanError(f"{name}: contains no complex FID but a processed spectrum; export the raw data.")


def _fid(
    dataset: Any, image: Mapping[str, Any], protocol: Mapping[str, str], name: str, voxel: Voxel | None
) -> NDArray[np.complexfloating]:
    """Samples in the physicist's sign, shape (points, frames); for a grid, those of one voxel, (points, 1)."""
    content = bytes(_samples_element(dataset).value)
    points = int(_number(image, "DataPointColumns") or protocol_number(protocol, "sSpecPara.lVectorSize") or 0)
    if not points:
        raise ScanError(f"{name}: does not state the number of points (CSA DataPointColumns); export it again.")
    held, rest = divmod(len(content), 8 * points)
    # Software VA does not state the number of frames.
    plane = [int(_number(image, key) or 1) for key in ("Rows", "Columns")]
    frames = int(_number(image, "NumberOfFrames") or held // math.prod(plane)) * math.prod(plane)
    if rest or held != frames or not frames:
        raise ScanError(
            f"{name}: contains {len(content) // 8} of {max(frames, 1)} x {points} points; it is truncated or its "
            "header is wrong."
        )
    samples = np.conj(np.frombuffer(content, dtype="<c8").reshape(frames, points))
    if not _is_grid(image, protocol):
        return np.asarray(samples.T)
    # Columns run fastest (found: public code of spec2nii); a file may contain one voxel of the grid.
    return picked(samples.reshape(-1, *plane, points).transpose(2, 1, 0, 3), voxel, name)[:, np.newaxis]


def _samples_element(dataset: Any) -> Any:
    """Element with the samples, wherever its private block is."""
    for offset in range(0x10, 0x100):
        creator = dataset.get((0x7FE1, offset))
        if creator is not None and str(creator.value).strip() == CREATOR_OF_SAMPLES:
            return dataset.get((0x7FE1, (offset << 8) | 0x10))
    return None
