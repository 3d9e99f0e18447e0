"""The transients of a converted scan as quality control sees them, and as the report shows them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myomag.core.coils import combine_coils
from myomag.errors import ScanError
from myomag.io.nifti_mrs import MIN_POINTS, MrsData, read_nifti_mrs


def read_transients(path: Path) -> tuple[MrsData, NDArray[np.complex128]]:
    """Scan without zero filling, and its transients with the coils combined, shape (points, transients).

    Raises
    ------
    ScanError
        If nearly all samples are zero.
    """
    data = _without_zero_filling(read_nifti_mrs(path), path.name)
    return data, combine_coils(data.fid.astype(np.complex128))


def _without_zero_filling(data: MrsData, name: str) -> MrsData:
    """Scan without the zeros some scanners append: they hold no signal, and no noise either."""
    points = 1 + int(np.flatnonzero(np.any(data.fid != 0, axis=(1, 2)))[-1])
    if points < MIN_POINTS:
        raise ScanError(f"{name}: only {points} points are not zero, too few for a spectrum (at least {MIN_POINTS}).")
    return replace(data, fid=data.fid[:points])
