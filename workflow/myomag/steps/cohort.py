"""From the results of all scans to the tables of the cohort."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from myomag.cohort.demographics import DEMOGRAPHICS_COLUMNS, build_demographics
from myomag.cohort.dictionaries import cohort_dictionary, described, exclusions_dictionary, units
from myomag.cohort.statistics import STATISTICS_COLUMNS, build_statistics, included
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
    cohort, dictionary = build_cohort(rows, tables, settings), cohort_dictionary(tables)
    sample = included(cohort, settings)
    frames = {
        "statistics": (build_statistics(sample, settings, units(dictionary)), STATISTICS_COLUMNS),
        "demographics": (build_demographics(sample, settings), DEMOGRAPHICS_COLUMNS),
    }
    contents = {
        "cohort.tsv": table_bytes(cohort),
        "cohort.json": record_bytes(dictionary),
        "exclusions.tsv": table_bytes(build_exclusions(rows, settings)),
        "exclusions.json": record_bytes(exclusions_dictionary()),
    }
    for name, (frame, columns) in frames.items():
        contents |= {f"{name}.tsv": table_bytes(frame), f"{name}.json": record_bytes(described(columns))}
    return contents
