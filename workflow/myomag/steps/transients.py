"""The transients of a converted scan as quality control sees them, and as the report shows them."""

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
"""Part of a sample by which a stated time may miss a sample for its rounding."""


class Transients(NamedTuple):
    """Transients of one scan from the first sample of the signal to the last one.

    Attributes
    ----------
    data : MrsData
        The scan without the samples before its signal and the zeros after it.
    fid : ndarray, shape (points, transients)
        Its transients with the coils combined.
    leading_points_cut : int
        Samples that were cut before the signal.
    """

    data: MrsData
    fid: NDArray[np.complex128]
    leading_points_cut: int


def read_transients(path: Path) -> Transients:
    """Transients of a scan without zero filling and without samples before the signal.

    Raises
    ------
    ScanError
        If nearly all samples are zero, or it cannot be told where the signal starts.
    """
    data = _without_zero_filling(read_nifti_mrs(path), path.name)
    fid = combine_coils(data.fid.astype(np.complex128))
    cut = _leading_points(data, fid, path.name)
    return Transients(_without_leading(data, cut), fid[cut:], cut) if cut else Transients(data, fid, 0)


def _without_zero_filling(data: MrsData, name: str) -> MrsData:
    """Scan without the zeros some scanners append: they hold no signal, and no noise either."""
    points = 1 + int(np.flatnonzero(np.any(data.fid != 0, axis=(1, 2)))[-1])
    if points < MIN_POINTS:
        raise ScanError(f"{name}: only {points} points are not zero, too few for a spectrum (at least {MIN_POINTS}).")
    return replace(data, fid=data.fid[:points])


def _leading_points(data: MrsData, fid: NDArray[np.complex128], name: str) -> int:
    """Number of samples before the signal: of an echo those stated to precede its top, of an FID those without signal.

    An echo holds signal before its top too, and an FID none before the excitation, so that one of the two tells.
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
        raise ScanError(f"{name}: {len(fid) - cut} points after {cut} before the signal are too few; check the header.")
    return cut


def _without_leading(data: MrsData, cut: int) -> MrsData:
    """Scan that starts `cut` samples later, as its AcquisitionStartTime then says, where it has one."""
    metadata, field = data.metadata, "AcquisitionStartTime"
    if isinstance(start := metadata.get(field), int | float):
        # Rounded to a picosecond: a sum of decimal fractions is none.
        metadata = metadata | {field: round(start + cut * data.dwell_time_s, 12)}
    return replace(data, fid=data.fid[cut:], metadata=metadata)
