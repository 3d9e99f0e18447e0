"""Step convert: a raw file of any format becomes NIfTI-MRS and a BIDS sidecar without personal fields."""

from collections.abc import Mapping
from pathlib import Path

from myomag.errors import ScanError
from myomag.io.events import EVENTS_FIELD, read_events
from myomag.io.nifti_mrs import nifti_mrs_bytes, sidecar_dict
from myomag.io.nuclei import nucleus_of_name
from myomag.io.records import read_record, record_bytes
from myomag.io.vendor import read_scan
from myomag.settings.convert import ConvertSettings

ANALYSED_NUCLEUS = "31P"


def convert_scan(scan: str, inputs: Mapping[str, Path], settings: ConvertSettings) -> dict[str, bytes]:
    """Convert one scan.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    inputs : mapping of str to Path
        `raw`, `raw_1`, ...: the raw file and its companions; `sidecar`, `sidecar_1`, ...: JSON, closest last; `events`,
        if the scan has an events table.
    settings : ConvertSettings
        Nucleus and sign of files that do not state them, and the voxel to take from a grid.

    Returns
    -------
    dict of str to bytes
        `fid` (NIfTI-MRS, transients and coils separate) and `sidecar` (JSON).

    Raises
    ------
    ScanError
        If the scan cannot be read, or does not contain 31P data.
    """
    raw = _numbered(inputs, "raw")
    named = nucleus_of_name(scan)
    mrs = read_scan(
        raw,
        [read_record(path) for path in _numbered(inputs, "sidecar")],
        nucleus=named or settings.nucleus,
        conjugate=settings.conjugate,
        voxel=settings.voxel,
    )
    if mrs.nucleus != ANALYSED_NUCLEUS:
        raise ScanError(
            f"{raw[0].name}: contains {mrs.nucleus} data ({mrs.spectrometer_frequency_mhz:.1f} MHz): myomag analyses "
            f"{ANALYSED_NUCLEUS}; remove it from the study or correct its nucleus."
        )
    if named and named != mrs.nucleus:
        raise ScanError(f"{raw[0].name}: contains {mrs.nucleus} data but is named nuc-{named}; correct its name.")
    events = {EVENTS_FIELD: [list(event) for event in read_events(inputs["events"])]} if "events" in inputs else {}
    return {"fid": nifti_mrs_bytes(mrs), "sidecar": record_bytes(sidecar_dict(mrs) | events)}


def _numbered(inputs: Mapping[str, Path], role: str) -> list[Path]:
    """Files of the roles `role`, `role_1`, `role_2`, ... in this order."""
    numbers = {role: 0} | {key: int(key.removeprefix(f"{role}_")) for key in inputs if key.startswith(f"{role}_")}
    return [inputs[key] for key in sorted(numbers, key=numbers.__getitem__) if key in inputs]
