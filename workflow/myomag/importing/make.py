"""`myomag import make`: check a whole plan, then put its scans into a study."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from myomag.errors import MyomagError, SettingsError
from myomag.importing.personal import resolved
from myomag.importing.place import place_all
from myomag.importing.plan import PlanRow, read_plan
from myomag.importing.targets import FILE_OF, Part, RowError, Scan, Sources, check_use, scan_of, stem_of
from myomag.io.files import disk_trouble, printable, sha256_file
from myomag.io.tables import MISSING, keyed_rows, read_text_table
from myomag.progress import progress
from myomag.study.imports import IMPORTS, Import, imports_bytes, read_imports
from myomag.study.names import split_extension, split_stem
from myomag.study.offer import has_scans, scanner_files
from myomag.study.raw_dataset import DESCRIPTION, check_raw

BIDS_VERSION = "1.10.0"
PARTICIPANTS = "participants.tsv"


@dataclass
class Made:
    """What an import did: numbers of scans added, already there, and not used; with any problems, nothing is done."""

    scans: int = 0
    present: int = 0
    unused: int = 0
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def make(plan: Path, study: Path, how: str) -> Made:
    """Put the scans that a plan uses into a study; what is already there is unchanged.

    Parameters
    ----------
    plan : Path
        The plan.
    study : Path
        Study folder; created if missing.
    how : str
        copy, link or move.

    Raises
    ------
    SettingsError
        If there is no such plan, or the study is a file or a derivative.
    StudyError
        If the plan or a table of the study cannot be read, or a file changed in the meantime.
    """
    rows = read_plan(plan)
    if study.exists() and not study.is_dir():
        raise SettingsError(f"{study}: is a file; name a folder for the study.")
    study = study.resolve()
    check_raw(study)
    if not os.path.lexists(study / DESCRIPTION) and not has_scans(study) and any(scanner_files(study)):
        raise SettingsError(f"{study}: contains scanner files but no BIDS study; name a new folder.")
    if not any(row.used for row in rows):
        raise SettingsError(f"{plan}: no scan is marked for use; write yes in the column use.")
    done = Made(unused=sum(not row.used for row in rows))
    there = read_imports(study)
    wanted = list(_wanted(rows, study, there, done))
    digests = _digests(wanted)
    fresh = list(_fresh(wanted, digests, study, there, done))
    done.problems += _places(fresh, study, how)
    done.problems.sort(key=_line)
    if done.problems or not fresh:
        return done
    _put(fresh, digests, study, there, how, done)
    done.scans = sum(row.used for row in rows) - done.present
    return done


def _line(problem: str) -> int:
    number = problem.removeprefix("line ").partition(":")[0]
    return int(number) if number.isdigit() else 0


def _wanted(rows: Sequence[PlanRow], study: Path, there: Mapping[str, Import], done: Made) -> Iterator[Scan]:
    """Scans of the rows in use, except those imported earlier whose originals are gone; problems are noted."""
    sources, bases = Sources(), dict[str, int]()
    recorded = {(entry.scan, entry.original.partition(FILE_OF)[0]): entry for entry in there.values()}
    for row in rows:
        try:
            check_use(row)
            if not row.used:
                continue
            stem = stem_of(row)
            first = bases.setdefault(split_stem(stem)[0].lower(), row.line)
            if first != row.line:
                done.problems.append(
                    f"line {row.line}: {stem}: two files for one scan, see line {first}; give them different run or "
                    "acq labels."
                )
                continue
            entry = recorded.get((stem, row.path))
            gone = not any(path.exists() for path in resolved(row.path))
            if entry and gone and (study / entry.path).is_file():
                done.present += 1
                continue
            yield scan_of(row, sources)
        except RowError as problem:
            done.problems.append(f"line {row.line}: {problem}.")


def _digests(scans: Sequence[Scan]) -> dict[Path, str]:
    """SHA-256 of each file; files that cannot be read are left out."""
    paths = [part.source for scan in scans for part in scan.parts]
    found: dict[Path, str] = {}
    with progress("files compared", len(paths)) as advance:
        for number, path in enumerate(paths, start=1):
            try:
                found[path] = sha256_file(path)
            except OSError:
                found[path] = ""
            advance(number)
    return found


def _fresh(
    scans: Sequence[Scan], digests: Mapping[Path, str], study: Path, there: Mapping[str, Import], done: Made
) -> Iterator[Scan]:
    """Scans that are not in the study or its record; conflicts with it or each other are noted as problems."""
    by_digest = {entry.sha256: entry for entry in there.values() if not entry.path.endswith(".json")}
    lines: dict[str, int] = {}
    for scan in scans:
        name, sha = f"line {scan.row.line}: {scan.stem}", digests[scan.parts[0].source]
        present = _present(study, scan)
        if not all(digests[part.source] for part in scan.parts):
            done.problems.append(f"{name}: {printable(scan.row.path)} cannot be read; check its permissions.")
        elif lines.setdefault(sha, scan.row.line) != scan.row.line:
            done.problems.append(f"{name}: the same data as line {lines[sha]}; set use to no in one of them.")
        elif present and _same(study, scan, digests):
            done.present += 1
            if any(part.target not in there for part in scan.parts):
                # Put there manually, or by an import that was killed before it could record it.
                yield scan
        elif present:
            done.problems.append(
                f"{name}: the study already has different data of that name ({present}), which are not overwritten; "
                "give another run."
            )
        elif sha in by_digest:
            done.problems.append(
                f"{name}: these data are already in the study as {by_digest[sha].path}; set use to no."
            )
        else:
            yield scan


def _present(study: Path, scan: Scan) -> str:
    """File of the study that belongs to a scan of this name, whatever its format; "" for none."""
    base = split_stem(scan.stem)[0].lower()
    for top in ("sourcedata/", ""):
        folder = study / f"{top}{scan.folder}"
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            stem = split_extension(path.name)[0] if not path.is_dir() else path.name
            if split_stem(stem)[0].lower() == base and not path.name.startswith("."):
                return path.relative_to(study).as_posix()
    return ""


def _same(study: Path, scan: Scan, digests: Mapping[Path, str]) -> bool:
    """Whether all files of a scan are in place with the same content."""
    places = [(study / part.target, digests[part.source]) for part in scan.parts]
    return all(place.is_file() and sha256_file(place) == sha for place, sha in places)


def _places(scans: Sequence[Scan], study: Path, how: str) -> Iterator[str]:
    """Why files cannot be put in place: a link out of the study, the same folder, another disk."""
    for scan in scans:
        folder = study / "sourcedata" / scan.folder
        for top in (folder, study / scan.folder):
            above = next(path for path in (top, *top.parents) if os.path.lexists(path))
            if not above.resolve().is_relative_to(study) and above.is_relative_to(study):
                place = above.relative_to(study).as_posix()
                yield (
                    f"line {scan.row.line}: {place} of the study is a link to a place outside; replace it with a "
                    "folder."
                )
                break
        source = scan.parts[0].source.absolute()
        if source.is_relative_to(study) and not source.is_relative_to(study / "sourcedata") and how != "move":
            yield (
                f"line {scan.row.line}: the file is inside the study itself; name another study folder, or use --move."
            )
        existing = next(path for path in (study, *study.parents) if path.exists())
        if how == "link" and source.stat().st_dev != existing.stat().st_dev:
            yield (
                f"line {scan.row.line}: the file is on a different disk from the study, so it cannot be linked; "
                "use --copy."
            )


def _put(
    scans: Sequence[Scan], digests: Mapping[Path, str], study: Path, there: Mapping[str, Import], how: str, done: Made
) -> None:
    """Put the files in place, and write the tables that list them."""
    time = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    entries = dict(there)
    parts = [part for scan in scans for part in scan.parts if not (study / part.target).is_file()]
    files = [(part.source, part.target, digests[part.source]) for part in parts]
    for scan in scans:
        for part in scan.parts:
            entries[part.target] = _entry(scan, part, digests[part.source], time, how)
    texts: dict[str, bytes] = {}
    if not os.path.lexists(study / DESCRIPTION):
        described = {"Name": study.name, "BIDSVersion": BIDS_VERSION, "DatasetType": "raw"}
        texts[DESCRIPTION] = (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode()
    if not study.exists() or not any(study.iterdir()):
        # So that the study remains valid BIDS when settings are added.
        texts[".bidsignore"] = b"myomag.yaml\n"
    people = sorted({scan.folder.partition("/")[0] for scan in scans})
    if table := _participants(study, people, done):
        texts[PARTICIPANTS] = table
    texts[IMPORTS] = imports_bytes(entries.values())
    try:
        with progress("files put into the study", len(files)) as advance:
            # In BIDS, participants are those with a folder at the top level.
            place_all(study, files, texts, sorted({scan.folder for scan in scans}), how, advance)
    except OSError as error:
        # Without the file name, which may be the name of a person.
        reason = error.strerror or "no such place"
        raise MyomagError(disk_trouble([reason], str(study)) or f"{study}: {reason}; nothing was written.") from error


def _entry(scan: Scan, part: Part, sha: str, time: str, how: str) -> Import:
    return Import(scan.stem, part.target, part.original, str(part.source.stat().st_size), sha, time, how)


def _participants(study: Path, people: Sequence[str], done: Made) -> bytes | None:
    """Table of participants with a row for each of `people`; None if there is nothing to add."""
    path = study / PARTICIPANTS
    if not os.path.lexists(path):
        return _new_table(people)
    table = read_text_table(path)
    listed = {label for label, _ in keyed_rows(table, "participant_id", "sub")}
    missing = [label for label in people if label not in listed]
    if missing and path.is_symlink():
        done.remarks.append(f"{PARTICIPANTS} is a link and was not changed; add: {', '.join(missing)}.")
        return None
    at = table.columns.index("participant_id")
    content = path.read_bytes()
    end = b"\r\n" if b"\r\n" in content else b"\n"
    cells = ([label if place == at else MISSING for place in range(len(table.columns))] for label in missing)
    lines = ["\t".join(row).encode() for row in cells]
    return end.join([content.rstrip(b"\r\n"), *lines, b""]) if lines else None


def _new_table(people: Sequence[str]) -> bytes:
    """Table of participants with only their labels."""
    return "".join(f"{line}\n" for line in ("participant_id", *people)).encode()
