"""Headers of formats that are text: Siemens rda, Philips SPAR, jMRUI, LCModel."""

import re
from pathlib import Path
from typing import Any

from myomag.errors import ScanError
from myomag.importing.header import Header, digits, person
from myomag.io.jmrui import NUCLEUS_CODES
from myomag.io.raw_scan import scaled

HEAD_BYTES = 2**16
"""Longest header of a text format."""


def rda_header(path: Path) -> Header:
    """Header of a Siemens rda file."""
    fields = _colon_fields(_head(path).partition(">>> End of header")[0])
    grid = [_count(fields, f"CSIMatrixSize[{axis}]") or 1 for axis in range(3)]
    return Header(
        nucleus=fields.get("Nucleus"),
        frequency_mhz=_number(fields, "MRFrequency"),
        field_t=_number(fields, "MagneticFieldStrength"),
        date=digits(fields.get("InstanceDate", "") + fields.get("InstanceTime", ""), fields.get("StudyDate")),
        protocol=fields.get("ProtocolName", ""),
        sequence=fields.get("SequenceName", ""),
        te_s=scaled(_number(fields, "TE"), 1e-3),
        tr_s=scaled(_number(fields, "TR"), 1e-3),
        transients=1,
        points=_count(fields, "VectorSize"),
        grid="x".join(map(str, grid)) if max(grid) > 1 else "",
        **_person(fields, "PatientName", "PatientBirthDate", "PatientID"),
    )


def spar_header(path: Path) -> Header:
    """Header of a Philips SPAR file; an SDAT file has none."""
    if path.suffix.lower() != ".spar":
        raise ScanError(f"{path.name}: has no SPAR file of the same name beside it; export both.")
    if not any(path.with_suffix(form).exists() for form in (".SDAT", ".sdat", ".Sdat")):
        raise ScanError(f"{path.name}: has no SDAT file of the same name beside it; export both.")
    return header_of_spar(path)


def header_of_spar(path: Path) -> Header:
    """What a SPAR file says about a scan, whichever file contains its samples."""
    fields = {key.lower(): value for key, value in _colon_fields(_head(path)).items()}
    examination = person(fields.get("examination_name"))
    known = _person(fields, "patient_name", "patient_birth_date", "examination_name")
    phase_encoded = fields.get("phase_encoding_enable", "").lower() == "yes"
    return Header(
        nucleus=fields.get("nucleus"),
        frequency_mhz=_number(fields, "synthesizer_frequency"),
        date=digits(fields.get("scan_date")),
        protocol=fields.get("scan_id", ""),
        te_s=scaled(_number(fields, "echo_time"), 1e-3),
        tr_s=scaled(_number(fields, "repetition_time"), 1e-3),
        transients=_count(fields, "rows"),
        points=_count(fields, "samples"),
        localised=fields.get("volume_selection_enable", "").lower() == "yes",
        reason="several voxels" if phase_encoded and (_number(fields, "rows") or 1) > 1 else "",
        **known | {"personal": known["personal"] | examination["personal"]},
    )


def jmrui_header(path: Path) -> Header:
    """Header of a jMRUI text file."""
    fields = _colon_fields(re.split(r"(?m)^Signal", _head(path), maxsplit=1)[0])
    nucleus = fields.get("TypeOfNucleus", "")
    code = re.fullmatch(r"([0-9]+)(?:\.0*)?(?:[eE][-+]?0+)?", nucleus)
    return Header(
        nucleus=NUCLEUS_CODES.get(int(code[1])) if code else nucleus or None,
        frequency_mhz=_number(fields, "TransmitterFrequency"),
        field_t=_number(fields, "MagneticField"),
        date=digits(fields.get("DateOfExperiment")),
        transients=_count(fields, "DatasetsInFile"),
        points=_count(fields, "PointsInDataset"),
        **_person(fields, "NameOfPatient", "", ""),
    )


def lcmodel_header(path: Path) -> Header:
    """Header of an LCModel RAW file, which states no nucleus."""
    pairs = re.findall(r"(\w+)\s*=\s*('[^'\n]*'|[^\s,]+)", _head(path))
    fields = {key.lower(): value.strip("' ") for key, value in pairs}
    return Header(
        frequency_mhz=_number(fields, "hzpppm"),
        sequence=fields.get("seq", ""),
        te_s=scaled(_number(fields, "echot"), 1e-3),
        transients=1,
        points=_count(fields, "numberofpoints"),
    )


def _person(fields: dict[str, str], name: str, birth_date: str, identifier: str) -> dict[str, Any]:
    return person(*(fields.get(key, "") for key in (name, birth_date, identifier)))


def _head(path: Path) -> str:
    """Beginning of a file as text.

    Raises
    ------
    ScanError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES).decode("latin-1")
    except OSError as error:
        raise ScanError(f"{path.name}: cannot be read ({error.strerror}).") from error


def _colon_fields(text: str) -> dict[str, str]:
    pairs = re.findall(r"(?m)^([A-Za-z][\w\[\],]*)\s*:[ \t]*(.*?)\s*$", text)
    return {key: value.strip().strip('"') for key, value in pairs}


def _number(fields: dict[str, str], key: str) -> float | None:
    """Positive number in a field; a decimal comma counts as a point."""
    try:
        value = float(fields.get(key, "").replace(",", "."))
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def _count(fields: dict[str, str], key: str) -> int | None:
    value = _number(fields, key)
    return None if value is None else int(value)
