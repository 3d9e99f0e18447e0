"""Combine coils and transients of one scan, and measure the averaged spectrum."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.core.one_state import StateChange
from myomag.core.preprocess import MirroredSpectrumError, shift_frequency
from myomag.core.quality import SNR_DEFINITION, drift_hz, noise_sd
from myomag.core.scan_state import ScanState, scan_state
from myomag.errors import ScanError
from myomag.io.events import EVENTS_FIELD, Event
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes, sidecar_dict
from myomag.io.phase_records import Phases
from myomag.io.records import read_record, record_bytes
from myomag.io.scan_records import Measures, RejectedTransient, scan_record_bytes
from myomag.io.volume_timing import VOLUME_TIMING
from myomag.settings.qc import QcSettings
from myomag.steps.series_phases import averaged, averaged_repetitions, phases_by_pcr, series_times, stated_phases
from myomag.steps.transients import Transients, read_transients


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
        If no PCr line is above the noise, the spectrum is flat, the data appear to be conjugated, nearly all samples
        are zero, or the start of the signal cannot be determined.
    """
    read = read_transients(inputs["fid"])
    data, sidecar = read.data, read_record(inputs["sidecar"])
    series, state = _series_or_state(read, sidecar, inputs["fid"].name, settings)
    average = shift_frequency(state.alignment.average, -state.pcr.frequency_hz, data.dwell_time_s)
    preproc = replace(data, fid=average.astype(np.complex64)[:, None, None])
    of_all = {key: value for key, value in sidecar.items() if key != VOLUME_TIMING}
    return {
        "preproc": nifti_mrs_bytes(preproc),
        "preproc_sidecar": record_bytes(of_all | sidecar_dict(preproc)),
        "measures": scan_record_bytes(_measures(scan, read, state, sidecar, series)),
    }


def _series_or_state(
    read: Transients, sidecar: Mapping[str, Any], name: str, settings: QcSettings
) -> tuple[Phases | None, ScanState]:
    """Phases of a series and the state of its rest; for other scans, no phases and the state of all transients."""
    axis, events = series_times(read.data, sidecar), sidecar.get(EVENTS_FIELD)
    fids = averaged_repetitions(read.fid, read.data.measurements)
    if events:
        stated = stated_phases([Event(*event) for event in events], axis, fids.shape[1], name)
        rest = _state(fids[:, averaged(stated)], read.data, name, settings)
        worked = any(phase.kind == "exercise" for phase in stated.phases)
        if not worked and rest.change and rest.change.p < settings.min_state_p:
            raise ScanError(
                f"{name}: {said_of_change(rest.change, settings.min_state_p)} within the scan, but its events state no "
                f"exercise within its {stated.end_s:.0f} s; correct onset and duration [s], or remove the events file."
            )
        return stated, rest
    state = _state(read.fid, read.data, name, settings)
    if state.change and state.change.p < settings.min_state_p:
        of_series = state if fids is read.fid else _state(fids, read.data, name, settings)
        tracks = of_series.tracks
        phases = phases_by_pcr(tracks, axis, of_series.dummy_transients) if tracks else None
        if phases is None:
            raise ScanError(
                f"{name}: {said_of_change(state.change, settings.min_state_p)} within the scan: it is neither a "
                "single state nor rest, exercise and recovery. It is not averaged; state its phases in an events "
                "file, save its rest as a separate scan, or set qc.min_state_p: 0 for this scan."
            )
        return phases, _state(fids[:, averaged(phases)], read.data, name, settings)
    return None, state


def _state(fids: NDArray[np.complex128], data: MrsData, name: str, settings: QcSettings) -> ScanState:
    """Average of some transients, and their similarity."""
    try:
        return scan_state(
            fids,
            dwell_time_s=data.dwell_time_s,
            spectrometer_frequency_mhz=data.spectrometer_frequency_mhz,
            max_shift_hz=settings.max_alignment_shift_hz,
            outlier_z=settings.outlier_z,
            steady_state_z=settings.steady_state_z,
            steady_state_tolerance=settings.steady_state_tolerance,
            ratio_tolerance=settings.state_ratio_tolerance,
            shift_tolerance_ppm=settings.state_shift_tolerance_ppm,
            align=settings.align_transients,
        )
    except MirroredSpectrumError as error:
        raise ScanError(f"{name}: {error}; set convert.conjugate: true for this scan.") from error
    except ValueError as error:
        raise ScanError(f"{name}: {error}") from error


def said_of_change(change: StateChange, min_p: float) -> str:
    """What changes in a scan with more than one state, such as `PCr falls to 0.52`."""
    low, high = int(np.argmin(change.pcr)), int(np.argmax(change.pcr))
    extreme = change.pcr[low] / change.pcr[high]
    said = []
    if change.p_pcr_over_atp < min_p:
        said.append(f"PCr falls to {extreme:.2f}" if high < low else f"PCr rises from {extreme:.2f}")
    elif change.p_pi_over_pcr < min_p:
        said.append("Pi changes relative to PCr")
    if change.p_pi_shift < min_p:
        said.append("Pi moves")
    return " and ".join(said)


def _measures(
    scan: str, read: Transients, state: ScanState, sidecar: Mapping[str, Any], series: Phases | None
) -> Measures:
    """Measurements on the transients and their average, and details of the acquisition for readers."""
    data, alignment, pcr, dummies = read.data, state.alignment, state.pcr, state.dummy_transients
    points, _, coils = data.fid.shape
    transients = alignment.shifts_hz.size
    mhz = data.spectrometer_frequency_mhz
    noise = noise_sd(
        alignment.average, dwell_time_s=data.dwell_time_s, spectrometer_frequency_mhz=mhz, pcr_hz=pcr.frequency_hz
    )
    used = np.setdiff1d(np.arange(dummies, transients), list(alignment.rejected))
    return Measures(
        scan=scan,
        transients=transients,
        transients_used=used.size,
        dummy_transients=dummies,
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
        leading_points_cut=read.leading_points_cut,
        spectral_width_hz=1 / data.dwell_time_s,
        spectrometer_frequency_mhz=mhz,
        repetition_time_s=sidecar.get("RepetitionTime"),
        echo_time_s=sidecar.get("EchoTime"),
        state_p=state.change.p if state.change else None,
        series=series,
        fid_sha256=sha256(np.ascontiguousarray(data.fid, dtype="<c8").tobytes()).hexdigest(),
    )
