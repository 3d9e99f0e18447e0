"""The scans among some files and folders, grouped as for a study, and the name under which each may be shown."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from myomag.errors import SettingsError
from myomag.importing.grouping import Unit, find_units, listed, units_in
from myomag.importing.header import Header
from myomag.importing.personal import Private
from myomag.importing.propose import NUCLEUS, chosen_labels, place_of
from myomag.io.bruker import files_of_experiment
from myomag.io.events import SUFFIX as EVENTS
from myomag.io.files import not_fetched, printable
from myomag.study.names import entities, split_extension, split_stem

NO_SPECTRA = ("an image", "no spectroscopy data", "derived data")
"""Beginnings of the reasons why a file is not a scan at all."""


@dataclass(frozen=True)
class Source:
    """Files of one scan.

    Attributes
    ----------
    stem : str
        Name of the scan in the pipeline.
    shown : str
        Name that distinguishes it from the others, without personal data.
    files : mapping of str to Path
        `raw`, `raw_1`, ... and `sidecar`, as read by the steps.
    private : Private
        What no message may contain.
    """

    stem: str
    shown: str
    files: Mapping[str, Path]
    private: Private


@dataclass(frozen=True)
class Sources:
    """Scans that were found, and the number of files and series that are not scans, by reason."""

    scans: list[Source]
    left_out: Mapping[str, int]


def find_sources(places: Sequence[Path]) -> Sources:
    """Scans among some files, and in some folders and their subfolders.

    Files named explicitly always count as scans. In folders, other nuclei, images and derived data are left out.

    Raises
    ------
    SettingsError
        If a path does not exist, or there are no scans.
    """
    for place in places:
        if not place.is_file() and not place.is_dir() and not not_fetched(place):
            raise SettingsError(f"{printable(str(place))}: {'not a file' if place.exists() else 'no such file'}.")
    tops = [place.absolute() for place in places]
    named = [top for top in tops if not top.is_dir()]
    units = list(_units_of_files(named))
    left_out: Counter[str] = Counter()
    known = {unit.path for unit in units}
    for unit in find_units([top for top in tops if top.is_dir()]).units:
        if unit.path in known:
            continue
        if reason := _no_scan(unit):
            left_out[reason] += 1
        else:
            units.append(unit)
    if not units:
        others = "; ".join(f"{count} left out: {reason}" for reason, count in left_out.most_common())
        raise SettingsError(
            f"{', '.join(printable(str(place)) for place in places)}: no scans in a supported "
            f"format{f' ({others})' if others else ''}."
        )
    return Sources(_sources(units, tops), left_out)


def source_of(place: Path) -> Source:
    """The scan of a file, or of a folder that contains one.

    Raises
    ------
    SettingsError
        If there is none, or more than one.
    """
    found = find_sources([place]).scans
    if len(found) > 1:
        raise SettingsError(
            f"{printable(str(place))}: contains {len(found)} scans; name a file of one, or see all with: myomag scan."
        )
    return found[0]


def is_one_scan(place: Path) -> bool:
    """Whether a path is one scan by itself: a file, or the folder of a Bruker experiment."""
    return not place.is_dir() or bool(files_of_experiment(place))


def _units_of_files(files: Sequence[Path]) -> Iterator[Unit]:
    """Scans of files named explicitly, with their companions; several of one series are one scan."""
    for folder in dict.fromkeys(file.parent for file in files):
        wanted = {file.name for file in files if file.parent == folder}
        stems = {split_extension(name)[0].lower() for name in wanted}
        beside = {name for name in listed(folder) if split_extension(name)[0].lower() in stems}
        units = [unit for unit in units_in(folder, sorted(wanted | beside)) if wanted & {p.name for p in unit.files}]
        yield from units
        # A file of unknown format is read all the same: its reader says what is wrong with it.
        known = {path.name for unit in units for path in unit.files}
        yield from (Unit(folder / name, (folder / name,), "", Header()) for name in sorted(wanted - known))


def _no_scan(unit: Unit) -> str:
    """Why something found in a folder is not a scan to analyse; "" if it is."""
    header = unit.header
    if header.nucleus and header.nucleus != NUCLEUS:
        return f"{header.nucleus}, not {NUCLEUS}"
    # Reading a pipe might never end.
    readable = unit.path.is_file() or unit.path.is_dir() or not_fetched(unit.path)
    return "" if readable and not header.reason.startswith(NO_SPECTRA) else header.reason


def _sources(units: Sequence[Unit], tops: Sequence[Path]) -> list[Source]:
    """Units with names; equal names are distinguished by the path, and then by a number."""
    chosen = chosen_labels(units, tops, None)
    personal = {part for unit in units for part in unit.header.personal}
    private = Private(part for part in personal if part.lower() not in chosen)
    stems = [_stem(unit) for unit in units]
    names = [private.masked(stem) for stem in stems]
    for longer in (lambda place: split_extension(place)[0], lambda place: place):
        count = Counter(names)
        pairs = zip(names, units, strict=True)
        names = [private.masked(longer(place_of(unit, tops))) if count[name] > 1 else name for name, unit in pairs]
    return [
        Source(stem, name, _by_role(unit), private)
        for stem, name, unit in zip(stems, _numbered(names), units, strict=True)
    ]


def _stem(unit: Unit) -> str:
    """Name of a scan: that of its folder if the folder is the scan, as in a study."""
    return split_extension(_home(unit).name)[0]


def _home(unit: Unit) -> Path:
    """The file or folder that names a scan."""
    folder = unit.path.parent
    return folder if entities(folder.name) and unit.kind == "dicom" else unit.path


def _numbered(names: Iterable[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield f"{name} ({seen[name]})" if seen[name] > 1 else name


def _by_role(unit: Unit) -> dict[str, Path]:
    """Files of a scan by the roles of the pipeline; a sidecar and events beside a folder count too."""
    raw = [path for path in unit.files if path.suffix.lower() != ".json"] or list(unit.files)
    files = {"raw": raw[0]} | {f"raw_{number}": path for number, path in enumerate(raw[1:], start=1)}
    beside = _home(unit).with_name(f"{_stem(unit)}.json")
    if beside.is_file():
        files["sidecar"] = beside
    base = split_stem(beside.stem)[0] if entities(beside.stem) else beside.stem
    if (events := beside.with_name(f"{base}{EVENTS}")).is_file():
        files["events"] = events
    return files
