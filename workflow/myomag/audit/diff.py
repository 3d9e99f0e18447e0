"""What differs between the results of two derivatives, by how much, and why."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from myomag import pipeline
from myomag.audit.causes import NOTHING_ELSE, UNEXPLAINED, Cause, Comparison
from myomag.audit.causes import TABLES as STUDY_TABLES
from myomag.audit.record import Derivative
from myomag.audit.values import Value, differing_values, table_cells
from myomag.cohort.catalogue import TABLES
from myomag.cohort.columns import FIXED_COLUMNS
from myomag.io.tables import number

KEYS = {table.file: table.key for table in TABLES.values() if table.name not in ("exclusions", "flow")}
"""Tables compared, and the columns that pair their rows; exclusions and flow repeat what the cohort says."""
ROW = "row"
"""Placeholder for a column if one side has no such row."""
MEASURED = {column.name for column in FIXED_COLUMNS if len(column.path) > 1}
DECIDED = {column.name for column in FIXED_COLUMNS} - MEASURED
MOST = 10
"""Largest number of scans and files shown before the rest is counted."""
MOST_VALUES = 20
"""Fields of the records of a scan that are listed."""
MOST_SCANS = 3
"""Number of scans per cause for which the first differing field is shown."""
MOST_COLUMNS = 5
"""Number of columns of each table shown for each cause."""


@dataclass(frozen=True)
class Difference:
    """One cell that differs, or a row that one side lacks; `difference` (B - A) and `relative` only for two numbers."""

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
        Scans missing from the other one.
    compared : int
        Scans that both have.
    changed : dict of str to list of Cause
        Scans with a file that differs, and why.
    differences : list of Difference
        Cells that differ by more than the tolerance.
    documents : dict of str to Cause
        Pages, figures and texts made from many scans that differ in their bytes.
    values : dict of str to list of Value
        Differing fields in the records of each scan, at the first step that differs; at most MOST_VALUES.
    """

    only_in_a: list[str]
    only_in_b: list[str]
    compared: int
    changed: dict[str, list[Cause]]
    differences: list[Difference]
    documents: dict[str, Cause]
    values: dict[str, list[Value]]

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
            "documents": {path: asdict(cause) for path, cause in self.documents.items()},
            "values": {scan: [asdict(value) for value in values] for scan, values in self.values.items()},
        }


def diff(a: Derivative, b: Derivative, tolerance: float = 0.0) -> Diff:
    """Compare two derivatives.

    Parameters
    ----------
    a, b : Derivative
        The two to compare; B is taken as the later one.
    tolerance : float
        Numbers that differ by less than this share of the larger one count as equal.
    """
    comparison = Comparison(a, b)
    changed = {scan: causes for scan in comparison.shared if (causes := comparison.scan_causes(scan))}
    cells = [cell for table in KEYS for cell in _cells(comparison, table, tolerance)]
    only_a, only_b = ([s for s in own.rows if s not in other.rows] for own, other in ((a, b), (b, a)))
    values = {scan: found for scan in changed if (found := _values(comparison, scan))}
    return Diff(only_a, only_b, len(comparison.shared), changed, cells, _documents(comparison), values)


def _values(comparison: Comparison, scan: str) -> list[Value]:
    """Differing fields in the records of the first step at which they differ."""
    a, b = comparison.a, comparison.b
    for step in pipeline.SCAN_STEPS:
        if step in a.rows[scan] and step in b.rows[scan]:
            one, other = (derivative.rows[scan][step][1].outputs for derivative in (a, b))
            pairs = [(one[role], other[role]) for role in one.keys() & other.keys() if one[role][1] != other[role][1]]
            found = [
                value
                for (path_a, _), (path_b, _) in sorted(pairs)
                for value in differing_values(a.root / path_a, b.root / path_b)
            ]
            if found:
                return found[:MOST_VALUES]
    return []


def _cells(comparison: Comparison, table: str, tolerance: float) -> Iterator[Difference]:
    rows_a, rows_b = (table_cells(derivative.root / table, KEYS[table]) for derivative in (comparison.a, comparison.b))
    changed = comparison.changed_since(table)
    for key in dict.fromkeys((*rows_a, *rows_b)):
        for column, a, b in _unequal(rows_a.get(key), rows_b.get(key)):
            change, relative = _sizes(a, b)
            # Scans that one side lacks are listed separately.
            if (relative is None or relative > tolerance) and (column != ROW or table != "cohort.tsv"):
                cause = changed or _cause(comparison, table, key, column)
                yield Difference(table, key, column, a, b, change, relative, cause)


def _unequal(
    row_a: Mapping[str, str | None] | None, row_b: Mapping[str, str | None] | None
) -> Iterator[tuple[str, str | None, str | None]]:
    """Columns in which two rows differ, with both values."""
    if row_a is None or row_b is None:
        yield ROW, "present" if row_a else None, "present" if row_b else None
        return
    for column in dict.fromkeys((*row_a, *row_b)):
        if row_a.get(column) != row_b.get(column):
            yield column, row_a.get(column), row_b.get(column)


def _sizes(a: str | None, b: str | None) -> tuple[float | None, float | None]:
    x, y = (number(value) if value is not None else None for value in (a, b))
    if x is None or y is None:
        return None, None
    return y - x, abs(y - x) / max(abs(x), abs(y)) if x != y else 0.0


def _documents(comparison: Comparison) -> dict[str, Cause]:
    """Pages, figures and texts that differ in their bytes, with the first cause of each."""
    made_a, made_b = (
        {
            path: sha
            for ledger in derivative.of_step("cohort", "pages", "report")
            for row in ledger.rows
            for path, sha in row.outputs.values()
            if path.startswith("report/") or path.endswith((".md", "spectra.json"))
        }
        for derivative in (comparison.a, comparison.b)
    )
    causes = [cause for cause in comparison.summary_causes if cause.kind != UNEXPLAINED]
    cause = next(iter([*causes, *comparison.study_causes("report")]), Cause(UNEXPLAINED, "report", NOTHING_ELSE))
    return {path: cause for path in sorted(made_a.keys() | made_b.keys()) if made_a.get(path) != made_b.get(path)}


def _cause(comparison: Comparison, table: str, key: str, column: str) -> Cause:
    """First cause of a cell that differs."""
    if table == "protocols.tsv":
        return comparison.pooled_causes[0]
    if table != "cohort.tsv":
        return comparison.summary_causes[0]
    own = comparison.scan_causes(key)
    if column not in MEASURED | DECIDED:
        own = [cause for cause in comparison.cohort_causes if cause.kind == STUDY_TABLES]
    return [*own, *comparison.cohort_causes, Cause(UNEXPLAINED, "cohort", NOTHING_ELSE)][0]


def diff_lines(found: Diff) -> Iterator[str]:
    """Lines of a comparison for a terminal, grouped by cause."""
    for name, scans in (("A", found.only_in_a), ("B", found.only_in_b)):
        yield from (f"only in {name}: {scan}" for scan in scans[:MOST])
        if len(scans) > MOST:
            yield f"only in {name}: … and {len(scans) - MOST} more"
    causes = dict.fromkeys(
        [
            *(each.cause for each in found.differences),
            *(c[0] for c in found.changed.values()),
            *found.documents.values(),
        ]
    )
    for cause in causes:
        scans = [scan for scan, own in found.changed.items() if own[0] == cause]
        yield ""
        yield f"{cause.kind}, first at {cause.step}: {cause.detail}"
        if cause.through:
            yield f"  through: {cause.through}"
        first = [(scan, found.values[scan][0]) for scan in scans if scan in found.values][:MOST_SCANS]
        yield from (
            f"  {scan} {value.name}: {value.present or 'n/a'} → {value.other or 'n/a'}" for scan, value in first
        )
        also = dict.fromkeys(c for scan in scans for c in found.changed[scan][1:])
        yield from (f"  also: {c.kind} at {c.step}: {c.detail}" for c in also)
        yield f"  {len(scans)} of {found.compared} scans have files that differ"
        for table in KEYS:
            cells = [each for each in found.differences if each.cause == cause and each.table == table]
            columns = list(_columns(cells))
            yield from columns[:MOST_COLUMNS]
            if len(columns) > MOST_COLUMNS:
                yield f"  … and {len(columns) - MOST_COLUMNS} more columns of {table}: --json has all"
        paths = [path for path, own in found.documents.items() if own == cause]
        if paths:
            more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            yield f"  {paths[0]}{more}: different bytes"
    yield ""
    yield f"{found.compared} scans compared: " + _verdict(found)


def _verdict(found: Diff) -> str:
    if found.differences:
        return f"{len(found.differences)} values differ."
    if found.changed:
        return (
            f"no value differs by more than the tolerance; files of {len(found.changed)} scans differ in their bytes."
        )
    if not found.same:
        return "scans are missing on one side; no value differs."
    return "no value differs; pages differ in their bytes." if found.documents else "nothing differs."


def _columns(cells: list[Difference]) -> Iterator[str]:
    """One line per table and column, with its largest difference."""
    for table, column in dict.fromkeys((cell.table, cell.column) for cell in cells):
        own = [cell for cell in cells if (cell.table, cell.column) == (table, column)]
        largest = max(own, key=lambda cell: abs(cell.difference or 0.0))
        count = f"{len(own)} differ" if len(own) > 1 else "differs"
        size = "" if largest.difference is None else f", by {largest.difference:+.4g} ({largest.relative:.2g} of it)"
        yield f"  {table} {column}: {count}; {largest.row}: {largest.a or 'n/a'} → {largest.b or 'n/a'}{size}"
