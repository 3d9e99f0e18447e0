"""From the begin times of all scans to the table of protocols."""

from collections.abc import Iterable

from myomag.cohort.protocols import PROTOCOLS_COLUMNS, protocol_rows
from myomag.io.records import record_bytes
from myomag.io.scan_records import BeginTime
from myomag.io.tables import tsv_bytes
from myomag.ledger.results import ScanResult


def protocol_tables(results: Iterable[ScanResult]) -> dict[str, bytes]:
    """Contents of protocols.tsv and its data dictionary, by file name.

    Parameters
    ----------
    results : iterable of ScanResult
        All scans of the study.
    """
    rows = protocol_rows([record for result in results if (record := result.record(BeginTime))])
    return {
        "protocols.tsv": tsv_bytes(PROTOCOLS_COLUMNS, ([row[name] for name in PROTOCOLS_COLUMNS] for row in rows)),
        "protocols.json": record_bytes({name: {"Description": text} for name, text in PROTOCOLS_COLUMNS.items()}),
    }
