"""The page of the cohort: who entered, what came out, how good the scans are, what it rests on; and its figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from myomag.report import cohort_tables, settings_tables, text
from myomag.report.cohort_figures import cohort_figures
from myomag.report.distributions import MOST_POINTS, distributions
from myomag.report.flow import participant_flow
from myomag.report.labels import Labels
from myomag.report.overview import MOST_LISTED, headline, listed, scan_order, scan_row
from myomag.report.page import render

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
INDEX = "report/index.html"
FILES = (
    ("cohort.tsv", "one row per scan: results joined with the participants, sessions and phenotype tables"),
    ("exclusions.tsv", "every scan that entered, with its fate, step and reason"),
    ("flow.tsv", "scans and participants: entered, failed, excluded by reason, analysed"),
    ("comparisons.tsv", "muscle against serum Mg as correlates of age and strength"),
    ("measurement_error.tsv", "the models corrected for the measurement error of each scan"),
    ("sensitivity.tsv", "the models again under other calibrations, quality thresholds and without outliers"),
    ("statistics.tsv", "the regressions above, with all digits and covariates"),
    ("repeatability.tsv", "agreement of repeated scans"),
    ("longitudinal.tsv", "change over years within participants"),
    ("mrsinmrs.tsv", "reporting table of the MRS consensus, from headers and settings"),
    ("methods.md", "methods section, from headers and settings"),
    ("demographics.tsv", "the included participants by sex and age group"),
    ("protocols.tsv", "the acquisition protocols found"),
    ("config.yaml", "the resolved settings, with prior knowledge and calibrations in full"),
    ("benchmarks/runtime.html", "time and memory of every job, as of the last run"),
    ("ledger/", "per step: every file read and written, with digests"),
)


def cohort_report(
    tables: Tables,
    settings: Mapping[str, Any],
    provenance: Sequence[Row],
    run: Mapping[str, Any],
    methods: str = "",
    units: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Path in the derivative and content of the files of each figure, as it is made, and of the page of the cohort.

    Parameters
    ----------
    tables : mapping of str to sequence of mapping
        Rows of each table of the derivative by its stem (cohort, exclusions, flow, statistics, …); missing values are
        None. What is not there is left out.
    settings : mapping
        Resolved settings, as far as the page needs them.
    provenance : sequence of mapping
        One entry per table the page rests on: step, file (relative to the derivative), sha256, settings_digest,
        source_digest.
    run : mapping
        What else the results depend on: software versions, digest of the settings.
    methods : str
        Content of methods.md.
    units : mapping of str to str, optional
        Units of the columns of cohort.tsv, as far as its data dictionary gives them.

    Yields
    ------
    str, bytes
        The same bytes for the same input.
    """
    labels = Labels.of(settings.get("cohort", {}), units)
    ordered = sorted(tables["cohort"], key=scan_order)
    flow = participant_flow(tables.get("flow", ()))
    figures = {}
    for figure in cohort_figures(tables, flow, settings.get("cohort", {}), labels):
        yield from figure.files().items()
        figures[figure.name] = replace(figure, csv=b"")
    statistics = tables.get("statistics", ())
    excluded = sorted((row for row in tables.get("exclusions", ()) if row["status"] != "included"), key=scan_order)
    page = render(
        "cohort.html.j2",
        ("common.js", "cohort.js"),
        title=settings.get("report", {}).get("title", "Muscle magnesium"),
        flow=flow,
        headline=headline(ordered, statistics, labels),
        participants=cohort_tables.participants_table(tables.get("demographics", ()), labels),
        models=cohort_tables.model_rows(statistics, labels, "main"),
        controls=cohort_tables.model_rows(statistics, labels, "control"),
        model_notes=cohort_tables.model_notes(statistics),
        comparisons=cohort_tables.comparison_rows(tables.get("comparisons", ()), labels),
        errors=cohort_tables.error_rows(tables.get("measurement_error", ()), labels),
        longitudinal=cohort_tables.longitudinal_rows(tables.get("longitudinal", ()), labels),
        repeats=cohort_tables.repeat_rows(tables.get("repeatability", ()), labels),
        reporting=cohort_tables.reporting_sections(tables.get("mrsinmrs", ())),
        methods=cohort_tables.methods_parts(methods),
        figures=figures,
        distributions=distributions(ordered, settings.get("qc", {})),
        rows=[scan_row(row, linked=len(ordered) <= MOST_POINTS) for row in listed(ordered)],
        scans=len(ordered),
        exclusions=excluded[:MOST_LISTED],
        excluded=len(excluded),
        protocols=_table(tables.get("protocols")),
        calibrations=settings_tables.calibrations(settings),
        prior_knowledge=settings_tables.prior_knowledge(settings),
        settings=settings_tables.sections(settings),
        provenance=provenance,
        files=[(path, note) for path, note in FILES if "." not in path or _made(path, tables, methods)],
        run=settings_tables.flatten(run),
    )
    yield INDEX, page


def _made(path: str, tables: Tables, methods: str) -> bool:
    """Whether a file that the page names is there: of the tables only some may be."""
    stem, _, kind = path.rpartition(".")
    return {"tsv": stem in tables, "md": bool(methods)}.get(kind, True)


def _table(rows: Sequence[Row] | None) -> dict[str, Any] | None:
    """Any table as columns and cells of text."""
    if not rows:
        return None
    columns = list(rows[0])
    return {"columns": columns, "rows": [[text.text(row.get(column)) for column in columns] for row in rows]}
