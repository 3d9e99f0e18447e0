"""Settings of reading raw files."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from myomag.settings.base import Section


def _voxel(numbers: list[int]) -> list[int]:
    if len(numbers) != 3 or min(numbers) < 1:
        raise ValueError(
            f"{numbers} names no voxel; write column, row and slice of the grid, counted from 1, such as [3, 4, 1]"
        )
    return numbers


class ConvertSettings(Section):
    """Reading vendor files and NIfTI-MRS."""

    nucleus: Literal["31P"] | None = Field(
        None,
        description="Nucleus of files whose format cannot state it (LCModel RAW, some jMRUI files). "
        "null: such a file needs a sidecar or a nuc- entity. A nucleus stated by a file is never overruled.",
    )
    conjugate: bool = Field(
        False,
        description="Take the complex conjugate while reading: for data stored with the opposite frequency sign.",
    )
    voxel: Annotated[list[int], AfterValidator(_voxel)] | None = Field(
        None,
        description="Voxel to take from a grid: column, row and slice, counted from 1, such as [3, 4, 1]; in overrides "
        "for one scan. null: a file must hold one voxel.",
    )
