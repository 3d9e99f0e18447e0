"""Settings of pH, magnesium and energetics."""

from typing import Annotated, Literal

from pydantic import Field

from myomag.settings.base import Document, Name, Section


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
    temperature_c: float = Field(
        37.0,
        gt=0,
        le=50,
        description="Temperature of the muscle [°C], for ADP, ΔG of ATP and the speciation of ATP. "
        "37 is a convention (unverified).",
    )
    ionic_strength_mol_l: float = Field(
        0.25,
        ge=0,
        le=0.5,
        description="Ionic strength of the cell [mol/l], used as the temperature is. 0.25 is unverified.",
    )
    atp_mmol_l: float = Field(
        8.2,
        gt=0,
        le=1000,
        description="ATP of muscle [mmol/l], which turns ratios to ATP into concentrations for ADP and ΔG. "
        "8.2 ± 0.4 (SEM) is a published mean of resting muscle (found).",
    )
    total_creatine_mmol_l: float = Field(
        42.5,
        gt=0,
        le=1000,
        description="PCr plus creatine of muscle [mmol/l], for ADP. 42.5 is from memory (unverified).",
    )
    atp_line: Literal["gamma-ATP", "alpha-ATP", "beta-ATP"] = Field(
        "gamma-ATP",
        description="Line of ATP that amplitudes are divided by. Pulses of finite bandwidth weaken beta-ATP, far from "
        "the carrier, and alpha-ATP overlaps NAD.",
    )
    t1_s: dict[Name, Annotated[float, Field(ge=0.01, le=100)]] | None = Field(
        None,
        description="T1 per line of the fit [s], such as {PCr: 6.5, gamma-ATP: 4}, to correct ratios, ADP and ΔG for "
        "partial saturation with RepetitionTime and FlipAngle of the sidecar. null: no correction, as T1 at 3 T are "
        "unverified; ratios then depend on the repetition time.",
    )
