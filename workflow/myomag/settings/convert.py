"""Settings of reading raw files."""

from typing import Literal

from pydantic import Field

from myomag.settings.base import Section


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
