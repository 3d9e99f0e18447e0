"""The page of the cohort: who entered, what came out, how good the scans are, what it rests on; and its figures."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from myomag.io.tables import TableRow, table_rows
from myomag.pipeline import COHORT, PROTOCOLS
from myomag.report import cohort_tables, settings_tables
from myomag.report.answers import answers, is_asked
from myomag.report.cohort_figures import cohort_figures
from myomag.report.controls import tripped
from myomag.report.distributions import MOST_POINTS, distributions
from myomag.report.figures import Figure
from myomag.report.flow import participant_flow
from myomag.report.group_spectra import spectra_figure, thumbnails
from myomag.report.kinds import found_kinds, of_kind, other_models
from myomag.report.over_scans import over_scans
from myomag.report.overview import MOST_LISTED, headline, listed, scan_order, scan_row
from myomag.report.page import render
from myomag.report.raters import rater_lines
from myomag.settings.models import Settings
from myomag.wording import text
from myomag.wording.labels import Labels, model_name

if TYPE_CHECKING:
    import pandas as pd

Tables = Mapping[str, "pd.DataFrame"]
INDEX = "report/index.html"
MOST_BESIDE = 2
FILES = (
    *((file.name, file.description) for step in (COHORT, PROTOCOLS) for file in step.writes if not file.describes),
    ("config.yaml", "all settings, with prior knowledge and calibrations in full"),
    ("benchmarks/runtime.html", "time and memory of every job in the last run"),
    ("ledger/", "every file that each step read and wrote, with digests"),
)


def cohort_report(
    tables: Tables,
    settings: Settings,
    provenance: Sequence[TableRow],
    run: Mapping[str, Any],
    methods: str = "",
    units: Mapping[str, str] | None = None,
    spectra: Mapping[str, Any] | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Path in the derivative and content of the files of each figure, as it is made, and of the page of the cohort.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tables of the derivative by name (cohort, exclusions, flow, statistics, …). What is not there is left out.
    settings : Settings
        Sections `qc`, `magnesium`, `cohort` and `report`.
    provenance : sequence of mapping
        One entry per table the page rests on: step, file (relative to the derivative), sha256, settings_digest,
        source_digest.
    run : mapping
        What else the results depend on: software versions, digest of the settings.
    methods : str
        Content of methods.md.
    units : mapping of str to str, optional
        Units of the columns of cohort.tsv, as far as its data dictionary gives them.
    spectra : mapping, optional
        Content of spectra.json.

    Yields
    ------
    str, bytes
        The same bytes for the same input.
    """
    labels = Labels.of(settings.cohort, units)
    every: Mapping[str, Sequence[TableRow]] = defaultdict(tuple, {name: table_rows(tables[name]) for name in tables})
    kinds = found_kinds(every["cohort"])
    rows = of_kind(every, kinds[0].name if len(kinds) > 1 else None)
    ordered = sorted(every["cohort"], key=scan_order)
    flow = participant_flow(rows["flow"])
    figures = {}
    made = cohort_figures(rows, tables["cohort"], flow, settings.cohort, labels)
    shown = spectra_figure(spectra or {}, rows["cohort"], settings.report)
    for figure in itertools.chain(made, over_scans(ordered), filter(None, [shown])):
        yield from figure.files().items()
        figures[figure.name] = replace(figure, csv=b"")
    excluded = sorted((row for row in rows["exclusions"] if row["status"] != "included"), key=scan_order)
    page = render(
        "cohort.html.j2",
        ("common.js", "contents.js", "cohort.js"),
        title=settings.report.title,
        flow=flow,
        raters=rater_lines(rows["raters"], pairs=False),
        headline=headline(sorted(rows["cohort"], key=scan_order)),
        answers=answers(rows, labels, day_to_day_unknown="reliability_curve" in figures),
        key_figures=_key_figures(rows["statistics"], labels, figures),
        worst=thumbnails(spectra or {}, every["cohort"], settings.report),
        kinds=kinds,
        other_models=other_models(every["statistics"], kinds[1:], labels),
        participants=cohort_tables.participants_table(rows["demographics"], labels),
        log_mg=settings.cohort.mg_scale == "log10",
        models=cohort_tables.model_rows(rows["statistics"], labels, "main"),
        controls=cohort_tables.model_rows(rows["statistics"], labels, "control"),
        model_notes=cohort_tables.model_notes(rows["statistics"]),
        tripped=tripped(rows["statistics"], rows["controls"], labels),
        comparisons=cohort_tables.comparison_rows(rows["comparisons"], labels),
        errors=cohort_tables.error_rows(rows["measurement_error"], labels),
        longitudinal=cohort_tables.longitudinal_rows(rows["longitudinal"], labels),
        repeats=cohort_tables.repeat_rows(rows["repeatability"], labels),
        reporting=cohort_tables.reporting_sections(rows["mrsinmrs"]),
        methods=cohort_tables.methods_parts(methods),
        figures=figures,
        distributions=distributions(ordered, settings.qc),
        rows=[scan_row(row, linked=len(ordered) <= MOST_POINTS) for row in listed(ordered)],
        scans=len(ordered),
        exclusions=excluded[:MOST_LISTED],
        excluded=len(excluded),
        protocols=_table(rows["protocols"]),
        variables=_table([_undated(row, settings) for row in rows["variables"]]),
        calibrations=settings_tables.calibrations(settings.magnesium),
        settings=settings_tables.sections(settings),
        provenance=provenance,
        files=[(path, note) for path, note in FILES if "." not in path or _made(path, tables, methods)],
        run=settings_tables.flatten(run),
    )
    yield INDEX, page


def _key_figures(statistics: Sequence[TableRow], labels: Labels, figures: Mapping[str, Figure]) -> list[str]:
    """Names of the scatters that stand beside the answers: those of the first models that have one."""
    asked = (model_name(row) for row in statistics if is_asked(row, labels))
    return [name for name in dict.fromkeys(asked) if name in figures][:MOST_BESIDE]


def _undated(row: TableRow, settings: Settings) -> TableRow:
    """Row of variables.tsv without its values where these may be dates, which belong to persons."""
    return {**row, "levels": None} if row["column"] in settings.cohort.time_columns else row


def _made(path: str, tables: Tables, methods: str) -> bool:
    """Whether a file that the page names is there: of the tables only some may be."""
    stem, _, kind = path.rpartition(".")
    return {"tsv": stem in tables, "md": bool(methods)}.get(kind, True)


def _table(rows: Sequence[TableRow]) -> dict[str, Any] | None:
    """Any table as columns and cells of text."""
    if not rows:
        return None
    columns = list(rows[0])
    return {"columns": columns, "rows": [[text.text(row.get(column)) for column in columns] for row in rows]}
