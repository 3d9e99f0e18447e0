"""Combine coils and transients of one scan, and measure the averaged spectrum."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.core.alignment import Alignment, align_transients
from myomag.core.preprocess import MirroredSpectrumError, find_pcr_hz, shift_frequency
from myomag.core.quality import SNR_DEFINITION, PcrLine, drift_hz, fit_pcr, noise_sd, transient_noise_sd
from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes, sidecar_dict
from myomag.io.records import read_record, record_bytes
from myomag.io.scan_records import Measures, RejectedTransient, scan_record_bytes
from myomag.settings.qc import QcSettings
from myomag.steps.transients import read_transients


def qc_scan(scan: str, inputs: Mapping[str, Path], settings: QcSettings) -> dict[str, bytes]:
    """Average one scan with PCr at 0 Hz and measure it; returns `preproc`, `preproc_sidecar` and `measures`.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    inputs : mapping of str to Path
        `fid` and `sidecar`.
    settings : QcSettings
        How transients are aligned and rejected.

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
        max_shift_hz=settings.max_alignment_shift_hz,
        outlier_z=settings.outlier_z,
        align=settings.align_transients,
    )
    pcr = _pcr_line(alignment.average, data, inputs["fid"].name)
    average = shift_frequency(alignment.average, -pcr.frequency_hz, data.dwell_time_s)
    preproc = replace(data, fid=average.astype(np.complex64)[:, None, None])
    return {
        "preproc": nifti_mrs_bytes(preproc),
        "preproc_sidecar": record_bytes(sidecar | sidecar_dict(preproc)),
        "measures": scan_record_bytes(_measures(scan, data, alignment, pcr, sidecar)),
    }


def _pcr_line(average: NDArray[np.complex128], data: MrsData, name: str) -> PcrLine:
    """PCr line of the averaged FID."""
    mhz = data.spectrometer_frequency_mhz
    try:
        start_hz = find_pcr_hz(average, dwell_time_s=data.dwell_time_s, spectrometer_frequency_mhz=mhz)
    except MirroredSpectrumError as error:
        raise ScanError(f"{name}: {error}; set convert.conjugate: true for this scan.") from error
    except ValueError as error:
        raise ScanError(f"{name}: {error}") from error
    return fit_pcr(average, dwell_time_s=data.dwell_time_s, spectrometer_frequency_mhz=mhz, start_hz=start_hz)


def _measures(scan: str, data: MrsData, alignment: Alignment, pcr: PcrLine, sidecar: Mapping[str, Any]) -> Measures:
    """What was measured on the transients and their average, and what a reader wants to know of the acquisition."""
    points, transients, coils = data.fid.shape
    mhz = data.spectrometer_frequency_mhz
    noise = noise_sd(
        alignment.average, dwell_time_s=data.dwell_time_s, spectrometer_frequency_mhz=mhz, pcr_hz=pcr.frequency_hz
    )
    used = np.setdiff1d(np.arange(transients), list(alignment.rejected))
    return Measures(
        scan=scan,
        transients=transients,
        transients_used=used.size,
        coils=coils,
        rejected_transients=[RejectedTransient(transient=k, reason=why) for k, why in alignment.rejected.items()],
        noise_sd=noise,
        pcr_snr=pcr.amplitude / noise if noise else None,
        snr_definition=SNR_DEFINITION,
        pcr_fwhm_hz=pcr.fwhm_hz,
        pcr_fwhm_ppm=pcr.fwhm_hz / mhz,
        pcr_offset_hz=pcr.frequency_hz,
        frequency_drift_hz=drift_hz(alignment.shifts_hz[used]),
        frequency_shifts_hz=alignment.shifts_hz.tolist(),
        phases_deg=alignment.phases_deg.tolist(),
        phase_deg=float(np.rad2deg(pcr.phase_rad)),
        points=points,
        spectral_width_hz=1 / data.dwell_time_s,
        spectrometer_frequency_mhz=mhz,
        repetition_time_s=sidecar.get("RepetitionTime"),
        echo_time_s=sidecar.get("EchoTime"),
        fid_sha256=sha256(np.ascontiguousarray(data.fid, dtype="<c8").tobytes()).hexdigest(),
    )
