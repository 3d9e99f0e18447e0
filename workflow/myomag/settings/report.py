"""Settings of the HTML pages."""

from pydantic import Field, model_validator

from myomag.settings.base import Name, Section


class ReportSettings(Section):
    """HTML pages."""

    title: Name = Field("Muscle magnesium from 31P-MRS", description="Heading of the cohort page.")
    spectrum_min_ppm: float = Field(-20.0, ge=-500, description="Lower end of the plotted shift range [ppm].")
    spectrum_max_ppm: float = Field(10.0, le=500, description="Upper end of the plotted shift range [ppm].")

    @model_validator(mode="after")
    def _ordered(self) -> "ReportSettings":
        if self.spectrum_min_ppm >= self.spectrum_max_ppm:
            raise ValueError("spectrum_min_ppm must be below spectrum_max_ppm")
        return self
