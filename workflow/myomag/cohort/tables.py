"""cohort.tsv, one row per scan with its results and the study's own columns; exclusions.tsv."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from myomag.cohort.columns import FIXED_NAMES
from myomag.cohort.exclusions import EXCLUSION_COLUMNS
from myomag.cohort.scans import Scans
from myomag.io.tables import typed_series
from myomag.study.tables import StudyTable, joined_columns

if TYPE_CHECKING:
    import pandas as pd


def build_cohort(scans: Scans, tables: Sequence[StudyTable]) -> "pd.DataFrame":
    """Build cohort.tsv: one row per scan, fixed columns first, then those of the study's tables.

    Parameters
    ----------
    scans : Scans
        Results of all scans.
    tables : sequence of StudyTable
        From `study.tables.read_tables`.
    """
    import pandas as pd

    fixed = scans.table[list(FIXED_NAMES)]
    visits = list(zip(fixed["participant_id"], fixed["session_id"], strict=True))
    joined = joined_columns(tables, FIXED_NAMES)
    values = {each.name: typed_series(each.name, [each.value(*visit) for visit in visits]) for each in joined}
    return pd.concat([fixed, pd.DataFrame(values, index=fixed.index)], axis=1)


def build_exclusions(scans: Scans) -> "pd.DataFrame":
    """Build exclusions.tsv: every scan that entered with status, step and reason, in the order of the cohort."""
    return scans.table[list(EXCLUSION_COLUMNS)]
