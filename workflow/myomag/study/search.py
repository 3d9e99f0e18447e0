"""The study folder: scans found by one pass over its directories, entities parsed from BIDS names."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from myomag.errors import StudyError
from myomag.io.files import printable
from myomag.study.names import COMPANIONS, ENTITIES, NIFTI, SUFFIXES, VENDOR, entities, split_extension, split_stem

LINK_OUT = "a link out of the study; copy the file into the study."
SPECIAL = "a pipe, socket or device, not a file; remove it."
MAX_STEM = 200
"""Longest name of a scan: file systems end at 255 bytes, and the names of the results are longer by up to 20."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan of the study.

    Attributes
    ----------
    stem : str
        File name without extension, such as sub-001_ses-1_acq-fid_nuc-31P_voi-thigh_unloc.
    participant_id, session_id : str
        Labels with their prefix; the session is "" where the study has none.
    raw : tuple of str
        Raw files, relative to the study folder, POSIX.
    sidecars : tuple of str
        JSON files that describe the scan, the most general first.
    problem : str
        Why the scan cannot be processed; "" where nothing is wrong.
    """

    stem: str
    participant_id: str
    session_id: str
    raw: tuple[str, ...]
    sidecars: tuple[str, ...] = ()
    problem: str = ""


@dataclass
class Study:
    """Scans of a study, sorted by name, and remarks on what was found beside them."""

    root: Path
    scans: list[Scan] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def participants(self) -> list[str]:
        """Labels of the participants with scans, sorted."""
        return sorted({scan.participant_id for scan in self.scans})


@dataclass(frozen=True)
class _Listing:
    """Names in one folder, sorted.

    `escaped` are links that lead out of the study, `special` pipes, sockets and devices; both are also listed as files.
    """

    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    escaped: set[str] = field(default_factory=set)
    special: set[str] = field(default_factory=set)


@dataclass
class _Found:
    """Files of one participant and session by stem, and the sidecars that may describe them, the nearest last."""

    nifti: dict[str, list[str]] = field(default_factory=dict)
    vendor: dict[str, list[str]] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)
    sidecars: list[str] = field(default_factory=list)


def find_scans(root: Path) -> Study:
    """Find all scans of a study.

    Raw NIfTI-MRS files lie in sub-*/[ses-*/]mrs, vendor files under the same stem in sourcedata/. Where both exist the
    NIfTI-MRS file is used. A scan with a problem (two files of one kind, a name that is not BIDS, a link out of the
    study) is listed with it, so that it is accounted for.

    Raises
    ------
    StudyError
        If the folder does not exist or cannot be read.
    """
    if not root.is_dir():
        raise StudyError(f"{root}: no such study folder.")
    study = Study(root)
    search = _Search(root.resolve(), study.remarks)
    try:
        top = search.listing("")
        inherited = search.sidecars("", top)
        search.tree("", top, inherited)
        if "sourcedata" in search.folders("", top, "sourcedata"):
            search.tree("sourcedata/", search.listing("sourcedata"), inherited)
    except OSError as error:
        raise StudyError(f"{error.filename}: cannot be read ({error.strerror}); make the folder readable.") from error
    for (participant, session), found in sorted(search.found.items()):
        study.scans += _scans(participant, session, found)
    study.scans = list(_told_apart(study.scans))
    _mark_collisions(study)
    return study


class _Search:
    """One pass over the folders of a study, each of them listed once."""

    def __init__(self, root: Path, remarks: list[str]) -> None:
        self.root, self.remarks = root, remarks
        self.found: dict[tuple[str, str], _Found] = {}

    def tree(self, base: str, top: _Listing, inherited: list[str]) -> None:
        """Collect the scans below the study or below sourcedata/."""
        for participant in self.folders(base, top, "sub-"):
            here = f"{base}{participant}/"
            listing = self.listing(here)
            known = [*inherited, *self.sidecars(here, listing)]
            self.scans(participant, "", here, listing, known)
            for session in self.folders(here, listing, "ses-"):
                place = f"{here}{session}/"
                below = self.listing(place)
                self.scans(participant, session, place, below, [*known, *self.sidecars(place, below)])

    def scans(self, participant: str, session: str, place: str, listing: _Listing, known: list[str]) -> None:
        """Sort the files of one mrs folder into NIfTI-MRS, vendor files and sidecars."""
        self.misplaced(place, listing)
        if "mrs" not in self.folders(place, listing, "mrs"):
            return
        found = self.found.setdefault((participant, session), _Found())
        folder = f"{place}mrs/"
        below = self.listing(folder)
        found.sidecars += [path for path in (*known, *self.sidecars(folder, below)) if path not in found.sidecars]
        for name in below.files:
            stem, extension = split_extension(name)
            if extension in (*NIFTI, *VENDOR, ".json") and name in below.escaped | below.special:
                what = LINK_OUT if name in below.escaped else SPECIAL
                found.unusable[stem] = f"{printable(name)}: {what}"
            if extension in NIFTI:
                found.nifti.setdefault(stem, []).append(folder + name)
            elif extension in VENDOR and place.startswith("sourcedata/"):
                found.vendor.setdefault(stem, []).append(folder + name)
            elif extension != ".json" and entities(stem):
                known_format = "move it to sourcedata/" if extension in VENDOR else "convert it to NIfTI-MRS"
                self.remarks.append(f"{printable(folder + name)}: not read here; {known_format}.")
        for name in below.folders:
            if entities(split_extension(name)[0]):
                self.remarks.append(f"{printable(folder + name)}: a folder is not read; keep one file per scan.")

    def misplaced(self, place: str, listing: _Listing) -> None:
        """Remark on scans of a participant or session that do not lie in its folder mrs."""
        for name in listing.files:
            stem, extension = split_extension(name)
            if extension in (*NIFTI, *VENDOR) and entities(stem):
                self.remarks.append(f"{printable(place + name)}: not read here; move it to {printable(place)}mrs/.")
        for name in listing.folders:
            if name != "mrs" and name.lower() == "mrs":
                self.remarks.append(f"{printable(place + name)}: not read; call the folder mrs.")

    def listing(self, folder: str) -> _Listing:
        """Names in a folder of the study, hidden ones left out."""
        listing = _Listing()
        # Joined as text: a large study has tens of thousands of folders, and a Path for each doubles the time.
        with os.scandir(f"{self.root}/{folder}") as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith("."):
                    continue
                if entry.is_symlink() and self._leaves(entry.path):
                    listing.escaped.add(entry.name)
                if entry.name not in listing.escaped and entry.is_dir():
                    listing.folders.append(entry.name)
                else:
                    listing.files.append(entry.name)
                    if entry.name not in listing.escaped and not entry.is_file() and Path(entry.path).exists():
                        listing.special.add(entry.name)
        return listing

    def folders(self, place: str, listing: _Listing, prefix: str) -> list[str]:
        """Folders whose name starts with `prefix`; of links out of the study a remark remains."""
        for name in sorted(listing.escaped):
            if name.startswith(prefix) and not split_extension(name)[1]:
                self.remarks.append(f"{printable(place + name)}: a link out of the study, not read; copy the folder.")
        return [name for name in listing.folders if name.startswith(prefix)]

    def sidecars(self, place: str, listing: _Listing) -> list[str]:
        """JSON files of one folder that may describe scans, those with fewer entities first."""
        names = [name for name in listing.files if split_extension(name)[1] == ".json"]
        names = [name for name in names if split_stem(name.removesuffix(".json"))[1] in SUFFIXES]
        for name in names:
            if name in listing.escaped:
                self.remarks.append(f"{printable(place + name)}: a link out of the study, not read; copy the file.")
        kept = (name for name in names if name not in listing.escaped | listing.special)
        return [place + name for name in sorted(kept, key=lambda name: (name.count("_"), name))]

    def _leaves(self, path: str) -> bool:
        """Whether a link leads out of the study, or nowhere in a circle."""
        try:
            return not Path(path).resolve().is_relative_to(self.root)
        except (OSError, RuntimeError):
            return True


def _scans(participant: str, session: str, found: _Found) -> Iterator[Scan]:
    for stem in sorted(set(found.nifti) | set(found.vendor)):
        if stem.endswith("_mrsref"):
            continue
        raw = found.nifti.get(stem) or found.vendor[stem]
        named = entities(stem)
        at_home = named and f"sub-{named['sub']}" == participant and _session(named) == session
        # Names of scans are unique in a study, those of files in a wrong place are not.
        name = stem if at_home else f"{stem} (in {' '.join(filter(None, (participant, session)))})"
        problem = _problem(stem, named, participant, session, raw, found)
        source = raw[0].startswith("sourcedata/")
        # What describes a vendor file alone says nothing of a NIfTI-MRS file made from it by other means.
        applying = [
            path for path in found.sidecars if _applies(path, stem) and source >= path.startswith("sourcedata/")
        ]
        # Pages are named by the label, which a folder that is not BIDS may make too long for a file.
        label = printable(participant).encode()[:MAX_STEM].decode(errors="ignore")
        yield Scan(printable(name), label, session, tuple(raw), tuple(applying), problem)


def _session(named: dict[str, str]) -> str:
    return f"ses-{named['ses']}" if "ses" in named else ""


def _problem(stem: str, named: dict[str, str], participant: str, session: str, raw: list[str], found: _Found) -> str:
    names = ", ".join(printable(path.rpartition("/")[2]) for path in raw)
    if stem in found.unusable:
        return found.unusable[stem]
    if not named:
        return (
            f"{names}: not a BIDS name; expected sub-<label>[_ses-<label>]…_<suffix> with the entities "
            f"{' '.join(ENTITIES)} in this order and a suffix of {', '.join(SUFFIXES)}."
        )
    if f"sub-{named['sub']}" != participant or _session(named) != session:
        folder = printable(participant + ("/" + session if session else ""))
        return f"{names}: the name does not match its folder {folder}."
    if len(stem) > MAX_STEM:
        return f"{names}: the name is too long for the results ({len(stem)} of {MAX_STEM} characters); shorten it."
    extensions = {split_extension(path)[1] for path in raw}
    if len(raw) > 1 and not (len(raw) == 2 and extensions == COMPANIONS):
        return f"two files for one scan ({names}): keep one, or give them different run- labels."
    return ""


def _applies(sidecar: str, stem: str) -> bool:
    """BIDS inheritance: same suffix, and every entity of the sidecar has the same value in the scan."""
    name = sidecar.rpartition("/")[2].removesuffix(".json")
    *parts, suffix = name.split("_")
    *own, own_suffix = stem.split("_")
    return suffix == own_suffix and set(parts) <= set(own)


def _told_apart(scans: Iterable[Scan]) -> Iterator[Scan]:
    """Number the scans whose names print alike, such as a name with a line break and one with its escape."""
    seen: Counter[str] = Counter()
    for scan in scans:
        seen[scan.stem] += 1
        count = seen[scan.stem]
        yield scan if count == 1 else replace(scan, stem=f"{scan.stem} ({count})")


def _mark_collisions(study: Study) -> None:
    """Two scans that differ by the suffix alone would write to the same files."""
    seen: dict[str, int] = {}
    for index, scan in enumerate(study.scans):
        first = index if scan.problem else seen.setdefault(split_stem(scan.stem)[0], index)
        if first != index:
            problem = (
                f"differs from {study.scans[first].stem} by its suffix alone: give them different acq- or run- labels."
            )
            study.scans[index] = replace(scan, problem=problem)
