"""Headers of formats that are not text: Siemens twix, DICOM, NIfTI-MRS, jMRUI binary."""

import math
import re
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

from myomag.errors import ScanError
from myomag.importing.header import Header, digits, person
from myomag.io.dicom import open_dicom, scan_of
from myomag.io.enhanced_dicom import has_spectroscopy_data
from myomag.io.foreign import foreign
from myomag.io.jmrui import NUCLEUS_CODES
from myomag.io.nifti_container import read_nifti_header
from myomag.io.raw_scan import RawScan, scaled
from myomag.io.records import parsed_json
from myomag.io.siemens_dicom import has_csa_samples
from myomag.io.siemens_protocol import echo_time_s, echo_times_us, protocol_entries, protocol_number
from myomag.io.twix_layout import check_layout, header_texts, parameter
from myomag.io.voxels import GridError

NUCLEUS_INFO = "sTXSPEC.asNucleusInfo[0]"


def twix_header(path: Path) -> Header:
    """Header of a Siemens twix file: the parameters of its last measurement, and the number of its readouts."""
    points, readouts = check_layout(path)
    texts, listed = header_texts(path)
    entries = protocol_entries(texts.get("MeasYaps", b"").decode("latin-1"))
    if not entries:
        raise ScanError(f"{path.name}: contains no Siemens protocol; it is not a twix file, or is damaged.")

    def stated(key: str) -> str:
        # The small ones first: Meas contains everything, but searching it takes longest.
        found = (parameter(texts.get(part, b""), key) for part in ("Dicom", "Config", "Meas"))
        return next((value for value in found if value), "")

    grid = any((protocol_number(entries, f"sSpecPara.lFinalMatrixSize{axis}") or 1) > 1 for axis in ("Phase", "Slice"))
    return Header(
        nucleus=entries.get(f"{NUCLEUS_INFO}.tNucleus") or stated("ResonantNucleus"),
        frequency_mhz=_float(stated("Frequency")) or protocol_number(entries, f"{NUCLEUS_INFO}.lFrequency"),
        field_t=_float(stated("flMagneticFieldStrength")),
        # A twix file states no date, but the identifier of its frame of reference contains one.
        date=digits(*re.findall(r"\.((?:19|20)\d{12})", stated("tFrameOfReference"))),
        protocol=entries.get("tProtocolName", ""),
        sequence=re.split(r"[\\/]", entries.get("tSequenceFileName", ""))[-1] or stated("tSequenceString"),
        te_s=echo_time_s(echo_times_us(entries), protocol_number(entries, "lContrasts")),
        tr_s=scaled(protocol_number(entries, "alTR[0]"), 1e-6),
        transients=readouts,
        points=points,
        reason="several voxels (CSI)" if grid else "",
        **person(f"{stated('tPatientName')} {listed}", stated("PatientBirthDay"), stated("PatientID")),
    )


def dicom_header(path: Path) -> Header:
    """Header of a DICOM file; for an image, it says so."""
    with foreign(path.name, "as DICOM"):
        dataset = open_dicom(path, pixels=False)
        name = str(dataset.get("SeriesDescription") or dataset.get("ProtocolName") or "")
        known: dict[str, Any] = {
            "date": _dicom_date(dataset),
            "protocol": str(dataset.get("ProtocolName") or name),
            "uid": str(dataset.get("SeriesInstanceUID") or ""),
            "number": int(dataset.get("InstanceNumber") or 0),
            **_dicom_person(dataset),
        }
        numbers = (str(dataset.get(key) or "") for key in ("StudyInstanceUID", "SeriesNumber"))
        series = (*numbers, name, known["date"][:8], known["patient"])
        if not has_csa_samples(dataset) and not has_spectroscopy_data(dataset):
            what = "an image" if "Rows" in dataset else "no spectroscopy data"
            return Header(**known, series=(*series, what), reason=what)
        if "DERIVED" in (dataset.get("ImageType") or ()):
            return Header(**known, series=(*series, "derived"), reason="derived data (ImageType DERIVED)")
        return _dicom_scan(dataset, path.name, known, series)


def _dicom_scan(dataset: Any, name: str, known: dict[str, Any], series: tuple[object, ...]) -> Header:
    """Header of a DICOM file with an FID."""
    grid = ""
    try:
        try:
            scan = scan_of(dataset, name)
        except GridError as error:
            scan, grid = scan_of(dataset, name, (1, 1, 1)), error.size
    except ScanError as error:
        reason = str(error).removeprefix(f"{name}: ").rstrip(".")
        return Header(**known, series=(*series, reason), reason=reason)
    same = (*scan.fid.shape, scan.dwell_time_s, scan.frequency, scan.nucleus, scan.metadata.get("EchoTime"))
    localised = str(dataset.get("VolumeLocalizationTechnique") or "NONE").strip() != "NONE"
    return replace(header_of_scan(scan), localised=localised, grid=grid, series=(*series, *same), **known)


def header_of_scan(scan: RawScan) -> Header:
    """Header of a scan read by a reader of `io`."""
    points, transients, _ = scan.fid.shape
    return Header(
        nucleus=scan.nucleus,
        frequency_mhz=scan.frequency,
        field_t=scan.field_t,
        sequence=str(scan.metadata.get("SequenceName") or ""),
        te_s=scan.metadata.get("EchoTime"),
        tr_s=scan.metadata.get("RepetitionTime"),
        transients=transients,
        points=points,
    )


def _dicom_date(dataset: Any) -> str:
    def day(kind: str) -> str:
        date = str(dataset.get(f"{kind}Date") or "")
        return date and date + str(dataset.get(f"{kind}Time") or "")

    return digits(dataset.get("AcquisitionDateTime"), *map(day, ("Acquisition", "Series", "Content", "Study")))


def _dicom_person(dataset: Any) -> dict[str, Any]:
    names = [dataset.get(key) for key in ("PatientName", "OtherPatientNames", "PatientBirthName")]
    known = person(
        " ".join(str(name) for name in names if name), dataset.get("PatientBirthDate"), dataset.get("PatientID")
    )
    others = person(identifier=dataset.get("OtherPatientIDs") or dataset.get("AccessionNumber"))
    return known | {"personal": known["personal"] | others["personal"]}


def nifti_header(path: Path) -> Header:
    """Header of a NIfTI-MRS file; a NIfTI file without its extension is an image."""
    shape, extensions = read_nifti_header(path)
    texts = [content for code, content in extensions if code == 44]
    if not texts:
        return Header(reason="an image (NIfTI without the header extension of NIfTI-MRS)")
    try:
        fields = parsed_json(texts[0].rstrip(b"\x00"))
    except (ValueError, RecursionError) as error:
        raise ScanError(f"{path.name}: the header extension is not valid JSON; export the scan again.") from error
    if not isinstance(fields, dict):
        raise ScanError(f"{path.name}: the header extension must be a JSON object.")
    coils = [size for axis, size in enumerate(shape[4:], start=5) if fields.get(f"dim_{axis}") == "DIM_COIL"]
    nucleus = _first(fields.get("ResonantNucleus"))
    return Header(
        nucleus=str(nucleus) if nucleus else None,
        frequency_mhz=_float(_first(fields.get("SpectrometerFrequency"))),
        date=digits(fields.get("AcquisitionDateTime"), fields.get("AcquisitionDate")),
        protocol=str(fields.get("ProtocolName") or ""),
        sequence=str(fields.get("SequenceName") or fields.get("PulseSequenceType") or ""),
        te_s=_float(fields.get("EchoTime")),
        tr_s=_float(fields.get("RepetitionTime")),
        transients=math.prod(shape[4:]) // math.prod(coils),
        points=shape[3],
        grid="x".join(map(str, shape[:3])) if math.prod(shape[:3]) > 1 else "",
        **person(fields.get("PatientName"), fields.get("PatientDoB"), fields.get("PatientID")),
    )


def mrui_header(path: Path) -> Header:
    """Header of a binary jMRUI file; the free text after its samples is never read."""
    try:
        with path.open("rb") as file:
            values = struct.unpack(">13d", file.read(104))
    except struct.error as error:
        raise ScanError(f"{path.name}: is too short for a .mrui file; it is truncated.") from error
    points, mhz, field_t, code = (values[at] for at in (1, 5, 6, 7))
    if not 0 < points < 2**31:
        raise ScanError(f"{path.name}: does not state the number of points; it is damaged.")
    nucleus = NUCLEUS_CODES.get(int(code)) if math.isfinite(code) else None
    return Header(nucleus=nucleus, frequency_mhz=_float(mhz), field_t=_float(field_t), points=int(points))


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _float(value: Any) -> float | None:
    """Number above zero, None for anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < math.inf else None
