"""Fit one averaged FID by AMARES."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from myomag.core.amares import AmaresFit, fit_amares
from myomag.core.leading_samples import samples_to_skip
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, read_nifti_mrs
from myomag.io.records import read_record, record_bytes

REPORTED = ("shift_ppm", "amplitude", "linewidth_hz")


def fit_scan(scan: str, inputs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Fit the averaged FID of one scan; returns the fit record under `fit`.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    inputs : mapping of str to Path
        `preproc`, `preproc_sidecar` and `quality`.
    settings : mapping
        Section `fit`.

    Raises
    ------
    ScanError
        If the FID is too short for the prior knowledge.
    """
    data = read_nifti_mrs(inputs["preproc"])
    sidecar = read_record(inputs["preproc_sidecar"])
    prior = PriorKnowledge.from_dict(settings["prior_knowledge"])
    fid = data.fid[:, 0, 0].astype(np.complex128)
    start_s = begin_time_start_s(sidecar, settings)
    skipped = skipped_samples(data, settings)
    try:
        fit = fit_amares(
            fid[skipped:],
            dwell_time_s=data.dwell_time_s,
            spectrometer_frequency_mhz=data.spectrometer_frequency_mhz,
            prior=prior,
            begin_time_s=start_s + skipped * data.dwell_time_s,
            fit_begin_time=settings["fit_begin_time"],
            begin_time_window_s=settings["begin_time_window_us"] * 1e-6,
        )
    except ValueError as error:
        raise ScanError(f"{inputs['preproc'].name}: {error}.") from error
    return {"fit": record_bytes(fit_record(scan, fit, data, prior, start_s, settings, skipped))}


def begin_time_start_s(sidecar: Mapping[str, Any], settings: Mapping[str, Any]) -> float:
    """Begin time the fit starts from [s]: the setting, else the sidecar's EchoTime, else 0."""
    if settings["begin_time_us"] is not None:
        return float(settings["begin_time_us"]) * 1e-6
    stated = sidecar.get("EchoTime")
    return float(stated) if isinstance(stated, int | float) else 0.0


def skipped_samples(data: MrsData, settings: Mapping[str, Any]) -> int:
    """Number of first samples left out of the fit: by the setting, else where a broad signal may hide."""
    if settings["skip_time_us"] is not None:
        return int(np.ceil(settings["skip_time_us"] * 1e-6 / data.dwell_time_s))
    return samples_to_skip(data.dwell_time_s, data.spectrometer_frequency_mhz)


def fit_record(
    scan: str,
    fit: AmaresFit,
    data: MrsData,
    prior: PriorKnowledge,
    start_s: float,
    settings: Mapping[str, Any],
    skipped: int,
) -> dict[str, Any]:
    """Fit as a JSON record; what the data do not determine is null."""
    begin_time_s = fit.begin_time_s - skipped * data.dwell_time_s
    fitted = bool(settings["fit_begin_time"])
    rows = [fit.covariance_names.index(f"{key}:{name}") for key in REPORTED for name in fit.names]
    return {
        "scan": scan,
        "converged": fit.converged,
        "message": fit.message,
        "prior_knowledge": prior.name,
        "spectrometer_frequency_mhz": data.spectrometer_frequency_mhz,
        "dwell_time_s": data.dwell_time_s,
        "points": len(data.fid),
        "skipped_points": skipped,
        "noise_sd": fit.noise_sd,
        "residual_norm_sq": fit.residual_norm_sq,
        "begin_time_us": begin_time_s * 1e6,
        "begin_time_sd_us": _finite(fit.begin_time_sd_s * 1e6) if fitted else None,
        "begin_time_fitted": fitted,
        "begin_time_start_us": start_s * 1e6,
        "phase_deg": float(fit.phases_deg[0]),
        "phase_sd_deg": _finite(fit.phases_deg_sd[0]),
        "lines": [_line_record(fit, index) for index in range(len(fit.names))],
        "covariance": {
            "parameters": [fit.covariance_names[row] for row in rows],
            "matrix": [[_finite(value) for value in row] for row in fit.covariance[np.ix_(rows, rows)]],
        },
    }


def _line_record(fit: AmaresFit, index: int) -> dict[str, Any]:
    name = fit.names[index]
    return {
        "name": name,
        "amplitude": float(fit.amplitudes[index]),
        "amplitude_sd": _finite(fit.amplitudes_sd[index]),
        "shift_ppm": float(fit.shifts_ppm[index]),
        "shift_sd_ppm": _finite(fit.shifts_ppm_sd[index]),
        "linewidth_hz": float(fit.linewidths_hz[index]),
        "linewidth_sd_hz": _finite(fit.linewidths_hz_sd[index]),
        "lorentzian_hz": float(fit.lorentzian_hz[index]),
        "gaussian_hz": float(fit.gaussian_hz[index]),
        "phase_deg": float(fit.phases_deg[index]),
        "offsets_hz": fit.offsets_hz[index].tolist(),
        "weights": fit.weights[index].tolist(),
        "at_bound": [entry.split(":")[0] for entry in fit.at_bound if entry.endswith(f":{name}")],
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
