"""Fit one averaged FID by AMARES."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from myomag.core.amares import AmaresFit, fit_amares
from myomag.core.begin_time_search import SURE
from myomag.core.fit_start import FitStart
from myomag.core.line_figures import line_figures
from myomag.core.line_shape import HIGHEST_ORDER, LEAST_ORDER
from myomag.core.model_choice import Variant, model_variance, variants
from myomag.core.objective import BeginTimePrior
from myomag.core.whiteness import corrected
from myomag.errors import ScanError
from myomag.io.nifti_mrs import read_nifti_mrs
from myomag.io.scan_records import (
    BeginTime,
    Covariance,
    Fit,
    FitLine,
    LineShapeRecord,
    Measures,
    ModelVariant,
    OtherMinimum,
    PooledBeginTime,
    read_scan_record,
    scan_record_bytes,
)
from myomag.settings.fit import FitSettings
from myomag.steps.begin_time import prior_knowledge, skipped_samples
from myomag.steps.evidence import evidence_of_lines, residual_near_lines
from myomag.steps.expected_begin_time import Expected, expected_begin_time, told_by_protocol

REPORTED = ("shift_ppm", "amplitude", "linewidth_hz")
REFERENCE = "PCr"
SHIFTED = ("Pi", "gamma-ATP", "alpha-ATP", "beta-ATP")
PROFILED = ("beta-ATP", "Pi")
"""Lines whose positions determine Mg and pH."""


def fit_scan(
    scan: str, inputs: Mapping[str, Path], settings: FitSettings, pooled: Mapping[str, PooledBeginTime]
) -> dict[str, bytes]:
    """Fit the averaged FID of one scan; returns its record under `fit`.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    inputs : mapping of str to Path
        `preproc`, `measures` and `begintime`.
    settings : FitSettings
        Prior knowledge, including that of the begin time.
    pooled : mapping of str to PooledBeginTime
        Pooled begin time of each protocol, by its digest.

    Raises
    ------
    ScanError
        If the FID is too short for the prior knowledge.
    """
    data = read_nifti_mrs(inputs["preproc"])
    own = read_scan_record(inputs["begintime"], BeginTime)
    thermal_sd = read_scan_record(inputs["measures"], Measures).noise_sd
    skipped = skipped_samples(data, settings)
    fid = data.fid[skipped:, 0, 0]
    sampling = {"dwell_time_s": data.dwell_time_s, "spectrometer_frequency_mhz": data.spectrometer_frequency_mhz}
    prior = prior_knowledge(settings, data.spectrometer_frequency_mhz)

    def told(expected: Expected) -> tuple[AmaresFit, dict[str, Any]]:
        """Fit with the prior of the begin time, and its options."""
        options = sampling | _begin_time_options(expected, own, settings, skipped * data.dwell_time_s)
        return fit_amares(fid, prior=prior, profiled=PROFILED, start=_start(own), **options), options

    expected = expected_begin_time(own, settings, pooled)
    try:
        fitted, options = told(expected)
        if expected[0].outlying:
            within = told_by_protocol(own, pooled[own.protocol])
            other, its_options = told(within)
            # A begin time that is off by chance in a poor spectrum fits little better than that of the protocol.
            if _gain(fitted, other) < SURE:
                expected, fitted, options = within, other, its_options
        others = variants(fid, fitted, prior, skipped=skipped, **options)
    except ValueError as error:
        raise ScanError(f"{inputs['preproc'].name}: {error}.") from error
    fit, factors = corrected(fitted, fid, **sampling)
    noise = thermal_sd or fit.noise_sd
    record = Fit(
        scan=scan,
        prior_knowledge=prior.name,
        spectrometer_frequency_mhz=data.spectrometer_frequency_mhz,
        dwell_time_s=data.dwell_time_s,
        points=len(data.fid),
        skipped_points=skipped,
        begin_time_prior=expected[0],
        begin_time_us=(fit.begin_time_s - skipped * data.dwell_time_s) * 1e6,
        begin_time_sd_us=_finite(fit.begin_time_sd_s * 1e6) if settings.fit_begin_time else None,
        begin_time_fitted=settings.fit_begin_time,
        evidence=evidence_of_lines(fit, fid, prior, noise_sd=noise, **sampling),
        residual_near=residual_near_lines(fit, fid, noise_sd=noise, **sampling),
        residual_over_noise=fit.noise_sd / thermal_sd if thermal_sd else None,
        residual_white=bool((factors <= 1).all()),
        sd_raised_by={name: factor for name, factor in zip(fit.names, factors.tolist(), strict=True) if factor > 1},
        **_found(fit),
        line_shape=_shape(fit, data.dwell_time_s),
        other_minima={
            profile.line: [OtherMinimum(shift_ppm=place, delta_chi2=rise) for place, rise in profile.minima()[1:]]
            for profile in fit.profiles
        },
        shift_per_begin_time=_pulls(fitted, options["begin_time_prior"]),
        **_shared_noise(fit, options["begin_time_prior"]),
        **_model_choice(fitted, others),
    )
    return {"fit": scan_record_bytes(record)}


def _begin_time_options(expected: Expected, own: BeginTime, settings: FitSettings, skipped_s: float) -> dict[str, Any]:
    """Options of the fit: prior of the begin time of its first sample, and line shape."""
    (what, window_us), known = expected, None
    mean_s = what.mean_us * 1e-6 + skipped_s
    if what.sd_us is not None and own.noise_sd is not None:
        known = BeginTimePrior(mean_s, what.sd_us * 1e-6, own.noise_sd)
    return {
        "begin_time_s": mean_s,
        "fit_begin_time": settings.fit_begin_time,
        "begin_time_window_s": window_us * 1e-6,
        "begin_time_prior": known,
        "shape_order": LEAST_ORDER,
        "max_shape_order": HIGHEST_ORDER,
    }


def _gain(fit: AmaresFit, other: AmaresFit) -> float:
    """χ² by which a fit is better than another one."""
    return (other.residual_norm_sq - fit.residual_norm_sq) / fit.noise_sd**2


def _pulls(fit: AmaresFit, known: BeginTimePrior | None) -> dict[str, float]:
    """Change of each shift with the expected begin time, cov(shift, begin time)/σ² of the expectation [ppm/µs]."""
    if known is None:
        return {}
    row = fit.covariance[fit.covariance_names.index("begin_time_s")]
    pulls = {name: row[fit.covariance_names.index(f"shift_ppm:{name}")] / known.sd_s**2 * 1e-6 for name in fit.names}
    return {name: float(pull) for name, pull in pulls.items() if math.isfinite(pull)}


def _shared_noise(fit: AmaresFit, known: BeginTimePrior | None) -> dict[str, dict[str, float]]:
    """Covariance due to noise of each shift with the begin time [ppm·µs] and the phase [ppm·degree], by field.

    With the covariance C of the fit and the weight P of the expected begin time, the covariance of the scatter of the
    estimates is C − CPC: what the prior determines does not scatter.
    """
    time, phase = (fit.covariance_names.index(name) for name in ("begin_time_s", f"phase_deg:{fit.names[0]}"))
    rows = [fit.covariance_names.index(f"shift_ppm:{name}") for name in fit.names]
    held = fit.covariance[rows, time] / known.sd_s**2 if known else np.zeros(len(rows))
    found = {
        "shift_begin_time_covariance": 1e6 * (fit.covariance[rows, time] - held * fit.covariance[time, time]),
        "shift_phase_covariance": fit.covariance[rows, phase] - held * fit.covariance[time, phase],
    }
    return {
        field: {name: value for name, value in zip(fit.names, values.tolist(), strict=True) if math.isfinite(value)}
        for field, values in found.items()
    }


def _start(own: BeginTime) -> FitStart | None:
    """End point of the fit of the scan by itself."""
    end = own.start
    return FitStart(tuple(end.lines), end.parameters, tuple(end.coefficients)) if end else None


def _shape(fit: AmaresFit, dwell_time_s: float) -> LineShapeRecord | None:
    """Line shape common to all lines: its parameters, and the resulting shape of PCr."""
    if not fit.line_shape:
        return None
    figures = line_figures(fit, REFERENCE, dwell_time_s) if REFERENCE in fit.names else None
    fwhm_hz, asymmetry = figures or (None, None)
    return LineShapeRecord(
        order=fit.line_shape.order,
        decay_time_s=fit.line_shape.basis.decay_time_s,
        end=fit.line_shape.basis.end,
        coefficients=fit.line_shape.coefficients.tolist(),
        pcr_fwhm_hz=fwhm_hz,
        pcr_asymmetry=asymmetry,
    )


def _model_choice(fit: AmaresFit, others: tuple[Variant, ...]) -> dict[str, Any]:
    """Effect of other choices of model on the shifts from the reference line [ppm]."""

    def distance(each: AmaresFit, line: str) -> float:
        return float(each.shifts_ppm[each.names.index(line)] - each.shifts_ppm[each.names.index(REFERENCE)])

    lines = [line for line in SHIFTED if line in fit.names and REFERENCE in fit.names]
    return {
        "model_sd_ppm": {line: math.sqrt(model_variance(fit, others, {line: 1.0, REFERENCE: -1.0})) for line in lines},
        "model_variants": [
            ModelVariant(
                name=each.name, change_ppm={line: distance(each.fit, line) - distance(fit, line) for line in lines}
            )
            for each in others
        ],
    }


def _found(fit: AmaresFit) -> dict[str, Any]:
    """Fields of the record that come from the fit; what the data do not determine is null."""
    rows = [fit.covariance_names.index(f"{key}:{name}") for key in REPORTED for name in fit.names]
    matrix = fit.covariance[np.ix_(rows, rows)]
    return {
        "converged": fit.converged,
        "message": fit.message,
        "noise_sd": fit.noise_sd,
        "residual_norm_sq": fit.residual_norm_sq,
        "phase_deg": fit.phases_deg[0],
        "phase_sd_deg": _finite(fit.phases_deg_sd[0]),
        "lines": [_line(fit, index) for index in range(len(fit.names))],
        "covariance": Covariance(
            parameters=[fit.covariance_names[row] for row in rows],
            matrix=[[_finite(value) for value in row] for row in matrix.tolist()],
        ),
    }


def _line(fit: AmaresFit, index: int) -> FitLine:
    name = fit.names[index]
    limits = {
        entry.split(":")[0]: _finite(limit)
        for entry, limit in zip(fit.at_bound, fit.bound_limits, strict=True)
        if entry.endswith(f":{name}")
    }
    return FitLine(
        name=name,
        amplitude=fit.amplitudes[index],
        amplitude_sd=_finite(fit.amplitudes_sd[index]),
        shift_ppm=fit.shifts_ppm[index],
        shift_sd_ppm=_finite(fit.shifts_ppm_sd[index]),
        linewidth_hz=fit.linewidths_hz[index],
        linewidth_sd_hz=_finite(fit.linewidths_hz_sd[index]),
        lorentzian_hz=fit.lorentzian_hz[index],
        gaussian_hz=fit.gaussian_hz[index],
        phase_deg=fit.phases_deg[index],
        offsets_hz=fit.offsets_hz[index].tolist(),
        weights=fit.weights[index].tolist(),
        at_bound=list(limits),
        bound_limits_95=limits,
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
