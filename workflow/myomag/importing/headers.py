"""Header of a file by its format: the only place where a new format is added."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from myomag.errors import ScanError
from myomag.importing import binary_headers as binary
from myomag.importing import raw_headers as raw
from myomag.importing import text_headers as text
from myomag.importing.header import Header, settled

COMPANIONS = {".sdat": ".spar", ".list": ".data", ".spar": ".data"}
"""Extension of companion files, and that of the leading file of the same name."""


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes
    ----------
    title : str
        Common name.
    read : callable
        Header of a file, or of the first of several.
    folder : bool
        Whether a scan is a folder, whose files keep their names.
    exported_from : tuple of str
        Formats from which files of this one are made, closest to the scanner first: if a scan exists in several
        formats, the closest is used.
    """

    title: str
    read: Callable[[Path], Header]
    folder: bool = False
    exported_from: tuple[str, ...] = ()


_RAW = ("twix", "philips-list", "ge", "bruker", "philips", "dicom", "rda")
FORMATS = {
    "twix": Format("Siemens twix", binary.twix_header),
    "dicom": Format("DICOM", binary.dicom_header, exported_from=("twix", "philips-list", "philips")),
    "rda": Format("Siemens rda", text.rda_header, exported_from=("twix", "dicom")),
    "philips": Format("Philips SPAR/SDAT", text.spar_header, exported_from=("philips-list",)),
    "nifti": Format("NIfTI-MRS", binary.nifti_header, exported_from=_RAW),
    "jmrui": Format("jMRUI text", text.jmrui_header, exported_from=(*_RAW, "nifti")),
    "mrui": Format("jMRUI binary", binary.mrui_header, exported_from=(*_RAW, "nifti")),
    "lcmodel": Format("LCModel RAW", text.lcmodel_header, exported_from=(*_RAW, "nifti")),
    "ge": Format("GE P-file", raw.ge_header),
    "bruker": Format("Bruker", raw.bruker_header, folder=True),
    "philips-list": Format("Philips data/list", raw.data_list_header),
}
"""Formats by their names in `io.vendor`.

A format that `io` reads is added with a reader in its entry: `header_of_scan` makes a header from what any reader of
`io` returns.
"""


def read_header(path: Path, kind: str) -> Header:
    """Header of a file; `reason` says why it is not a scan to analyse."""
    try:
        return settled(FORMATS[kind].read(path), path.name)
    except ScanError as error:
        return Header(reason=str(error).removeprefix(f"{path.name}: ").rstrip("."))
