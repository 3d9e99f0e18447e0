"""First estimate of a scan's begin time, before pooling over its protocol."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.core.amares import AmaresFit, fit_amares
from myomag.core.begin_time_search import search_begin_time
from myomag.core.leading_samples import samples_to_skip
from myomag.core.line_shape import HIGHEST_ORDER, LEAST_ORDER
from myomag.core.pooling import worth_pooling
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.core.pulse_phase import BlockPulse, excited_by
from myomag.core.whiteness import corrected
from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, read_nifti_mrs
from myomag.io.privacy import STRINGS
from myomag.io.records import canonical, digest, read_record
from myomag.io.scan_records import BeginTime, FitEnd, Measures, read_scan_record, scan_record_bytes
from myomag.io.time_zero import StatedBeginTime
from myomag.settings.fit import FitSettings
from myomag.steps.begin_time_start import begin_time_starts, begin_time_window_us
from myomag.steps.evidence import evidence_of_lines

ATP = ("alpha-ATP", "beta-ATP", "gamma-ATP")
FROM_DATA = "estimated from the data"
MIRROR_CHI2 = 50.0
"""Far more than about 30 parameters gain by fitting noise, far less than the ATP lines of a usable scan contribute."""

MIRROR_CHANCE = 1e-3
"""Probability that noise produces an ATP line in the mirror image."""


@dataclass(frozen=True)
class Own:
    """Fit of a scan by itself.

    Attributes
    ----------
    start : StatedBeginTime
        Begin time at the start.
    fit : AmaresFit
    by_data : bool
        Whether the start was estimated from the data, because it is not stated or is contradicted by them.
    doubt : str or None
        Why the begin time is not determined.
    """

    start: StatedBeginTime
    fit: AmaresFit
    by_data: bool = False
    doubt: str | None = None


def begin_time_scan(scan: str, inputs: Mapping[str, Path], settings: FitSettings) -> dict[str, bytes]:
    """Estimate the begin time of one scan by itself; returns its record under `begintime`.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    inputs : mapping of str to Path
        `preproc`, `preproc_sidecar` and `measures`.
    settings : FitSettings
        Prior knowledge, including that of the begin time.

    Raises
    ------
    ScanError
        If the FID is too short for the prior knowledge, or appears to be conjugated.
    """
    data = read_nifti_mrs(inputs["preproc"])
    sidecar = read_record(inputs["preproc_sidecar"])
    measures = read_scan_record(inputs["measures"], Measures)
    fields = protocol_fields(sidecar, settings.protocol_fields)
    own = _shaped(scan, _fit(scan, data, begin_time_starts(sidecar, settings), settings), data, settings)
    start, fit = own.start, own.fit
    fitted, skipped_s = settings.fit_begin_time, skipped_samples(data, settings) * data.dwell_time_s
    reason = (own.doubt or _objection(fit, measures)) if fitted else "the begin time is not fitted"
    record = BeginTime(
        scan=scan,
        protocol=digest(fields)[:8],
        protocol_fields=fields,
        technical_fields=protocol_fields(sidecar, [name for name in STRINGS if name not in fields]),
        start_us=_start_us(own, skipped_s),
        start_source=f"{start.source}, {FROM_DATA}" if own.by_data and not own.doubt else start.source,
        start_kind=start.kind,
        start_by_data=own.by_data,
        doubt=own.doubt,
        begin_time_us=(fit.begin_time_s - skipped_s) * 1e6 if fitted else None,
        begin_time_sd_us=fit.begin_time_sd_s * 1e6 if fitted and _sd_known(fit) else None,
        noise_sd=fit.noise_sd if fitted else None,
        poolable=reason is None,
        reason=reason,
        start=_end(fit),
        fid_sha256=measures.fid_sha256,
    )
    return {"begintime": scan_record_bytes(record)}


def _end(fit: AmaresFit) -> FitEnd | None:
    """End point of the fit, from which the next one starts."""
    end = fit.start
    if end is None:
        return None
    return FitEnd(lines=list(end.lines), parameters=end.parameters, coefficients=list(end.coefficients))


def _start_us(own: Own, skipped_s: float) -> float:
    """Begin time that later fits start from [µs]: as stated, or if not stated, as fitted."""
    value_s = own.start.value_s
    return (own.fit.begin_time_s - skipped_s if value_s is None else value_s) * 1e6


def prior_knowledge(settings: FitSettings, spectrometer_frequency_mhz: float) -> PriorKnowledge:
    """Prior knowledge in the fit settings, checked once for all scans that share it, with the pulse's phases."""
    prior = _checked_prior(canonical(settings.prior_knowledge))
    if settings.pulse is None:
        return prior
    pulse = settings.pulse
    block = BlockPulse(1e-6 * pulse.duration_us, pulse.flip_angle_deg, pulse.carrier_ppm)
    return excited_by(prior, block, spectrometer_frequency_mhz)


@lru_cache(maxsize=8)
def _checked_prior(document: str) -> PriorKnowledge:
    return PriorKnowledge.from_dict(json.loads(document))


def protocol_fields(sidecar: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Sidecar values that distinguish protocols.

    Numbers are kept to three digits, because the spectrometer frequency follows the field of the day; case is ignored.
    """

    def plain(value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(f"{value:.3g}")
        return str(value).casefold() if value is not None else None

    return {name: plain(sidecar.get(name)) for name in names}


def skipped_samples(data: MrsData, settings: FitSettings) -> int:
    """Number of initial samples left out of the fit: as set, else those that may contain a broad signal."""
    if settings.skip_time_us is not None:
        return math.ceil(float(settings.skip_time_us) * 1e-6 / data.dwell_time_s)
    return samples_to_skip(data.dwell_time_s, data.spectrometer_frequency_mhz)


def _fit(scan: str, data: MrsData, starts: Sequence[StatedBeginTime], settings: FitSettings) -> Own:
    """Fit of the scan by itself from the best start; refused if its mirror image fits instead."""
    skipped = skipped_samples(data, settings)
    fid = data.fid[skipped:, 0, 0]

    def fitted(samples: NDArray[np.complexfloating], start: StatedBeginTime) -> AmaresFit:
        return fit_amares(
            samples,
            dwell_time_s=data.dwell_time_s,
            spectrometer_frequency_mhz=data.spectrometer_frequency_mhz,
            prior=prior_knowledge(settings, data.spectrometer_frequency_mhz).required,
            begin_time_s=(start.value_s or 0.0) + skipped * data.dwell_time_s,
            fit_begin_time=settings.fit_begin_time,
            begin_time_window_s=begin_time_window_us(start.kind, settings) * 1e-6,
        )

    try:
        fits = [(start, fitted(fid, start)) for start in starts]
        start, fit = min(fits, key=lambda each: each[1].residual_norm_sq)
        own = _searched(start, fit, data, settings, lambda start: fitted(fid, start))
        mirrored = _lacks_atp(own.fit) and _is_better(fitted(fid.conj(), start), own.fit, fid.conj(), data, settings)
    except ValueError as error:
        raise ScanError(f"{scan}: {error}.") from error
    if mirrored:
        raise ScanError(
            f"{scan}: the data appear to be conjugated: the ATP lines fit their mirror image, not the data "
            "themselves; set convert.conjugate: true for this scan."
        )
    return own


def _searched(
    start: StatedBeginTime,
    fit: AmaresFit,
    data: MrsData,
    settings: FitSettings,
    fit_from: Callable[[StatedBeginTime], AmaresFit],
) -> Own:
    """Fit from a begin time estimated from the data, if none is stated or they contradict it.

    The top of an echo is fixed by its sampling, and a begin time set by the user is not questioned.
    """
    if not settings.fit_begin_time or settings.begin_time_us is not None or start.kind == "echo":
        return Own(start, fit)
    skipped = skipped_samples(data, settings)
    offset_s = skipped * data.dwell_time_s

    def fit_at(centre_s: float, half_width_s: float, steps: int | None) -> AmaresFit:
        return fit_amares(
            data.fid[skipped:, 0, 0],
            dwell_time_s=data.dwell_time_s,
            spectrometer_frequency_mhz=data.spectrometer_frequency_mhz,
            prior=prior_knowledge(settings, data.spectrometer_frequency_mhz).required,
            begin_time_s=centre_s + offset_s,
            fit_begin_time=True,
            begin_time_window_s=half_width_s,
            steps=steps,
        )

    found = search_begin_time(fit_at, start.value_s, fit, offset_s)
    if found.doubt:
        return Own(start, fit, start.value_s is None, f"begin time not determined ({start.source}): {found.doubt}")
    if found.begin_time_s is None:
        return Own(start, fit, start.value_s is None)
    told = replace(start, value_s=found.begin_time_s)
    return Own(told, fit_from(told), by_data=True)


def _shaped(scan: str, own: Own, data: MrsData, settings: FitSettings) -> Own:
    """Fit from the same start with the line shape of the scan, whose asymmetry would otherwise mimic a begin time.

    The begin time of a scan with a non-white residual has less weight in its protocol.
    """
    skipped = skipped_samples(data, settings)
    fid = data.fid[skipped:, 0, 0]
    sampling: dict[str, Any] = {
        "dwell_time_s": data.dwell_time_s,
        "spectrometer_frequency_mhz": data.spectrometer_frequency_mhz,
    }
    try:
        fit = fit_amares(
            fid,
            **sampling,
            prior=prior_knowledge(settings, data.spectrometer_frequency_mhz),
            begin_time_s=(own.start.value_s or 0.0) + skipped * data.dwell_time_s,
            fit_begin_time=settings.fit_begin_time,
            begin_time_window_s=begin_time_window_us(own.start.kind, settings) * 1e-6,
            shape_order=LEAST_ORDER,
            max_shape_order=HIGHEST_ORDER,
            start=own.fit.start,
        )
    except ValueError as error:
        raise ScanError(f"{scan}: {error}.") from error
    return replace(own, fit=corrected(fit, fid, **sampling)[0])


def _objection(fit: AmaresFit, measures: Measures) -> str | None:
    """Why the begin time may not be pooled; None if it may."""
    if not fit.converged:
        return "the fit did not converge"
    if not _sd_known(fit):
        return "the begin time ended at the edge of its window"
    good = worth_pooling(
        pcr_snr=measures.pcr_snr, pcr_fwhm_ppm=measures.pcr_fwhm_ppm, rejected_fraction=measures.rejected_fraction
    )
    return None if good else "the spectrum is too poor to inform other scans"


def _sd_known(fit: AmaresFit) -> bool:
    return math.isfinite(fit.begin_time_sd_s) and fit.begin_time_sd_s > 0


def _lacks_atp(fit: AmaresFit) -> bool:
    """Whether an ATP multiplet is within 6 SD of the noise, so that the mirror image must be checked."""
    rows = [index for index, name in enumerate(fit.names) if name in ATP]
    return not all(fit.amplitudes[row] > 6 * fit.amplitudes_sd[row] for row in rows)


def _is_better(
    mirror: AmaresFit, fit: AmaresFit, mirrored: NDArray[np.complexfloating], data: MrsData, settings: FitSettings
) -> bool:
    """Whether the mirror image fits better than by chance (Δχ² above `MIRROR_CHI2`) and contains ATP.

    With PCr alone, an unmodelled line shape may suit the mirror image better.
    """
    noise_variance = mirror.residual_norm_sq / (2 * len(mirrored))
    if fit.residual_norm_sq - mirror.residual_norm_sq <= MIRROR_CHI2 * noise_variance:
        return False
    sampling = {"dwell_time_s": data.dwell_time_s, "spectrometer_frequency_mhz": data.spectrometer_frequency_mhz}
    prior = prior_knowledge(settings, data.spectrometer_frequency_mhz)
    found = evidence_of_lines(mirror, mirrored, prior, noise_sd=mirror.noise_sd, **sampling)
    return any(found[name].p_chance < MIRROR_CHANCE for name in ATP if name in found)
