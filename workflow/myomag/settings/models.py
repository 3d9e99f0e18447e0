"""All settings of a study as one model, with overrides for single participants and scans."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from myomag.settings.audit import AuditSettings
from myomag.settings.base import Section
from myomag.settings.cohort import CohortSettings
from myomag.settings.convert import ConvertSettings
from myomag.settings.fit import FitSettings
from myomag.settings.magnesium import MagnesiumSettings
from myomag.settings.qc import QcSettings
from myomag.settings.report import ReportSettings
from myomag.settings.series import SeriesSettings

SCAN_SECTIONS: dict[str, type[Section]] = {
    "convert": ConvertSettings,
    "qc": QcSettings,
    "fit": FitSettings,
    "magnesium": MagnesiumSettings,
    "series": SeriesSettings,
}
"""Sections that may be overridden for a participant or a scan."""


def _reason(value: Any) -> Any:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("give the reason as text")
    return value


def _target(name: str) -> str:
    if not name.startswith("sub-"):
        raise ValueError("name a participant (sub-001) or a scan by its file stem")
    return name


Changes = Annotated[dict[str, Any], Field(default_factory=dict)]


class Override(Section):
    """Settings for a single participant or scan."""

    reject: Annotated[str | None, BeforeValidator(_reason)] = Field(
        None, description="Reason why the scan is excluded from the statistics."
    )
    convert: Changes = Field(description="Settings of convert that differ.")
    qc: Changes = Field(description="Settings of qc that differ.")
    fit: Changes = Field(description="Settings of fit that differ.")
    magnesium: Changes = Field(description="Settings of magnesium that differ.")

    @model_validator(mode="before")
    @classmethod
    def _of_a_scan(cls, data: Any) -> Any:
        for key in data if isinstance(data, Mapping) else ():
            if key in Settings.model_fields and key not in cls.model_fields:
                raise ValueError(f"{key} applies to all scans; set it outside overrides")
        return data

    @model_serializer(mode="wrap")
    def _given(self, complete: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Only what differs, so that an override is written as it was set."""
        return {key: value for key, value in complete(self).items() if value not in (None, {})}


class Settings(Section):
    """All settings of one study."""

    batches: Annotated[int, Field(ge=1, le=10_000)] | Literal["auto"] = Field(
        "auto",
        description="Number of batches that the participants are split into; one job runs one step for one batch. "
        "auto: chosen from the number of scans at the first run, then kept.",
    )
    convert: ConvertSettings = Field(default_factory=ConvertSettings)
    qc: QcSettings = Field(default_factory=QcSettings)
    fit: FitSettings = Field(default_factory=FitSettings)
    magnesium: MagnesiumSettings = Field(default_factory=MagnesiumSettings)
    series: SeriesSettings = Field(default_factory=SeriesSettings)
    cohort: CohortSettings = Field(default_factory=CohortSettings)
    report: ReportSettings = Field(default_factory=ReportSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    overrides: dict[Annotated[str, AfterValidator(_target)], Override] = Field(
        default_factory=dict,
        description="Settings for a single participant (sub-001) or scan (its file stem): {reject: reason} or "
        "settings of the sections convert, qc, fit, magnesium.",
    )
