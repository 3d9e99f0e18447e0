"""What the commands `scan` and `check` do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from myomag.options import print_json
from myomag.report.summary import column_lines, prospect_lines
from myomag.settings.load import load_settings
from myomag.single.check import examine_study
from myomag.single.scan import with_voxel
from myomag.single.several import analysed, check_targets, show_many, show_one, write_table
from myomag.single.sources import find_sources, is_one_scan


@dataclass(frozen=True)
class Shown:
    """How results are shown: folder for pages, file for a table, whether to draw the spectrum or print JSON."""

    html: Path | None
    csv: Path | None
    plot: bool | None
    as_json: bool


def scan_files(
    places: Sequence[Path], *, settings: Path | None, bootstrap: int, voxel: str | None, shown: Shown
) -> int:
    """Analyse files and show the results; returns the exit code, 1 if a scan is not included."""
    loaded = load_settings(settings, root=settings.parent if settings else None)
    if voxel is not None:
        loaded = with_voxel(loaded, voxel)
    found = find_sources(places)
    check_targets(found, shown.html, shown.csv)
    results = analysed(found, loaded, bootstrap=bootstrap, pages=shown.html)
    rows, documents = [], []
    for each in results if shown.as_json or len(found.scans) == 1 else show_many(results, found):
        rows.append(each.result.flat)
        documents.append(each.result.document())
        if len(found.scans) == 1 and not shown.as_json:
            show_one(each, shown.plot)
    if shown.csv:
        write_table(shown.csv, rows)
    if shown.as_json:
        print_json(documents[0] if len(places) == 1 and is_one_scan(places[0]) else documents)
    return 0 if all(row["status"] == "included" for row in rows) else 1


def show_check(study: Path, participants: Sequence[str], sessions: Sequence[str], *, as_json: bool) -> int:
    """Show what would go wrong with a study; returns the exit code, 1 if anything would."""
    found = examine_study(study, participants, sessions)
    problems = found.problems
    if as_json:
        print_json({"problems": problems, "columns": found.columns, "models": found.models})
    else:
        for problem in problems:
            print(f"{problem['where']}: {problem['problem']}")
        for line in (*column_lines(found.columns), *prospect_lines(found.models)):
            print(line)
        print(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} found in {study}.")
    return 1 if problems else 0
