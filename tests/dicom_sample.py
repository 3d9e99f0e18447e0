"""A DICOM spectroscopy file written from the definition of the format; every field that is not needed holds MARKER."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

MR_SPECTROSCOPY = "1.2.840.10008.5.1.4.1.1.4.2"
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
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MR_SPECTROSCOPY, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    content = FileDataset(str(path), described(PERSONAL), file_meta=meta, preamble=bytes(128))
    content.update(described({"SOPClassUID": MR_SPECTROSCOPY, "SOPInstanceUID": meta.MediaStorageSOPInstanceUID}))
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
