"""Records of a simulated scan, as the steps would write them, and FIDs that agree with them."""

from typing import Any

import numpy as np

from myomag.core.axes import time_axis
from myomag.core.lineshapes import multiplet_fid, voigt_fwhm_hz
from myomag.io.scan_records import (
    BeginTime,
    Covariance,
    ExpectedBeginTime,
    Fit,
    FitLine,
    LineEvidence,
    LocalResidual,
    Magnesium,
    Measures,
    MgAnswer,
    Quality,
    RejectedTransient,
)

SCAN = "sub-001_ses-1_acq-fid_nuc-31P_voi-thigh_run-1_unloc"
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


def fit_record(scale: float = 1.0, **changes: Any) -> Fit:
    """Fit of the simulated scan; `changes` replace fields of the record."""
    lines = [
        FitLine(
            name=name,
            amplitude=amplitude * scale,
            amplitude_sd=0.11 * scale,
            shift_ppm=shift,
            shift_sd_ppm=0.0104 if name == "beta-ATP" else 0.0041,
            linewidth_hz=voigt_fwhm_hz(lorentzian, gaussian),
            linewidth_sd_hz=None if name == "NAD" else 0.62,
            lorentzian_hz=lorentzian,
            gaussian_hz=gaussian,
            phase_deg=PHASE_DEG,
            offsets_hz=offsets,
            weights=weights,
            at_bound=["lorentzian_hz"] if name == "NAD" else [],
            bound_limits_95={"lorentzian_hz": 3.1} if name == "NAD" else {},
        )
        for name, amplitude, shift, lorentzian, gaussian, offsets, weights in LINES
    ]
    return Fit(
        scan=SCAN,
        converged=True,
        message="converged in 11 iterations",
        prior_knowledge="muscle_rest",
        spectrometer_frequency_mhz=MHZ,
        dwell_time_s=DWELL_S,
        points=POINTS,
        skipped_points=2,
        noise_sd=NOISE_SD * scale,
        residual_norm_sq=2 * (POINTS - 2) * (1.05 * NOISE_SD * scale) ** 2,
        begin_time_us=BEGIN_US,
        begin_time_sd_us=6.2,
        begin_time_fitted=True,
        begin_time_prior=ExpectedBeginTime(
            source="stated", stated_by="EchoTime 0.00023 s", mean_us=230.0, sd_us=100.0, outlying=False
        ),
        phase_deg=PHASE_DEG,
        phase_sd_deg=0.4,
        lines=lines,
        covariance=Covariance(parameters=[], matrix=[]),
        evidence={
            name: LineEvidence(z=30.0, p_chance=1e-9, amplitude=16.0 * scale, shift_ppm=shift, misfit=1.0)
            for name, _, shift, *_ in LINES
            if name in ("gamma-ATP", "alpha-ATP", "beta-ATP", "Pi")
        },
        residual_near={name: LocalResidual(over_noise=1.05, share=0.0) for name in ("PCr", "Pi", "beta-ATP")},
        residual_over_noise=1.1,
        residual_white=False,
        sd_raised_by={"PCr": 2.5},
    ).model_copy(update=changes)


def model_fid(fit: Fit) -> np.ndarray:
    time_s = time_axis(fit.points, fit.dwell_time_s, fit.begin_time_us * 1e-6)
    return np.sum(
        [
            multiplet_fid(
                time_s,
                amplitude=line.amplitude,
                frequency_hz=line.shift_ppm * fit.spectrometer_frequency_mhz,
                lorentzian_fwhm_hz=line.lorentzian_hz,
                gaussian_fwhm_hz=line.gaussian_hz,
                phase_deg=line.phase_deg,
                offsets_hz=line.offsets_hz,
                weights=line.weights,
            )
            for line in fit.lines
        ],
        axis=0,
    )


def simulated_fid(fit: Fit, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, fit.noise_sd, (2, fit.points))
    return (model_fid(fit) + noise[0] + 1j * noise[1]).astype(np.complex64)


def simulated_transients(fit: Fit, quality: Quality, seed: int = 3) -> np.ndarray:
    """As many FIDs as the record tells, each moved by the shift it names; the 22nd is another signal."""
    rng = np.random.default_rng(seed)
    shifts = np.array(quality.frequency_shifts_hz) + quality.pcr_offset_hz
    time_s = time_axis(fit.points, fit.dwell_time_s)
    turned = model_fid(fit)[:, None] * np.exp(2j * np.pi * time_s[:, None] * shifts)
    noise = rng.normal(0, fit.noise_sd * np.sqrt(shifts.size), (2, *turned.shape))
    turned[:, 21] *= np.exp(-2j * np.pi * 80 * time_s)
    return turned + noise[0] + 1j * noise[1]


def begin_time_record(**changes: Any) -> BeginTime:
    """Begin time of the simulated scan by itself; `changes` replace fields of the record."""
    return BeginTime(
        scan=SCAN,
        protocol="2f5a6077",
        protocol_fields={"Manufacturer": "siemens"},
        technical_fields={},
        start_us=230.0,
        start_source="EchoTime 0.00023 s",
        start_kind="fid",
        start_by_data=False,
        doubt=None,
        begin_time_us=BEGIN_US,
        begin_time_sd_us=6.2,
        noise_sd=NOISE_SD,
        poolable=True,
        reason=None,
    ).model_copy(update=changes)


def measures_record(scale: float = 1.0, **changes: Any) -> Measures:
    """What was measured on the simulated scan; `changes` replace fields of the record."""
    return Measures(
        scan=SCAN,
        transients=32,
        transients_used=30,
        dummy_transients=0,
        coils=1,
        rejected_transients=[
            RejectedTransient(transient=6, reason="residual energy 9.1 robust SD above the median"),
            RejectedTransient(transient=21, reason="shift beyond 50 Hz"),
        ],
        noise_sd=NOISE_SD * scale,
        pcr_snr=36.7,
        snr_definition="time-domain PCr amplitude over noise SD per channel",
        pcr_fwhm_hz=9.4,
        pcr_fwhm_ppm=0.182,
        pcr_offset_hz=-12.3,
        frequency_drift_hz=16.2,
        frequency_shifts_hz=[round(4.0 * np.sin(index / 5) + 0.1 * index, 3) for index in range(32)],
        phases_deg=[0.0] * 32,
        phase_deg=PHASE_DEG,
        points=POINTS,
        leading_points_cut=0,
        spectral_width_hz=1 / DWELL_S,
        spectrometer_frequency_mhz=MHZ,
        repetition_time_s=1.5,
        echo_time_s=None,
        state_p=0.4,
    ).model_copy(update=changes)


def quality_record(scale: float = 1.0, **changes: Any) -> Quality:
    """Quality of the simulated scan; `changes` replace fields of the record."""
    judged: dict[str, Any] = {"verdict": "warn", "reasons": ["frequency drift 16.2 Hz above 15 Hz"]}
    judged |= {"undetected": {}, "withheld": None, "bounds_hit": "lorentzian_hz:NAD"}
    judged |= {f"{line}_residual_over_noise": 1.05 for line in ("pcr", "pi", "beta_atp")}
    return Quality(**judged, **dict(measures_record(scale))).model_copy(update=changes)


def magnesium_record(**changes: Any) -> Magnesium:
    """pH and Mg of the simulated scan, without energetics; `changes` replace fields of the record."""
    undefined = dict.fromkeys(name for name in Magnesium.model_fields if name.startswith(("adp", "dg", "p")))
    reasons = {name: None for name in Magnesium.model_fields if name.endswith("reason")}
    values = {
        "ph": 7.0312,
        "ph_sd": 0.0081,
        "ph_ci95_low": 7.0153,
        "ph_ci95_high": 7.0471,
        "ph_lines": ["Pi"],
        "pmg": 3.397,
        "pmg_sd": 0.024,
        "pmg_ci95_low": 3.341,
        "pmg_ci95_high": 3.438,
        "mg_mmol_l": 0.4009,
        "mg_ci95_low_mmol_l": 0.3648,
        "mg_ci95_high_mmol_l": 0.4561,
        "mg_p_undefined": 1.2e-9,
        "mg_lines": ["beta-ATP"],
        "mg_chi2": None,
        "mg_chi2_degrees_of_freedom": None,
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
        "atp_line": "gamma-ATP",
        "saturation_factors": None,
        "energetics_standing": "unverified",
        "energetics_assumptions": [],
        "ph_by_calibration": [],
        "mg_by_calibration": [],
    }
    return Magnesium.model_validate({"scan": SCAN} | undefined | reasons | values | changes)


def undefined_magnesium() -> Magnesium:
    names = ("pmg", "pmg_sd", "pmg_ci95_low", "pmg_ci95_high", "mg_mmol_l", "mg_ci95_low_mmol_l", "mg_ci95_high_mmol_l")
    reason = "β-ATP shift −15.733 ppm is above −15.74 ppm, where iotti1996 ends"
    return magnesium_record(beta_atp_ppm=-15.733, mg_p_undefined=0.62, mg_reason=reason, **dict.fromkeys(names))


def mg_answer(calibration: str, mg: float | None, low: float, high: float, p_undefined: float = 0.0) -> MgAnswer:
    """Mg [mmol/l] by a calibration, with its interval."""
    return MgAnswer(
        calibration=calibration,
        standing="found",
        mg_mmol_l=mg,
        mg_ci95_low_mmol_l=low,
        mg_ci95_high_mmol_l=high,
        mg_p_undefined=p_undefined,
        mg_reason=None if mg is not None else "beyond the calibration",
    )
