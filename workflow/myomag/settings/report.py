"""Settings of the HTML pages."""

from typing import Annotated

from pydantic import Field, model_validator

from myomag.settings.base import Name, Section, Within

ShiftPpm = Annotated[float, Within(-200, 200, "ppm", "the spectrum spans −20 to 10 ppm; is it in Hz?")]


class ReportSettings(Section):
    """HTML pages."""

    title: Name = Field("Muscle magnesium from 31P-MRS", description="Heading of the cohort page.")
    spectrum_min_ppm: ShiftPpm = Field(-20.0, description="Lower end of the plotted shift range [ppm].")
    spectrum_max_ppm: ShiftPpm = Field(10.0, description="Upper end of the plotted shift range [ppm].")

    @model_validator(mode="after")
    def _ordered(self) -> "ReportSettings":
        if self.spectrum_min_ppm >= self.spectrum_max_ppm:
            raise ValueError("spectrum_min_ppm must be below spectrum_max_ppm")
        return self
