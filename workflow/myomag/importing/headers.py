"""Header of a file by its format: the one place where a new format joins."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from myomag.errors import ScanError
from myomag.importing import binary_headers as binary
from myomag.importing import text_headers as text
from myomag.importing.header import Header, settled
from myomag.io.vendor import kind_of

COMPANIONS = {".sdat": ".spar", ".list": ".data", ".spar": ".data"}
"""Extension of files that go with another one of the same name, and that of the one that leads."""
BRUKER_FILES = ("fid", "ser", "rawdata.job0", "fid_proc.64")
BRUKER_PARAMETERS = ("acqp", "method")


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes
    ----------
    title : str
        Name that people know it by.
    read : callable or None
        Header of a file; None for a format that cannot be analysed yet: its files are listed and not used.
    folder : bool
        Whether a scan is a folder, whose files keep their names.
    rank : int
        Of the same scan in several formats the one with the lowest number is used: it is nearest to the scanner.
    """

    title: str
    read: Callable[[Path], Header] | None = None
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
    "ge": Format("GE P-file"),
    "scanarchive": Format("GE ScanArchive"),
    "bruker": Format("Bruker", folder=True),
    "philips-list": Format("Philips data/list"),
}
"""Formats by the name that `kind_of` of `io.vendor` gives them, or `format_of` here.

One that `io` reads joins with a reader in its entry: `header_of_scan` makes a header of what any reader of `io` gives.
"""


def format_of(path: Path) -> str | None:
    """Name of a file's format; None for what is no scan.

    Raises
    ------
    ScanError
        If the file cannot be read, is empty or is not here.
    """
    name, extension = path.name.lower(), path.suffix.lower()
    if name in BRUKER_FILES and any((path.parent / other).is_file() for other in BRUKER_PARAMETERS):
        return "bruker"
    if extension in (".data", ".list") and _has(path, ".list" if extension == ".data" else ".data"):
        return "philips-list"
    try:
        return kind_of(path)
    except ScanError as error:
        if extension == ".7" and name.startswith(("p", "ge")):
            return "ge"
        if name.startswith("scanarchive") and extension == ".h5":
            return "scanarchive"
        if "supported formats" in str(error):
            return None
        raise


def _has(path: Path, extension: str) -> bool:
    return any(path.with_suffix(form).is_file() for form in (extension, extension.upper()))


def read_header(path: Path, kind: str) -> Header:
    """Header of a file; why it is no scan to be analysed stands in its `reason`."""
    read = FORMATS[kind].read
    if read is None:
        return Header(reason=f"{FORMATS[kind].title}: this version of myomag does not read it")
    try:
        return settled(read(path), path.name)
    except ScanError as error:
        return Header(reason=str(error).removeprefix(f"{path.name}: ").rstrip("."))
