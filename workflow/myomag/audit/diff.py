"""What differs between the results of two derivatives, by how much, and why."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from myomag.audit.causes import NOTHING_ELSE, TABLES, UNEXPLAINED, Cause, Comparison
from myomag.audit.record import Derivative
from myomag.cohort.columns import FIXED_COLUMNS
from myomag.errors import StudyError
from myomag.io.tables import number, read_text_table

KEYS = {
    "cohort.tsv": ("scan",),
    "statistics.tsv": ("model", "predictor"),
    "comparisons.tsv": ("outcome", "stratum"),
    "demographics.tsv": ("stratum", "age_group", "variable"),
    "protocols.tsv": ("protocol",),
}
"""Tables that are compared, and the columns that pair their rows."""
MEASURED = {column.name for column in FIXED_COLUMNS if len(column.path) > 1}
DECIDED = {column.name for column in FIXED_COLUMNS} - MEASURED
MOST = 10
"""Columns shown for each cause, and scans, before the rest is only counted."""


@dataclass(frozen=True)
class Difference:
    """One cell that differs; `difference` (B - A) and `relative` only where both are numbers."""

    table: str
    row: str
    column: str
    a: str | None
    b: str | None
    difference: float | None
    relative: float | None
    cause: Cause


@dataclass(frozen=True)
class Diff:
    """All that differs between two derivatives.

    Attributes
    ----------
    only_in_a, only_in_b : list of str
        Scans that the other one does not have.
    compared : int
        Scans that both have.
    changed : dict of str to list of Cause
        Scans with a file that differs, and why.
    differences : list of Difference
        Cells that differ by more than the tolerance.
    """

    only_in_a: list[str]
    only_in_b: list[str]
    compared: int
    changed: dict[str, list[Cause]]
    differences: list[Difference]

    @property
    def same(self) -> bool:
        """Whether no scan and no value differs; files may differ in their bytes."""
        return not (self.only_in_a or self.only_in_b or self.differences)

    def as_dict(self) -> dict[str, Any]:
        """Content for a script."""
        return {
            "same": self.same,
            "compared": self.compared,
            "only_in_a": self.only_in_a,
            "only_in_b": self.only_in_b,
            "changed": {scan: [asdict(cause) for cause in causes] for scan, causes in self.changed.items()},
            "differences": [asdict(difference) for difference in self.differences],
        }


def diff(a: Derivative, b: Derivative, tolerance: float = 0.0) -> Diff:
    """Compare two derivatives.

    Parameters
    ----------
    a, b : Derivative
        What is compared; B is seen as the later one.
    tolerance : float
        Numbers that differ by less than this share of the larger one count as equal.
    """
    comparison = Comparison(a, b)
    changed = {scan: causes for scan in comparison.shared if (causes := comparison.scan_causes(scan))}
    cells = [cell for table in KEYS for cell in _cells(comparison, table, tolerance)]
    only_a, only_b = ([s for s in own.rows if s not in other.rows] for own, other in ((a, b), (b, a)))
    return Diff(only_a, only_b, len(comparison.shared), changed, cells)


def _cells(comparison: Comparison, table: str, tolerance: float) -> Iterator[Difference]:
    rows_a, rows_b = (_rows(derivative, table) for derivative in (comparison.a, comparison.b))
    for key, row_a in rows_a.items():
        for column, value_a in row_a.items() if key in rows_b else ():
            if column not in rows_b[key] or value_a == (value_b := rows_b[key][column]):
                continue
            change, relative = _sizes(value_a, value_b)
            if relative is None or relative > tolerance:
                cause = _cause(comparison, table, key, column)
                yield Difference(table, key, column, value_a, value_b, change, relative, cause)


def _rows(derivative: Derivative, table: str) -> dict[str, dict[str, str | None]]:
    try:
        content = read_text_table(derivative.root / table)
    except StudyError:
        return {}
    rows = [dict(zip(content.columns, row, strict=True)) for row in content.rows]
    return {" ".join(str(row[name]) for name in KEYS[table]): row for row in rows}


def _sizes(a: str | None, b: str | None) -> tuple[float | None, float | None]:
    x, y = (number(value) if value is not None else None for value in (a, b))
    if x is None or y is None:
        return None, None
    return y - x, abs(y - x) / max(abs(x), abs(y)) if x != y else 0.0


def _cause(comparison: Comparison, table: str, key: str, column: str) -> Cause:
    """First cause of a cell that differs."""
    if table == "protocols.tsv":
        return comparison.pooled_causes[0]
    if table != "cohort.tsv":
        return comparison.summary_causes[0]
    own = comparison.scan_causes(key)
    if column not in MEASURED | DECIDED:
        own = [cause for cause in comparison.cohort_causes if cause.kind == TABLES]
    return [*own, *comparison.cohort_causes, Cause(UNEXPLAINED, "cohort", NOTHING_ELSE)][0]


def diff_lines(found: Diff) -> Iterator[str]:
    """Lines of a comparison for a terminal, grouped by cause."""
    for name, scans in (("A", found.only_in_a), ("B", found.only_in_b)):
        yield from (f"only in {name}: {scan}" for scan in scans[:MOST])
        if len(scans) > MOST:
            yield f"only in {name}: … and {len(scans) - MOST} more"
    causes = dict.fromkeys([*(each.cause for each in found.differences), *(c[0] for c in found.changed.values())])
    for cause in causes:
        scans = [scan for scan, own in found.changed.items() if own[0] == cause]
        yield ""
        yield f"{cause.kind}, first at {cause.step}: {cause.detail}"
        if cause.through:
            yield f"  through: {cause.through}"
        also = dict.fromkeys(c for scan in scans for c in found.changed[scan][1:])
        yield from (f"  besides: {c.kind} at {c.step}: {c.detail}" for c in also)
        yield f"  {len(scans)} of {found.compared} scans have files that differ"
        columns = list(_columns([each for each in found.differences if each.cause == cause]))
        yield from columns[:MOST]
        if len(columns) > MOST:
            yield f"  … and {len(columns) - MOST} more columns: --json has all"
    yield ""
    yield f"{found.compared} scans compared: " + _verdict(found)


def _verdict(found: Diff) -> str:
    if found.differences:
        return f"{len(found.differences)} values differ."
    if found.changed:
        return (
            f"no value differs by more than the tolerance; files of {len(found.changed)} scans differ in their bytes."
        )
    return "nothing differs." if found.same else "scans are missing on one side, no value differs."


def _columns(cells: list[Difference]) -> Iterator[str]:
    """One line per table and column, its largest difference named."""
    for table, column in dict.fromkeys((cell.table, cell.column) for cell in cells):
        own = [cell for cell in cells if (cell.table, cell.column) == (table, column)]
        largest = max(own, key=lambda cell: abs(cell.difference or 0.0))
        count = f"{len(own)} differ" if len(own) > 1 else "differs"
        size = "" if largest.difference is None else f", by {largest.difference:+.4g} ({largest.relative:.2g} of it)"
        yield f"  {table} {column}: {count}; {largest.row}: {largest.a or 'n/a'} → {largest.b or 'n/a'}{size}"
