"""The average of a scan's transients: aligned, from the steady state on, with changes during the scan."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from myomag.core.alignment import Alignment, align_transients, phasors
from myomag.core.line_tracks import LineTracks, line_tracks
from myomag.core.one_state import StateChange, state_change
from myomag.core.preprocess import find_pcr_hz
from myomag.core.quality import PcrLine, fit_pcr, transient_noise_sd
from myomag.core.steady_state import transients_before_steady_state

Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class ScanState:
    """Average of the transients of a scan, and whether they are consistent.

    Attributes
    ----------
    alignment : Alignment
        Shifts and phases of all transients, and the mean of those in the steady state.
    pcr : PcrLine
        PCr of that mean.
    dummy_transients : int
        Initial transients left out because they precede the steady state.
    change : StateChange or None
        Change over the others; None for a single one.
    tracks : LineTracks or None
        Lines of each transient, from which the change was determined.
    """

    alignment: Alignment
    pcr: PcrLine
    dummy_transients: int
    change: StateChange | None
    tracks: LineTracks | None = None


def scan_state(
    fid: Complex,
    *,
    dwell_time_s: float,
    spectrometer_frequency_mhz: float,
    max_shift_hz: float,
    outlier_z: float,
    steady_state_z: float,
    steady_state_tolerance: float,
    ratio_tolerance: float,
    shift_tolerance_ppm: float,
    align: bool = True,
) -> ScanState:
    """Align and average the transients of a scan, and compare them.

    Parameters
    ----------
    fid : ndarray, shape (points, transients)
        Transients, coils combined.
    dwell_time_s : float
        Sampling interval [s].
    spectrometer_frequency_mhz : float
        Carrier frequency [MHz].
    max_shift_hz, outlier_z, align : float, float and bool
        See `alignment.align_transients`. Transients are compared after alignment, even if it is not requested.
    steady_state_z, steady_state_tolerance : float
        See `steady_state.transients_before_steady_state`.
    ratio_tolerance, shift_tolerance_ppm : float
        See `one_state.state_change`.

    Raises
    ------
    ValueError, MirroredSpectrumError
        If the average shows no PCr, or the mirror image of a spectrum.
    """
    noise = transient_noise_sd(fid)
    sampling = {"dwell_time_s": dwell_time_s, "spectrometer_frequency_mhz": spectrometer_frequency_mhz}
    averaged = partial(
        align_transients, dwell_time_s=dwell_time_s, noise_sd=noise, max_shift_hz=max_shift_hz, outlier_z=outlier_z
    )
    alignment = averaged(fid, align=align)
    pcr = _pcr(alignment.average, **sampling)
    if fid.shape[1] == 1:
        return ScanState(alignment, pcr, 0, None)
    compared = alignment if align else averaged(fid, align=True)

    def tracks(first: int) -> LineTracks:
        turns = phasors(compared.shifts_hz, np.deg2rad(compared.phases_deg), len(fid), dwell_time_s)
        line = {"pcr_hz": pcr.frequency_hz, "pcr_fwhm_hz": pcr.fwhm_hz}
        return line_tracks((fid * np.conj(turns))[:, first:], **sampling, **line, noise_sd=noise)

    found = tracks(0)
    dummies = transients_before_steady_state(found, min_z=steady_state_z, tolerance=steady_state_tolerance)
    if dummies:
        alignment = _after(averaged(fid[:, dummies:], align=align), alignment, dummies)
        pcr = _pcr(alignment.average, **sampling)
        found = tracks(dummies)
    change = state_change(found, ratio_tolerance=ratio_tolerance, shift_tolerance_ppm=shift_tolerance_ppm)
    return ScanState(alignment, pcr, dummies, change, found)


def _pcr(average: Complex, *, dwell_time_s: float, spectrometer_frequency_mhz: float) -> PcrLine:
    """PCr line of an averaged FID."""
    sampling = {"dwell_time_s": dwell_time_s, "spectrometer_frequency_mhz": spectrometer_frequency_mhz}
    return fit_pcr(average, **sampling, start_hz=find_pcr_hz(average, **sampling))


def _after(steady: Alignment, whole: Alignment, dummies: int) -> Alignment:
    """Alignment of the transients in the steady state, numbered as in the scan."""
    return replace(
        steady,
        shifts_hz=np.concatenate([whole.shifts_hz[:dummies], steady.shifts_hz]),
        phases_deg=np.concatenate([whole.phases_deg[:dummies], steady.phases_deg]),
        rejected={dummies + k: reason for k, reason in steady.rejected.items()},
    )
