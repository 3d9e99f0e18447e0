"""Whether everything is as the pipeline left it: every file hashed again, and the record checked for consistency."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from myomag.audit.chain import AGAIN, Problem, ledger_problems, settings_problems
from myomag.audit.crate_record import METADATA, RESULTS
from myomag.audit.record import CRATE, DERIVATIVE, STUDY, Derivative, File
from myomag.audit.seal import SealCheck
from myomag.errors import MyomagError
from myomag.io.files import PRIVATE, printable, sha256_file
from myomag.ledger.inputs import INPUTS
from myomag.ledger.raw import study_tables
from myomag.ledger.rows import activity_path
from myomag.ledger.seal import anchor_of, leaves_of
from myomag.progress import progress
from myomag.run.lock import check_quiet
from myomag.study.ratings import rating_files
from myomag.study.search import find_scans

WORKING_FOLDERS = ("logs", "benchmarks", ".snakemake", PRIVATE)
"""Folders of the derivative without results."""
THREADS = 4 * (os.cpu_count() or 1)


@dataclass(frozen=True)
class Verification:
    """What was checked, and the problems found.

    Attributes
    ----------
    files, ledgers : int
        Files hashed and ledgers checked.
    anchor : str
        Merkle root over all ledgers and activity records, which cover everything else; for a crate, the SHA-256 of its
        metadata.
    problems : list of Problem
        Findings, sorted by path.
    notes : list of str
        What was not checked, and information from the log of seals.
    """

    files: int
    ledgers: int
    anchor: str
    problems: list[Problem]
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Content for a script."""
        problems = [asdict(problem) for problem in self.problems]
        return {
            "ok": not problems,
            "files": self.files,
            "ledgers": self.ledgers,
            "anchor_sha256": self.anchor,
            "problems": problems,
            "notes": self.notes,
        }


def verify(derivative: Derivative, anchor: str | None = None, seals: SealCheck | None = None) -> Verification:
    """Check a derivative and the raw data it was made from.

    Parameters
    ----------
    derivative : Derivative
        What to check.
    anchor : str, optional
        Anchor noted at an earlier time, which this state must have.
    seals : SealCheck, optional
        Log of seals that it must agree with.

    Raises
    ------
    MyomagError
        If a run is active there: what it has yet to write would be reported as faults.
    """
    check_quiet(derivative.root)
    derivative = derivative.own
    problems = list(ledger_problems(derivative))
    expected = _expected(derivative, {problem.path for problem in problems if problem.kind == "edited"})
    found = _hashed(derivative, list(expected))
    problems += _file_problems(derivative, expected, found)
    problems += _unaccounted(derivative, expected)
    problems += _unlisted(derivative)
    problems += settings_problems(derivative)
    state = state_anchor(derivative)
    if anchor and anchor != state:
        problems.append(Problem("anchor", "ledger", f"not the state noted: its anchor is {state}, not {anchor}."))
    notes = list(_notes(derivative))
    if seals:
        seals.compare(derivative)
        problems += seals.problems
        notes += seals.notes
    advice = derivative.advice
    complete = {replace(problem, message=advice.complete(problem.message)) for problem in problems}
    ordered = sorted(complete, key=lambda problem: (problem.path, problem.kind, problem.message))
    return Verification(len(expected), len(derivative.ledgers), state, ordered, [advice.complete(n) for n in notes])


def state_anchor(derivative: Derivative) -> str:
    """Merkle root over the record; for a crate, which leaves out who ran it, the digest of its metadata."""
    if derivative.crate:
        return sha256_file(derivative.crate.folder / METADATA)
    return anchor_of(leaves_of(derivative.root))


def _notes(derivative: Derivative) -> Iterator[str]:
    if not derivative.has_study:
        yield "The study is not here: its raw data and tables are recorded by digest and were not compared."


Expected = dict[File, dict[str, tuple[str, str]]]
"""File → expected SHA-256 → the step that wrote or read it, and the ledger that says so."""


def _expected(derivative: Derivative, edited: set[str]) -> Expected:
    """Files in ledgers; an edited ledger counts only for files in no other ledger."""
    trusted: Expected = {}
    doubtful: Expected = {}
    for ledger in derivative.ledgers.values():
        table = doubtful if ledger.path in edited else trusted
        for row in ledger.rows:
            for verb, files in (("wrote", ledger.outputs(row)), ("read", ledger.inputs(row))):
                for _, file, sha in files:
                    if file.path not in derivative.ledgers and (file.where != STUDY or derivative.has_study):
                        table.setdefault(file, {}).setdefault(sha, (f"{ledger.step} {verb}", ledger.path))
    for path, sha in derivative.crate.files if derivative.crate else ():
        inside = path.startswith(f"{RESULTS}/")
        file = File(DERIVATIVE, path.removeprefix(f"{RESULTS}/")) if inside else File(CRATE, path)
        trusted.setdefault(file, {}).setdefault(sha, ("export wrote", METADATA))
    return doubtful | trusted


def _hashed(derivative: Derivative, files: list[File]) -> dict[File, str | None]:
    """SHA-256 of each file; None if it is missing, unreadable, or linked from outside the derivative."""
    top = derivative.crate.folder if derivative.crate else derivative.root

    def found(file: File) -> str | None:
        place = derivative.place(file)
        try:
            inside = file.where == STUDY or place.resolve().is_relative_to(top)
            return sha256_file(place) if inside else None
        except (OSError, RuntimeError):
            return None

    digests: dict[File, str | None] = {}
    with ThreadPoolExecutor(THREADS) as pool, progress("files hashed", len(files)) as advance:
        for number, (file, sha) in enumerate(zip(files, pool.map(found, files), strict=True), start=1):
            digests[file] = sha
            advance(number)
    return digests


def _file_problems(derivative: Derivative, expected: Expected, found: dict[File, str | None]) -> Iterator[Problem]:
    wrong = {file: sha for file, sha in found.items() if sha not in expected[file]}
    owners = {sha: file for file, digests in expected.items() for sha in digests}
    for file in wrong:
        owners |= dict.fromkeys(expected[file], file)
    for file, sha in wrong.items():
        step, ledger = next(iter(expected[file].values()))
        remedy = AGAIN if file in derivative.makers else "accept it as it is now: myomag run STUDY"
        source = "restore it from another copy of the crate" if derivative.crate else f"restore it, or {remedy}"
        if sha is None:
            where = f"missing, unreadable or a link in the {file.where}"
            yield Problem("missing", file.path, f"named by {ledger}, {where}; {source}")
        elif sha in owners:
            yield Problem("swapped", file.path, f"has the content of {owners[sha].path}; {source}")
        else:
            stated = next(iter(expected[file]))
            what = f"not as step {step} it (expected SHA-256 {stated[:12]}…, found {sha[:12]}…)"
            yield Problem("changed", file.path, f"{what}; {source}")
    for file, digests in expected.items():
        if len(digests) > 1:
            ledgers = ", ".join(sorted({ledger for _, ledger in digests.values()}))
            yield Problem("stale", file.path, f"named with different digests by {ledgers}; run again: myomag run STUDY")


def _unaccounted(derivative: Derivative, expected: Expected) -> Iterator[Problem]:
    """Files of the derivative, or of its crate, that no ledger and no metadata list."""
    known = {derivative.place(file) for file in expected if file.where != STUDY}
    known |= {derivative.root / path for path in (*derivative.ledgers, INPUTS)}
    known |= {activity_path(derivative.root / path) for path in derivative.ledgers}
    top = derivative.crate.folder if derivative.crate else derivative.root
    known.add(top / METADATA)
    if derivative.has_study:
        # Those that no ledger lists are told of as not taken up yet.
        known |= {derivative.root / path for path in rating_files(derivative.root)}
    for folder, folders, names in os.walk(top):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if here != derivative.root or name not in WORKING_FOLDERS)
        links = [name for name in folders if (here / name).is_symlink()]
        for name in sorted([*names, *links]):
            if here / name not in known:
                path = (here / name).relative_to(top).as_posix()
                yield Problem(
                    "added", printable(path), ("not listed in any ledger: not made by this pipeline; remove it.")
                )


def _unlisted(derivative: Derivative) -> Iterator[Problem]:
    """Raw files and tables of the study and raters that the pipeline would read but no ledger lists."""
    if not derivative.has_study:
        return
    listed = {path for ledger in derivative.of_step("raw") for row in ledger.rows for path, _ in row.inputs.values()}
    failed = {row.scan for ledger in derivative.of_step("raw") for row in ledger.rows if row.status != "ok"}
    try:
        study = find_scans(derivative.study)
        tables, ratings = study_tables(study), rating_files(derivative.root)
    except MyomagError as error:
        yield Problem("missing", str(derivative.study), str(error))
        return
    files = [path for scan in study.scans if scan.stem not in failed for path in (*scan.raw, *scan.sidecars)]
    kinds = dict.fromkeys(files, "raw file of the study") | dict.fromkeys(tables, "table of the study")
    for path, kind in sorted((kinds | dict.fromkeys(ratings, "ratings")).items()):
        if path not in listed:
            yield Problem("added", printable(path), f"{kind} not listed in any ledger; run again: myomag run STUDY")


def show_verification(result: Verification, derivative: Derivative) -> None:
    """Print a verification as text."""
    for problem in result.problems:
        print(f"{problem.kind:<8} {problem.path}\n         {problem.message}")
    count = len(result.problems)
    verdict = f"{count} problem{'s' if count != 1 else ''}" if count else "nothing changed, missing or added"
    place = derivative.crate.folder if derivative.crate else derivative.root
    print(f"{result.files} files and {result.ledgers} ledgers checked in {place}: {verdict}.")
    print("Not checked, as they contain no results: logs/, benchmarks/ and hidden working folders.")
    print("\n".join([*result.notes, f"anchor {result.anchor}"]))
