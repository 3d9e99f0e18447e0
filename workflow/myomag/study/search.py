"""The study folder: scans found by one pass over its directories, entities parsed from BIDS names."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from myomag.errors import StudyError
from myomag.io.events import SUFFIX as EVENTS
from myomag.io.files import printable
from myomag.study.folders import Found, Search, stem_of_folder
from myomag.study.names import COMPANIONS, ENTITIES, SUFFIXES, entities, split_extension, split_stem

MOST_FILES = 3
_NUMBERED = re.compile(rf"(.+_(?:{'|'.join(SUFFIXES)}))[_.-]?\d+")
"""Stem followed by a number, as exports name the files of a series."""
MAX_STEM = 200
"""Longest name of a scan: file systems allow 255 bytes, and the names of results are up to 20 longer."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan of the study.

    Attributes
    ----------
    stem : str
        File name without extension, such as sub-001_ses-1_acq-fid_nuc-31P_voi-thigh_unloc.
    participant_id, session_id : str
        Labels with their prefix; the session is "" if the study has none.
    raw : tuple of str
        Raw files, relative to the study folder, POSIX.
    sidecars : tuple of str
        JSON files that describe the scan, the most general first.
    problem : str
        Why the scan cannot be processed; "" if nothing is wrong.
    events : tuple of str
        The table of events of a series, if it has one.
    """

    stem: str
    participant_id: str
    session_id: str
    raw: tuple[str, ...]
    sidecars: tuple[str, ...] = ()
    problem: str = ""
    events: tuple[str, ...] = ()


@dataclass
class Study:
    """Scans of a study, sorted by name, and remarks on what else was found."""

    root: Path
    scans: list[Scan] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def participants(self) -> list[str]:
        """Labels of the participants with scans, sorted."""
        return sorted({scan.participant_id for scan in self.scans})


def find_scans(root: Path) -> Study:
    """Find all scans of a study.

    Raw NIfTI-MRS files are in sub-*/[ses-*/]mrs, vendor files under the same stem in sourcedata/. If both exist, the
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
    search = Search(root.resolve(), study.remarks)
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
        study.remarks += _events_of_none(found)
    study.scans = list(_told_apart(study.scans))
    _mark_collisions(study)
    return study


def _scans(participant: str, session: str, found: Found) -> Iterator[Scan]:
    yield from _loose_series(participant, session, found)
    for stem in sorted(set(found.nifti) | set(found.vendor)):
        if stem.endswith("_mrsref"):
            continue
        raw = found.nifti.get(stem) or found.vendor[stem]
        named = entities(stem)
        at_home = named and f"sub-{named['sub']}" == participant and _session(named) == session
        # Names of scans are unique in a study, those of misplaced files are not.
        name = stem if at_home else f"{stem} (in {' '.join(filter(None, (participant, session)))})"
        problem = _problem(stem, named, participant, session, raw, found)
        source = raw[0].startswith("sourcedata/")
        # What describes only a vendor file does not apply to a NIfTI-MRS file made from it by other means.
        applying = [
            path for path in found.sidecars if _applies(path, stem) and source >= path.startswith("sourcedata/")
        ]
        jsons = tuple(path for path in applying if path.endswith(".json"))
        events = tuple(path for path in applying if path.endswith(EVENTS))
        # Pages are named by label, which a non-BIDS folder name may make too long for a file.
        label = printable(participant).encode()[:MAX_STEM].decode(errors="ignore")
        yield Scan(printable(name), label, session, tuple(raw), jsons, problem, events[-1:])


def _events_of_none(found: Found) -> Iterator[str]:
    """Tables of events in a folder of scans that fit none of them."""
    stems = [stem for stem in (*found.nifti, *found.vendor) if entities(stem)]
    for path in found.sidecars:
        folder = path.rpartition("/")[0]
        if path.endswith(EVENTS) and folder.endswith("/mrs") and not any(_applies(path, stem) for stem in stems):
            yield f"{printable(path)}: events of no scan here; name it as the scan, with events for its suffix."


def _loose_series(participant: str, session: str, found: Found) -> Iterator[Scan]:
    """Remove numbered files in one folder from those found: each series becomes one faulty scan, with the remedy."""
    series: dict[str, list[str]] = {}
    for stem in sorted(found.vendor):
        if not entities(stem) and (numbered := _NUMBERED.fullmatch(stem)) and entities(numbered[1]):
            series.setdefault(numbered[1], []).extend(found.vendor.pop(stem))
    for stem, raw in series.items():
        problem = (
            f"{_names(raw)}: files of one scan? Put them into a folder {printable(stem)}/ here, and they are read as "
            "one."
        )
        name = f"{stem} ({len(raw)} numbered file{'s' if len(raw) > 1 else ''})"
        yield Scan(printable(name), printable(participant), session, tuple(raw), (), problem)


def _names(raw: Sequence[str]) -> str:
    """Names of some files, or of the first of many."""
    shown = ", ".join(printable(path.rpartition("/")[2]) for path in raw[:MOST_FILES])
    return f"{shown} and {len(raw) - MOST_FILES} more" if len(raw) > MOST_FILES else shown


def _session(named: dict[str, str]) -> str:
    return f"ses-{named['ses']}" if "ses" in named else ""


def _problem(stem: str, named: dict[str, str], participant: str, session: str, raw: list[str], found: Found) -> str:
    names = _names(raw)
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
    folders = {path.rpartition("/")[0] for path in raw}
    series = len(folders) == 1 and stem_of_folder(folders.copy().pop().rpartition("/")[2]) == stem
    together = extensions in COMPANIONS and len(raw) == len(extensions)
    if len(raw) > 1 and not series and not together:
        return f"two files for one scan ({names}): keep one, or give them different run- labels."
    return ""


def _applies(sidecar: str, stem: str) -> bool:
    """BIDS inheritance: same suffix, or events; and every entity of the sidecar has the same value in the scan."""
    *parts, suffix = split_extension(sidecar.rpartition("/")[2])[0].split("_")
    *own, own_suffix = stem.split("_")
    return suffix in (own_suffix, "events") and set(parts) <= set(own)


def _told_apart(scans: Iterable[Scan]) -> Iterator[Scan]:
    """Number the scans whose names print the same, such as a name with a line break and one with its escape."""
    seen: Counter[str] = Counter()
    for scan in scans:
        seen[scan.stem] += 1
        count = seen[scan.stem]
        yield scan if count == 1 else replace(scan, stem=f"{scan.stem} ({count})")


def _mark_collisions(study: Study) -> None:
    """Two scans that differ only in the suffix would write to the same files."""
    seen: dict[str, int] = {}
    for index, scan in enumerate(study.scans):
        first = index if scan.problem else seen.setdefault(split_stem(scan.stem)[0], index)
        if first != index:
            problem = (
                f"differs from {study.scans[first].stem} only in its suffix: give them different acq- or run- labels."
            )
            study.scans[index] = replace(scan, problem=problem)
