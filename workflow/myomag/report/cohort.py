"""The page of the cohort: who entered, what came out, how good the scans are, and what it rests on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from myomag.cohort.reasons import short_reason
from myomag.report import cohort_plots, settings_tables, text
from myomag.report.distributions import MOST_POINTS, distributions
from myomag.report.flow import participant_flow
from myomag.report.labels import Labels
from myomag.report.page import render, scan_link
from myomag.report.plots import marker_definitions

Row = Mapping[str, Any]
Card = tuple[str, str, str, str | None]
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


def cohort_page(
    title: str,
    cohort: Sequence[Row],
    exclusions: Sequence[Row],
    statistics: Sequence[Row],
    protocols: Sequence[Row] | None,
    settings: Mapping[str, Any],
    provenance: Sequence[Row],
    run: Mapping[str, Any],
) -> bytes:
    """Page `report/index.html`.

    Parameters
    ----------
    title : str
        Heading.
    cohort, exclusions, statistics, protocols : sequence of mapping
        Rows of the tables of the same name; missing values are None.
    settings : mapping
        Resolved settings, all sections.
    provenance : sequence of mapping
        One entry per table the page rests on: step, file (relative to the derivative), sha256, settings_digest,
        source_digest.
    run : mapping
        What else the results depend on: software versions, digest of the settings.

    Returns
    -------
    bytes
        UTF-8 HTML, the same for the same input.
    """
    labels = Labels.of(settings.get("cohort", {}))
    ordered = sorted(cohort, key=_order)
    models = [_model(row, labels) for row in statistics if row.get("role") != "covariate"]
    return render(
        "cohort.html.j2",
        ("common.js", "cohort.js"),
        title=title,
        flow=participant_flow(ordered, exclusions),
        headline=_headline(ordered, statistics, labels),
        models=[model for model in models if not model["control"]],
        controls=[model for model in models if model["control"]],
        definitions=marker_definitions(),
        scatters=cohort_plots.scatters(ordered, statistics, labels),
        distributions=distributions(ordered, settings.get("qc", {})),
        rows=[_scan_row(row, linked=len(ordered) <= MOST_POINTS) for row in ordered],
        exclusions=sorted((row for row in exclusions if row.get("status") != "included"), key=_order),
        protocols=_table(protocols),
        calibrations=settings_tables.calibrations(settings),
        prior_knowledge=settings_tables.prior_knowledge(settings),
        settings=settings_tables.sections(settings),
        provenance=provenance,
        files=[(path, note) for path, note in FILES if protocols is not None or path != "protocols.tsv"],
        run=settings_tables.flatten(run),
    )


def _order(row: Row) -> tuple[Any, ...]:
    return tuple(text.natural_key(row.get(key) or "") for key in ("participant_id", "session_id", "scan"))


def _headline(cohort: Sequence[Row], statistics: Sequence[Row], labels: Labels) -> list[Card]:
    """Label, value, explanation and origin of the results a reader came for."""
    included = [row for row in cohort if row["status"] == "included"]
    items: list[Card] = []
    if len(included) == 1:
        row = included[0]
        mg = cohort_plots.mg_text(row)
        items.append(("Free Mg²⁺ (mM)", mg, f"one scan, 95 % interval, {row.get('mg_calibration')} scale", None))
        ph = text.with_sd(row.get("ph"), row.get("ph_sd"), 3)
        items.append(("pH", ph, f"± SD, {row.get('ph_calibration')} equation", None))
        return items
    for label, key, decimals, calibration in (
        ("free Mg²⁺ (mM)", "mg_mmol_l", 3, "mg_calibration"),
        ("pH", "ph", 3, "ph_calibration"),
    ):
        values = [known for row in included if (known := text.finite(row.get(key))) is not None]
        if values:
            low, middle, high = np.percentile(values, [25, 50, 75])
            names = ", ".join(sorted({str(row[calibration]) for row in included if row.get(calibration)}))
            spread = f"quartiles {text.interval(low, high, decimals)}; {names or 'unnamed calibration'}"
            items.append(
                (
                    f"Median {label}",
                    text.number(middle, decimals),
                    f"{spread}; {text.plural(len(values), 'scan')}",
                    None,
                )
            )
    return items + [_effect(row, labels) for row in statistics if _is_headline(row, labels)]


def _is_headline(row: Row, labels: Labels) -> bool:
    pair = {row["outcome"], row["predictor"]}
    simple = row.get("status") == "estimated" and row.get("role") == "main" and not row.get("covariates")
    return simple and pair in ({"mg_mmol_l", name} for name in (labels.age, labels.sex, labels.strength))


def _effect(row: Row, labels: Labels) -> Card:
    name = f"β, {labels.model(row)}"
    note = f"95 % CI {text.interval(row['ci95_low'], row['ci95_high'], 2)}; p {text.p_value(row['p'])}; n = {row['n']}"
    return name, text.number(row["beta"], 2), note, None


def _model(row: Row, labels: Labels) -> dict[str, Any]:
    status = row.get("status") or "estimated"
    return {
        "name": str(row["model"]),
        "label": labels.model(row),
        "control": row.get("role") == "control",
        "estimated": status == "estimated",
        "status": status,
        "reason": row.get("reason"),
        "n": text.text(row.get("n")),
        "beta": text.number(row.get("beta"), 2),
        "ci": text.interval(row.get("ci95_low"), row.get("ci95_high"), 2),
        "p": text.p_value(row.get("p")).removeprefix("= "),
        "r2": text.r_squared(row.get("r2")),
    }


def _scan_row(row: Row, *, linked: bool) -> dict[str, Any]:
    """Cells of the overview: what is shown, what it sorts by, and where `linked` its origin in the page of the scan."""
    link = scan_link(row)
    cells = [
        ("ph", text.with_sd(row.get("ph"), row.get("ph_sd"), 3)),
        ("mg_mmol_l", cohort_plots.mg_text(row)),
        ("pcr_snr", text.significant(row.get("pcr_snr"), 3)),
        ("pcr_fwhm_hz", text.number(row.get("pcr_fwhm_hz"), 1)),
        ("begin_time_us", text.number(row.get("begin_time_us"), 0)),
    ]
    return {
        "participant": str(row["participant_id"]),
        "session": row.get("session_id"),
        "scan": str(row["scan"]),
        "status": str(row["status"]),
        "verdict": row.get("verdict"),
        "reason": short_reason(row),
        "link": link,
        "numbers": [
            (
                shown,
                "" if value is None else f"{value:.6g}",
                f"{link}.{column}" if linked and value is not None else None,
            )
            for column, shown in cells
            for value in [text.finite(row.get(column))]
        ],
    }


def _table(rows: Sequence[Row] | None) -> dict[str, Any] | None:
    """Any table as columns and cells of text."""
    if not rows:
        return None
    columns = list(rows[0])
    return {"columns": columns, "rows": [[text.text(row.get(column)) for column in columns] for row in rows]}
