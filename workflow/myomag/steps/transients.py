"""The transients of a converted scan, as used in quality control and shown in the report."""

from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from myomag.core.coils import combine_coils
from myomag.core.first_signal import leading_samples_to_cut
from myomag.errors import ScanError
from myomag.io.nifti_mrs import MIN_POINTS, MrsData, read_nifti_mrs
from myomag.io.time_zero import stated_begin_time

SAMPLING_ROUNDING = 1e-3
"""Fraction of a sample by which a stated time may be off due to rounding."""


class Transients(NamedTuple):
    """Transients of one scan from the first to the last sample of the signal.

    Attributes
    ----------
    data : MrsData
        The scan without the samples before its signal and the zeros after it.
    fid : ndarray, shape (points, transients)
        Its transients with the coils combined.
    leading_points_cut : int
        Samples removed before the signal.
    """

    data: MrsData
    fid: NDArray[np.complex128]
    leading_points_cut: int


def read_transients(path: Path) -> Transients:
    """Transients of a scan without zero filling and without samples before the signal.

    Raises
    ------
    ScanError
        If nearly all samples are zero, or the start of the signal cannot be determined.
    """
    data = _without_zero_filling(read_nifti_mrs(path), path.name)
    fid = combine_coils(data.fid.astype(np.complex128))
    cut = _leading_points(data, fid, path.name)
    return Transients(_without_leading(data, cut), fid[cut:], cut) if cut else Transients(data, fid, 0)


def _without_zero_filling(data: MrsData, name: str) -> MrsData:
    """Scan without the zeros that some scanners append: they contain neither signal nor noise."""
    points = 1 + int(np.flatnonzero(np.any(data.fid != 0, axis=(1, 2)))[-1])
    if points < MIN_POINTS:
        raise ScanError(f"{name}: only {points} points are not zero, too few for a spectrum (at least {MIN_POINTS}).")
    return replace(data, fid=data.fid[:points])


def _leading_points(data: MrsData, fid: NDArray[np.complex128], name: str) -> int:
    """Number of samples before the signal: before its top, as stated, for an echo; without signal for an FID.

    An echo also has signal before its top, an FID none before the excitation, so one of the two decides.
    """
    stated = stated_begin_time(data.metadata)
    if stated.kind != "fid" and stated.value_s is not None and stated.value_s < 0:
        cut = ceil(-stated.value_s / data.dwell_time_s - SAMPLING_ROUNDING)
    else:
        try:
            cut = leading_samples_to_cut(fid, dwell_time_s=data.dwell_time_s)
        except ValueError as error:
            raise ScanError(f"{name}: {error}.") from error
    if len(fid) - cut < MIN_POINTS:
        raise ScanError(
            f"{name}: only {len(fid) - cut} points after removing {cut} before the signal, too few; check the header."
        )
    return cut


def _without_leading(data: MrsData, cut: int) -> MrsData:
    """Scan that starts `cut` samples later, with AcquisitionStartTime adjusted if present."""
    metadata, field = data.metadata, "AcquisitionStartTime"
    if isinstance(start := metadata.get(field), int | float):
        # Rounded to a picosecond, as a sum of decimal fractions is inexact.
        metadata = metadata | {field: round(start + cut * data.dwell_time_s, 12)}
    return replace(data, fid=data.fid[cut:], metadata=metadata)
