"""Combine coils and transients of one scan, and judge the averaged spectrum."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.core.alignment import Alignment, align_transients
from myomag.core.preprocess import find_pcr_hz, shift_frequency
from myomag.core.quality import SNR_DEFINITION, PcrLine, drift_hz, fit_pcr, noise_sd, transient_noise_sd
from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes, sidecar_dict
from myomag.io.records import read_record, record_bytes
from myomag.steps.transients import read_transients


def qc_scan(scan: str, inputs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Average one scan with PCr at 0 Hz and judge it; returns `preproc`, `preproc_sidecar` and `quality`.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    inputs : mapping of str to Path
        `fid` and `sidecar`.
    settings : mapping
        Section `qc`.

    Raises
    ------
    ScanError
        If no PCr line stands out of the noise, the spectrum is flat, the data look conjugated, or nearly all samples
        are zero.
    """
    data, transients = read_transients(inputs["fid"])
    sidecar = read_record(inputs["sidecar"])
    alignment = align_transients(
        transients,
        dwell_time_s=data.dwell_time_s,
        noise_sd=transient_noise_sd(transients),
        max_shift_hz=settings["max_alignment_shift_hz"],
        outlier_z=settings["outlier_z"],
        align=settings["align_transients"],
    )
    try:
        pcr = _pcr_line(alignment.average, data)
    except ScanError as error:
        raise ScanError(f"{inputs['fid'].name}: {error}") from error
    average = shift_frequency(alignment.average, -pcr.frequency_hz, data.dwell_time_s)
    preproc = replace(data, fid=average.astype(np.complex64)[:, None, None])
    record = _measured(data, alignment, pcr) | _acquisition(data, sidecar)
    verdict, reasons = judge(record, settings)
    return {
        "preproc": nifti_mrs_bytes(preproc),
        "preproc_sidecar": record_bytes(sidecar | sidecar_dict(preproc)),
        "quality": record_bytes({"scan": scan, "verdict": verdict, "reasons": reasons} | record),
    }


def judge(record: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Verdict (pass, warn or fail) on a quality record, with a reason for each threshold not met.

    Parameters
    ----------
    record : mapping
        Measured quality; a quantity that could not be measured is None.
    settings : mapping
        Section `qc`.
    """
    rejected = len(record["rejected_transients"]) / record["transients"]
    checks = (
        ("PCr SNR", record["pcr_snr"], "", -1, settings["min_snr"], settings["warn_snr"]),
        (
            "PCr linewidth",
            record["pcr_fwhm_ppm"],
            " ppm",
            1,
            settings["max_linewidth_ppm"],
            settings["warn_linewidth_ppm"],
        ),
        ("frequency drift", record["frequency_drift_hz"], " Hz", 1, np.inf, settings["warn_drift_hz"]),
        (
            "fraction of rejected transients",
            rejected,
            "",
            1,
            settings["max_rejected_fraction"],
            settings["warn_rejected_fraction"],
        ),
    )
    verdicts, reasons = ["pass"], []
    for name, value, unit, sign, fail_limit, warn_limit in checks:
        if value is None:
            verdicts.append("warn")
            reasons.append(f"{name} not known: no noise could be measured")
            continue
        for verdict, limit in (("fail", fail_limit), ("warn", warn_limit)):
            if sign * value > sign * limit:
                verdicts.append(verdict)
                reasons.append(f"{name} {value:.3g}{unit} {'above' if sign > 0 else 'below'} {limit:g}{unit}")
                break
    return max(verdicts, key=("pass", "warn", "fail").index), reasons


def _pcr_line(average: NDArray[np.complex128], data: MrsData) -> PcrLine:
    """PCr line of the averaged FID."""
    mhz = data.spectrometer_frequency_mhz
    start_hz = find_pcr_hz(average, dwell_time_s=data.dwell_time_s, spectrometer_frequency_mhz=mhz)
    return fit_pcr(average, dwell_time_s=data.dwell_time_s, spectrometer_frequency_mhz=mhz, start_hz=start_hz)


def _measured(data: MrsData, alignment: Alignment, pcr: PcrLine) -> dict[str, Any]:
    """Collect what was measured on the transients and their average."""
    _, transients, coils = data.fid.shape
    mhz = data.spectrometer_frequency_mhz
    noise = noise_sd(
        alignment.average, dwell_time_s=data.dwell_time_s, spectrometer_frequency_mhz=mhz, pcr_hz=pcr.frequency_hz
    )
    used = np.setdiff1d(np.arange(transients), list(alignment.rejected))
    return {
        "transients": transients,
        "transients_used": used.size,
        "coils": coils,
        "rejected_transients": [{"transient": k, "reason": reason} for k, reason in alignment.rejected.items()],
        "noise_sd": noise,
        "pcr_snr": pcr.amplitude / noise if noise else None,
        "snr_definition": SNR_DEFINITION,
        "pcr_fwhm_hz": pcr.fwhm_hz,
        "pcr_fwhm_ppm": pcr.fwhm_hz / mhz,
        "pcr_offset_hz": pcr.frequency_hz,
        "frequency_drift_hz": drift_hz(alignment.shifts_hz[used]),
        "frequency_shifts_hz": alignment.shifts_hz.tolist(),
        "phases_deg": alignment.phases_deg.tolist(),
        "phase_deg": float(np.rad2deg(pcr.phase_rad)),
    }


def _acquisition(data: MrsData, sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """Collect what the reader of a quality record wants to know of the acquisition."""
    return {
        "points": data.fid.shape[0],
        "spectral_width_hz": 1 / data.dwell_time_s,
        "spectrometer_frequency_mhz": data.spectrometer_frequency_mhz,
        "repetition_time_s": sidecar.get("RepetitionTime"),
        "echo_time_s": sidecar.get("EchoTime"),
    }
