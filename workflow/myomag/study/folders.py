"""One pass over the folders of a study: where files are, and which cannot be read."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from myomag.io.events import SUFFIX as EVENTS
from myomag.io.files import not_fetched, printable, to_fetch
from myomag.study.links import Links
from myomag.study.names import NIFTI, SUFFIXES, VENDOR, entities, split_extension, split_stem

LINK_OUT = "a link to a file outside the study; copy the file into the study."
POINTER_BYTES = 1000
"""Pointers of git-annex and Git LFS have one to three lines."""
SPECIAL = "a pipe, socket or device, not a file; remove it."
NO_SCANS = frozenset({"DICOMDIR", "Thumbs.db"})
"""Files found beside the scans in a folder of DICOM files."""


@dataclass(frozen=True)
class Listing:
    """Names in one folder, sorted.

    `escaped` are links to places outside the study, `special` pipes, sockets and devices, `empty` links to missing
    content; all are also listed as files.
    """

    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    escaped: set[str] = field(default_factory=set)
    special: set[str] = field(default_factory=set)
    empty: set[str] = field(default_factory=set)

    def fault(self, folder: str, name: str) -> str:
        """Why a file of the folder cannot be read; "" if there is no known reason."""
        if name in self.escaped:
            return LINK_OUT
        if name in self.empty:
            return to_fetch(printable(folder + name))
        return SPECIAL if name in self.special else ""


@dataclass
class Found:
    """Files of one participant and session by stem, and the sidecars that may describe them, the closest last."""

    nifti: dict[str, list[str]] = field(default_factory=dict)
    vendor: dict[str, list[str]] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)
    sidecars: list[str] = field(default_factory=list)


class Search:
    """One pass over the folders of a study, listing each once."""

    def __init__(self, root: Path, remarks: list[str]) -> None:
        self.root, self.remarks, self.links = root, remarks, Links(root)
        self.found: dict[tuple[str, str], Found] = {}

    def tree(self, base: str, top: Listing, inherited: list[str]) -> None:
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

    def scans(self, participant: str, session: str, place: str, listing: Listing, known: list[str]) -> None:
        """Sort the files of one mrs folder into NIfTI-MRS, vendor files and sidecars."""
        self.misplaced(place, listing)
        if "mrs" not in self.folders(place, listing, "mrs"):
            return
        found = self.found.setdefault((participant, session), Found())
        folder = f"{place}mrs/"
        below = self.listing(folder)
        found.sidecars += [path for path in (*known, *self.sidecars(folder, below)) if path not in found.sidecars]
        for name in below.files:
            stem, extension = split_extension(name)
            if extension in (*NIFTI, *VENDOR, ".json") and (fault := below.fault(folder, name)):
                found.unusable[stem] = f"{printable(name)}: {fault}"
            if extension in NIFTI:
                found.nifti.setdefault(stem, []).append(folder + name)
            elif extension in VENDOR and place.startswith("sourcedata/"):
                found.vendor.setdefault(stem, []).append(folder + name)
            elif extension != ".json" and not name.endswith(EVENTS) and entities(stem):
                known_format = "move it to sourcedata/" if extension in VENDOR else "convert it to NIfTI-MRS"
                self.remarks.append(f"{printable(folder + name)}: not read here; {known_format}.")
        for name in below.folders:
            if entities(stem := stem_of_folder(name)):
                self.series(f"{folder}{name}/", stem, found)

    def series(self, folder: str, stem: str, found: Found) -> None:
        """Treat the files of a folder as one scan: DICOM files of its repetitions, or a Bruker experiment."""
        if not folder.startswith("sourcedata/"):
            self.remarks.append(f"{printable(folder)}: not read here; move it to sourcedata/.")
            return
        below = self.listing(folder)
        names = [name for name in below.files if split_extension(name)[1] != ".json" and name not in NO_SCANS]
        found.vendor.setdefault(stem, []).extend(folder + name for name in names)
        for name in names:
            if fault := below.fault(folder, name):
                found.unusable[stem] = f"{printable(name)}: {fault}"
        if not names:
            found.vendor[stem].append(folder.removesuffix("/"))
            found.unusable[stem] = f"{printable(folder)}: contains no files; put those of the scan into it."
        self.remarks += [
            f"{printable(folder + name)}: not read; put the files into {folder}." for name in below.folders
        ]

    def misplaced(self, place: str, listing: Listing) -> None:
        """Report scans of a participant or session that are not in its folder mrs."""
        for name in listing.files:
            stem, extension = split_extension(name)
            if extension in (*NIFTI, *VENDOR) and entities(stem):
                self.remarks.append(f"{printable(place + name)}: not read here; move it to {printable(place)}mrs/.")
        for name in listing.folders:
            if name != "mrs" and name.lower() == "mrs":
                self.remarks.append(f"{printable(place + name)}: not read; rename the folder to mrs.")

    def listing(self, folder: str) -> Listing:
        """Names in a folder of the study, without hidden ones."""
        listing = Listing()
        # Joined as text: a large study has tens of thousands of folders, and a Path for each doubles the time.
        with os.scandir(f"{self.root}/{folder}") as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith("."):
                    continue
                if entry.is_symlink() and self.links.leave(entry.path):
                    listing.escaped.add(entry.name)
                elif (entry.is_symlink() or _may_be_pointer(entry)) and not_fetched(Path(entry.path)):
                    listing.empty.add(entry.name)
                if entry.name not in listing.escaped and entry.is_dir():
                    listing.folders.append(entry.name)
                else:
                    listing.files.append(entry.name)
                    if entry.name not in listing.escaped and not entry.is_file() and Path(entry.path).exists():
                        listing.special.add(entry.name)
        return listing

    def folders(self, place: str, listing: Listing, prefix: str) -> list[str]:
        """Folders whose name starts with `prefix`; links to places outside the study are reported."""
        for name in sorted(listing.escaped):
            if name.startswith(prefix) and not split_extension(name)[1]:
                self.remarks.append(
                    f"{printable(place + name)}: a link to a folder outside the study, not read; copy the folder."
                )
        return [name for name in listing.folders if name.startswith(prefix)]

    def sidecars(self, place: str, listing: Listing) -> list[str]:
        """JSON and events files of one folder that may describe scans, those with fewer entities first."""
        jsons = (name for name in listing.files if split_extension(name)[1] == ".json")
        names = [name for name in jsons if split_stem(name.removesuffix(".json"))[1] in SUFFIXES]
        names += [name for name in listing.files if name.endswith(EVENTS)]
        for name in names:
            if name in listing.escaped:
                self.remarks.append(
                    f"{printable(place + name)}: a link to a file outside the study, not read; copy the file."
                )
            if name in listing.empty:
                self.remarks.append(f"{printable(place + name)}: {to_fetch(printable(place + name))}")
        kept = (name for name in names if name not in listing.escaped | listing.special)
        return [place + name for name in sorted(kept, key=lambda name: (name.count("_"), name))]


def _may_be_pointer(entry: os.DirEntry[str]) -> bool:
    """Whether a scan is so small that it may be a pointer to content elsewhere: the search opens no other files."""
    scan = split_extension(entry.name)[1] in (*NIFTI, *VENDOR)
    return scan and entry.is_file() and entry.stat().st_size < POINTER_BYTES


def stem_of_folder(name: str) -> str:
    """Stem in the name of a folder, with or without an extension."""
    stem, extension = split_extension(name)
    return stem if extension in VENDOR else name
