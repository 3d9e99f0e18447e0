"""The columns of the study's tables that the analysis uses: type, range and missing values."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from myomag.cohort.design import absent_column
from myomag.cohort.participants import by_value, numbers_of
from myomag.cohort.plan import LOG_MG, planned_models, roles
from myomag.cohort.readings import ColumnReading, ReadTables
from myomag.io.tables import is_missing
from myomag.settings.cohort import CohortSettings

if TYPE_CHECKING:
    import pandas as pd

VARIABLES_COLUMNS = {
    "column": "Column of cohort.tsv used by models, by Table 1 or to order sessions in time.",
    "roles": "Roles given to it in the settings.",
    "tables": "Tables of the study it comes from.",
    "type": "number, sex or text; absent: no table has such a column.",
    "participants": "Participants with a scan who have a value.",
    "missing": "Participants with a scan who have none.",
    "min": "Smallest number.",
    "max": "Largest number.",
    "levels": "Values of a text column, with the number of participants.",
    "left_out": "Contents of cells that were treated as missing although they are not n/a.",
    "remarks": "Files, lines and remedies; for an absent column, the name it may have instead.",
}
"""Columns of variables.tsv and what they contain."""
MOST_LEVELS = 6


def build_variables(cohort: "pd.DataFrame", read: ReadTables, settings: CohortSettings) -> "pd.DataFrame":
    """Build variables.tsv: one row per column of the study's tables that is used, those that are absent last.

    Parameters
    ----------
    cohort : DataFrame
        The table of the cohort, all scans.
    read : ReadTables
        How the columns were read.
    settings : CohortSettings
        Which are used.
    """
    import pandas as pd

    rows = [_row(cohort, each) for each in read.columns if each.name in cohort.columns]
    rows += [
        {"column": name, "roles": role, "type": "absent", "remarks": absent_column(name, list(cohort.columns))}
        for name, role in _absent(cohort, settings)
    ]
    return pd.DataFrame(rows, columns=list(VARIABLES_COLUMNS))


def _absent(cohort: "pd.DataFrame", settings: CohortSettings) -> Iterator[tuple[str, str | None]]:
    """Columns that models need and no table has, with their roles."""
    columns = list(cohort.columns)
    by_role = {column: role for role, column in roles(settings).items()}
    needed = (name for model in planned_models(settings, columns) for name in model.columns)
    for name in dict.fromkeys(needed):
        if name not in (*columns, LOG_MG):
            yield name, by_role.get(name)


def _row(cohort: "pd.DataFrame", each: ColumnReading) -> dict[str, Any]:
    column, people = cohort[each.name], cohort["participant_id"]
    # Unexplained codes of sex stay in the table but do not count as values.
    known = by_value(column, lambda value: not is_missing(value) and str(value) not in each.reading.left_out)
    found = int(people[known].nunique())
    row: dict[str, Any] = {
        "column": each.name,
        "roles": ", ".join(each.roles) or None,
        "tables": ", ".join(each.tables),
        "type": each.reading.kind,
        "participants": found,
        "missing": int(people.nunique()) - found,
        "left_out": ", ".join(each.reading.left_out) or None,
        "remarks": " ".join(f"{remark.file}: {remark.problem}" for remark in each.reading.remarks) or None,
    }
    if each.reading.kind == "number":
        numbers = numbers_of(column)
        numbers = numbers[~np.isnan(numbers)]
        return row | ({"min": float(numbers.min()), "max": float(numbers.max())} if len(numbers) else {})
    counts = Counter(str(value) for value in column[known].groupby(people[known]).first())
    levels = ", ".join(f"{level} ({count})" for level, count in sorted(counts.items())[:MOST_LEVELS])
    return row | {"levels": levels + (", …" if len(counts) > MOST_LEVELS else "") or None}
