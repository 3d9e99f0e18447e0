"""From the results of all scans to the tables of the cohort."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from myomag.cohort.acquisitions import Acquisition, Protocol
from myomag.cohort.catalogue import TABLES, Analysis
from myomag.cohort.dictionaries import joined_entries
from myomag.cohort.exclusions import decide
from myomag.cohort.methods import methods_text
from myomag.cohort.readings import needed_columns, read_used
from myomag.cohort.scans import Scans
from myomag.cohort.tables import build_cohort
from myomag.io.records import digest, read_record, record_bytes
from myomag.io.series_records import Series
from myomag.io.tables import table_bytes, table_rows, written
from myomag.ledger.activity import environment
from myomag.ledger.results import ScanOutcome, ScanResult
from myomag.settings.models import Settings
from myomag.steps.begin_time import protocol_fields
from myomag.steps.spectra import GroupSpectra
from myomag.study.tables import StudyTable

TableReader = Callable[[Collection[str], Collection[str]], Sequence[StudyTable]]


def cohort_tables(
    results: Iterable[ScanResult], tables: TableReader, settings: Settings, reject: Mapping[str, str]
) -> dict[str, bytes]:
    """Contents of the cohort's tables, their data dictionaries, its spectra and the methods text, by file name.

    Parameters
    ----------
    results : iterable of ScanResult
        All scans of the study.
    tables : callable
        Takes participants, and columns that are used; gives the tables of the study, which are joined.
    settings : Settings
        Sections `qc`, `fit`, `magnesium` and `cohort`.
    reject : mapping of str to str
        Participants and scans rejected by hand, with the reason.
    """
    spectra = GroupSpectra()
    analysis = _analysis(results, tables, settings, reject, spectra)
    included = set(analysis.cohort["scan"][analysis.cohort["status"] == "included"])
    contents = {"spectra.json": record_bytes(spectra.content(included))}
    for table in TABLES.values():
        if table.build is not None:
            contents[table.file] = table_bytes(table.build(analysis))
            contents[f"{table.name}.json"] = record_bytes(
                # Under the names that the columns have in the file.
                {written(name): entry for name, entry in analysis.dictionary(table.name).items()}
            )
    software = environment()
    versions = {"Python": software["python"], **software["packages"]}
    columns = list(analysis.cohort.columns)
    text = methods_text(
        analysis.protocols, table_rows(analysis.flow), settings, columns, versions, list(analysis.samples)
    )
    return contents | {"methods.md": text.encode()}


def _analysis(
    results: Iterable[ScanResult],
    tables: TableReader,
    settings: Settings,
    reject: Mapping[str, str],
    spectra: GroupSpectra,
) -> Analysis:
    protocols: dict[str, Protocol] = defaultdict(Protocol)
    series: list[Series] = []

    def outcomes() -> Iterator[ScanOutcome]:
        """Results of one scan after the other, its acquisition counted: 100,000 records would not fit in memory."""
        for result in results:
            outcome = result.outcome(reject)
            if (known := _acquisition(result, outcome, settings.fit.protocol_fields)) is not None:
                protocols[known.protocol].add(known)
                outcome = replace(outcome, protocol=known.protocol)
            if outcome.series:
                series.append(outcome.series)
            spectra.add(result, outcome, entering=decide(outcome, settings.cohort).status == "included")
            yield outcome

    scans = Scans.of(outcomes(), settings.cohort)
    people = set(scans.table["participant_id"])
    read = read_used(tables(people, needed_columns(settings.cohort)), settings.cohort)
    cohort = build_cohort(scans, read.tables)
    joined = joined_entries(read.tables)
    return Analysis(scans, cohort, joined, dict(sorted(protocols.items())), settings, read, series)


def _acquisition(result: ScanResult, outcome: ScanOutcome, names: list[str]) -> Acquisition | None:
    """How a scan was acquired; None where it could not be read."""
    path, quality = result.path("preproc_sidecar"), outcome.quality
    if path is None or quality is None:
        return None
    sidecar = read_record(path)
    protocol = "-".join(filter(None, (result.site, digest(protocol_fields(sidecar, names))[:8])))
    header = {key: value for key, value in sidecar.items() if not isinstance(value, list | dict)}
    counted = {"transients": quality.transients, "coils": quality.coils}
    return Acquisition(protocol, header | counted | _named(outcome.scan))


def _named(scan: str) -> dict[str, str | None]:
    """Place and suffix that the name of a scan tells."""
    entities = dict(part.split("-", 1) for part in scan.split("_") if "-" in part)
    return {"voi": entities.get("voi"), "suffix": scan.rpartition("_")[2]}
