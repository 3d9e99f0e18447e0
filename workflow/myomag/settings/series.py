"""Settings of series: rest, exercise and recovery."""

from typing import Annotated

from pydantic import Field

from myomag.settings.base import Fraction, Section, Within

PhSd = Annotated[
    float, Within(0.001, 1, "", "it is an SD of pH or pMg; smaller values follow noise, larger ones no course")
]
Taus = Annotated[float, Within(0.5, 10, "", "it counts time constants; is it in seconds?")]
Ratio = Annotated[float, Within(1.2, 100, "", "it is the upper end of an interval over the lower one")]
Ph = Annotated[float, Within(5, 7.5, "", "muscle at work has a pH of 6 to 7.2")]
Millimolar = Annotated[float, Within(1, 100, "mmol/l", "PCr of muscle is some 30 mmol/l; is it in mol/l or µmol/l?")]
Micromolar = Annotated[float, Within(1, 1000, "µmol/l", "it is some 30 µmol/l; is it in mmol/l?")]


class SeriesSettings(Section):
    """Following a muscle through rest, exercise and recovery."""

    ph_sd: PhSd = Field(
        0.02, description="Wanted SD of the pH; if a single repetition cannot reach it, several share a value."
    )
    pmg_sd: PhSd = Field(0.1, description="The same for pMg.")
    least_depletion: Fraction = Field(
        0.1, description="No kinetics if exercise consumed less than this fraction of resting PCr."
    )
    least_recovery_taus: Taus = Field(
        1.5, description="No kinetics if recovery was followed for fewer time constants than this."
    )
    widest_interval: Ratio = Field(
        4.0,
        description="No kinetics if the upper end of the interval of τ is more than this many times the lower end.",
    )
    least_ph: Ph = Field(
        6.6,
        description="No kinetics where the pH at the end of exercise is below: acidosis slows the recovery of PCr, "
        "which then measures something else. 6.6 is a convention (unverified).",
    )
    most_p_second: Fraction = Field(
        0.001,
        description="A second exponential that improves the recovery by more than noise would with this probability is "
        "named.",
    )
    pcr_mmol_l: Millimolar = Field(
        33.0, description="PCr of resting muscle [mmol/l], for Q_max. 33 is from memory (unverified)."
    )
    km_adp_umol_l: Micromolar = Field(
        30.0,
        description="Michaelis constant of oxidative phosphorylation for ADP [µmol/l], for Q_max by ADP. About 30 is "
        "from memory (unverified).",
    )
