"""Fit one averaged FID by AMARES."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.core.amares import AmaresFit, fit_amares
from myomag.core.fit_start import FitStart
from myomag.core.line_figures import line_figures
from myomag.core.line_shape import HIGHEST_ORDER, LEAST_ORDER
from myomag.core.model_choice import Variant, model_variance, variants
from myomag.core.objective import BeginTimePrior
from myomag.core.pooling import MIN_SPREAD_US, without
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.core.whiteness import corrected
from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, read_nifti_mrs
from myomag.io.records import read_record, record_bytes
from myomag.steps.begin_time import prior_knowledge, skipped_samples

REPORTED = ("shift_ppm", "amplitude", "linewidth_hz")
REFERENCE = "PCr"
SHIFTED = ("Pi", "gamma-ATP", "alpha-ATP", "beta-ATP")
PROFILED = ("beta-ATP", "Pi")
"""Lines whose place Mg and pH rest on."""


def fit_scan(scan: str, inputs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Fit the averaged FID of one scan; returns the fit record under `fit`.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    inputs : mapping of str to Path
        `preproc`, `begintime` and `quality`.
    settings : mapping
        Section `fit`, with `protocols`: what is known of the begin time of each protocol.

    Raises
    ------
    ScanError
        If the FID is too short for the prior knowledge.
    """
    data = read_nifti_mrs(inputs["preproc"])
    own = read_record(inputs["begintime"])
    thermal_sd = read_record(inputs["quality"])["noise_sd"]
    prior = prior_knowledge(settings)
    skipped = skipped_samples(data, settings)
    expected = expected_begin_time(own, settings)
    skipped_s = skipped * data.dwell_time_s
    fid = data.fid[skipped:, 0, 0]
    sampling: dict[str, Any] = {
        "dwell_time_s": data.dwell_time_s,
        "spectrometer_frequency_mhz": data.spectrometer_frequency_mhz,
    }
    first_s = expected["mean_us"] * 1e-6 + skipped_s
    sd_us = expected["sd_us"]
    options: dict[str, Any] = sampling | {
        "begin_time_s": first_s,
        "fit_begin_time": settings["fit_begin_time"],
        "begin_time_window_s": expected["window_us"] * 1e-6,
        "begin_time_prior": BeginTimePrior(first_s, sd_us * 1e-6, own["noise_sd"]) if sd_us else None,
        "shape_order": LEAST_ORDER,
        "max_shape_order": HIGHEST_ORDER,
    }
    start = FitStart(**own["start"]) if own.get("start") else None
    try:
        fitted = fit_amares(fid, prior=prior, profiled=PROFILED, start=start, **options)
    except ValueError as error:
        raise ScanError(f"{inputs['preproc'].name}: {error}.") from error
    others = variants(fid, fitted, prior, skipped=skipped, **options)
    fit, factors = corrected(fitted, fid, **sampling)
    record = fit_record(scan, fit, data, prior, expected, skipped)
    record |= residual_record(fit, factors, thermal_sd) | model_record(fitted, others)
    return {"fit": record_bytes(record)}


def model_record(fit: AmaresFit, others: tuple[Variant, ...]) -> dict[str, Any]:
    """What other choices of the model make of the shifts from the reference line [ppm]."""

    def distance(each: AmaresFit, line: str) -> float:
        return float(each.shifts_ppm[each.names.index(line)] - each.shifts_ppm[each.names.index(REFERENCE)])

    lines = [line for line in SHIFTED if line in fit.names and REFERENCE in fit.names]
    return {
        "model_sd_ppm": {line: math.sqrt(model_variance(fit, others, {line: 1.0, REFERENCE: -1.0})) for line in lines},
        "model_variants": [
            {"name": each.name, "change_ppm": {line: distance(each.fit, line) - distance(fit, line) for line in lines}}
            for each in others
        ],
    }


def residual_record(fit: AmaresFit, factors: NDArray[np.float64], thermal_sd: float | None) -> dict[str, Any]:
    """How the residual compares with noise, and how the SDs were corrected for it.

    Parameters
    ----------
    fit : AmaresFit
        The fit.
    factors : ndarray, shape (lines,)
        By how much the SDs of each line were raised.
    thermal_sd : float or None
        Noise SD where no signal is; None where it could not be measured.
    """
    raised = {name: float(factor) for name, factor in zip(fit.names, factors, strict=True) if factor > 1}
    return {
        "residual_over_noise": fit.noise_sd / thermal_sd if thermal_sd else None,
        "residual_white": not raised,
        "sd_raised_by": raised,
    }


def expected_begin_time(own: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the begin time before the fit.

    The pooled value of the protocol, with this scan's own share taken out of it, and a spread of at least 1 µs; for an
    outlying scan, or where no other scan tells, the stated value with its assumed error.

    Parameters
    ----------
    own : mapping
        `begintime` record of the scan.
    settings : mapping
        Section `fit`, with `protocols`: the pooled values by protocol.

    Returns
    -------
    dict
        source ("stated", "protocol" or "fixed"), mean_us, sd_us (None where fixed), window_us, outlying.
    """
    stated = {"source": "stated", "mean_us": own["start_us"], "sd_us": settings["begin_time_sd_us"]}
    stated |= {"window_us": settings["begin_time_window_us"], "outlying": False}
    if not settings["fit_begin_time"]:
        return stated | {"source": "fixed", "sd_us": None}
    pooled = settings["protocols"].get(own["protocol"]) if settings["pool_begin_time"] else None
    if not pooled:
        return stated
    if own["scan"] in pooled["outlying"]:
        return stated | {"outlying": True}
    others: tuple[float, float] | None = (pooled["begin_time_us"], pooled["begin_time_sd_us"])
    if own["poolable"]:
        others = without(
            pooled["begin_time_us"],
            pooled["begin_time_sd_us"],
            own["begin_time_us"],
            own["begin_time_sd_us"],
            pooled["spread_us"],
        )
    if others is None:
        return stated
    sd = math.hypot(others[1], pooled["spread_us"], MIN_SPREAD_US)
    return {"source": "protocol", "mean_us": others[0], "sd_us": sd, "window_us": 6 * sd, "outlying": False}


def fit_record(
    scan: str,
    fit: AmaresFit,
    data: MrsData,
    prior: PriorKnowledge,
    expected: Mapping[str, Any],
    skipped: int,
) -> dict[str, Any]:
    """Fit as a JSON record; what the data do not determine is null."""
    begin_time_s = fit.begin_time_s - skipped * data.dwell_time_s
    fitted = expected["source"] != "fixed"
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
        "begin_time_prior": {key: expected[key] for key in ("source", "mean_us", "sd_us", "outlying")},
        "phase_deg": float(fit.phases_deg[0]),
        "phase_sd_deg": _finite(fit.phases_deg_sd[0]),
        "line_shape": shape_record(fit, data.dwell_time_s),
        "other_minima": {
            profile.line: [{"shift_ppm": place, "delta_chi2": rise} for place, rise in profile.minima()[1:]]
            for profile in fit.profiles
        },
        "lines": [_line_record(fit, index) for index in range(len(fit.names))],
        "covariance": {
            "parameters": [fit.covariance_names[row] for row in rows],
            "matrix": [[_finite(value) for value in row] for row in fit.covariance[np.ix_(rows, rows)]],
        },
    }


def shape_record(fit: AmaresFit, dwell_time_s: float) -> dict[str, Any] | None:
    """Line shape common to all lines: what rebuilds it, and how PCr looks with it."""
    if not fit.line_shape:
        return None
    figures = line_figures(fit, "PCr", dwell_time_s) if "PCr" in fit.names else None
    fwhm_hz, asymmetry = figures or (None, None)
    return {
        "order": fit.line_shape.order,
        "decay_time_s": fit.line_shape.basis.decay_time_s,
        "end": fit.line_shape.basis.end,
        "coefficients": fit.line_shape.coefficients.tolist(),
        "pcr_fwhm_hz": fwhm_hz,
        "pcr_asymmetry": asymmetry,
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
        "bound_limits_95": {
            entry.split(":")[0]: _finite(limit)
            for entry, limit in zip(fit.at_bound, fit.bound_limits, strict=True)
            if entry.endswith(f":{name}")
        },
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
