"""The table of all scans, and the values of the whole cohort that a reader looks for first."""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from myomag.cohort.reasons import short_reason
from myomag.io.tables import TableRow
from myomag.report.page import scan_anchor, scan_link
from myomag.wording import text

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


def headline(cohort: Sequence[TableRow]) -> list[Card]:
    """Label, value, explanation and origin: Mg and pH of the included scans, and how good these scans are."""
    rows = [row for row in cohort if row["status"] == "included"]
    if not rows:
        return []
    cards = [_single(rows[0]), _single_ph(rows[0])] if len(rows) == 1 else list(_medians(rows))
    return [*cards, *_quality(rows)]


def _single(row: TableRow) -> Card:
    return "Free Mg²⁺ (mM)", mg_text(row), f"95 % interval, {row.get('mg_calibration')} scale", scan_link(row)


def _single_ph(row: TableRow) -> Card:
    ph = text.with_sd(row.get("ph"), row.get("ph_sd"), 3)
    return "pH", ph, f"± SD, {row.get('ph_calibration')} equation", scan_link(row)


def _medians(rows: Sequence[TableRow]) -> Iterator[Card]:
    for label, key, decimals in (("free Mg²⁺ (mM)", "mg_mmol_l", 3), ("pH", "ph", 3)):
        if values := _known(rows, key):
            low, middle, high = np.percentile(values, [25, 50, 75])
            calibration = key.partition("_")[0] + "_calibration"
            names = ", ".join(sorted({str(row[calibration]) for row in rows if row.get(calibration)}))
            note = f"quartiles {text.interval(low, high, decimals)}; {names or 'calibration not named'}"
            yield f"Median {label}", text.number(middle, decimals), note, "#scans"


def _quality(rows: Sequence[TableRow]) -> Iterator[Card]:
    """How good the included scans are."""
    median = "Median " if len(rows) > 1 else ""
    for label, key, decimals in (
        ("PCr SNR", "pcr_snr", 0),
        ("PCr line width (Hz)", "pcr_fwhm_hz", 1),
        ("residual / noise", "residual_over_noise", 2),
    ):
        if values := _known(rows, key):
            low, middle, high = np.percentile(values, [5, 50, 95])
            note = f"90 % within {text.interval(low, high, decimals)}" if len(values) > 1 else ""
            name = f"{median}{label}" if median else label[:1].upper() + label[1:]
            yield name, text.number(middle, decimals), note, "#quality"
    if len(rows) > 1:
        warned = sum(row.get("verdict") == "warn" for row in rows)
        yield (
            "With a warning",
            f"{100 * warned / len(rows):.0f} %",
            f"{warned} of {len(rows)} included scans",
            "#quality",
        )


def _known(rows: Sequence[TableRow], key: str) -> list[float]:
    return [value for row in rows if (value := text.finite(row.get(key))) is not None]
