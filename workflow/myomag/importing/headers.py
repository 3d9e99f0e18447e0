"""Header of a file by its format: the one place where a new format joins."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from myomag.errors import ScanError
from myomag.importing import binary_headers as binary
from myomag.importing import raw_headers as raw
from myomag.importing import text_headers as text
from myomag.importing.header import Header, settled

COMPANIONS = {".sdat": ".spar", ".list": ".data", ".spar": ".data"}
"""Extension of files that go with another one of the same name, and that of the one that leads."""


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes
    ----------
    title : str
        Name that people know it by.
    read : callable
        Header of a file, of several the first.
    folder : bool
        Whether a scan is a folder, whose files keep their names.
    rank : int
        Of the same scan in several formats the one with the lowest number is used: it is nearest to the scanner.
    """

    title: str
    read: Callable[[Path], Header]
    folder: bool = False
    rank: int = 0


FORMATS = {
    "twix": Format("Siemens twix", binary.twix_header),
    "dicom": Format("DICOM", binary.dicom_header, rank=1),
    "rda": Format("Siemens rda", text.rda_header, rank=2),
    "philips": Format("Philips SPAR/SDAT", text.spar_header, rank=1),
    "nifti": Format("NIfTI-MRS", binary.nifti_header, rank=3),
    "jmrui": Format("jMRUI text", text.jmrui_header, rank=4),
    "mrui": Format("jMRUI binary", binary.mrui_header, rank=4),
    "lcmodel": Format("LCModel RAW", text.lcmodel_header, rank=4),
    "ge": Format("GE P-file", raw.ge_header),
    "bruker": Format("Bruker", raw.bruker_header, folder=True),
    "philips-list": Format("Philips data/list", raw.data_list_header),
}
"""Formats by the name that `io.vendor` gives them.

One that `io` reads joins with a reader in its entry: `header_of_scan` makes a header of what any reader of `io` gives.
"""


def read_header(path: Path, kind: str) -> Header:
    """Header of a file; why it is no scan to be analysed stands in its `reason`."""
    try:
        return settled(FORMATS[kind].read(path), path.name)
    except ScanError as error:
        return Header(reason=str(error).removeprefix(f"{path.name}: ").rstrip("."))
