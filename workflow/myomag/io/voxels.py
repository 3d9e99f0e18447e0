"""Grids of voxels, of which one is analysed: how it is selected, and its samples."""

import re
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from myomag.errors import ScanError


class GridError(ScanError):
    """A file contains several voxels, and none is selected; `size` is that of the grid, such as 8x8x1."""

    def __init__(self, name: str, size: str) -> None:
        super().__init__(f"{name}: contains {size} voxels; {NAME_IT}.")
        self.size = size


Voxel = Sequence[int]
"""Column, row and slice of a voxel, each counted from 1, in the order of the axes of the file (x, y, z)."""

NAME_IT = "select one: scan --voxel i,j,k (column, row, slice, counted from 1), or convert.voxel in the settings"
SAVE_GRID = f"save the grid as NIfTI-MRS, and {NAME_IT}"


def voxel_text(voxel: Voxel) -> str:
    """A voxel as typed, for instance 3,4,1."""
    return ",".join(map(str, voxel))


def parsed_voxel(text: str) -> list[int]:
    """Column, row and slice from a text such as 3,4,1.

    Raises
    ------
    ValueError
        If it is not such a text.
    """
    numbers = re.fullmatch(r"([1-9]\d{0,4}),([1-9]\d{0,4}),([1-9]\d{0,4})", text, re.ASCII)
    if not numbers:
        raise ValueError("write it as i,j,k: column, row and slice of the grid, counted from 1, for instance 3,4,1")
    return [int(part) for part in numbers.groups()]


def picked(grid: NDArray[Any], voxel: Voxel | None, name: str) -> NDArray[Any]:
    """Samples of one voxel.

    Parameters
    ----------
    grid : ndarray, shape (columns, rows, slices, ...)
    voxel : sequence of int or None
        The voxel; None if the file should contain only one.
    name : str
        Name of the file, for messages.

    Raises
    ------
    GridError
        If there are several voxels and none is selected.
    ScanError
        If the selected one does not exist.
    """
    size = "x".join(map(str, grid.shape[:3]))
    if voxel is None and max(grid.shape[:3]) > 1:
        raise GridError(name, size)
    chosen = voxel or (1, 1, 1)
    if any(not 1 <= index <= count for index, count in zip(chosen, grid.shape, strict=False)):
        raise ScanError(
            f"{name}: has no voxel {voxel_text(chosen)}; its grid is {size}; {NAME_IT}."
            if max(grid.shape[:3]) > 1
            else f"{name}: has no voxel {voxel_text(chosen)}, it contains only one; omit --voxel and convert.voxel."
        )
    column, row, plane = (index - 1 for index in chosen)
    samples: NDArray[Any] = grid[column, row, plane]
    return samples
