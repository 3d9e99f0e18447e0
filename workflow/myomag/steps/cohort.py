"""From the results of all scans to the tables of the cohort."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from myomag.cohort.dictionaries import (
    cohort_dictionary,
    demographics_dictionary,
    exclusions_dictionary,
    statistics_dictionary,
)
from myomag.cohort.statistics import build_demographics, build_statistics
from myomag.cohort.tables import build_cohort, build_exclusions, read_tables
from myomag.io.records import record_bytes
from myomag.io.tables import table_bytes
from myomag.results import ScanResult


def cohort_tables(
    results: Sequence[ScanResult], root: Path, study: Path, settings: Mapping[str, Any], reject: Mapping[str, str]
) -> dict[str, bytes]:
    """Contents of the cohort's tables and their data dictionaries, by file name.

    Parameters
    ----------
    results : sequence of ScanResult
        All scans of the study.
    root, study : Path
        Derivative and study folder.
    settings : mapping
        Section `cohort`.
    reject : mapping of str to str
        Participants and scans rejected by hand, with the reason.
    """
    rows = [result.summary(root, reject) for result in results]
    tables = read_tables(study)
    cohort = build_cohort(rows, tables, settings)
    return {
        "cohort.tsv": table_bytes(cohort),
        "cohort.json": record_bytes(cohort_dictionary(tables)),
        "exclusions.tsv": table_bytes(build_exclusions(rows, settings)),
        "exclusions.json": record_bytes(exclusions_dictionary()),
        "statistics.tsv": table_bytes(build_statistics(cohort, settings)),
        "statistics.json": record_bytes(statistics_dictionary(settings)),
        "demographics.tsv": table_bytes(build_demographics(cohort, settings)),
        "demographics.json": record_bytes(demographics_dictionary()),
    }
