"""From the results of all scans to the tables of the cohort."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from myomag.cohort.acquisitions import Acquisition, Protocol
from myomag.cohort.catalogue import TABLES, Analysis
from myomag.cohort.dictionaries import joined_entries
from myomag.cohort.exclusions import decide
from myomag.cohort.readings import needed_columns, read_used
from myomag.cohort.scans import Scans
from myomag.cohort.tables import build_cohort
from myomag.io.records import digest, read_record, record_bytes
from myomag.io.scan_records import Fit
from myomag.io.series_records import Series
from myomag.io.tables import table_bytes, table_rows, written
from myomag.ledger.activity import environment
from myomag.ledger.results import ScanOutcome, ScanResult
from myomag.manuscript.files import manuscript_files
from myomag.manuscript.material import PRINTED, Material
from myomag.settings.models import Settings
from myomag.steps.begin_time import protocol_fields
from myomag.steps.spectra import GroupSpectra
from myomag.study.ratings import Ratings
from myomag.study.tables import StudyTable

TableReader = Callable[[Collection[str], Collection[str]], Sequence[StudyTable]]


def cohort_tables(
    results: Iterable[ScanResult],
    tables: TableReader,
    settings: Settings,
    reject: Mapping[str, str],
    ratings: Ratings,
) -> dict[str, bytes]:
    """Contents of the cohort's tables, their dictionaries, its spectra and what an author takes over, by file name.

    Parameters
    ----------
    results : iterable of ScanResult
        All scans of the study.
    tables : callable
        Takes participants and the columns used; returns the tables of the study to join.
    settings : Settings
        Sections `qc`, `fit`, `magnesium`, `series` and `cohort`.
    reject : mapping of str to str
        Manually rejected participants and scans, with the reason.
    ratings : Ratings
        Ratings of scans by people, whose agreement is reported.
    """
    spectra = GroupSpectra()
    analysis = replace(_analysis(results, tables, settings, reject, spectra), ratings=ratings)
    included = set(analysis.cohort["scan"][analysis.cohort["status"] == "included"])
    contents, printed = {"spectra.json": record_bytes(spectra.content(included))}, {}
    for table in TABLES.values():
        if table.build is not None:
            built = table.build(analysis)
            contents[table.file] = table_bytes(built)
            if table.name in PRINTED:
                printed[table.name] = table_rows(built)
            contents[f"{table.name}.json"] = record_bytes(
                # Under the column names in the file.
                {written(name): entry for name, entry in analysis.dictionary(table.name).items()}
            )
    software = environment()
    material = Material(
        analysis.protocols,
        printed,
        settings,
        list(analysis.cohort.columns),
        {"Python": software["python"], **software["packages"]},
        list(analysis.samples),
        analysis.units,
    )
    return contents | manuscript_files(material)


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
        """Results of one scan at a time, counting acquisitions: 100,000 records would not fit in memory."""
        for result in results:
            outcome = result.outcome(reject)
            if (known := _acquisition(result, outcome, settings.fit.protocol_fields)) is not None:
                protocols[known.protocol].add(known)
                outcome = replace(outcome, protocol=known.protocol)
            if outcome.series:
                # In a group of sites a scan has another name than in its own study.
                series.append(outcome.series.model_copy(update={"scan": outcome.scan}))
            spectra.add(result, outcome, entering=decide(outcome, settings.cohort).status == "included")
            yield outcome

    scans = Scans.of(outcomes(), settings.cohort)
    people = set(scans.table["participant_id"])
    read = read_used(tables(people, needed_columns(settings.cohort)), settings.cohort)
    cohort = build_cohort(scans, read.tables)
    joined = joined_entries(read.tables)
    # In the order of the cohort: that of the results depends on how the study was split into batches.
    series.sort(key=lambda each: each.scan)
    return Analysis(scans, cohort, joined, dict(sorted(protocols.items())), settings, read, series)


def _acquisition(result: ScanResult, outcome: ScanOutcome, names: list[str]) -> Acquisition | None:
    """How a scan was acquired; None if it could not be read."""
    path, quality = result.path("preproc_sidecar"), outcome.quality
    if path is None or quality is None:
        return None
    sidecar = read_record(path)
    protocol = "-".join(filter(None, (result.site, digest(protocol_fields(sidecar, names))[:8])))
    header = {key: value for key, value in sidecar.items() if not isinstance(value, list | dict)}
    counted = {"transients": quality.transients, "coils": quality.coils}
    counted |= {"repetitions": outcome.series.repetitions} if outcome.series else {}
    return Acquisition(protocol, header | counted | _fitted(outcome.fit) | _named(outcome.scan))


def _fitted(fit: Fit | None) -> dict[str, float]:
    """Stretch of the FID that was left out [ms], and what other scans of the protocol told of the begin time [µs]."""
    if fit is None:
        return {}
    prior = fit.begin_time_prior
    known = {"prior_us": float(round(prior.mean_us)), "prior_sd_us": float(f"{prior.common_sd_us:.2g}")}
    skipped = {"skipped_ms": float(f"{1e3 * fit.skipped_points * fit.dwell_time_s:.2g}")}
    return skipped | (known if prior.source == "protocol" else {})


def _named(scan: str) -> dict[str, str | None]:
    """Region and suffix in the name of a scan."""
    entities = dict(part.split("-", 1) for part in scan.split("_") if "-" in part)
    return {"voi": entities.get("voi"), "suffix": scan.rpartition("_")[2]}
