"""Scans and tables for the report pages: the shapes of the pipeline's own, without running it."""

from collections import Counter
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from myomag.cohort.comparisons import build_comparisons
from myomag.cohort.controls import build_controls
from myomag.cohort.demographics import build_demographics
from myomag.cohort.flow import build_flow
from myomag.cohort.statistics import build_statistics, included
from myomag.io.tables import table_rows
from myomag.report.participant import ScanView
from myomag.settings.models import Settings
from record_samples import (
    DWELL_S,
    IOTTI,
    MHZ,
    TAYLOR,
    fit_record,
    magnesium_record,
    quality_record,
    simulated_fid,
    simulated_transients,
    undefined_magnesium,
)

SETTINGS = Settings.model_validate(
    {
        "qc": {
            "min_snr": 5.0,
            "warn_snr": 15.0,
            "warn_linewidth_ppm": 0.4,
            "max_linewidth_ppm": 0.8,
            "warn_drift_hz": 15.0,
            "warn_rejected_fraction": 0.25,
            "max_rejected_fraction": 0.5,
        },
        "fit": {
            "prior_knowledge": {"name": "muscle_rest", "description": "resting skeletal muscle", "lines": {}},
            "fit_begin_time": True,
        },
        "magnesium": {"ph_calibration": TAYLOR, "mg_calibration": IOTTI, "compare_calibrations": [TAYLOR, IOTTI]},
        "report": {"title": "Muscle magnesium", "spectrum_min_ppm": -20.0, "spectrum_max_ppm": 10.0},
    }
)


def provenance(scan: str, folder: str) -> list[dict[str, str]]:
    files = (
        ("convert", "fid", ".nii.gz"),
        ("qc", "quality", "_desc-quality_mrs.json"),
        ("fit", "fit", "_fit.json"),
        ("magnesium", "magnesium", "_mrs.json"),
    )
    return [
        {
            "step": step,
            "role": role,
            "file": f"{folder}/mrs/{scan}{end}",
            "sha256": f"{index:x}" * 64,
            "settings_digest": f"{index + 5:x}" * 64,
            "source_digest": f"{index + 9:x}" * 64,
        }
        for index, (step, role, end) in enumerate(files, start=1)
    ]


def complete_view(participant: str = "sub-001", session: str | None = "ses-1", scale: float = 1.0) -> ScanView:
    parts = [participant, *([session] if session else []), "acq-fid_nuc-31P_voi-thigh_run-1_unloc"]
    scan, fit, quality = "_".join(parts), fit_record(scale), quality_record(scale)
    return ScanView(
        scan=scan,
        session_id=session,
        status="included",
        fid=simulated_fid(fit),
        dwell_time_s=DWELL_S,
        spectrometer_frequency_mhz=MHZ,
        quality=quality,
        fit=fit,
        magnesium=magnesium_record(),
        transients=simulated_transients(fit, quality),
        provenance=provenance(scan, "/".join(parts[:-1])),
    )


def undefined_view() -> ScanView:
    lines = [
        line.model_copy(update={"shift_ppm": -15.732}) if line.name == "beta-ATP" else line
        for line in fit_record().lines
    ]
    fit = fit_record(lines=lines)
    view = complete_view(session="ses-2")
    reason = "Mg undefined (β-ATP shift −15.733 ppm is above −15.74 ppm, where iotti1996 ends)"
    return replace(
        view,
        status="excluded",
        step="magnesium",
        reason=reason,
        fid=simulated_fid(fit, 2),
        fit=fit,
        magnesium=undefined_magnesium(),
    )


def failed_view() -> ScanView:
    scan = "sub-001_ses-3_acq-fid_nuc-31P_voi-thigh_run-1_unloc"
    return ScanView(
        scan=scan,
        session_id="ses-3",
        status="failed",
        step="convert",
        reason=f"{scan}.nii.gz: the file ends after 4096 of 65536 samples; export it again.",
        provenance=provenance(scan, "sub-001/ses-3")[:1],
    )


def unfitted_view() -> ScanView:
    view = complete_view(session="ses-4")
    return replace(
        view, status="failed", step="fit", reason="no minimum found after 200 iterations", fit=None, magnesium=None
    )


def cohort_row(index: int, rng: np.random.Generator) -> dict[str, Any]:
    participant = f"sub-{index + 1:03d}"
    age, woman = float(rng.integers(24, 98)), bool(rng.random() < 0.535)
    mg = float(0.42 * np.exp(-0.0025 * (age - 60) - 0.02 * woman + rng.normal(0, 0.11)))
    width = float(rng.normal(0.09, 0.02))
    return {
        "participant_id": participant,
        "session_id": "ses-1",
        "scan": f"{participant}_ses-1_acq-fid_nuc-31P_voi-thigh_run-1_unloc",
        "status": "included",
        "reason": None,
        "verdict": "pass" if rng.random() < 0.85 else "warn",
        "ph": float(rng.normal(7.03, 0.02)),
        "ph_sd": 0.0081,
        "pmg": float(3 - np.log10(mg)),
        "pmg_sd": float(0.04 * np.exp(rng.normal(0, 0.3))),
        "mg_mmol_l": mg,
        "mg_ci95_low_mmol_l": float(mg * np.exp(-1.6 * width)),
        "mg_ci95_high_mmol_l": float(mg * np.exp(2.2 * width)),
        "mg_p_undefined": 1e-6,
        "pcr_snr": float(rng.normal(45, 10)),
        "pcr_fwhm_hz": (fwhm_hz := float(rng.gamma(16, 0.8))),
        "pcr_fwhm_ppm": fwhm_hz / MHZ,
        "frequency_drift_hz": float(rng.gamma(3, 1.5)),
        "transients": 32,
        "transients_used": 32 - int(rng.poisson(0.5)),
        "begin_time_us": float(rng.normal(265, 6)),
        "ph_calibration": "taylor1983",
        "mg_calibration": "iotti1996",
        "age": age,
        "sex": "F" if woman else "M",
        "knee_extension_strength_nm": float(rng.normal(95 if woman else 150, 30) + 120 * (mg - 0.42)),
        "serum_mg_mmol_l": float(rng.normal(0.85, 0.06)),
    }


QUALITY = ("verdict", "pcr_snr", "pcr_fwhm_hz", "pcr_fwhm_ppm", "frequency_drift_hz", "transients", "transients_used")


def cohort_rows(count: int = 441) -> list[dict[str, Any]]:
    rng = np.random.default_rng(7)
    rows = [cohort_row(index, rng) for index in range(count)]
    results = [key for key in rows[0] if key.startswith(("ph", "pmg", "mg_", "begin"))]
    if count > 40:
        for index, reason in ((5, "file ends early"), (17, "file ends early"), (29, "no PCr line found")):
            rows[index] |= dict.fromkeys([*results, *QUALITY])
            rows[index] |= {"status": "failed", "reason": f"{rows[index]['scan']}.nii.gz: {reason}"}
        for index, snr in ((8, 3.1), (21, 4.8), (33, 2.2)):
            rows[index] |= {"status": "excluded", "verdict": "fail", "pcr_snr": snr}
            rows[index]["reason"] = f"verdict fail (PCr SNR {snr} below 5)"
        rows[11] |= {"status": "excluded", "reason": "Mg undefined (beyond the calibration)", "mg_p_undefined": 0.62}
        rows[11] |= dict.fromkeys(("mg_mmol_l", "mg_ci95_low_mmol_l", "mg_ci95_high_mmol_l", "pmg", "pmg_sd"))
        rows[14] |= {"mg_mmol_l": 1.9, "mg_ci95_low_mmol_l": 0.9, "mg_ci95_high_mmol_l": None, "mg_p_undefined": 0.08}
    return rows


STEPS = {"failed": "convert", "excluded": "qc", "included": None}


def exclusion_rows(cohort: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = ("participant_id", "session_id", "scan", "status", "reason")
    categories = {"convert": "could not be read as a 31P spectrum", "qc": "insufficient signal", None: None}
    steps = [STEPS[row["status"]] for row in cohort]
    lost = ({"step": step, "category": categories[step]} for step in steps)
    return [{key: row[key] for key in keys} | why for row, why in zip(cohort, lost, strict=True)]


def tables_of(cohort: list[dict[str, Any]], **other: Any) -> dict[str, list[dict[str, Any]]]:
    """Tables as the step cohort makes them of these rows."""
    settings, exclusions = SETTINGS.cohort, exclusion_rows(cohort)
    sample = included(pd.DataFrame(cohort, columns=list(cohort_row(0, np.random.default_rng(0)))), settings)
    statistics = table_rows(build_statistics(sample))
    made = {
        "cohort": cohort,
        "exclusions": exclusions,
        "flow": table_rows(build_flow(pd.DataFrame(exclusions))),
        "statistics": statistics,
        "comparisons": table_rows(build_comparisons(sample)),
        "controls": table_rows(build_controls(sample)),
        "demographics": table_rows(build_demographics(sample)),
        "sensitivity": sensitivity_rows(statistics),
        "protocols": PROTOCOLS,
    }
    return made | other


def sensitivity_rows(statistics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each estimated main term under four choices, moved a little by each."""
    keys = ("model", "outcome", "predictor", "stratum", "covariates", "n", "b", "p", "status", "reason")
    return [
        {key: row[key] for key in keys}
        | {key: row[key] + 0.02 * index for key in ("beta", "ci95_low", "ci95_high")}
        | {"mg_calibration": "iotti1996", "ph_calibration": "taylor1983", "max_p_undefined": 0.1}
        | {"verdicts": verdicts, "outliers": outliers, "reference": index == 0}
        for row in statistics
        if row["role"] == "main" and row["status"] == "estimated"
        for index, (verdicts, outliers) in enumerate(product(("pass, warn", "pass"), ("kept", "excluded")))
    ]


def frames_of(tables: dict[str, list[dict[str, Any]]]) -> dict[str, pd.DataFrame]:
    """Tables as the page takes them."""
    known = {name: pd.DataFrame(rows, dtype=object) for name, rows in tables.items()}
    columns = tables["cohort"][0] if tables["cohort"] else cohort_row(0, np.random.default_rng(0))
    return known | {"cohort": pd.DataFrame(tables["cohort"], columns=list(columns))}


def group_spectra(cohort: list[dict[str, Any]]) -> dict[str, Any]:
    """spectra.json of two protocols, with three scans that are drawn, and the first scan as the worst."""
    ppm = np.linspace(-20, 10, 61).round(1)
    heights = np.exp(-(ppm**2)) + 0.2 * np.exp(-((ppm - 5) ** 2))
    drawn = [
        {"scan": row["scan"], "protocol": name, "data": heights.tolist(), "fit": heights.tolist()}
        for row, name in zip(cohort[:3], ("A", "B", "A"), strict=False)
    ]
    means = {"mean": heights.tolist(), "sd": (0 * heights + 0.02).tolist()}
    counts = Counter(scan["protocol"] for scan in drawn)
    return {
        "included": len(drawn),
        "ppm": ppm.tolist(),
        "protocols": [{"protocol": name, "scans": scans, **means} for name, scans in counts.items()],
        "scans": drawn,
        "worst": [scan | {"why": "snr"} for scan in drawn[:1]],
    }


PROTOCOLS = [
    {"protocol": "A", "scans": 441, "spectrometer_frequency_mhz": 51.7, "repetition_time_s": 1.5, "points": 2048}
]
RUN = {"settings_digest": "ab" * 32, "software": {"myomag": "0.1.0", "numpy": "2.4.6", "scipy": "1.17.0"}}
TABLES = [
    {"step": "cohort", "file": "cohort.tsv", "sha256": "1" * 64, "settings_digest": "2" * 64, "source_digest": "3" * 64}
]
