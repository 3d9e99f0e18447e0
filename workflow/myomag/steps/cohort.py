"""From the results of all scans to the tables of the cohort."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myomag.cohort.acquisitions import Acquisition, by_protocol
from myomag.cohort.columns import needed_of
from myomag.cohort.comparisons import COMPARISONS_COLUMNS, build_comparisons
from myomag.cohort.demographics import DEMOGRAPHICS_COLUMNS, build_demographics
from myomag.cohort.dictionaries import cohort_dictionary, described, exclusions_dictionary, units
from myomag.cohort.error_table import MEASUREMENT_ERROR_COLUMNS, build_measurement_error
from myomag.cohort.exclusions import EXCLUSION_COLUMNS
from myomag.cohort.flow import FLOW_COLUMNS, build_flow
from myomag.cohort.longitudinal_table import LONGITUDINAL_COLUMNS, build_longitudinal
from myomag.cohort.methods import methods_text
from myomag.cohort.mrsinmrs import MRSINMRS_COLUMNS, build_mrsinmrs
from myomag.cohort.repeatability import REPEATABILITY_COLUMNS, build_repeatability
from myomag.cohort.sensitivity import SENSITIVITY_COLUMNS, build_sensitivity
from myomag.cohort.statistics import STATISTICS_COLUMNS, build_statistics, included
from myomag.cohort.stored import StoredRows
from myomag.cohort.tables import build_cohort, build_exclusions, read_tables
from myomag.io.files import Content, scratch_file
from myomag.io.records import digest, record_bytes
from myomag.io.table_rows import TableRows
from myomag.io.tables import table_lines
from myomag.ledger.activity import environment
from myomag.ledger.results import ScanResult
from myomag.steps.begin_time import protocol_fields

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]


def cohort_tables(
    results: Iterable[ScanResult], root: Path, study: Path, settings: Mapping[str, Any], reject: Mapping[str, str]
) -> dict[str, Content]:
    """Contents of the cohort's tables, their data dictionaries and the methods text, by file name.

    Tables come piece by piece, to be read once.

    Parameters
    ----------
    results : iterable of ScanResult
        All scans of the study.
    root, study : Path
        Derivative and study folder.
    settings : mapping
        Sections `qc`, `fit`, `magnesium` and `cohort`.
    reject : mapping of str to str
        Participants and scans rejected by hand, with the reason.
    """
    fields = settings["fit"]["protocol_fields"]
    rows = (
        needed_of(result.summary(root, reject)) | {"acquisition": _acquisition(result, root, fields)}
        for result in results
    )
    with scratch_file(root) as file:
        return _contents(StoredRows(file, rows), study, settings)


def _contents(rows: StoredRows, study: Path, settings: Mapping[str, Any]) -> dict[str, Content]:
    """Contents of all files, from the rows of all scans."""
    chosen = settings["cohort"]
    protocols = by_protocol(Acquisition(**known) for row in rows if (known := row["acquisition"]))
    cohort, dictionary = _joined(rows, study, chosen)
    exclusions = build_exclusions(rows, cohort, chosen)
    flow = build_flow(TableRows({name: exclusions[name].tolist() for name in EXCLUSION_COLUMNS}, len(exclusions)))
    written = _analysis(rows, cohort, chosen, units(dictionary))
    written |= {
        "flow": (flow, described(FLOW_COLUMNS)),
        "cohort": (cohort, dictionary),
        "exclusions": (exclusions, exclusions_dictionary()),
        "mrsinmrs": (build_mrsinmrs(protocols, included(cohort, chosen), settings), described(MRSINMRS_COLUMNS)),
    }
    contents: dict[str, Content] = {f"{name}.tsv": table_lines(frame) for name, (frame, _) in written.items()}
    contents |= {f"{name}.json": record_bytes(dictionary) for name, (_, dictionary) in written.items()}
    counts: list[Any] = flow.to_dict("records")
    software = environment()
    text = methods_text(protocols, counts, settings, list(cohort.columns), _versions(software))
    return contents | {"methods.md": text.encode()}


def _joined(rows: StoredRows, study: Path, settings: Row) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Table of the cohort and its data dictionary; the tables of the study, large as texts, do not outlive it."""
    tables = read_tables(study)
    return build_cohort(rows, tables, settings), cohort_dictionary(tables)


def _analysis(
    rows: StoredRows, cohort: "pd.DataFrame", settings: Row, known_units: Mapping[str, str]
) -> dict[str, tuple["pd.DataFrame", dict[str, Any]]]:
    """Tables of the analysis with their data dictionaries."""
    sample = included(cohort, settings)
    found = {
        "statistics": (build_statistics(sample, settings, known_units), STATISTICS_COLUMNS),
        "comparisons": (build_comparisons(sample, settings), COMPARISONS_COLUMNS),
        "measurement_error": (build_measurement_error(sample, settings), MEASUREMENT_ERROR_COLUMNS),
        "sensitivity": (build_sensitivity(rows, cohort, settings), SENSITIVITY_COLUMNS),
        "repeatability": (build_repeatability(sample, settings), REPEATABILITY_COLUMNS),
        "longitudinal": (build_longitudinal(sample, settings), LONGITUDINAL_COLUMNS),
        "demographics": (build_demographics(sample, settings), DEMOGRAPHICS_COLUMNS),
    }
    return {name: (frame, described(columns)) for name, (frame, columns) in found.items()}


def _acquisition(result: ScanResult, root: Path, names: list[str]) -> dict[str, Any] | None:
    """Content of the `Acquisition` of a scan; None where it could not be read."""
    sidecar, quality = result.record(root, "preproc_sidecar"), result.record(root, "quality")
    if sidecar is None or quality is None:
        return None
    protocol = digest(protocol_fields(sidecar, names))[:8]
    header = {key: value for key, value in sidecar.items() if not isinstance(value, list | dict)}
    counted = {key: quality.get(key) for key in ("transients", "coils")}
    return {"protocol": protocol, "fields": header | counted | _named(result.last.scan)}


def _named(scan: str) -> dict[str, str | None]:
    """Place and suffix that the name of a scan tells."""
    entities = dict(part.split("-", 1) for part in scan.split("_") if "-" in part)
    return {"voi": entities.get("voi"), "suffix": scan.rpartition("_")[2]}


def _versions(software: Row) -> dict[str, str]:
    return {"Python": software["python"], **software["packages"]}
