"""`myomag ratings`: take the ratings of people into the derivative, and say what they come to."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from myomag.cohort.raters import rater_rows
from myomag.errors import SettingsError, hint
from myomag.io.files import has_content, printable, together
from myomag.ledger.derivative import check_output
from myomag.options import print_json
from myomag.pipeline import RATINGS
from myomag.report.raters import rater_lines
from myomag.run.advice import Advice
from myomag.run.jobs import available_cores
from myomag.run.lock import alone
from myomag.run.plan import Forecast
from myomag.run.plan_text import Plan, plan, plan_lines
from myomag.run.snakefile import Flow, default_output, prepare_jobs, study_root
from myomag.study.ratings import (
    LABEL,
    Rated,
    Rating,
    Ratings,
    by_scan,
    rating_files_of,
    read_rating_table,
    refuse,
    rejections,
    rejects,
)
from myomag.wording.text import plural

MOST = 10
"""Scans named one by one; --json has them all."""


@dataclass(frozen=True)
class Imported:
    """What the file of a rater brought: numbers of ratings new, changed, withdrawn, and said before."""

    rater: str
    file: str
    new: int
    changed: int
    withdrawn: int
    unchanged: int

    def __str__(self) -> str:
        counts = f"{self.new} new, {self.changed} changed, {self.withdrawn} withdrawn, {self.unchanged} as before"
        return f"{RATINGS}/{self.rater}.tsv: {counts}, from {printable(self.file)}"


def show_ratings(study: Path, files: Sequence[Path], output: Path | None, rater: str | None, *, as_json: bool) -> int:
    """Import files of ratings, if there are any, and show what the ratings of a study come to; returns the exit code.

    Raises
    ------
    SettingsError
        If study, output folder or the name of a rater is wrong.
    StudyError
        If a file is wrong; then nothing of any file is imported.
    """
    flow = _flow(study, output)
    imported: list[Imported] = []
    if files:
        imported = import_ratings(flow, files, rater)
        flow = _flow(study, output)
    prepare_jobs()
    following = plan(Forecast(flow), available_cores())
    scans = [scan.stem for scan in flow.found.scans]
    if as_json:
        print_json(_content(flow.ratings, scans, imported, following))
        return 0
    place = () if flow.root == default_output(flow.study) else ("--output", str(flow.root))
    lines = [*map(str, imported), *_lines(flow.ratings, scans, following)]
    print(Advice(str(flow.study), place).complete("\n".join(lines)))
    return 0


def import_ratings(flow: Flow, files: Sequence[Path], rater: str | None = None) -> list[Imported]:
    """Add files of ratings to those of the derivative, all of them or none.

    Of a rater who is there already, what the file says of a scan replaces what was said; n/a withdraws it. Ratings of
    scans that the file does not name stay.

    Parameters
    ----------
    flow : Flow
        Study and derivative.
    files : sequence of Path
        Tables of ratings, named after their raters.
    rater : str, optional
        Name of the rater, where the one file is named otherwise.

    Raises
    ------
    SettingsError
        If the name of a rater is none, or two files are of one rater.
    StudyError
        If a file is no table of ratings, or names a scan that is not in the study.
    """
    check_output(flow.study, flow.root)
    flow.check_scans()
    if rater and len(files) > 1:
        raise SettingsError("--rater names the rater of one file; import files of several raters one by one.")
    with alone(flow.root):
        before, scans = flow.ratings, [scan.stem for scan in flow.found.scans]
        done: list[Imported] = []
        with together(flow.root) as write:
            for path in files:
                # Browsers number what they save again: AB (1).tsv.
                name = rater or re.sub(r"\s*\(\d+\)$", "", path.stem)
                _check_name(path, name, [*before, *(each.rater for each in done)], done)
                given = read_rating_table(path)
                _check_scans(path, given, scans)
                rated, counts = _merged(before.get(name, {}), given)
                done.append(Imported(name, path.name, *counts))
                for place, content in rating_files_of(name, rated).items():
                    if not has_content(flow.root / place, content):
                        write(place, content)
    return done


def _flow(study: Path, output: Path | None) -> Flow:
    """Study with the settings that the last run was given, so that only what ratings change counts as changed."""
    from myomag.audit.record import open_derivative

    root = output.expanduser().resolve() if output else default_output(study_root({"study": study}))
    given = open_derivative(study, root).given if (root / "ledger").is_dir() else {}
    return Flow({"study": str(study)}, given, root)


def _check_name(path: Path, name: str, known: Sequence[str], done: Sequence[Imported]) -> None:
    where = printable(str(path))
    if not LABEL.fullmatch(name):
        raise SettingsError(
            f"{where}: {printable(name)!r} is not a valid rater name (letters, digits and - only, 40 at most); "
            "give one: --rater NAME"
        )
    if name in (each.rater for each in done):
        raise SettingsError(f"{where}: a second file of rater {name}; import one after the other, the later one last.")
    if other := next((each for each in known if each.lower() == name.lower() and each != name), None):
        raise SettingsError(f"{where}: there are ratings of {other}; if that is the same rater: --rater {other}")


def _check_scans(path: Path, given: Mapping[str, Rating | None], scans: Sequence[str]) -> None:
    faults = []
    for scan in given.keys() - set(scans):
        near = hint(scan, scans)
        faults.append(f"{scan}: no such scan in the study{f' ({near})' if near else ''}")
    refuse(path, sorted(faults))


def _merged(before: Rated, given: Mapping[str, Rating | None]) -> tuple[dict[str, Rating], tuple[int, int, int, int]]:
    """Ratings of a rater with those of a file, and how many are new, changed, withdrawn and as before."""
    rated, new, changed, withdrawn = dict(before), 0, 0, 0
    for scan, rating in given.items():
        old = before.get(scan)
        if rating is None:
            withdrawn += rated.pop(scan, None) is not None
        else:
            rated[scan] = rating
            new += old is None
            changed += old is not None and (old.accepted, old.reason) != (rating.accepted, rating.reason)
    return rated, (new, changed, withdrawn, len(given) - new - changed - withdrawn)


def _split(ratings: Ratings, scans: Sequence[str]) -> dict[str, dict[str, Rating]]:
    """Ratings of the scans of the study on which raters differ."""
    known = set(scans)
    found = ((scan, rated) for scan, rated in by_scan(ratings).items() if scan in known)
    return {scan: rated for scan, rated in found if len({rating.accepted for rating in rated.values()}) > 1}


def _lines(ratings: Ratings, scans: Sequence[str], following: Plan) -> Iterator[str]:
    """What ratings come to, for a terminal."""
    if not any(ratings.values()):
        yield "No ratings yet: rate scans on the pages of the report, save them there, and import the file:"
        yield "myomag ratings STUDY FILE.tsv"
        return
    yield from rater_lines(rater_rows(ratings, scans))
    split = [
        f"{scan}: {', '.join(f'{rater} {rating}' for rater, rating in rated.items())}; "
        f"{'left out' if rejects(rated) else 'not left out'}"
        for scan, rated in _split(ratings, scans).items()
    ]
    yield from _listed("judged differently", split)
    yield from _listed("left out", [f"{scan}: {reason}" for scan, reason in rejections(ratings).items()])
    yield ""
    yield "The next run, myomag run STUDY:"
    yield from plan_lines(following)


def _listed(what: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{plural(len(lines), 'scan')} {what}:"
        yield from (f"  {printable(line)}" for line in lines[:MOST])
    if len(lines) > MOST:
        yield f"  … and {len(lines) - MOST} more: --json has all"


def _content(ratings: Ratings, scans: Sequence[str], imported: Sequence[Imported], following: Plan) -> dict[str, Any]:
    """The same for a script."""
    return {
        "imported": [asdict(each) for each in imported],
        "raters": rater_rows(ratings, scans),
        "differing": {
            scan: {rater: {"rating": rating.word, "reason": rating.reason} for rater, rating in rated.items()}
            for scan, rated in _split(ratings, scans).items()
        },
        "left_out": rejections(ratings),
        "next_run": following.as_dict(),
    }
