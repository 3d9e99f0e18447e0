"""From the results of all scans to the tables of the cohort."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from myomag.cohort.columns import needed_of
from myomag.cohort.comparisons import COMPARISONS_COLUMNS, build_comparisons
from myomag.cohort.demographics import DEMOGRAPHICS_COLUMNS, build_demographics
from myomag.cohort.dictionaries import cohort_dictionary, described, exclusions_dictionary, units
from myomag.cohort.exclusions import exclusion_rows
from myomag.cohort.flow import FLOW_COLUMNS, build_flow
from myomag.cohort.sensitivity import SENSITIVITY_COLUMNS, build_sensitivity
from myomag.cohort.statistics import STATISTICS_COLUMNS, build_statistics, included
from myomag.cohort.tables import build_cohort, build_exclusions, ordered_rows, read_tables
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
    rows = ordered_rows(needed_of(result.summary(root, reject)) for result in results)
    tables = read_tables(study)
    cohort, dictionary = build_cohort(rows, tables, settings), cohort_dictionary(tables)
    sample = included(cohort, settings)
    account = exclusion_rows(rows, settings)
    frames = {
        "flow": (build_flow(account), FLOW_COLUMNS),
        "statistics": (build_statistics(sample, settings, units(dictionary)), STATISTICS_COLUMNS),
        "comparisons": (build_comparisons(sample, settings), COMPARISONS_COLUMNS),
        "sensitivity": (build_sensitivity(rows, cohort, settings), SENSITIVITY_COLUMNS),
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
