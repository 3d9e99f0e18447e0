"""First estimate of a scan's begin time, before what other scans of its protocol say of it is known."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.core.amares import AmaresFit, fit_amares
from myomag.core.leading_samples import samples_to_skip
from myomag.core.line_shape import HIGHEST_ORDER, LEAST_ORDER
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.core.whiteness import corrected
from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, read_nifti_mrs
from myomag.io.records import read_record, record_bytes
from myomag.provenance import canonical, digest

ATP = ("alpha-ATP", "beta-ATP", "gamma-ATP")
MIRROR_CHI2 = 50.0
"""Far above what some 30 parameters gain by fitting noise, far below what the ATP lines of a usable scan are worth."""


def begin_time_scan(scan: str, inputs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Estimate the begin time of one scan by itself; returns its record under `begintime`.

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
        If the FID is too short for the prior knowledge, or looks conjugated.
    """
    data = read_nifti_mrs(inputs["preproc"])
    sidecar = read_record(inputs["preproc_sidecar"])
    fields = protocol_fields(sidecar, settings["protocol_fields"])
    record: dict[str, Any] = {
        "scan": scan,
        "protocol": digest(fields)[:8],
        "protocol_fields": fields,
        "start_us": begin_time_start_s(sidecar, settings) * 1e6,
        "begin_time_us": None,
        "begin_time_sd_us": None,
        "noise_sd": None,
        "poolable": False,
        "reason": "the begin time is not fitted",
        "start": None,
    }
    verdict = read_record(inputs["quality"])["verdict"]
    estimate = _estimate(data, prior_knowledge(settings), record, settings, verdict)
    if settings["fit_begin_time"]:
        record |= estimate
    return {"begintime": record_bytes(record)}


def prior_knowledge(settings: Mapping[str, Any]) -> PriorKnowledge:
    """Prior knowledge in the settings of the fit, checked once for all scans that share it."""
    return _checked_prior(canonical(settings["prior_knowledge"]))


@lru_cache(maxsize=8)
def _checked_prior(document: str) -> PriorKnowledge:
    return PriorKnowledge.from_dict(json.loads(document))


def protocol_fields(sidecar: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Values of the sidecar that tell protocols apart.

    Numbers are kept to three digits, because the spectrometer frequency follows the day's field; letter case of text
    does not count.
    """

    def plain(value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(f"{value:.3g}")
        return str(value).casefold() if value is not None else None

    return {name: plain(sidecar.get(name)) for name in names}


def begin_time_start_s(sidecar: Mapping[str, Any], settings: Mapping[str, Any]) -> float:
    """Begin time the fit starts from [s]: the setting, else the sidecar's EchoTime, else 0."""
    if settings["begin_time_us"] is not None:
        return float(settings["begin_time_us"]) * 1e-6
    stated = sidecar.get("EchoTime")
    return float(stated) if isinstance(stated, int | float) else 0.0


def skipped_samples(data: MrsData, settings: Mapping[str, Any]) -> int:
    """Number of first samples left out of the fit: by the setting, else where a broad signal may hide."""
    if settings["skip_time_us"] is not None:
        return math.ceil(float(settings["skip_time_us"]) * 1e-6 / data.dwell_time_s)
    return samples_to_skip(data.dwell_time_s, data.spectrometer_frequency_mhz)


def _estimate(
    data: MrsData, prior: PriorKnowledge, record: Mapping[str, Any], settings: Mapping[str, Any], verdict: str
) -> dict[str, Any]:
    skipped = skipped_samples(data, settings)
    fid = data.fid[skipped:, 0, 0]

    def fitted(samples: NDArray[np.complexfloating]) -> AmaresFit:
        return fit_amares(
            samples,
            dwell_time_s=data.dwell_time_s,
            spectrometer_frequency_mhz=data.spectrometer_frequency_mhz,
            prior=prior,
            begin_time_s=record["start_us"] * 1e-6 + skipped * data.dwell_time_s,
            fit_begin_time=settings["fit_begin_time"],
            begin_time_window_s=settings["begin_time_window_us"] * 1e-6,
            shape_order=LEAST_ORDER,
            max_shape_order=HIGHEST_ORDER,
        )

    try:
        fit = fitted(fid)
        mirrored = _lacks_atp(fit) and _explains_more(fitted(fid.conj()), fit, len(fid))
    except ValueError as error:
        raise ScanError(f"{record['scan']}: {error}.") from error
    if mirrored:
        raise ScanError(
            f"{record['scan']}: the data look conjugated: their mirror image fits the ATP lines and they do not; "
            "set convert.conjugate: true for this scan."
        )
    # The begin time of a scan whose residual is not white counts for less among its protocol.
    fit, _ = corrected(
        fit,
        fid,
        dwell_time_s=data.dwell_time_s,
        spectrometer_frequency_mhz=data.spectrometer_frequency_mhz,
    )
    known = bool(np.isfinite(fit.begin_time_sd_s)) and fit.begin_time_sd_s > 0
    reason = None
    if not fit.converged:
        reason = "the fit did not converge"
    elif not known:
        reason = "the begin time ended at the edge of its window"
    elif verdict == "fail":
        reason = "the spectrum failed quality control"
    return {
        "begin_time_us": (fit.begin_time_s - skipped * data.dwell_time_s) * 1e6,
        "begin_time_sd_us": fit.begin_time_sd_s * 1e6 if known else None,
        "noise_sd": fit.noise_sd,
        "poolable": reason is None,
        "reason": reason,
        "start": asdict(fit.start) if fit.start else None,
    }


def _lacks_atp(fit: AmaresFit) -> bool:
    """Whether a group of ATP does not stand out of the noise by 4 SD, which asks for a look at the mirror image."""
    rows = [index for index, name in enumerate(fit.names) if name in ATP]
    return not all(fit.amplitudes[row] > 4 * fit.amplitudes_sd[row] for row in rows)


def _explains_more(mirror: AmaresFit, fit: AmaresFit, points: int) -> bool:
    """Whether the fit of the mirror image is better by more than chance: Δχ² above `MIRROR_CHI2`."""
    noise_variance = mirror.residual_norm_sq / (2 * points)
    return fit.residual_norm_sq - mirror.residual_norm_sq > MIRROR_CHI2 * noise_variance
