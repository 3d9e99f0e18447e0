"""Records of simulated scans for the report pages: the shapes of the pipeline's own, without running it."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from myomag.cohort.comparisons import build_comparisons
from myomag.cohort.demographics import build_demographics
from myomag.cohort.flow import build_flow
from myomag.cohort.statistics import build_statistics, included
from myomag.core.axes import time_axis
from myomag.core.lineshapes import multiplet_fid, voigt_fwhm_hz
from myomag.io.tables import table_rows
from myomag.report.participant import ScanView
from myomag.settings.models import Settings

MHZ, DWELL_S, POINTS, BEGIN_US, PHASE_DEG, NOISE_SD = 51.7, 1 / 3000, 2048, 265.0, 38.0, 0.9
# Name, amplitude, shift [ppm], Lorentzian and Gaussian FWHM [Hz], component offsets [Hz] and weights.
LINES = (
    ("PCr", 33.0, 0.0012, 4.0, 7.0, (0.0,), (1.0,)),
    ("gamma-ATP", 8.2, -2.41, 8.0, 7.0, (-8.25, 8.25), (0.5, 0.5)),
    ("alpha-ATP", 8.2, -7.46, 8.0, 7.0, (-8.25, 8.25), (0.5, 0.5)),
    ("beta-ATP", 8.2, -15.903, 10.0, 7.0, (-16.5, 0.0, 16.5), (0.25, 0.5, 0.25)),
    ("Pi", 4.5, 4.862, 8.0, 7.0, (0.0,), (1.0,)),
    ("PDE", 3.0, 2.95, 8.0, 7.0, (0.0,), (1.0,)),
    ("PME", 1.2, 6.51, 10.0, 7.0, (0.0,), (1.0,)),
    ("NAD", 1.5, -8.2, 10.0, 7.0, (0.0,), (1.0,)),
)
IOTTI = {
    "name": "iotti1996",
    "family": "iotti",
    "coefficients": {"pk": 4.24, "lower_shift_ppm": -18.58, "upper_shift_ppm": -15.74},
    "range": {"lower_ppm": -18.58, "upper_ppm": -15.74},
    "source": "Iotti et al. 1996 as given in public code; a brain calibration",
    "standing": "found",
}
TAYLOR = {
    "name": "taylor1983",
    "family": "henderson_hasselbalch",
    "coefficients": {"pk": 6.75, "acid_shift_ppm": 3.27, "base_shift_ppm": 5.69},
    "range": {"lower_ppm": 3.27, "upper_ppm": 5.69},
    "source": "Taylor et al. 1983, muscle (the primary text was not read)",
    "standing": "unverified",
}
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
        "magnesium": {"ph_calibration": TAYLOR, "mg_calibration": IOTTI},
        "report": {"title": "Muscle magnesium", "spectrum_min_ppm": -20.0, "spectrum_max_ppm": 10.0},
    }
)


def fit_record(scale: float = 1.0) -> dict[str, Any]:
    lines = [
        {
            "name": name,
            "amplitude": amplitude * scale,
            "amplitude_sd": 0.11 * scale,
            "shift_ppm": shift,
            "shift_sd_ppm": 0.0104 if name == "beta-ATP" else 0.0041,
            "linewidth_hz": voigt_fwhm_hz(lorentzian, gaussian),
            "linewidth_sd_hz": None if name == "NAD" else 0.62,
            "lorentzian_hz": lorentzian,
            "gaussian_hz": gaussian,
            "phase_deg": PHASE_DEG,
            "offsets_hz": list(offsets),
            "weights": list(weights),
            "at_bound": ["lorentzian_hz"] if name == "NAD" else [],
        }
        for name, amplitude, shift, lorentzian, gaussian, offsets, weights in LINES
    ]
    return {
        "converged": True,
        "message": "converged in 11 iterations",
        "prior_knowledge": "muscle_rest",
        "spectrometer_frequency_mhz": MHZ,
        "dwell_time_s": DWELL_S,
        "points": POINTS,
        "skipped_points": 2,
        "noise_sd": NOISE_SD * scale,
        "residual_norm_sq": 2 * (POINTS - 2) * (1.05 * NOISE_SD * scale) ** 2,
        "begin_time_us": BEGIN_US,
        "begin_time_sd_us": 6.2,
        "begin_time_fitted": True,
        "begin_time_prior": {"source": "stated", "mean_us": 230.0, "sd_us": 100.0, "outlying": False},
        "residual_over_noise": 1.1,
        "residual_white": False,
        "sd_raised_by": {"PCr": 2.5},
        "phase_deg": PHASE_DEG,
        "phase_sd_deg": 0.4,
        "lines": lines,
    }


def model_fid(fit: dict[str, Any]) -> np.ndarray:
    time_s = time_axis(fit["points"], fit["dwell_time_s"], fit["begin_time_us"] * 1e-6)
    return np.sum(
        [
            multiplet_fid(
                time_s,
                amplitude=line["amplitude"],
                frequency_hz=line["shift_ppm"] * fit["spectrometer_frequency_mhz"],
                lorentzian_fwhm_hz=line["lorentzian_hz"],
                gaussian_fwhm_hz=line["gaussian_hz"],
                phase_deg=line["phase_deg"],
                offsets_hz=line["offsets_hz"],
                weights=line["weights"],
            )
            for line in fit["lines"]
        ],
        axis=0,
    )


def simulated_fid(fit: dict[str, Any], seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, fit["noise_sd"], (2, fit["points"]))
    return (model_fid(fit) + noise[0] + 1j * noise[1]).astype(np.complex64)


def simulated_transients(fit: dict[str, Any], quality: dict[str, Any], seed: int = 3) -> np.ndarray:
    """As many FIDs as the record tells, each moved by the shift it names; the 22nd is another signal."""
    rng = np.random.default_rng(seed)
    shifts = np.array(quality["frequency_shifts_hz"]) + quality["pcr_offset_hz"]
    time_s = time_axis(fit["points"], fit["dwell_time_s"])
    turned = model_fid(fit)[:, None] * np.exp(2j * np.pi * time_s[:, None] * shifts)
    noise = rng.normal(0, fit["noise_sd"] * np.sqrt(shifts.size), (2, *turned.shape))
    turned[:, 21] *= np.exp(-2j * np.pi * 80 * time_s)
    return turned + noise[0] + 1j * noise[1]


def quality_record(scale: float = 1.0) -> dict[str, Any]:
    shifts = [round(4.0 * np.sin(index / 5) + 0.1 * index, 3) for index in range(32)]
    return {
        "verdict": "warn",
        "reasons": ["frequency drift 16.2 Hz above 15 Hz"],
        "transients": 32,
        "transients_used": 30,
        "coils": 1,
        "rejected_transients": [
            {"transient": 6, "reason": "residual energy 9.1 robust SD above the median"},
            {"transient": 21, "reason": "shift beyond 50 Hz"},
        ],
        "noise_sd": NOISE_SD * scale,
        "pcr_snr": 36.7,
        "snr_definition": "time-domain PCr amplitude over noise SD per channel",
        "pcr_fwhm_hz": 9.4,
        "pcr_fwhm_ppm": 0.182,
        "pcr_offset_hz": -12.3,
        "frequency_drift_hz": 16.2,
        "frequency_shifts_hz": shifts,
        "phases_deg": [0.0] * 32,
        "phase_deg": PHASE_DEG,
        "points": POINTS,
        "spectral_width_hz": 1 / DWELL_S,
        "spectrometer_frequency_mhz": MHZ,
        "repetition_time_s": 1.5,
        "echo_time_s": None,
    }


def magnesium_record() -> dict[str, Any]:
    return {
        "ph": 7.0312,
        "ph_sd": 0.0081,
        "ph_ci95_low": 7.0153,
        "ph_ci95_high": 7.0471,
        "pmg": 3.397,
        "pmg_sd": 0.024,
        "pmg_ci95_low": 3.341,
        "pmg_ci95_high": 3.438,
        "mg_mmol_l": 0.4009,
        "mg_ci95_low_mmol_l": 0.3648,
        "mg_ci95_high_mmol_l": 0.4561,
        "mg_p_undefined": 1.2e-9,
        "mg_reason": None,
        "beta_atp_ppm": -15.9042,
        "beta_atp_sd_ppm": 0.0104,
        "alpha_atp_ppm": -7.461,
        "alpha_atp_sd_ppm": 0.0062,
        "gamma_atp_ppm": -2.411,
        "gamma_atp_sd_ppm": 0.0058,
        "pi_ppm": 4.8608,
        "pi_sd_ppm": 0.0041,
        "ph_calibration": {key: TAYLOR[key] for key in ("name", "source", "standing")},
        "mg_calibration": {key: IOTTI[key] for key in ("name", "source", "standing")},
    }


def undefined_magnesium() -> dict[str, Any]:
    record = magnesium_record() | {"beta_atp_ppm": -15.733, "mg_p_undefined": 0.62}
    record |= dict.fromkeys(("pmg", "pmg_sd", "pmg_ci95_low", "pmg_ci95_high"))
    record |= dict.fromkeys(("mg_mmol_l", "mg_ci95_low_mmol_l", "mg_ci95_high_mmol_l"))
    return record | {"mg_reason": "β-ATP shift −15.733 ppm is above −15.74 ppm, where iotti1996 ends"}


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
    fit = fit_record()
    for line in fit["lines"]:
        if line["name"] == "beta-ATP":
            line["shift_ppm"] = -15.732
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
    return [{key: row[key] for key in keys} | {"step": STEPS[row["status"]]} for row in cohort]


def tables_of(cohort: list[dict[str, Any]], **other: Any) -> dict[str, list[dict[str, Any]]]:
    """Tables as the step cohort makes them of these rows."""
    settings, exclusions = SETTINGS.cohort, exclusion_rows(cohort)
    sample = included(pd.DataFrame(cohort, columns=list(cohort_row(0, np.random.default_rng(0)))), settings)
    statistics = table_rows(build_statistics(sample, settings))
    made = {
        "cohort": cohort,
        "exclusions": exclusions,
        "flow": table_rows(build_flow(pd.DataFrame(exclusions))),
        "statistics": statistics,
        "comparisons": table_rows(build_comparisons(sample, settings)),
        "demographics": table_rows(build_demographics(sample, settings)),
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


PROTOCOLS = [
    {"protocol": "A", "scans": 441, "spectrometer_frequency_mhz": 51.7, "repetition_time_s": 1.5, "points": 2048}
]
RUN = {"settings_digest": "ab" * 32, "software": {"myomag": "0.1.0", "numpy": "2.4.6", "scipy": "1.17.0"}}
TABLES = [
    {"step": "cohort", "file": "cohort.tsv", "sha256": "1" * 64, "settings_digest": "2" * 64, "source_digest": "3" * 64}
]
