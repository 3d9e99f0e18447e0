"""Ratings of scans by people: a table per rater in the derivative, and the scans that they leave out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myomag.errors import StudyError, hint
from myomag.io.files import printable
from myomag.io.formulas import loud
from myomag.io.records import record_bytes
from myomag.io.tables import MISSING, TextTable, read_text_table, tsv_bytes
from myomag.pipeline import RATINGS

ACCEPT, REJECT = "accept", "reject"
COLUMNS = ("scan", "rating", "reason")
LABEL = re.compile(r"[A-Za-z0-9-]{1,40}")
"""How a rater may be called, as the file is named after them."""
MOST = 5
"""Faults of a file that are named one by one."""
DICTIONARY = {
    "scan": {"Description": "Scan: the name of its file without extensions."},
    "rating": {
        "Description": "Judgement of the rater.",
        "Levels": {ACCEPT: "The scan may be included in the statistics.", REJECT: "The scan should be excluded."},
    },
    "reason": {"Description": "Reason; required for a rejection."},
}


@dataclass(frozen=True)
class Rating:
    """What one rater says of one scan, why, and the line of the file where it stands."""

    accepted: bool
    reason: str | None = None
    line: int = 0

    @property
    def word(self) -> str:
        """What the file says."""
        return ACCEPT if self.accepted else REJECT

    def __str__(self) -> str:
        return f"{self.word} ({self.reason})" if self.reason else self.word


Rated = Mapping[str, Rating]
"""Ratings of one rater by scan, or of one scan by rater."""
Ratings = Mapping[str, Rated]
"""Ratings of each rater, by scan."""


def rating_files(root: Path) -> list[str]:
    """Tables of ratings in a derivative with their data dictionaries, relative to it, sorted."""
    tables = [path for path in (root / RATINGS).glob("*.tsv") if LABEL.fullmatch(path.stem)]
    found = (path.with_suffix(suffix) for path in tables for suffix in (".json", ".tsv"))
    return sorted(f"{RATINGS}/{path.name}" for path in found if path.is_file())


def read_ratings(root: Path) -> dict[str, dict[str, Rating]]:
    """Ratings of each rater that a derivative holds.

    Raises
    ------
    StudyError
        If a table is wrong, or not named after a rater; the message names file, lines and remedy.
    """
    for path in (root / RATINGS).glob("[!.]*.tsv"):
        if not LABEL.fullmatch(path.stem):
            raise StudyError(
                f"{RATINGS}/{printable(path.name)}: not named after a rater (letters, digits and - only); move it "
                "elsewhere, and import it: myomag ratings STUDY FILE --rater NAME"
            )
    tables = [root / path for path in rating_files(root) if path.endswith(".tsv")]
    read = {path.stem: read_rating_table(path) for path in tables}
    return {rater: {scan: each for scan, each in rated.items() if each} for rater, rated in read.items()}


def read_rating_table(path: Path) -> dict[str, Rating | None]:
    """Ratings by scan as a file gives them; None where the rating is n/a.

    Raises
    ------
    StudyError
        If the file is no table with these columns, a scan is rated twice, a rating is neither accept nor reject, or a
        scan is rejected without a reason.
    """
    table = read_text_table(path)
    _check_columns(table)
    found: dict[str, Rating | None] = {}
    lines: dict[str, int] = {}
    faults = []
    for line, row in zip(table.lines, table.rows, strict=True):
        cells = {name: printable(cell) if cell else None for name, cell in zip(table.columns, row, strict=True)}
        scan, word = cells["scan"], (cells["rating"] or "").lower()
        reason = loud(cells["reason"]) if cells["reason"] else None
        if not scan:
            faults.append(f"line {line}: scan is missing; name it by its file, without extensions")
        elif scan in found:
            faults.append(f"line {line}: {scan} is rated in line {lines[scan]} already; keep one of the two")
        elif word not in ("", ACCEPT, REJECT):
            faults.append(f"line {line}: rating {word!r} is neither {ACCEPT} nor {REJECT}")
        elif word == REJECT and not reason:
            faults.append(f"line {line}: {scan} is rejected without a reason; give one")
        else:
            found[scan], lines[scan] = Rating(word == ACCEPT, reason, line) if word else None, line
    refuse(path, faults)
    return found


def refuse(path: Path, faults: list[str]) -> None:
    """Raise an error that names the faults of a file, if there are any.

    Raises
    ------
    StudyError
        One line, with the first faults.
    """
    more = f"; and {len(faults) - MOST} more" if len(faults) > MOST else ""
    if faults:
        raise StudyError(f"{path}: {'; '.join(faults[:MOST])}{more}.")


def rating_files_of(rater: str, rated: Rated) -> dict[str, bytes]:
    """Contents of the table of a rater and of its data dictionary, by their places in the derivative."""
    rows = ((scan, each.word, each.reason) for scan, each in sorted(rated.items()))
    return {
        f"{RATINGS}/{rater}.tsv": tsv_bytes(COLUMNS, rows),
        f"{RATINGS}/{rater}.json": record_bytes(DICTIONARY),
    }


def by_scan(ratings: Ratings) -> dict[str, dict[str, Rating]]:
    """Ratings of each scan that somebody rated, by rater."""
    found: dict[str, dict[str, Rating]] = {}
    for rater in sorted(ratings):
        for scan, rating in ratings[rater].items():
            found.setdefault(scan, {})[rater] = rating
    return dict(sorted(found.items()))


def rejects(rated: Rated) -> bool:
    """Whether those who rated a scan leave it out: where at least half of them reject it."""
    return 2 * sum(not rating.accepted for rating in rated.values()) >= len(rated)


def rejections(ratings: Ratings) -> dict[str, str]:
    """Reason for each scan that its raters leave out, such as "rejected by 2 of 3 raters (AB: lipid; CD: motion)"."""
    return {scan: _reason(rated) for scan, rated in by_scan(ratings).items() if rejects(rated)}


def rejection_origins(ratings: Ratings) -> dict[str, str]:
    """Where each of these rejections stands, under the key of the setting that it is taken for."""
    return {
        f"overrides.{scan}.reject": ", ".join(
            f"{RATINGS}/{rater}.tsv line {rating.line}" for rater, rating in rated.items() if not rating.accepted
        )
        for scan, rated in by_scan(ratings).items()
        if rejects(rated)
    }


def with_rejections(overrides: Mapping[str, Any], found: Mapping[str, str]) -> dict[str, Any]:
    """Overrides of the settings with what raters reject; where the settings reject a scan or its participant, they win.

    Parameters
    ----------
    overrides : mapping
        The section `overrides` of the settings.
    found : mapping of str to str
        Reason for each scan that its raters leave out.
    """
    added = {
        scan: {**overrides.get(scan, {}), "reject": reason}
        for scan, reason in found.items()
        if not any(overrides.get(target, {}).get("reject") for target in (scan, scan.partition("_")[0]))
    }
    return dict(sorted({**overrides, **added}.items()))


def names_rater(reason: str, rater: str) -> bool:
    """Whether the reason of a rejection names a rater."""
    return reason.startswith("rejected by ") and (f"({rater}: " in reason or f"; {rater}: " in reason)


def _reason(rated: Rated) -> str:
    why = "; ".join(f"{rater}: {rating.reason}" for rater, rating in rated.items() if not rating.accepted)
    number = sum(not rating.accepted for rating in rated.values())
    return f"rejected by {number} of {len(rated)} raters ({why})" if len(rated) > 1 else f"rejected by a rater ({why})"


def _check_columns(table: TextTable) -> None:
    for name in COLUMNS:
        if name not in table.columns:
            near = hint(name, table.columns)
            raise StudyError(
                f"{table.path}: no column {name!r}{f' ({near})' if near else ''}; a table of ratings has the columns "
                f"{', '.join(COLUMNS)}, separated by tabs, with {MISSING} for missing values."
            )
    for name in table.columns:
        if name not in COLUMNS:
            raise StudyError(
                f"{table.path}: column {printable(name)!r} is not one of {', '.join(COLUMNS)}; remove it: "
                "other information about people does not belong here."
            )
