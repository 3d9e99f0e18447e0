"""DICOM spectroscopy files written from the definition of the formats; every field that is not needed holds MARKER."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

MR_SPECTROSCOPY = "1.2.840.10008.5.1.4.1.1.4.2"
SIEMENS_NON_IMAGE = "1.3.12.2.1107.5.9.1"
PERSONAL = {
    **dict.fromkeys(
        ("PatientName", "ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName"), "MARKER^Jane"
    ),
    **dict.fromkeys(("PatientID", "OtherPatientIDs", "IssuerOfPatientID", "MedicalAlerts", "Allergies"), "MARKER"),
    **dict.fromkeys(("PatientAddress", "MilitaryRank", "EthnicGroup", "Occupation", "PatientComments"), "MARKER"),
    **dict.fromkeys(("InstitutionName", "InstitutionAddress", "StationName", "DeviceSerialNumber"), "MARKER"),
    **dict.fromkeys(("StudyDescription", "SeriesDescription", "ProtocolName", "ImageComments"), "MARKER"),
    **dict.fromkeys(("AccessionNumber", "StudyID", "AdmittingDiagnosesDescription", "DerivationDescription"), "MARKER"),
}


def write_dicom(path: Path, fid: NDArray[np.complexfloating], *, dwell_s: float, mhz: float) -> Path:
    """Write one FID (physicist's sign) as a Siemens XA spectroscopy file."""
    content = bare(path, MR_SPECTROSCOPY)
    content.update(described({"Manufacturer": "Siemens Healthineers", "Modality": "MR", "SoftwareVersions": "XA60"}))
    content.update(described({"SpectralWidth": 1 / dwell_s, "TransmitterFrequency": mhz, "ResonantNucleus": "31P"}))
    content.update(described({"SeriesNumber": 1, "InstanceNumber": 1, "DataPointColumns": len(fid)}))
    content.SharedFunctionalGroupsSequence = [shared_groups()]
    content.PerFrameFunctionalGroupsSequence = [
        groups(
            PlaneOrientationSequence={"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
            PlanePositionSequence={"ImagePositionPatient": [0, 0, 0]},
        )
    ]
    stored = np.stack([fid.real, fid.imag], axis=-1).astype("<f4")
    content.add_new((0x5600, 0x0020), "OF", stored.tobytes())
    content.private_block(0x0029, "MARKER", create=True).add_new(0x01, "LO", "MARKER")
    content.save_as(path, enforce_file_format=True)
    return path


def write_philips(path: Path, frames: NDArray[np.complexfloating], *, dwell_s: float, mhz: float, **changes) -> Path:
    """Write FIDs (points, frames) as an enhanced Philips file of an unlocalised scan; None leaves an element out."""
    content = bare(path, MR_SPECTROSCOPY)
    fields = {
        "Manufacturer": "Philips Medical Systems",
        "SoftwareVersions": ["5.1.7", "5.1.7.2"],
        "PulseSequenceName": "FID",
        "EchoPulseSequence": "GRADIENT",
        "VolumeLocalizationTechnique": "NONE",
        "WaterReferencedPhaseCorrection": "NO",
        "SpectralWidth": 1 / dwell_s,
        "TransmitterFrequency": mhz,
        "ResonantNucleus": "31P",
        "MagneticFieldStrength": 3.0,
        "InstanceNumber": 1,
        "NumberOfFrames": frames.shape[1],
        "SpectroscopyAcquisitionDataColumns": len(frames),
        "PerFrameFunctionalGroupsSequence": [
            groups(
                MREchoSequence={"EffectiveEchoTime": 0.23},
                MRTimingAndRelatedParametersSequence={"RepetitionTime": 1500, "FlipAngle": 90},
            )
            for _ in frames.T
        ],
    } | changes
    content.update(described({key: value for key, value in fields.items() if value is not None}))
    stored = np.stack([frames.T.real, frames.T.imag], axis=-1).astype("<f4")
    content.add_new((0x5600, 0x0020), "OF", stored.tobytes())
    content.save_as(path, enforce_file_format=True)
    return path


def write_csa(
    path: Path, frames: NDArray[np.complexfloating], *, protocol: str = "", block: int = 0x10, **tags
) -> Path:
    """Write FIDs (points, frames) as a Siemens VB file; None leaves a tag of the image header out."""
    content = bare(path, SIEMENS_NON_IMAGE)
    content.update(described({"Manufacturer": "SIEMENS", "SoftwareVersions": "syngo MR B17", "InstanceNumber": 1}))
    image = {
        "EchoTime": ("DS", "0.23"),
        "RepetitionTime": ("DS", "1500.0"),
        "FlipAngle": ("DS", "90.0"),
        "ImagedNucleus": ("SH", "31P"),
        "ImagingFrequency": ("DS", "51.7"),
        "MagneticFieldStrength": ("DS", "3.0"),
        "RealDwellTime": ("IS", "250000"),
        "DataPointColumns": ("US", str(len(frames))),
        "Rows": ("US", "1"),
        "Columns": ("US", "1"),
        "NumberOfFrames": ("IS", str(frames.shape[1])),
        "SequenceName": ("SH", "fid"),
        "PatientName": ("PN", "MARKER"),
    } | tags
    private = content.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    private.add_new(0x10, "OB", csa({key: value for key, value in image.items() if value is not None}))
    text = f"### ASCCONV BEGIN ###\n{protocol}### ASCCONV END ###"
    if protocol:
        private.add_new(0x20, "OB", csa({"MrPhoenixProtocol": ("UN", text)}))
    content.add_new((0x7FE1, block), "LO", "SIEMENS CSA NON-IMAGE")
    samples = np.conj(frames.T).astype("<c8").tobytes()
    content.add_new((0x7FE1, (block << 8) | 0x10), "OB", samples)
    content.save_as(path, enforce_file_format=True)
    return path


def csa(tags: dict[str, tuple[str, str]]) -> bytes:
    """CSA2 header (found: public documentation of nibabel): tags of one text item each, padded to four bytes."""
    header = b"SV10\4\3\2\1" + struct.pack("<II", len(tags), 77)
    for name, (kind, text) in tags.items():
        value = text.encode() + b"\0"
        header += name.encode().ljust(64, b"\0") + struct.pack("<i4siii", 1, kind.encode(), 0, 1, 77)
        header += struct.pack("<4i", len(value), len(value), 77, len(value)) + value.ljust(
            -(-len(value) // 4) * 4, b"\0"
        )
    return header + bytes(4)


def bare(path: Path, kind: str) -> FileDataset:
    """A file of a storage class with nothing but personal fields."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = kind, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    content = FileDataset(str(path), described(PERSONAL), file_meta=meta, preamble=bytes(128))
    content.update(described({"SOPClassUID": kind, "SOPInstanceUID": meta.MediaStorageSOPInstanceUID}))
    return content


def described(fields: dict[str, object]) -> Dataset:
    dataset = Dataset()
    for name, value in fields.items():
        setattr(dataset, name, value)
    return dataset


def groups(**members: dict[str, object]) -> Dataset:
    return described({name: [described(fields)] for name, fields in members.items()})


def shared_groups() -> Dataset:
    steps = ("SpectroscopyAcquisitionPhaseRows", "SpectroscopyAcquisitionPhaseColumns")
    return groups(
        MRSpectroscopyFOVGeometrySequence=dict.fromkeys((*steps, "SpectroscopyAcquisitionOutOfPlanePhaseSteps"), 1),
        PixelMeasuresSequence={"PixelSpacing": [30, 30], "SliceThickness": 30},
        MREchoSequence={"EffectiveEchoTime": 0.23},
        MRTimingAndRelatedParametersSequence={"RepetitionTime": 1500, "FlipAngle": 90},
        MRTransmitCoilSequence={"TransmitCoilName": "loop"},
        MRReceiveCoilSequence={"ReceiveCoilName": "loop"},
    )
