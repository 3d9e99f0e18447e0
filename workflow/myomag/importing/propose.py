"""Participant and content of a scan, proposed from a pattern, a key, folders, names and headers."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from myomag.errors import ScanError, SettingsError
from myomag.importing.grouping import Unit
from myomag.importing.key import Key
from myomag.importing.personal import Private
from myomag.io.nuclei import frequency_mhz
from myomag.io.voxels import NAME_IT

GROUPS = ("participant", "session", "task", "acq", "voi", "run")
ENTITIES = {"sub": "participant", "ses": "session", "task": "task", "acq": "acq", "voi": "voi", "run": "run"}
_REGION = re.compile(
    r"(?<![a-z])(calf|thigh|gastrocnemius|soleus|tibialis|quadriceps|vastus|rectus|hamstring|forearm|biceps|heart|liver|"
    r"brain)"
)
_EXERCISE = re.compile(
    r"(?<![a-z])(plantar[-_ ]?flexion|dorsi[-_ ]?flexion|knee[-_ ]?extension|hand[-_ ]?grip|exercise|recovery)"
)
FEWEST_REPETITIONS = 16
"""FIDs of a series of rest, exercise and recovery, at least: a scan of fewer shows one state, whatever it is called."""
NUCLEUS = "31P"
_NAMED_NUCLEUS = re.compile(r"(?<![A-Za-z0-9])(?:31P|P31)(?![A-Za-z0-9])", re.IGNORECASE)
_ENTITY = re.compile(rf"(?:^|[/_])({'|'.join(ENTITIES)})-([A-Za-z0-9+]+)")
_NUMBERED = re.compile(
    r"(?:^|[/_\W])((?:subj(?:ect)?|sub|participant|proband|patient|pat|vol(?:unteer)?|s|p)[-_ ]?\d{1,4})"
    r"(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_VISIT = re.compile(
    r"(?:^|[/_\W])(?:ses(?:sion)?|visit|timepoint|tp|v)[-_ ]?(\d{1,4})(?![A-Za-z0-9])|"
    r"(?:^|[/_\W])(baseline|follow-?up\d*)(?![A-Za-z0-9])",
    re.IGNORECASE,
)


@dataclass
class Proposal:
    """Proposal for one scan, "" if unknown; why it should not be used, and remarks."""

    unit: Unit
    place: str
    nucleus: str = ""
    reason: str = ""
    labels: dict[str, str] = field(default_factory=lambda: dict.fromkeys(GROUPS, ""))
    remarks: list[str] = field(default_factory=list)


def compiled(pattern: str | None) -> re.Pattern[str] | None:
    """The regular expression that names parts of a path.

    Raises
    ------
    SettingsError
        If it is invalid, or has no named group or an unknown one.
    """
    if pattern is None:
        return None
    try:
        found = re.compile(pattern)
    except re.error as error:
        raise SettingsError(f"--pattern: not a regular expression ({error}).") from error
    unknown = sorted(set(found.groupindex) - set(GROUPS))
    if unknown or not found.groupindex:
        what = f"unknown group {unknown[0]!r}" if unknown else "no named group"
        example = r"(?P<participant>P\d+)_(?P<session>\d+)"
        raise SettingsError(f"--pattern: {what}; name some of {', '.join(GROUPS)}, such as '{example}'.")
    return found


def place_of(unit: Unit, tops: Sequence[Path]) -> str:
    """Path of a scan relative to the folder given; with several folders, preceded by the folder's name."""
    homes = [top for top in tops if unit.path.is_relative_to(top)]
    home = max(homes, key=lambda top: len(top.parts), default=unit.path.parent)
    if len(tops) > 1 and home.is_dir():
        home = home.parent
    return unit.path.relative_to(home).as_posix() if unit.path != home else unit.path.name


def chosen_labels(units: Iterable[Unit], tops: Sequence[Path], pattern: re.Pattern[str] | None) -> set[str]:
    """Participant labels given by a pattern or a BIDS name: codes with a digit, which are not personal names."""
    said = named_participants(units, tops, pattern)
    said |= {label for unit in units for key, label in _ENTITY.findall(place_of(unit, tops)) if key == "sub"}
    return {text.lower() for text in said if re.search(r"\d", text)}


def named_participants(units: Iterable[Unit], tops: Sequence[Path], pattern: re.Pattern[str] | None) -> set[str]:
    """Participants found by a pattern."""
    return {_participant(place_of(unit, tops), pattern) for unit in units} - {""}


def _participant(place: str, pattern: re.Pattern[str] | None) -> str:
    """Participant that a pattern finds in a path, as written there; "" for none."""
    match = pattern.search(place) if pattern else None
    return (match["participant"] or "") if match and "participant" in match.re.groupindex else ""


def propose(
    units: Sequence[Unit], tops: Sequence[Path], pattern: re.Pattern[str] | None, key: Key, private: Private
) -> list[Proposal]:
    """Labels of each scan as far as known; participants distinguished only by headers have none yet.

    Parameters
    ----------
    units : sequence of Unit
        Scans.
    tops : sequence of Path
        Folders given by the user.
    pattern : compiled pattern or None
        Named groups are labels.
    key : Key
        Labels of identifiers.
    private : Private
        What must not become a label.
    """
    found = [Proposal(unit, place_of(unit, tops)) for unit in units]
    for each in found:
        _by_nucleus(each)
        _by_folder_names(each, private)
        _by_pattern(each, pattern, private)
        _by_key(each, key, pattern)
    _by_folders([each for each in found if not each.reason], private)
    return found


def label_of(text: str, private: Private) -> str:
    """Label made from a text, "" if it identifies the person."""
    plain = re.sub(r"^(?:sub|ses)-", "", text.strip())
    return "" if private.in_text(plain) else re.sub(r"[^A-Za-z0-9]", "", plain)


def _by_nucleus(each: Proposal) -> None:
    """Nucleus of a scan, and any reason it gives not to use the scan."""
    header = each.unit.header
    each.nucleus, each.reason = header.nucleus or "", header.reason
    if header.reason:
        return
    if header.nucleus:
        each.reason = "" if header.nucleus == NUCLEUS else f"{header.nucleus}, not {NUCLEUS}"
    elif header.frequency_mhz and not _possible(header.frequency_mhz):
        each.reason = f"states no nucleus, and {header.frequency_mhz:.5g} MHz is not a frequency of {NUCLEUS}"
    elif _NAMED_NUCLEUS.search(re.sub("[-_]", " ", f"{each.place} {header.protocol}")):
        each.nucleus = NUCLEUS
        each.remarks.append("nucleus from the name")
    else:
        each.reason = f"states no nucleus; if it is {NUCLEUS}, enter that and use = yes"
    if header.grid and not each.reason:
        each.reason = f"a grid of {header.grid} voxels; set use to yes and {NAME_IT}"


def _possible(mhz: float) -> bool:
    try:
        frequency_mhz(mhz, NUCLEUS, "")
    except ScanError:
        return False
    return True


def _by_folder_names(each: Proposal, private: Private) -> None:
    """BIDS entities, numbered words such as P07 or visit2, and body regions anywhere in the path."""
    for key, label in _ENTITY.findall(each.place):
        each.labels[ENTITIES[key]] = label_of(label, private)
    header = each.unit.header
    if not each.labels["participant"] and (numbered := _NUMBERED.search(each.place)):
        each.labels["participant"] = label_of(numbered[1], private)
    if not each.labels["session"] and (visit := _VISIT.search(each.place)):
        each.labels["session"] = label_of(visit[1] or visit[2], private)
    if not each.labels["voi"]:
        regions = set(_REGION.findall(f"{each.place} {header.protocol}".lower()))
        each.labels["voi"] = regions.pop() if len(regions) == 1 else ""
    # Of the path the name alone: a folder may be called after the study, and hold scans at rest.
    exercises = set(_EXERCISE.findall(f"{each.unit.path.name} {header.protocol}".lower()))
    if not each.labels["task"] and (header.transients or 0) >= FEWEST_REPETITIONS:
        each.labels["task"] = label_of(exercises.pop(), private) if len(exercises) == 1 else ""


def _by_pattern(each: Proposal, pattern: re.Pattern[str] | None, private: Private) -> None:
    if pattern is None:
        return
    match = pattern.search(each.place)
    if match is None:
        each.remarks.append("--pattern does not match this path")
        return
    for group, text in match.groupdict().items():
        if text is not None:
            each.labels[group] = label_of(text, private)
            if not each.labels[group]:
                each.remarks.append(f"{group} by --pattern would identify the person, or contains no letter or digit")


def _by_key(each: Proposal, key: Key, pattern: re.Pattern[str] | None) -> None:
    if not key:
        return
    if (entry := key.find(_participant(each.place, pattern), each.unit.header.patient, each.place)) is None:
        each.remarks.append("no id from the key in header, folder or file name")
        return
    label, session = entry[1]
    each.labels["participant"] = re.sub(r"^sub-", "", label)
    each.labels["session"] = re.sub(r"^ses-", "", session) or each.labels["session"]


def _by_folders(found: Sequence[Proposal], private: Private) -> None:
    """Participants by the first level of folders that differ, if no folder contains scans of several patients."""
    unnamed = [each for each in found if not each.labels["participant"]]
    depth = min((each.place.count("/") for each in unnamed), default=0)
    for level in range(depth):
        names = [each.place.split("/")[level] for each in unnamed]
        if len(set(names)) > 1:
            patients = defaultdict(set)
            for name, each in zip(names, unnamed, strict=True):
                patients[name].add(each.unit.header.patient)
            labels = {name: label_of(name, private) for name in set(names)}
            if all(len(known - {""}) < 2 for known in patients.values()) and _distinct(labels.values()):
                for name, each in zip(names, unnamed, strict=True):
                    each.labels["participant"] = labels[name]
            return


def _distinct(labels: Iterable[str]) -> bool:
    known = [label.lower() for label in labels]
    return "" not in known and len(set(known)) == len(known)


def numbers(taken: Iterable[str], digits: int) -> Iterator[str]:
    """Numbers as labels, from 1, skipping those in use."""
    used = {int(label) for label in taken if label.isascii() and label.isdigit()}
    number = 0
    while True:
        number += 1
        if number not in used:
            yield f"{number:0{digits}d}"
