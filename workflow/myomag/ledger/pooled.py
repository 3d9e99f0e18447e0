"""Begin times pooled over the scans of each protocol, as passed to the fits."""

from pathlib import Path
from typing import Any

from myomag.errors import LedgerError
from myomag.io.files import sha256_file
from myomag.io.tables import read_text_table
from myomag.ledger.rows import ledger_path, read_ledger

PROTOCOLS = "protocols.tsv"


def pooled_begin_times(root: Path) -> dict[str, dict[str, Any]]:
    """Begin time of each protocol in protocols.tsv: value, SD and spread [µs], and outlying scans.

    Empty until the table has been made: Snakemake evaluates this once before, and again afterwards.
    """
    if not (root / PROTOCOLS).is_file():
        return {}
    table = read_text_table(root / PROTOCOLS)
    rows = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    return {
        str(row["protocol"]): {
            **{key: float(str(row[key])) for key in ("begin_time_us", "begin_time_sd_us", "spread_us")},
            "outlying": (row["outlying"] or "").split(),
        }
        for row in rows
        if row["begin_time_us"] is not None
    }


def check_protocols(root: Path) -> None:
    """Refuse a table of protocols that is not as its step wrote it: jobs receive its values, not the file.

    Raises
    ------
    LedgerError
        Naming the table and the remedy.
    """
    try:
        (row,) = read_ledger(root / ledger_path("protocols"))
    except (LedgerError, ValueError):
        # Missing or damaged: the step runs again.
        return
    recorded = row.outputs.get(PROTOCOLS, ("", ""))[1]
    if (root / PROTOCOLS).is_file() and sha256_file(root / PROTOCOLS) != recorded:
        raise LedgerError(f"{PROTOCOLS}: changed since step protocols wrote it. Remove it, and it will be recomputed.")
