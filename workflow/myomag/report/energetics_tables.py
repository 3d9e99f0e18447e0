"""Rows of the tables on energetics and on the choice of the calibration."""

from collections.abc import Mapping
from typing import Any

from myomag.report import text

Record = Mapping[str, Any]

RATIOS = (("Pi/PCr", "pi_pcr"), ("PCr/ATP", "pcr_atp"), ("PDE/ATP", "pde_atp"), ("PME/ATP", "pme_atp"))


def energetics(record: Record | None) -> list[tuple[str, str, str]]:
    """Quantity, value and note of free ADP, ΔG of ATP and the ratios of metabolites."""
    if record is None or "adp_umol_l" not in record:
        return []
    get = record.get
    kinase = f"from the creatine-kinase equilibrium; {get('energetics_standing')}, see the numbers assumed"
    corrected = "corrected for saturation" if get("saturation_factors") else "not corrected for saturation"
    atp = f"ATP by {text.line_label(str(get('atp_line')))}, {corrected}"
    rows = [
        ("Free ADP (µM)", text.with_sd(get("adp_umol_l"), get("adp_sd_umol_l"), 2), get("adp_reason") or kinase),
        (
            "ΔG of ATP (kJ/mol)",
            text.with_sd(get("dg_atp_kj_mol"), get("dg_atp_sd_kj_mol"), 2),
            get("dg_atp_reason") or "of its hydrolysis; the numbers assumed are those of ADP",
        ),
    ]
    for label, key in RATIOS:
        value = text.with_sd(get(f"{key}_ratio"), get(f"{key}_ratio_sd"), 3)
        note = corrected if key == "pi_pcr" else atp
        rows.append((label, value, get(f"{key}_ratio_reason") or note))
    return rows


def assumptions(record: Record | None) -> list[tuple[str, str, str, str]]:
    """Name, value with unit, standing and source of the numbers that ADP and ΔG rest on."""
    return [
        (item["name"], f"{text.text(item['value'])} {item['unit']}", item["standing"], item["source"])
        for item in (record or {}).get("energetics_assumptions", ())
    ]


def sensitivity(record: Record | None) -> list[tuple[str, str, str, str, str]]:
    """Quantity, calibration, value, 95 % interval and standing: what each calibration says of the same shifts."""
    known = record or {}
    by_ph = [
        (
            "pH",
            row["calibration"],
            text.number(row["ph"], 3) if row["ph"] is not None else f"{text.MISSING} ({row['ph_reason']})",
            text.interval(row["ph_ci95_low"], row["ph_ci95_high"], 3),
            row["standing"],
        )
        for row in known.get("ph_by_calibration", ())
    ]
    by_mg = [
        (
            "Free Mg²⁺ (mM)",
            row["calibration"],
            text.magnesium(row["mg_mmol_l"], None, None, row["mg_p_undefined"]),
            text.interval(row["mg_ci95_low_mmol_l"], row["mg_ci95_high_mmol_l"], 3),
            row["standing"],
        )
        for row in known.get("mg_by_calibration", ())
    ]
    return by_ph + by_mg
