"""Settings for reading raw files."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from myomag.settings.base import Section


def _voxel(numbers: list[int]) -> list[int]:
    if len(numbers) != 3 or min(numbers) < 1:
        raise ValueError(
            f"{numbers} is not a voxel; give column, row and slice of the grid, counted from 1, such as [3, 4, 1]"
        )
    return numbers


class ConvertSettings(Section):
    """Reading vendor files and NIfTI-MRS."""

    nucleus: Literal["31P"] | None = Field(
        None,
        description="Nucleus of files whose format does not state it (LCModel RAW, some jMRUI files). null: such a "
        "file needs a sidecar or a nuc- entity. A nucleus stated in a file is never overruled.",
    )
    conjugate: bool = Field(
        False,
        description="Take the complex conjugate while reading: for data stored with the opposite sign of frequency.",
    )
    voxel: Annotated[list[int], AfterValidator(_voxel)] | None = Field(
        None,
        description="Voxel to take from a grid: column, row and slice, counted from 1, such as [3, 4, 1]; under "
        "overrides for a single scan. null: a file must contain one voxel only.",
    )
