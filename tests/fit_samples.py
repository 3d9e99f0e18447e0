"""A fit with known shifts, amplitudes and covariance, for the steps behind it."""

import numpy as np

import record_samples
from myomag.core.speciation import FORMS
from myomag.io.scan_records import Covariance, FitLine
from myomag.settings.load import load_settings

SETTINGS = load_settings().magnesium
SHIFTS = {"PCr": 0.02, "Pi": 4.87, "gamma-ATP": -2.36, "alpha-ATP": -7.43, "beta-ATP": -15.88}
SHIFTS |= {"PDE": 2.97, "PME": 6.52}
AMPLITUDES = {"PCr": 66.0, "Pi": 9.0, "gamma-ATP": 16.4, "alpha-ATP": 16.0, "beta-ATP": 14.0, "PDE": 6.0, "PME": 3.0}
VARIANCE, COVARIANCE = 1e-4, 4e-5
AMPLITUDE_SD, SHIFT_AMPLITUDE_CORRELATION = 0.3, 0.1
# Limiting shifts invented for these tests.
SPECIATION = {
    "name": "invented",
    "quantity": "mg",
    "family": "speciation",
    "coefficients": {
        "alpha-ATP": dict(zip(FORMS, (-7.9, -8.2, -7.4, -7.9), strict=True)),
        "beta-ATP": dict(zip(FORMS, (-18.7, -19.2, -15.6, -17.0), strict=True)),
        "gamma-ATP": dict(zip(FORMS, (-2.9, -7.3, -2.3, -4.0), strict=True)),
    },
    "range": {"lower_ph": 5.5, "upper_ph": 8.5, "lower_pmg": 1.5, "upper_pmg": 6.0},
    "source": "Test values, invented",
    "standing": "unverified",
}
GUPTA = {
    "name": "own_limits",
    "quantity": "mg",
    "family": "gupta_moore",
    "coefficients": {"kd_umol_l": 50.0, "free_shift_ppm": 10.82, "bound_shift_ppm": 8.3},
    "range": {"lower_ppm": 8.3, "upper_ppm": 10.82},
    "source": "Test values, invented",
    "standing": "derived",
}
SIDECAR = {"RepetitionTime": 1.5, "FlipAngle": 60.0}
T1_S = {"PCr": 6.0, "Pi": 5.0, "gamma-ATP": 3.0, "PDE": 4.0, "PME": 4.0}
MG_VALUES = (
    "pmg", "pmg_sd", "pmg_ci95_low", "pmg_ci95_high", "mg_mmol_l", "mg_ci95_low_mmol_l", "mg_ci95_high_mmol_l"
)  # fmt: skip
PH_VALUES = ("ph", "ph_sd", "ph_ci95_low", "ph_ci95_high")


def covariance_matrix(names):
    """Covariance of all shifts, then all amplitudes."""
    count = len(names)
    shifts = np.full((count, count), COVARIANCE) + (VARIANCE - COVARIANCE) * np.eye(count)
    amplitudes = AMPLITUDE_SD**2 * np.eye(count)
    cross = SHIFT_AMPLITUDE_CORRELATION * np.sqrt(VARIANCE) * AMPLITUDE_SD * np.eye(count)
    return np.block([[shifts, cross], [cross, amplitudes]])


def fit_record(shifts=None, amplitudes=None, *, converged=True, at_bound=(), weak=(), unknown=(), drop=()):
    names = [name for name in SHIFTS if name not in drop]
    shifts, amplitudes = SHIFTS | (shifts or {}), AMPLITUDES | (amplitudes or {})
    matrix = covariance_matrix(names)
    parameters = [f"{key}:{name}" for key in ("shift_ppm", "amplitude") for name in names]
    hidden = {f"{key}:{name}" for key in ("shift_ppm", "amplitude") for name in unknown}
    rows = [
        [None if {one, other} & hidden else matrix[i, j] for j, other in enumerate(parameters)]
        for i, one in enumerate(parameters)
    ]
    lines = [
        FitLine(
            **dict.fromkeys(FitLine.model_fields, 0.0)
            | {"name": name, "shift_ppm": shifts[name], "amplitude": amplitudes[name]}
            | {"offsets_hz": [0.0], "weights": [1.0], "bound_limits_95": {}}
            | {"at_bound": ["shift_ppm"] * (name in at_bound) + ["amplitude"] * (name in weak)}
        )
        for name in names
    ]
    return record_samples.fit_record(
        converged=converged,
        message="converged" if converged else "no minimum after 200 steps",
        lines=lines,
        covariance=Covariance(parameters=parameters, matrix=rows),
    )
