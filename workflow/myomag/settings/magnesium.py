"""Settings of pH, magnesium and energetics."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from myomag.settings.base import Document, Name, Section, Within

T1Seconds = Annotated[float, Within(0.05, 30, "s", "T1 of 31P in muscle is 1 to 10 s; is it in ms?")]


def _named(t1_s: Any) -> Any:
    """Field strengths, which YAML reads as numbers, converted to text like the names of lines."""
    return {str(key): value for key, value in t1_s.items()} if isinstance(t1_s, dict) else t1_s


class MagnesiumSettings(Section):
    """pH, free magnesium and energetics from shifts and amplitudes."""

    ph_calibration: Document = Field(
        "taylor1983", description="pH calibration: a name in config/calibrations/ or the content itself."
    )
    mg_calibration: Document = Field(
        "iotti1996", description="Magnesium calibration: a name in config/calibrations/ or the content itself."
    )
    compare_calibrations: list[Document] = Field(
        default=["taylor1983", "muscle_common", "brain7t", "petroff1985", "unattributed", "iotti1996"],
        description="Calibrations of pH and Mg whose results are given for comparison (sensitivity table): names in "
        "config/calibrations/, files of the study or the content itself.",
    )
    temperature_c: Annotated[float, Within(4, 50, "°C", "it is the temperature of muscle; is it in kelvin or °F?")] = (
        Field(
            37.0,
            description="Temperature of the muscle [°C], for ADP, ΔG of ATP and the speciation of ATP. "
            "37 is a convention (unverified).",
        )
    )
    ionic_strength_mol_l: Annotated[
        float, Within(0, 0.5, "mol/l", "cells have .15 to .3, where the formulas are valid; is it in mmol/l?")
    ] = Field(
        0.25,
        description="Ionic strength of the cell [mol/l], used like the temperature. 0.25 is unverified.",
    )
    atp_mmol_l: Annotated[float, Within(0.5, 50, "mmol/l", "muscle has about 5 to 10; is it in mol/l or µmol/l?")] = (
        Field(
            8.2,
            description="ATP concentration of muscle [mmol/l], which converts ratios to ATP into concentrations for "
            "ADP and ΔG. 8.2 ± 0.4 (SEM) is a published mean of resting muscle (found).",
        )
    )
    total_creatine_mmol_l: Annotated[
        float, Within(1, 200, "mmol/l", "muscle has about 30 to 50; is it in mol/l or µmol/l?")
    ] = Field(
        42.5,
        description="PCr plus creatine in muscle [mmol/l], for ADP. 42.5 is from memory (unverified).",
    )
    atp_line: Literal["gamma-ATP", "alpha-ATP", "beta-ATP"] = Field(
        "gamma-ATP",
        description="ATP line that amplitudes are divided by. Pulses of finite bandwidth attenuate beta-ATP, which "
        "is far from the carrier, and alpha-ATP overlaps NAD.",
    )
    t1_s: Annotated[dict[Name, T1Seconds | dict[Name, T1Seconds]], BeforeValidator(_named)] | None = Field(
        None,
        description="T1 per fitted line [s], such as {PCr: 6.5, Pi: 6, gamma-ATP: 4}, or per field strength [T] and "
        "line, such as {3: {PCr: 6.5, ...}, 7: {...}}, to correct ratios for partial saturation by the "
        "sidecar's RepetitionTime and FlipAngle. null: no correction, as T1 values at 3 T are "
        "unverified; ratios then depend on the repetition time, and ADP and ΔG are not given, as ADP "
        "would be several times too high.",
    )
    t1_source: str | None = Field(
        None, max_length=300, description="Source of the T1 values, for the table of assumptions and the methods text."
    )

    @field_validator("t1_s")
    @classmethod
    def _of_fields_or_of_lines(cls, t1_s: dict[str, Any] | None) -> dict[str, Any] | None:
        by_field = [isinstance(value, dict) for value in (t1_s or {}).values()]
        if any(by_field) and not (all(by_field) and all(map(_is_field, t1_s or {}))):
            raise ValueError("give either the T1 of each line, or field strengths [T], each with the T1 of its lines")
        return t1_s


def _is_field(key: str) -> bool:
    try:
        return 0.1 <= float(key) <= 25
    except ValueError:
        return False
