"""What a row of a plan specifies: the name of the scan, its files, and their places in the study; or what is wrong."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from myomag.errors import ScanError
from myomag.importing.grouping import Unit, listed, units_in
from myomag.importing.headers import FORMATS
from myomag.importing.personal import resolved
from myomag.importing.plan import NO, YES, PlanRow
from myomag.io.files import printable
from myomag.io.nuclei import nucleus_name
from myomag.study.names import ENTITIES, NIFTI, SUFFIXES, VENDOR, entities, split_extension
from myomag.study.search import MAX_STEM

EXTENSIONS = {"dicom": ".dcm", "twix": ".dat", "jmrui": ".txt", "lcmodel": ".RAW", "nifti": ".nii"}
"""Extension, by format, for a file without one that studies use."""
FILE_OF = " file "
"""Separates the path of a scan from the number of one of its files where names are kept out."""
_LABEL = re.compile(r"[A-Za-z0-9+]+")


class RowError(Exception):
    """What is wrong with a row, as a sentence for the user."""


@dataclass(frozen=True)
class Part:
    """One file of a scan: its path, its name for the record, and its place in the study, POSIX."""

    source: Path
    original: str
    target: str


@dataclass(frozen=True)
class Scan:
    """One scan of a plan: its row, BIDS stem and files, and what appears in the study as a unit."""

    row: PlanRow
    stem: str
    parts: tuple[Part, ...]

    @property
    def folder(self) -> str:
        """Folder of the scan below sub-*, POSIX."""
        named = entities(self.stem)
        return "/".join((f"sub-{named['sub']}", *((f"ses-{named['ses']}",) if "ses" in named else ()), "mrs"))


class Sources:
    """Files named by rows; each folder is read once."""

    def __init__(self) -> None:
        self._units: dict[Path, list[Unit]] = {}

    def unit(self, row: PlanRow) -> Unit:
        """Files of the scan of a row, as they are now.

        Raises
        ------
        RowError
            If they are missing, or not those examined.
        """
        if not row.path:
            raise RowError("path is missing; restore it, or remove the line")
        if ".." in Path(row.path).parts:
            raise RowError("path: contains '..'; write it in full")
        found = resolved(row.path)
        if len(found) != 1 or not found[0].exists():
            what = f"{len(found)} files match" if len(found) > 1 else "no such file"
            raise RowError(f"{printable(row.path)}: {what}; look again, or set use to no")
        place = found[0] if found[0].is_dir() else found[0].parent
        unit = next((unit for unit in self._in(place) if unit.path == found[0]), None)
        if unit is None or not unit.kind:
            raise RowError(f"{printable(row.path)}: not a scan in a supported format; set use to no")
        if row.files != str(len(unit.files)):
            raise RowError(
                f"{printable(row.path)}: {len(unit.files)} files now belong to this scan, but the plan says "
                f"{row.files or 'nothing'}; remove the line and look again"
            )
        return unit

    def _in(self, place: Path) -> list[Unit]:
        if place not in self._units:
            self._units[place] = units_in(place, listed(place))
        return self._units[place]


def check_use(row: PlanRow) -> None:
    """Reject a word in the column `use` that is neither yes nor no.

    Raises
    ------
    RowError
        With the remedy.
    """
    if row.use.lower() not in (*YES, *NO):
        raise RowError(f"use is {row.use[:20]!r}; write yes or no")


def stem_of(row: PlanRow) -> str:
    """BIDS stem that a row gives its scan.

    Raises
    ------
    RowError
        If a label, the nucleus or the suffix is missing or invalid.
    """
    if not row.participant:
        raise RowError(f"{printable(row.path)}: no participant; enter one, or set use to no")
    try:
        nucleus = nucleus_name(row.nucleus, "nucleus") if row.nucleus else ""
    except ScanError as error:
        raise RowError(str(error).rstrip(".")) from error
    if not nucleus:
        raise RowError(f"{printable(row.path)}: no nucleus; enter it as 31P, or set use to no")
    labels = row.labels | {"nuc": nucleus, "run": row.run}
    parts = [f"{key}-{_label(key, labels[key])}" for key in ENTITIES if labels.get(key)]
    if row.suffix not in SUFFIXES:
        raise RowError(f"suffix is {row.suffix[:20]!r}; write one of {', '.join(SUFFIXES)}")
    stem = "_".join((*parts, row.suffix))
    if len(stem) > MAX_STEM:
        raise RowError(f"the name of the scan is too long ({len(stem)} of {MAX_STEM} characters); shorten acq or task")
    return stem


def _label(key: str, text: str) -> str:
    label = text.removeprefix(f"{key}-")
    if not _LABEL.fullmatch(label):
        column = {"sub": "participant", "ses": "session"}.get(key, key)
        raise RowError(f"{column} is {printable(text)[:40]!r}; a label may contain only letters and digits")
    return label


def scan_of(row: PlanRow, sources: Sources) -> Scan:
    """Scan that a row asks for.

    Raises
    ------
    RowError
        If the row or its files are invalid.
    """
    stem = stem_of(row)
    unit = sources.unit(row)
    bare = Scan(row, stem, ())
    return Scan(row, stem, tuple(_parts(unit, stem, f"sourcedata/{bare.folder}/", row.path)))


def _parts(unit: Unit, stem: str, folder: str, path: str) -> Iterator[Part]:
    """Files of a scan with their places: under its stem, or, for several of a kind, in a folder of that name."""
    together = FORMATS[unit.kind].folder or (unit.kind == "dicom" and len(unit.files) > 1)
    width = max(4, len(str(len(unit.files))))
    for number, source in enumerate(unit.files, start=1):
        if FORMATS[unit.kind].folder:
            name = f"{stem}/{source.name}"
        elif together:
            # Export names often begin with the patient's name.
            name = f"{stem}/{number:0{width}d}{_extension(source, unit.kind)}"
        else:
            name = stem + _extension(source, unit.kind)
        original = str(source)
        if path != str(unit.path):
            original = path + (f"{FILE_OF}{number} of {len(unit.files)}" if len(unit.files) > 1 else "")
        yield Part(source, original, folder + name)


def _extension(source: Path, kind: str) -> str:
    """Extension of a file in the study."""
    extension = source.name[len(split_extension(source.name)[0]) :]
    if extension.lower() in (*VENDOR, *NIFTI, ".json"):
        return extension
    return EXTENSIONS.get(kind, extension)
