"""What text and tables of a study are written from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from myomag.cohort.acquisitions import Protocol
from myomag.io.tables import TableRow
from myomag.settings.models import Settings
from myomag.wording.labels import Labels

PRINTED = (
    *("flow", "demographics", "statistics", "measurement_error", "comparisons", "sensitivity"),
    *("repeatability", "longitudinal", "kinetics", "mrsinmrs"),
)
"""Result tables that text and printed tables are written from."""


@dataclass(frozen=True)
class Material:
    """Results of a study, and how they came about.

    Attributes
    ----------
    protocols : mapping of str to Protocol
        Scans that could be read, from `acquisitions.by_protocol`.
    tables : mapping of str to sequence of mapping
        Rows of the result tables by name; a table that is not there has none.
    settings : Settings
        Sections `qc`, `fit`, `magnesium`, `series` and `cohort`.
    columns : sequence of str
        Columns of the cohort.
    software : mapping of str to str
        Versions by name.
    kinds : sequence of str
        Kinds of the included scans.
    units : mapping of str to str
        Units of the columns of the cohort, as far as they are known.
    """

    protocols: Mapping[str, Protocol]
    tables: Mapping[str, Sequence[TableRow]]
    settings: Settings
    columns: Sequence[str] = ()
    software: Mapping[str, str] = field(default_factory=dict)
    kinds: Sequence[str] = ()
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> Labels:
        """Readable names of columns."""
        return Labels.of(self.settings.cohort, self.units)

    def rows(self, table: str) -> Sequence[TableRow]:
        """Rows of a table."""
        return self.tables.get(table, ())

    def estimated(self, table: str) -> list[TableRow]:
        """Rows of a table that hold an estimate."""
        return [row for row in self.rows(table) if row.get("status") == "estimated"]

    def row_values(self, table: str, column: str) -> list[Any]:
        """Distinct values of a column among the estimates of a table, in their order."""
        return list(dict.fromkeys(row[column] for row in self.estimated(table)))
