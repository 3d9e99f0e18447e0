"""`myomag scan`: one scan in full, or many with a line each; their pages, and a table of all."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

from myomag.errors import ScanError, SettingsError
from myomag.io.files import printable, write_whole
from myomag.report.figures import csv_bytes
from myomag.report.page import scan_anchor
from myomag.settings.models import Settings
from myomag.single.course import course_lines
from myomag.single.scan import ScanSteps, SingleResult
from myomag.single.show import result_lines, short_head, short_row
from myomag.single.show_series import recovery_lines
from myomag.single.sources import Sources
from myomag.single.spectrum import NARROWEST, spectrum_lines
from myomag.single.view import curves_of, scan_page

LONGEST_NAME = 60


@dataclass(frozen=True)
class Analysed:
    """A scan with its result, and its page if written; the files of its steps exist until the next scan."""

    steps: ScanSteps
    result: SingleResult
    page: Path | None


def check_targets(found: Sources, pages: Path | None, table: Path | None) -> None:
    """Check that pages and table can be written before the work begins.

    Raises
    ------
    SettingsError
        If a folder is not one, or the table would overwrite a scan.
    """
    if pages and pages.exists() and not pages.is_dir():
        raise SettingsError(f"--html {pages}: is not a folder; name a new one.")
    if table and (table.is_dir() or not table.absolute().parent.is_dir()):
        raise SettingsError(f"--csv {table}: {'is a folder' if table.is_dir() else 'no such folder'}; name a file.")
    raw = {path.resolve() for source in found.scans for path in source.files.values()}
    if table and table.resolve() in raw:
        raise SettingsError(f"--csv {table}: is the file of a scan; name another one.")


def analysed(found: Sources, settings: Settings, *, bootstrap: int, pages: Path | None) -> Iterator[Analysed]:
    """Results of scans, one at a time; one that cannot be processed has the reason in its result.

    Parameters
    ----------
    found : Sources
        The scans.
    settings : Settings
        Resolved settings.
    bootstrap : int
        Number of averages of resampled transients to evaluate beside; 0 for none.
    pages : Path, optional
        Folder for a page of each scan, created if missing.
    """
    taken: set[str] = set()
    for source in found.scans:
        with ScanSteps(source, settings) as steps:
            result = _result(steps, bootstrap, alone=len(found.scans) == 1)
            page = pages / _page_name(source.shown, taken) if pages else None
            if page:
                page.parent.mkdir(parents=True, exist_ok=True)
                write_whole(page, scan_page(steps, result))
            yield Analysed(steps, result, page)


def _result(steps: ScanSteps, bootstrap: int, *, alone: bool) -> SingleResult:
    """Result of a scan; if there are many, one that cannot be resampled is evaluated without resampling."""
    try:
        return steps.result(bootstrap)
    except ScanError as error:
        if alone:
            raise
        result = steps.result()
        reason = "; ".join(filter(None, (result.flat["reason"], str(error))))
        return replace(result, flat=result.flat | {"reason": reason})


def _page_name(shown: str, taken: set[str]) -> str:
    """Unique name of a page, even on file systems that ignore case."""
    stem = scan_anchor(shown)[:150].lstrip(".-") or "scan"
    name, number = stem, 1
    while name.lower() in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name.lower())
    return f"{name}.html"


def show_one(found: Analysed, plot: bool | None) -> None:
    """Everything about one scan; spectrum and courses if requested, or if the terminal is wide enough."""
    columns, terminal = get_terminal_size().columns, sys.stdout.isatty()
    braille = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    if plot or (plot is None and terminal and braille and columns >= NARROWEST):
        curves = curves_of(found.steps, found.result)
        colours = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        for line in spectrum_lines(curves, max(columns, NARROWEST), colours=colours) if curves else ():
            print(line)
    for line in result_lines(found.result):
        print(line)
    series = found.result.outcome.series
    if series is not None and (plot or (plot is None and terminal and columns >= NARROWEST)):
        print()
        for line in (*course_lines(series, max(columns, NARROWEST), braille=braille), *recovery_lines(series)):
            print(line)
    if found.page:
        print(f"Page: {found.page}")


def show_many(results: Iterable[Analysed], found: Sources) -> Iterator[Analysed]:
    """Print a line for each scan as it is finished, and finally their number; passes the scans on."""
    width = min(max(len(printable(source.shown)) for source in found.scans), LONGEST_NAME)
    print(short_head(width))
    included, page = 0, None
    for each in results:
        print(short_row(each.result.flat, width), flush=True)
        included += each.result.flat["status"] == "included"
        page = each.page
        yield each
    print(f"Included: {included} of {len(found.scans)} scans.")
    for reason, count in sorted(found.left_out.items()):
        print(f"{count} left out: {printable(reason)}")
    if page:
        print(f"Pages: {page.parent}")


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Flat results as CSV; a missing value is an empty cell."""
    names = dict.fromkeys(name for row in rows for name in row)
    write_whole(path, csv_bytes({name: row.get(name) for name in names} for row in rows))
