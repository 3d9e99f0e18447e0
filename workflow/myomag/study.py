"""The study folder: scans found by one pass over its directories, entities parsed from BIDS names."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from myomag.errors import StudyError
from myomag.files import printable

ENTITIES = ("sub", "ses", "task", "acq", "nuc", "voi", "rec", "run", "echo", "inv")
"""Entities of a spectroscopy file name in BIDS order."""

SUFFIXES = ("unloc", "svs", "mrsi")
"""BIDS suffixes of spectra; mrsref holds reference scans, which are not analysed."""

NIFTI = (".nii.gz", ".nii")
VENDOR = (".dat", ".ima", ".dcm", ".rda", ".sdat", ".spar", ".7", ".txt", ".mrui", ".raw")
COMPANIONS = frozenset({".sdat", ".spar"})
"""Extensions that belong to one scan together."""

_NAME = re.compile(
    r"sub-[A-Za-z0-9+]+" + "".join(rf"(_{key}-[A-Za-z0-9+]+)?" for key in ENTITIES[1:]) + rf"_({'|'.join(SUFFIXES)})"
)


@dataclass(frozen=True)
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


@dataclass
class _Found:
    """Files of one participant and session, by stem."""

    nifti: dict[str, list[str]] = field(default_factory=dict)
    vendor: dict[str, list[str]] = field(default_factory=dict)
    escaped: set[str] = field(default_factory=set)


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
    inherited = _json_files(root, root, "")
    folders: dict[tuple[str, str], _Found] = {}
    sidecars: dict[tuple[str, str], list[str]] = {}
    try:
        for base in ("", "sourcedata/"):
            _collect(root, base, folders, sidecars, study.remarks)
    except OSError as error:
        raise StudyError(f"{error.filename}: cannot be read ({error.strerror}).") from error
    for (participant, session), found in sorted(folders.items()):
        known = [*inherited, *sidecars.get((participant, ""), [])]
        if session:
            known += sidecars.get((participant, session), [])
        study.scans += _scans(participant, session, found, known)
    _mark_collisions(study)
    return study


def listed_participants(root: Path) -> set[str] | None:
    """Labels in participants.tsv; None where the file does not exist.

    Raises
    ------
    StudyError
        If the file has no column participant_id.
    """
    path = root / "participants.tsv"
    if not path.is_file():
        return None
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError("participants.tsv: not readable as UTF-8 text.") from error
    header = lines[0].split("\t") if lines else []
    if "participant_id" not in header:
        raise StudyError("participants.tsv: the column participant_id is missing; it must be the first column.")
    column = header.index("participant_id")
    rows = (line.split("\t") for line in lines[1:] if line.strip())
    return {row[column] for row in rows if len(row) > column}


def entities(stem: str) -> dict[str, str]:
    """Entities of a BIDS stem, such as {"sub": "001", "nuc": "31P"}; empty if it is not one."""
    if not _NAME.fullmatch(stem):
        return {}
    return dict(part.split("-", 1) for part in stem.split("_")[:-1])


def split_stem(stem: str) -> tuple[str, str]:
    """Stem of a scan without its suffix, and the suffix."""
    base, _, suffix = stem.rpartition("_")
    return base, suffix


def _collect(
    root: Path,
    base: str,
    folders: dict[tuple[str, str], _Found],
    sidecars: dict[tuple[str, str], list[str]],
    remarks: list[str],
) -> None:
    for participant in _folders(root, root / base if base else root, "sub-", remarks):
        here = f"{base}{participant}"
        sidecars.setdefault((participant, ""), []).extend(_json_files(root, root / here, here))
        sessions = [*_folders(root, root / here, "ses-", remarks), ""]
        for session in sessions:
            place = f"{here}/{session}" if session else here
            if session:
                sidecars.setdefault((participant, session), []).extend(_json_files(root, root / place, place))
            if (root / place / "mrs").is_dir():
                found = folders.setdefault((participant, session), _Found())
                _files(root, f"{place}/mrs", found, sidecars.setdefault((participant, session), []))


def _folders(root: Path, place: Path, prefix: str, remarks: list[str]) -> Iterator[str]:
    if not place.is_dir():
        return
    with os.scandir(place) as entries:
        names = sorted(entry.name for entry in entries if entry.name.startswith(prefix) and entry.is_dir())
    for name in names:
        if _leaves(root, place / name):
            remarks.append(f"{name}: the folder is a link out of the study and was not read.")
        else:
            yield name


def _leaves(root: Path, path: Path) -> bool:
    """Whether a path is a link whose target lies outside the study."""
    return path.is_symlink() and not path.resolve().is_relative_to(root.resolve())


def _json_files(root: Path, place: Path, relative: str) -> list[str]:
    """Sidecars that lie directly in a folder, for inheritance."""
    if not place.is_dir():
        return []
    with os.scandir(place) as entries:
        names = sorted(entry.name for entry in entries if entry.name.endswith(".json"))
    kept = [
        name
        for name in names
        if name.removesuffix(".json").rpartition("_")[2] in SUFFIXES and not _leaves(root, place / name)
    ]
    return [str(PurePosixPath(relative) / name) for name in kept]


def _files(root: Path, folder: str, found: _Found, sidecars: list[str]) -> None:
    """Sort the files of one mrs folder into NIfTI-MRS, vendor files and sidecars."""
    with os.scandir(root / folder) as entries:
        listed = sorted((entry.name, entry.is_symlink()) for entry in entries if not entry.name.startswith("."))
    for name, link in listed:
        stem, extension = split_extension(name)
        path = f"{folder}/{name}"
        if link and _leaves(root, root / path):
            found.escaped.add(stem)
        if extension == ".json":
            if stem not in found.escaped:
                sidecars.append(path)
        elif extension in NIFTI:
            found.nifti.setdefault(stem, []).append(path)
        elif extension in VENDOR and folder.startswith("sourcedata/"):
            found.vendor.setdefault(stem, []).append(path)


def split_extension(name: str) -> tuple[str, str]:
    """File name without its extension, and the extension in lower case."""
    if name.lower().endswith(".nii.gz"):
        return name[: -len(".nii.gz")], ".nii.gz"
    stem, dot, extension = name.rpartition(".")
    return (stem, f".{extension.lower()}") if dot else (name, "")


def _scans(participant: str, session: str, found: _Found, sidecars: list[str]) -> Iterator[Scan]:
    for stem in sorted(set(found.nifti) | set(found.vendor)):
        if stem.endswith("_mrsref"):
            continue
        raw = found.nifti.get(stem) or found.vendor[stem]
        problem = _problem(stem, participant, session, raw, found)
        applying = tuple(path for path in sidecars if _applies(path, stem))
        yield Scan(printable(stem), participant, session, tuple(raw), applying, problem)


def _problem(stem: str, participant: str, session: str, raw: list[str], found: _Found) -> str:
    names = ", ".join(printable(path.rpartition("/")[2]) for path in raw)
    if stem in found.escaped:
        return f"{names}: a link out of the study; copy the file into the study."
    named = entities(stem)
    if not named:
        return (
            f"{names}: not a BIDS name; expected sub-<label>[_ses-<label>]…_<suffix> with the entities "
            f"{' '.join(ENTITIES)} in this order and a suffix of {', '.join(SUFFIXES)}."
        )
    if f"sub-{named['sub']}" != participant or (f"ses-{named['ses']}" if "ses" in named else "") != session:
        return f"{names}: the name does not match its folder {participant}{'/' + session if session else ''}."
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


def _mark_collisions(study: Study) -> None:
    """Two scans that differ by the suffix alone would write to the same files."""
    seen: dict[str, int] = {}
    for index, scan in enumerate(study.scans):
        base, _ = split_stem(scan.stem)
        first = seen.setdefault(base, index)
        if first != index and not scan.problem:
            study.scans[index] = Scan(
                scan.stem,
                scan.participant_id,
                scan.session_id,
                scan.raw,
                scan.sidecars,
                f"differs from {study.scans[first].stem} by its suffix alone: give them different acq- or run- labels.",
            )
