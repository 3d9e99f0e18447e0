"""NIfTI-MRS: reading with strict validation, and reproducible writing.

The only place where the sign changes: NIfTI-MRS stores a line Δf Hz above the carrier (higher ppm) as exp(−i2πΔf·t),
the package works with exp(+i2πΔf·t) (Clarke et al. 2022, MRM, doi 10.1002/mrm.29418).
"""

import json
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError
from myomag.io.nibabel_headers import Nifti1Extension, Nifti2Image
from myomag.io.nifti_container import NiftiContent, read_nifti
from myomag.io.nuclei import check_field, frequency_mhz, nucleus_name, positive
from myomag.io.privacy import BIDS_NAMES, public_metadata
from myomag.io.records import parsed_json
from myomag.io.volume_timing import VOLUME_TIMING
from myomag.io.voxels import Voxel, picked

TRANSIENT_TAG, COIL_TAG = "DIM_DYN", "DIM_COIL"
MEASUREMENT_TAGS = ("DIM_MEAS", "DIM_REP")
"""Tags of repeats of the whole sequence, each possibly with several transients; the first is the standard's."""

STANDARD_FIELDS = (
    "EchoTime",
    "AcquisitionStartTime",
    "RepetitionTime",
    "InversionTime",
    "MixingTime",
    "TxOffset",
    "RxOffset",
    "SpecFreqChemShift",
    "Manufacturer",
    "ManufacturersModelName",
    "SoftwareVersions",
    "SequenceName",
)
MIN_POINTS, MAX_POINTS = 64, 65_536
"""Length of an FID: shorter gives no spectrum, longer is damaged or not spectroscopy."""

MIN_DWELL_S, MAX_DWELL_S = 1e-6, 1e-2
WIDTH_TOLERANCE = 0.005
"""Two statements of the spectral width or frequency may differ by this fraction."""


@dataclass(frozen=True)
class MrsData:
    """One single-voxel or unlocalised scan.

    Attributes
    ----------
    fid : ndarray, shape (points, transients, coils)
        Complex samples in the physicist's sign: a line at +Δf Hz is exp(+i2πΔf·t).
    dwell_time_s : float
        Sampling interval [s].
    spectrometer_frequency_mhz : float
        Carrier frequency [MHz].
    nucleus : str
        For instance 31P.
    metadata : dict
        Technical fields under their BIDS names (times in s); nothing personal.
    measurements : int
        Repeats of the whole sequence (a series) that the transients belong to, in equal shares and in order; 1 if the
        transients are not divided.
    """

    fid: NDArray[np.complex64]
    dwell_time_s: float
    spectrometer_frequency_mhz: float
    nucleus: str
    metadata: dict[str, Any]
    measurements: int = 1


def read_nifti_mrs(path: Path, voxel: Voxel | None = None) -> MrsData:
    """Scan in a NIfTI-MRS file (.nii or .nii.gz): the given voxel if it contains several.

    Raises
    ------
    ScanError
        If anything is wrong with the file, naming file, field and remedy.
    """
    content = read_nifti(path)
    fields = _header_extension(content, path.name)
    nucleus = nucleus_name(_one(fields, "ResonantNucleus", path.name), f"{path.name}: ResonantNucleus")
    frequency = _one(fields, "SpectrometerFrequency", path.name)
    mhz = frequency_mhz(frequency, nucleus, f"{path.name}: SpectrometerFrequency")
    if fields.get("SpectralWidth") is not None:
        width = positive(fields["SpectralWidth"], f"{path.name}: SpectralWidth")
        check_spectral_width(width, content.dwell_time_s, f"{path.name}: SpectralWidth")
    samples, measurements = _arranged(picked(content.data, voxel, path.name), fields, path.name)
    return checked_scan(
        path.name,
        fid=np.conj(samples),
        dwell_time_s=content.dwell_time_s,
        spectrometer_frequency_mhz=mhz,
        nucleus=nucleus,
        metadata=public_metadata(fields, path.name),
        measurements=measurements,
    )


def checked_scan(
    name: str,
    *,
    fid: NDArray[np.complexfloating],
    dwell_time_s: float,
    spectrometer_frequency_mhz: float,
    nucleus: str,
    metadata: dict[str, Any],
    measurements: int = 1,
) -> MrsData:
    """Scan made from individually checked parts, after the checks that need all of them.

    Raises
    ------
    ScanError
        If the samples are too few, not finite or all zero, or a quantity is impossible.
    """
    if not MIN_DWELL_S <= dwell_time_s <= MAX_DWELL_S:
        raise ScanError(
            f"{name}: dwell time = {dwell_time_s:g} s is out of range ({MIN_DWELL_S:g} to {MAX_DWELL_S:g} s); "
            "check the spectral width and its unit."
        )
    if fid.shape[0] < MIN_POINTS:
        raise ScanError(f"{name}: {fid.shape[0]} points are too few for a spectrum (at least {MIN_POINTS}).")
    if fid.shape[0] > MAX_POINTS:
        raise ScanError(
            f"{name}: {fid.shape[0]} points are too many for an FID (at most {MAX_POINTS}); is the header damaged, or "
            "are transients joined end to end?"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        samples = np.ascontiguousarray(fid, dtype=np.complex64)
    bad = np.count_nonzero(~np.isfinite(samples))
    if bad:
        raise ScanError(f"{name}: {bad} of {samples.size} samples are NaN or infinite; export the scan again.")
    if not samples.any():
        raise ScanError(f"{name}: every sample is zero; the file contains no signal.")
    for part, values in (("real", samples.real), ("imaginary", samples.imag)):
        if not values.any():
            raise ScanError(f"{name}: the {part} part of every sample is zero; export the complex signal.")
    field = metadata.get("MagneticFieldStrength")
    check_field(spectrometer_frequency_mhz, nucleus, field, f"{name}: MagneticFieldStrength")
    return MrsData(samples, dwell_time_s, spectrometer_frequency_mhz, nucleus, metadata, measurements)


def repetition_shape(transients: int, measurements: int) -> tuple[int, int]:
    """Transients of each repetition of a series, and the number of repetitions."""
    told_apart = measurements > 1 and transients % measurements == 0
    return (transients // measurements, measurements) if told_apart else (1, transients)


def check_spectral_width(width_hz: float, dwell_time_s: float, where: str) -> None:
    """Refuse a stated spectral width [Hz] that contradicts the dwell time [s]."""
    if abs(width_hz * dwell_time_s - 1) > WIDTH_TOLERANCE:
        raise ScanError(
            f"{where} = {width_hz:g} Hz contradicts the dwell time ({1 / dwell_time_s:.6g} Hz); correct one of them."
        )


def nifti_mrs_bytes(mrs: MrsData) -> bytes:
    """Content of a .nii.gz file (NIfTI-2, complex64): the same bytes for the same scan on every machine."""
    shape = (1, 1, 1, mrs.fid.shape[0], *dimensions(mrs).values())
    image_class: Any = Nifti2Image
    image = image_class(np.conj(mrs.fid).reshape(shape, order="F"), affine=np.diag([10000.0, 10000.0, 10000.0, 1.0]))
    image.header.set_xyzt_units(xyz="mm", t="sec")
    image.header["pixdim"][4] = mrs.dwell_time_s
    image.header["intent_name"] = b"mrs_v0_11"
    text = json.dumps(_extension_fields(mrs), ensure_ascii=True, allow_nan=False)
    image.header.extensions.append(Nifti1Extension(44, text.encode()))
    return stored_gzip(image.to_bytes())


def dimensions(mrs: MrsData) -> dict[str, int]:
    """Tag and size of each dimension of a scan beyond its points, in the order of a NIfTI-MRS file."""
    _, transients, coils = mrs.fid.shape
    # Averaging or leaving out transients ends their assignment to measurements.
    measurements = mrs.measurements if transients % mrs.measurements == 0 else 1
    sizes = {TRANSIENT_TAG: transients // measurements, MEASUREMENT_TAGS[0]: measurements, COIL_TAG: coils}
    return {tag: size for tag, size in sizes.items() if size > 1}


def sidecar_dict(mrs: MrsData) -> dict[str, Any]:
    """BIDS sidecar of a scan: header fields and technical metadata."""
    points, transients, coils = mrs.fid.shape
    required = {
        "ResonantNucleus": mrs.nucleus,
        "SpectrometerFrequency": mrs.spectrometer_frequency_mhz,
        "SpectralWidth": 1 / mrs.dwell_time_s,
        "NumberOfSpectralPoints": points,
        "NumberOfTransients": transients,
        "NumberReceiveCoilActiveElements": coils,
    }
    return required | _metadata(mrs)


def _metadata(mrs: MrsData) -> dict[str, Any]:
    """Metadata in a fixed order; times of repetitions that were averaged are left out."""
    _, repetitions = repetition_shape(mrs.fid.shape[1], mrs.measurements)
    gone = len(mrs.metadata.get(VOLUME_TIMING, ())) != repetitions
    return {key: mrs.metadata[key] for key in sorted(mrs.metadata) if key != VOLUME_TIMING or not gone}


def stored_gzip(data: bytes) -> bytes:
    """Gzip file that holds `data` uncompressed (RFC 1951, 1952).

    The noise of an FID hardly compresses, and compressed bytes depend on the machine's zlib.
    """
    parts = [b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"]
    for start in range(0, len(data), 65535):
        block = data[start : start + 65535]
        last = start + 65535 >= len(data)
        parts += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    return b"".join([*parts, struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)])


def _extension_fields(mrs: MrsData) -> dict[str, Any]:
    nifti_names = {bids: nifti for nifti, bids in BIDS_NAMES.items()}
    fields: dict[str, Any] = {
        "SpectrometerFrequency": [mrs.spectrometer_frequency_mhz],
        "ResonantNucleus": [mrs.nucleus],
        "SpectralWidth": 1 / mrs.dwell_time_s,
    }
    fields |= {f"dim_{5 + axis}": tag for axis, tag in enumerate(dimensions(mrs))}
    for key, value in _metadata(mrs).items():
        standard = key in STANDARD_FIELDS or key in nifti_names
        fields[nifti_names.get(key, key)] = value if standard else {"Value": value, "Description": "BIDS field"}
    return fields


def _header_extension(content: NiftiContent, name: str) -> dict[str, Any]:
    texts = [text for code, text in content.extensions if code == 44]
    if len(texts) != 1:
        raise ScanError(f"{name}: has {len(texts)} header extensions with code 44, expected one; is it NIfTI-MRS?")
    try:
        fields = parsed_json(texts[0].rstrip(b"\x00"))
    except (ValueError, RecursionError) as error:
        raise ScanError(f"{name}: the header extension is not valid JSON; export the scan again.") from error
    if not isinstance(fields, dict):
        raise ScanError(f"{name}: the header extension must be a JSON object.")
    return fields


def _one(fields: dict[str, Any], key: str, name: str) -> Any:
    value = fields.get(key)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None:
        raise ScanError(f"{name}: {key} is missing from the header extension; convert the scan again.")
    if isinstance(value, list | dict):
        raise ScanError(f"{name}: {key} must have one value, found {len(value)}.")
    return value


def _arranged(data: NDArray[Any], fields: dict[str, Any], name: str) -> tuple[NDArray[Any], int]:
    """Samples of shape (points, ...) as (points, transients, coils), and the number of measurements.

    The transients of one measurement are consecutive, whichever dimension of the file they are in.
    """
    tags = {axis: fields.get(f"dim_{axis + 4}") for axis in range(1, data.ndim) if data.shape[axis] > 1}
    for axis, tag in tags.items():
        if tag not in (TRANSIENT_TAG, *MEASUREMENT_TAGS, COIL_TAG) or list(tags.values()).count(COIL_TAG) > 1:
            raise ScanError(
                f"{name}: dim_{axis + 4} (size {data.shape[axis]}) is tagged {str(tag)[:20]!r}; repeated transients "
                f"need {TRANSIENT_TAG}, repeated measurements {MEASUREMENT_TAGS[0]}, receive coils one {COIL_TAG}."
            )
    repeats = [axis for axis, tag in tags.items() if tag in MEASUREMENT_TAGS]
    transients = [axis for axis, tag in tags.items() if tag == TRANSIENT_TAG]
    coils = [axis for axis, tag in tags.items() if tag == COIL_TAG]
    single = [axis for axis in range(data.ndim) if data.shape[axis] == 1 and axis != 0]
    shape = (data.shape[0], -1, data.shape[coils[0]] if coils else 1)
    arranged = np.transpose(data, [0, *transients, *repeats, *coils, *single]).reshape(shape, order="F")
    return arranged, math.prod(data.shape[axis] for axis in repeats)
