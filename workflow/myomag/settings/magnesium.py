"""Settings of pH, magnesium and energetics."""

from typing import Annotated, Literal

from pydantic import Field

from myomag.settings.base import Document, Name, Section, Within

T1Seconds = Annotated[float, Within(0.05, 30, "s", "T1 of 31P in muscle are 1 to 10 s; is it in ms?")]


class MagnesiumSettings(Section):
    """pH, free magnesium and energetics from the shifts and amplitudes."""

    ph_calibration: Document = Field(
        "taylor1983", description="pH calibration: a name in config/calibrations/ or the content itself."
    )
    mg_calibration: Document = Field(
        "iotti1996", description="Magnesium calibration: a name in config/calibrations/ or the content itself."
    )
    compare_calibrations: list[Document] = Field(
        default=["taylor1983", "muscle_common", "brain7t", "petroff1985", "unattributed", "iotti1996"],
        description="Calibrations of pH and Mg whose answer is given beside the result, as a table of sensitivity: "
        "names in config/calibrations/, files of the study or the content itself.",
    )
    temperature_c: Annotated[float, Within(4, 50, "°C", "it is that of muscle; is it in kelvin or °F?")] = Field(
        37.0,
        description="Temperature of the muscle [°C], for ADP, ΔG of ATP and the speciation of ATP. "
        "37 is a convention (unverified).",
    )
    ionic_strength_mol_l: Annotated[
        float, Within(0, 0.5, "mol/l", "cells have .15 to .3, where the formulas hold; is it in mmol/l?")
    ] = Field(
        0.25,
        description="Ionic strength of the cell [mol/l], used as the temperature is. 0.25 is unverified.",
    )
    atp_mmol_l: Annotated[float, Within(0.5, 50, "mmol/l", "muscle has some 5 to 10; is it in mol/l or µmol/l?")] = (
        Field(
            8.2,
            description="ATP of muscle [mmol/l], which turns ratios to ATP into concentrations for ADP and ΔG. "
            "8.2 ± 0.4 (SEM) is a published mean of resting muscle (found).",
        )
    )
    total_creatine_mmol_l: Annotated[
        float, Within(1, 200, "mmol/l", "muscle has some 30 to 50; is it in mol/l or µmol/l?")
    ] = Field(
        42.5,
        description="PCr plus creatine of muscle [mmol/l], for ADP. 42.5 is from memory (unverified).",
    )
    atp_line: Literal["gamma-ATP", "alpha-ATP", "beta-ATP"] = Field(
        "gamma-ATP",
        description="Line of ATP that amplitudes are divided by. Pulses of finite bandwidth weaken beta-ATP, far from "
        "the carrier, and alpha-ATP overlaps NAD.",
    )
    t1_s: dict[Name, T1Seconds] | None = Field(
        None,
        description="T1 per line of the fit [s], such as {PCr: 6.5, gamma-ATP: 4}, to correct ratios, ADP and ΔG for "
        "partial saturation with RepetitionTime and FlipAngle of the sidecar. null: no correction, as T1 at 3 T are "
        "unverified; ratios then depend on the repetition time.",
    )
