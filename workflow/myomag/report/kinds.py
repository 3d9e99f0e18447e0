"""Which kinds of scans a cohort has, and the rows of one of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myomag.cohort.kinds import by_size
from myomag.io.tables import TableRow
from myomag.report.cohort_tables import model_rows
from myomag.wording.labels import Labels


@dataclass(frozen=True)
class Kind:
    """Kind of scans with its included scans and their participants."""

    name: str
    scans: int
    participants: int


def found_kinds(cohort: Sequence[TableRow]) -> list[Kind]:
    """Kinds of the included scans, the one with most participants first."""
    rows = [row for row in cohort if row["status"] == "included" and row.get("kind")]
    names = by_size((row["kind"] for row in rows), (row["participant_id"] for row in rows))
    people = {name: [row["participant_id"] for row in rows if row["kind"] == name] for name in names}
    return [Kind(name, len(people[name]), len(set(people[name]))) for name in names]


def of_kind(tables: Mapping[str, Sequence[TableRow]], kind: str | None) -> Mapping[str, Sequence[TableRow]]:
    """Rows of each table that belong to a kind, or to no one kind; all of them for None."""
    rows = {name: [row for row in table if kind in (None, row.get("kind") or kind)] for name, table in tables.items()}
    return defaultdict(tuple, rows)


def other_models(
    statistics: Sequence[TableRow], kinds: Sequence[Kind], labels: Labels
) -> list[tuple[Kind, list[dict[str, Any]]]]:
    """Rows of the results table of each of some kinds."""
    return [
        (kind, model_rows([row for row in statistics if row["kind"] == kind.name], labels, "main")) for kind in kinds
    ]
