"""The table of all scans, and the values of the whole cohort that a reader looks for first."""

import itertools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from myomag.cohort.plan import LOG_MG, MG, factors
from myomag.cohort.reasons import short_reason
from myomag.io.tables import TableRow
from myomag.report import text
from myomag.report.labels import Labels
from myomag.report.page import scan_anchor, scan_link

Card = tuple[str, str, str, str | None]
MOST_LISTED = 10_000
"""Of more scans, the table shows those left out or with a warning: a browser cannot bear a hundred thousand rows."""


def scan_order(row: TableRow) -> tuple[str, ...]:
    """Sort key: participant, session and scan as a reader counts."""
    return tuple(text.natural_key(row.get(key) or "") for key in ("participant_id", "session_id", "scan"))


def listed(cohort: Sequence[TableRow]) -> Sequence[TableRow]:
    """Scans that the table of all scans shows."""
    if len(cohort) <= MOST_LISTED:
        return cohort
    remarkable = (row for row in cohort if row["status"] != "included" or row.get("verdict") != "pass")
    return list(itertools.islice(remarkable, MOST_LISTED))


def scan_row(row: TableRow, *, linked: bool) -> dict[str, Any]:
    """Cells of the overview: what is shown, what it sorts by, and where `linked` its origin in the page of the scan."""
    link = scan_link(row)
    cells = [
        ("ph", text.with_sd(row.get("ph"), row.get("ph_sd"), 3)),
        ("mg_mmol_l", mg_text(row)),
        ("pcr_snr", text.significant(row.get("pcr_snr"), 3)),
        ("pcr_fwhm_hz", text.number(row.get("pcr_fwhm_hz"), 1)),
        ("begin_time_us", text.number(row.get("begin_time_us"), 0)),
    ]
    return {
        "participant": str(row["participant_id"]),
        "visit": _visit(row),
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


def _visit(row: TableRow) -> str | None:
    """Session of a scan, with its run where it has one: two scans of a session are told apart by it."""
    parts = [row["session_id"]] if row.get("session_id") else []
    return " ".join([*parts, *re.findall(r"_(run-[^_]+)_", str(row["scan"]))]) or None


def mg_text(row: TableRow) -> str:
    """Free Mg of a row of the cohort with its interval [mM], or `undefined` with its probability."""
    return text.magnesium(
        row.get("mg_mmol_l"),
        row.get("mg_ci95_low_mmol_l"),
        row.get("mg_ci95_high_mmol_l"),
        row.get("mg_p_undefined"),
    )


def row_anchor(row: TableRow) -> str:
    """Name of the row of a term in the results table."""
    return scan_anchor(f"model.{row['model']}.{row['predictor']}")


def headline(cohort: Sequence[TableRow], statistics: Sequence[TableRow], labels: Labels) -> list[Card]:
    """Label, value, explanation and origin of the results a reader came for."""
    included = [row for row in cohort if row["status"] == "included"]
    items: list[Card] = []
    if len(included) == 1:
        row = included[0]
        mg = mg_text(row)
        items.append(
            ("Free Mg²⁺ (mM)", mg, f"one scan, 95 % interval, {row.get('mg_calibration')} scale", scan_link(row))
        )
        ph = text.with_sd(row.get("ph"), row.get("ph_sd"), 3)
        items.append(("pH", ph, f"± SD, {row.get('ph_calibration')} equation", scan_link(row)))
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
                    "#scans",
                )
            )
    effects = [row for row in statistics if not row.get("covariates") and _is_headline(row, labels)]
    return items + [_effect(name, row) for name, row in zip(labels.relations(effects), effects, strict=True)]


def _is_headline(row: TableRow, labels: Labels) -> bool:
    shown = row.get("role") == "main" and text.finite(row.get("beta")) is not None
    # The difference between the sexes belongs to the effect that it is of.
    pair = {row["outcome"], *factors(str(row["predictor"]))}
    pair -= {labels.sex} if len(pair) > 2 else set()
    others = labels.age, labels.sex, labels.strength
    return shown and pair in ({mg, name} for mg in (MG, LOG_MG) for name in others)


def _effect(relation: str, row: TableRow) -> Card:
    note = f"95 % CI {text.interval(row['ci95_low'], row['ci95_high'], 2)}; p {text.p_value(row['p'])}; n = {row['n']}"
    return f"β, {relation}", text.number(row["beta"], 2), note, f"#{row_anchor(row)}"
