"""Rows of the tables on energetics and on the choice of the calibration."""

from myomag.io.scan_records import Magnesium
from myomag.wording import text

RATIOS = (("Pi/PCr", "pi_pcr"), ("PCr/ATP", "pcr_atp"), ("PDE/ATP", "pde_atp"), ("PME/ATP", "pme_atp"))


def energetics(record: Magnesium | None) -> list[tuple[str, str, str]]:
    """Quantity, value and note of free ADP, ΔG of ATP and the ratios of metabolites."""
    if record is None:
        return []
    kinase = f"from the creatine-kinase equilibrium; {record.energetics_standing}, see the assumptions"
    corrected = "corrected for saturation" if record.saturation_factors else "not corrected for saturation"
    atp = f"ATP by {text.line_label(record.atp_line)}, {corrected}"
    rows = [
        ("Free ADP (µM)", text.with_sd(record.adp_umol_l, record.adp_sd_umol_l, 2), record.adp_reason or kinase),
        (
            "ΔG of ATP (kJ/mol)",
            text.with_sd(record.dg_atp_kj_mol, record.dg_atp_sd_kj_mol, 2),
            record.dg_atp_reason or "of its hydrolysis; same assumptions as for ADP",
        ),
    ]
    for label, key in RATIOS:
        value, sd, reason = (getattr(record, f"{key}_ratio{end}") for end in ("", "_sd", "_reason"))
        rows.append((label, text.with_sd(value, sd, 3), reason or (corrected if key == "pi_pcr" else atp)))
    return rows


def assumptions(record: Magnesium | None) -> list[tuple[str, str, str, str]]:
    """Name, value with unit, standing and source of the numbers that ADP and ΔG rest on."""
    return [
        (each.name, f"{text.text(each.value)} {each.unit}", each.standing, each.source)
        for each in (record.energetics_assumptions if record else ())
    ]


def sensitivity(record: Magnesium | None) -> list[tuple[str, str, str, str, str]]:
    """Quantity, calibration, value, 95 % interval and standing: what each calibration says of the same shifts."""
    if record is None:
        return []
    by_ph = [
        (
            "pH",
            each.calibration,
            text.number(each.ph, 3) if each.ph is not None else f"{text.MISSING} ({each.ph_reason})",
            text.interval(each.ph_ci95_low, each.ph_ci95_high, 3),
            each.standing,
        )
        for each in record.ph_by_calibration
    ]
    by_mg = [
        (
            "Free Mg²⁺ (mM)",
            each.calibration,
            text.magnesium(each.mg_mmol_l, None, None, each.mg_p_undefined),
            text.interval(each.mg_ci95_low_mmol_l, each.mg_ci95_high_mmol_l, 3),
            each.standing,
        )
        for each in record.mg_by_calibration
    ]
    return by_ph + by_mg
