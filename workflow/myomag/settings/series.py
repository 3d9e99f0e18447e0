"""Settings of series: rest, exercise and recovery."""

from pydantic import Field

from myomag.settings.base import Positive, Section


class SeriesSettings(Section):
    """Following a muscle through rest, exercise and recovery."""

    ph_sd: Positive = Field(
        0.02,
        le=1,
        description="SD with which the pH is to be known; where one repetition tells less, several share it.",
    )
    pmg_sd: Positive = Field(0.1, le=1, description="The same of pMg.")
    least_depletion: Positive = Field(
        0.1, le=1, description="No kinetics where exercise took less than this share of the PCr of rest."
    )
    least_recovery_taus: Positive = Field(
        1.5, le=10, description="No kinetics where recovery was followed for fewer time constants than this."
    )
    widest_interval: float = Field(
        4.0,
        ge=1.2,
        le=100,
        description="No kinetics where the upper end of the interval of τ is more than this many times the lower one.",
    )
    least_ph: float = Field(
        6.6,
        ge=5,
        le=7.5,
        description="No kinetics where the pH at the end of exercise is below: acidosis slows the recovery of PCr, "
        "which then measures something else. 6.6 is a convention (unverified).",
    )
    most_p_second: float = Field(
        0.001,
        ge=0,
        le=1,
        description="A second exponential that improves the recovery by more than noise would with "
        "this probability is named.",
    )
    pcr_mmol_l: Positive = Field(
        33.0, le=100, description="PCr of resting muscle [mmol/l], for Q_max. 33 is from memory (unverified)."
    )
    km_adp_umol_l: Positive = Field(
        30.0,
        le=1000,
        description="Michaelis constant of oxidative phosphorylation for ADP [µmol/l], for Q_max by ADP. "
        "About 30 is from memory (unverified).",
    )
