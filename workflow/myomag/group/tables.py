"""The tables of several sites as one table of a study: the columns that their cohorts joined from their own tables."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from myomag.audit.group import Site
from myomag.cohort.columns import FIXED_NAMES
from myomag.cohort.plan import SITE
from myomag.cohort.protocols import PROTOCOLS_COLUMNS
from myomag.errors import SettingsError
from myomag.io.formulas import loud
from myomag.io.records import record_bytes
from myomag.io.tables import TextTable, read_text_table, tsv_bytes
from myomag.study.tables import ABSENT, StudyTable

OF_STUDY = f"{SITE}_of_study"
"""New name of a column `site` in a site's own tables."""
COHORT = "cohort.tsv"


def site_table(sites: Mapping[str, Site]) -> StudyTable:
    """Columns of all cohorts other than the measured ones, and the site, for each participant and session.

    Raises
    ------
    SettingsError
        If a column has different units at different sites.
    """
    tables = {name: read_text_table(site.derivative.root / COHORT) for name, site in sites.items()}
    columns = list(dict.fromkeys([SITE, *(_name(name) for each in tables.values() for name in _joined(each))]))
    rows, lines = {}, {}
    for name, site in sites.items():
        for line, values in zip(tables[name].lines, tables[name].rows, strict=True):
            row = dict(zip(tables[name].columns, values, strict=True))
            key = site.names.participant(str(row["participant_id"])), site.names.session(row["session_id"] or "")
            found = {SITE: name} | {_name(column): _said(row[column]) for column in _joined(tables[name])}
            rows[key] = tuple(found.get(column, ABSENT) for column in columns)
            lines[key] = f"{COHORT} of {name}", line
    return StudyTable(f"{COHORT} of each site", tuple(columns), rows, _descriptions(sites), lines, by_session=True)


def _joined(table: TextTable) -> list[str]:
    return [name for name in table.columns if name not in FIXED_NAMES]


def _name(column: str) -> str:
    return OF_STUDY if column == SITE else loud(column)


def _said(cell: str | None) -> str | None:
    """Text of a cell of a results table."""
    return None if cell is None else loud(cell)


def _descriptions(sites: Mapping[str, Site]) -> dict[str, Any]:
    """Entry of each column in the data dictionary of the first site that describes it."""
    found: dict[str, Any] = {}
    units: dict[str, tuple[str, str]] = {}
    for name, site in sites.items():
        entries = json.loads((site.derivative.root / "cohort.json").read_text(encoding="utf-8"))
        for column, entry in ((column, entry) for column, entry in entries.items() if column not in FIXED_NAMES):
            found.setdefault(_name(column), entry)
            if not (unit := str(entry.get("Units") or "")):
                continue
            other, known = units.setdefault(column, (name, unit))
            if unit != known:
                raise SettingsError(
                    f"column {column}: in {known} at {other}, in {unit} at {name}; use the same unit in both "
                    "studies' tables and the JSON files beside them, and run the studies again."
                )
    return found | {SITE: {"Description": "Name of the site in the group."}}


def protocol_tables(sites: Mapping[str, Site]) -> dict[str, bytes]:
    """Contents of protocols.tsv and its data dictionary: the protocols of each site, with the values pooled there."""
    columns = {**PROTOCOLS_COLUMNS, SITE: "Site whose scans were pooled; sites are never pooled together."}
    rows = ([row.get(name) for name in columns] for row in _protocols(sites))
    return {
        "protocols.tsv": tsv_bytes(columns, rows),
        "protocols.json": record_bytes({name: {"Description": text} for name, text in columns.items()}),
    }


def _protocols(sites: Mapping[str, Site]) -> Iterator[dict[str, str | None]]:
    for name, site in sites.items():
        table = read_text_table(site.derivative.root / "protocols.tsv")
        for values in table.rows:
            row = dict(zip(table.columns, values, strict=True))
            named = {key: _renamed(row.get(key), site) for key in ("outlying", "not_pooled")}
            said = {key: _said(cell) for key, cell in row.items()}
            yield said | named | {"protocol": f"{name}-{row['protocol']}", SITE: name}


def _renamed(scans: str | None, site: Site) -> str | None:
    """Scans listed in a cell, under their names in the group."""
    return " ".join(site.names.target(scan) for scan in scans.split()) if scans else None
