"""Files in some folders and their subfolders, grouped by scan."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from myomag.errors import ScanError
from myomag.importing.header import Header
from myomag.importing.headers import COMPANIONS, read_header
from myomag.io.bruker import files_of_experiment
from myomag.io.files import not_fetched, to_fetch
from myomag.io.vendor import kind_of
from myomag.study.folders import NO_SCANS
from myomag.study.imports import IMPORTS
from myomag.study.names import NIFTI, VENDOR, split_extension

DERIVED_FOLDERS = frozenset({"derivatives"})
ARCHIVES = (".gz", ".tgz")
"""Compressed files other than NIfTI, which would be .nii.gz."""


@dataclass(frozen=True)
class Unit:
    """Files of one scan, and what their headers say.

    Attributes
    ----------
    path : Path
        The first of the files, or the folder where the format makes a scan a folder.
    files : tuple of Path
        All files, in order of number; a sidecar of the same name comes last.
    kind : str
        Format, by its name in `FORMATS`; "" if unknown.
    header : Header
        Header of the first file, with the transients of all.
    """

    path: Path
    files: tuple[Path, ...]
    kind: str
    header: Header


@dataclass
class Found:
    """What was found in some folders: scans, and the number of other files by extension."""

    units: list[Unit] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def find_units(folders: Sequence[Path], advance: Callable[[int], None] = lambda _: None) -> Found:
    """Read the headers of all files below some folders, and group the files.

    Parameters
    ----------
    folders : sequence of Path
        Folders, or single files.
    advance : callable
        Called with the number of files read.
    """
    found, number = Found(), 0
    for place, names in _places(folders, found.others):
        found.units += units_in(place, names, found.others)
        number += len(names)
        advance(number)
    return found


def _places(folders: Iterable[Path], others: dict[str, int]) -> Iterator[tuple[Path, list[str]]]:
    """Each folder once, with the names of its files that are not hidden; no links, no finished imports.

    `others` receives the number of folders not entered.
    """

    def unreadable(_: OSError) -> None:
        others["unreadable folder"] += 1

    seen: set[Path] = set()
    for top in folders:
        if top.is_file():
            stem = split_extension(top.name)[0]
            yield top.parent, [name for name in listed(top.parent) if split_extension(name)[0] == stem]
            continue
        for folder, below, names in os.walk(top, onerror=unreadable):
            place = Path(folder)
            if place != top and (place / IMPORTS).is_file():
                below.clear()
                others["study made by an import"] += 1
                continue
            others["folder that is a link"] += sum((place / name).is_symlink() for name in below)
            below[:] = sorted(name for name in below if not name.startswith("."))
            if (real := place.resolve()) not in seen:
                seen.add(real)
                yield place, _visible(names)


def listed(place: Path) -> list[str]:
    """Names of the files in a folder that may belong to scans."""
    return _visible(path.name for path in place.iterdir() if not path.is_dir())


def _visible(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith(".") and name not in NO_SCANS)


def units_in(place: Path, names: Sequence[str], others: dict[str, int] | None = None) -> list[Unit]:
    """Scans among the files of one folder.

    Parameters
    ----------
    place : Path
        The folder.
    names : sequence of str
        Names of its files.
    others : dict, optional
        Receives the number of files that are not scans, by extension.
    """
    by_name = {name.lower(): name for name in names}
    units: list[Unit] = []
    series: dict[tuple[object, ...], list[tuple[Path, Header]]] = defaultdict(list)
    experiment = files_of_experiment(place)
    if experiment:
        units.append(_whole(Unit(place, tuple(experiment), "bruker", read_header(experiment[0], "bruker"))))
    taken = {path.name for path in experiment}
    for name in names:
        path = place / name
        if path in experiment:
            continue
        if _companion_of(name, by_name) or name.lower().endswith(".json"):
            taken.add(name)
            continue
        kind, header = _told(path)
        if kind is None:
            continue
        taken.add(name)
        if header.series:
            series[header.series].append((path, header))
        else:
            units.append(_whole(Unit(path, (path, *_beside(path, by_name)), kind, header)))
    for name in names if others is not None else ():
        if name not in taken and others is not None:
            others[Path(name).suffix.lower() or "no extension"] += 1
    for members in series.values():
        units += (_series(files) for files in _told_apart(members))
    if DERIVED_FOLDERS & set(place.parts):
        units = [replace(unit, header=replace(unit.header, reason="derived data")) for unit in units]
    return sorted(units, key=lambda unit: unit.path)


def _told(path: Path) -> tuple[str | None, Header]:
    """Format and header of a file; None if it is not a scan, "" if neither is known."""
    if not_fetched(path):
        return "", Header(reason=to_fetch(path).rstrip("."))
    if not path.is_file():
        return "", Header(reason="a pipe, socket, device or broken link")
    try:
        kind = kind_of(path)
    except ScanError as error:
        known = split_extension(path.name)[1] in (*NIFTI, *VENDOR) or path.name.lower().startswith("scanarchive")
        if not known or "supported formats" in str(error):
            return None, Header()
        return "", Header(reason=str(error).removeprefix(f"{path.name}: ").rstrip("."))
    if kind == "nifti" and split_extension(path.name)[1] in ARCHIVES:
        return None, Header()
    return kind, read_header(path, kind)


def _whole(unit: Unit) -> Unit:
    """The scan, or what must be fetched first."""
    missing = next((path for path in unit.files if not_fetched(path)), None)
    return replace(unit, kind="", header=Header(reason=to_fetch(missing).rstrip("."))) if missing else unit


def _companion_of(name: str, by_name: dict[str, str]) -> bool:
    """Whether a file belongs to a leading one of the same name."""
    stem, extension = os.path.splitext(name.lower())  # noqa: PTH122 (of a name, not of a path)
    if extension == ".spar" and f"{stem}.sdat" in by_name:
        return False
    return extension in COMPANIONS and f"{stem}{COMPANIONS[extension]}" in by_name


def _beside(path: Path, by_name: dict[str, str]) -> list[Path]:
    """Files that belong to another one: the rest of its pair, and its sidecar."""
    name = path.name.lower()
    stem = name.removesuffix(".nii.gz") if name.endswith(".nii.gz") else path.stem.lower()
    partners = [extension for extension, leader in COMPANIONS.items() if leader == path.suffix.lower()]
    names = (f"{stem}{extension}" for extension in (*partners, ".json"))
    return [path.with_name(by_name[other]) for other in names if other in by_name]


def _told_apart(members: list[tuple[Path, Header]]) -> Iterator[list[tuple[Path, Header]]]:
    """Series among similar files: by their identifier, else by names that differ only in their last number.

    Files with the same number are not of one series.
    """
    uids = {header.uid for _, header in members}
    if len(members) == 1 or members[0][1].reason or (len(uids) == 1 and "" not in uids and _numbered(members)):
        yield members
        return
    by_name: dict[str, list[tuple[Path, Header]]] = defaultdict(list)
    for path, header in members:
        by_name[_without_number(path)].append((path, header))
    for alike in by_name.values():
        if _numbered(alike) or all(header.number == 0 for _, header in alike):
            yield alike
        else:
            yield from ([member] for member in alike)


def _numbered(members: Iterable[tuple[Path, Header]]) -> bool:
    numbers = [header.number for _, header in members]
    return len(set(numbers)) == len(numbers)


def _without_number(path: Path) -> str:
    """Name of a file up to the last number in it; a Siemens export adds time and a random part."""
    match = re.match(r"(.*\.MR\.[^.]*\.\d+)\.\d+\.", path.name)
    return match[1] if match else re.sub(r"\d+\D*$", "", path.stem)


def _series(members: list[tuple[Path, Header]]) -> Unit:
    """One scan made of the files of a series, in order of number."""
    key = lambda member: (member[1].number, [part.zfill(20) for part in re.split(r"(\d+)", member[0].name)])  # noqa: E731
    ordered = sorted(members, key=key)
    counts = [header.transients for _, header in ordered]
    transients = sum(count or 0 for count in counts) if all(counts) else None
    first, header = ordered[0]
    return Unit(first, tuple(path for path, _ in ordered), "dicom", replace(header, transients=transients))
