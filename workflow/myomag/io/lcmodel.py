"""RAW files of LCModel.

Read here, not by spec2nii 0.8.15, which writes Hz for MHz and keeps the sign of the file: the same scan exported for
jMRUI and for LCModel shows that a RAW file contains the complex conjugate of the physicist's sign.
"""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError
from myomag.io.raw_scan import RawScan, is_rounded, number, read_bytes, scaled, whole_number

_NAMELIST = re.compile(r"[$&](\w+)(.*?)[$&]END[^\n]*", re.DOTALL | re.IGNORECASE)
_ASSIGNMENT = re.compile(r"(\w+)\s*=\s*('[^'\n]*'|[^\s,]+)")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][-+]?\d+)?")


def read_lcmodel_raw(path: Path) -> RawScan:
    """Content of a RAW file: namelists, then real and imaginary parts of one FID."""
    name = path.name
    text = read_bytes(path).decode("latin-1")
    namelists = list(_NAMELIST.finditer(text))
    if not namelists:
        raise ScanError(f"{name}: has no complete namelist ($NMID ... $END); it is not an LCModel RAW file.")
    header = {key.lower(): value for match in namelists for key, value in _ASSIGNMENT.findall(match[2])}
    for flag in ("bruker", "seqacq"):
        if header.get(flag, "F").strip(".").upper().startswith("T"):
            raise ScanError(f"{name}: {flag} = T is not supported; export the FID with {flag} = F.")
    if any(text[one.end() : other.start()].strip() for one, other in pairwise(namelists)):
        raise ScanError(f"{name}: has data between its namelists; keep one FID per file.")
    fid = _samples(text[namelists[-1].end() :], name)
    if "numberofpoints" in header and whole_number(header["numberofpoints"], f"{name}: NumberOfPoints") != fid.size:
        raise ScanError(f"{name}: contains {fid.size} points, not NumberOfPoints; it is truncated or damaged.")
    dwell_text = next((header[key] for key in ("dwelltime", "deltat", "badelt") if key in header), None)
    dwell = number(dwell_text, f"{name}: dwell time")
    echo_ms = number(header.get("echot"), f"{name}: echot")
    return RawScan(
        fid=np.conj(fid)[:, np.newaxis, np.newaxis],
        dwell_time_s=dwell,
        frequency=number(header.get("hzpppm"), f"{name}: hzpppm"),
        nucleus=None,
        metadata={"EchoTime": scaled(echo_ms, 1e-3)},
        dwell_is_rounded=is_rounded(dwell, dwell_text or ""),
    )


def _samples(text: str, name: str) -> NDArray[np.complex128]:
    """Complex samples; Fortran may print numbers without a space between them."""
    if _NUMBER.sub("", text).strip():
        raise ScanError(f"{name}: the data contain something that is not a number; export the scan again.")
    values = np.array([value.lower().replace("d", "e") for value in _NUMBER.findall(text)], dtype=np.float64)
    if values.size % 2:
        raise ScanError(f"{name}: contains an odd number of values; it is truncated.")
    return values.view(np.complex128)
