"""Record of a series: its phases, the courses of lines, pH and Mg, and the recovery of PCr."""

from typing import ClassVar, Literal

from pydantic import Field

from myomag.io.phase_records import PhaseRecord, Record, ScanRecord


class Bout(Record):
    """Exercise and the recovery after it."""

    status: Literal["estimated", "not estimable"] = Field(description="Whether there are kinetics.")
    reason: str | None = Field(description="Why there are none, or what casts doubt on them.")
    tau_pcr_s: float | None = Field(description="Time constant of the recovery of PCr [s].")
    tau_pcr_ci95_low_s: float | None = Field(description="Lower end of its 95 % interval [s].")
    tau_pcr_ci95_high_s: float | None = Field(description="Upper end of its 95 % interval [s].")
    k_pcr_per_s: float | None = Field(description="Rate constant 1/τ [1/s].")
    pcr_rest: float | None = Field(description="PCr at rest [units of the FID].")
    pcr_end: float | None = Field(description="PCr at the end of exercise, from the recovery [units of the FID].")
    pcr_end_sd: float | None = Field(description="SD of it.")
    pcr_depletion: float | None = Field(description="Fraction of resting PCr consumed by exercise.")
    pcr_depletion_sd: float | None = Field(description="SD of it.")
    v_pcr_per_s: float | None = Field(description="Initial rate of recovery k·ΔPCr, in resting PCr per s.")
    v_pcr_sd_per_s: float | None = Field(description="SD of it.")
    qmax_linear_mmol_l_s: float | None = Field(
        description="Oxidative capacity k·[PCr] with the resting PCr [mmol/l/s]."
    )
    adp_end_umol_l: float | None = Field(
        description="Free ADP at the end of exercise, with assumed concentrations [µmol/l]."
    )
    qmax_adp_mmol_l_s: float | None = Field(description="Oxidative capacity V·(1 + Km/[ADP]) [mmol/l/s].")
    ph_end_exercise: float | None = Field(description="pH in the last repetition of exercise, from all Pi.")
    ph_min: float | None = Field(description="Lowest pH of exercise and recovery.")
    ph_acid_end_exercise: float | None = Field(
        description="pH of the more acid of two Pi pools at the end of exercise."
    )
    acid_share_end_exercise: float | None = Field(description="Fraction of Pi in that pool.")
    p_second: float | None = Field(
        description="Probability that noise alone would make a second exponential fit this much better."
    )
    recovery_s: float | None = Field(description="Duration of the measured recovery [s].")


class Course(Record):
    """Values of each repetition; null where there is none."""

    time_s: list[float | None] = Field(description="Time of each repetition: the mean time of its excitations [s].")
    phase: list[str | None] = Field(description="What the muscle does.")
    spoiled: list[bool] = Field(description="Whether the repetition is disturbed, judged by its residual or its ATP.")
    pcr: list[float] = Field(description="Amplitude of PCr [units of the FID].")
    pcr_sd: list[float] = Field(description="SD of it.")
    pi: list[float | None] = Field(description="Amplitude of Pi, the sum of its pools [units of the FID].")
    pi_sd: list[float | None] = Field(description="SD of it.")
    atp: list[float | None] = Field(description="Amplitude of the line used for ATP [units of the FID].")
    atp_sd: list[float | None] = Field(description="SD of it.")
    ph: list[float | None] = Field(description="Intracellular pH; with two Pi pools their mean, weighted by amplitude.")
    ph_sd: list[float | None] = Field(description="SD of it.")
    pi_acid: list[float | None] = Field(description="Amplitude of the more acid of two Pi pools [units of the FID].")
    pi_acid_sd: list[float | None] = Field(description="SD of it.")
    ph_acid: list[float | None] = Field(description="pH of the more acid Pi pool.")
    ph_acid_sd: list[float | None] = Field(description="SD of it.")
    ph_neutral: list[float | None] = Field(description="pH of the less acid Pi pool.")
    ph_neutral_sd: list[float | None] = Field(description="SD of it.")
    mg_mmol_l: list[float | None] = Field(description="Free Mg2+ [mmol/l].")
    mg_ci95_low_mmol_l: list[float | None] = Field(description="Lower end of its 95 % interval [mmol/l].")
    mg_ci95_high_mmol_l: list[float | None] = Field(description="Upper end of its 95 % interval [mmol/l].")
    pi_pcr_ratio: list[float | None] = Field(
        description="Pi/PCr from amplitudes, corrected for saturation only if T1 is set."
    )
    pi_pcr_ratio_sd: list[float | None] = Field(description="SD of it.")
    adp_umol_l: list[float | None] = Field(
        description="Free ADP from the creatine kinase equilibrium, if T1 is set, with assumed concentrations [µmol/l]."
    )
    adp_sd_umol_l: list[float | None] = Field(description="SD of it due to the fit.")


class Series(ScanRecord):
    """Rest, exercise and recovery of one scan."""

    role: ClassVar[str] = "series"
    repetitions: int = Field(description="Repetitions of the series.")
    repetition_s: float | None = Field(description="Time from one repetition to the next [s].")
    phases: list[PhaseRecord] = Field(description="Phases in their order.")
    phases_proposed: bool = Field(description="Whether the phases were inferred from PCr because no events were given.")
    status: Literal["estimated", "not estimable"] = Field(description="Whether a bout has kinetics.")
    reason: str | None = Field(description="Why none has, or what casts doubt on them.")
    tau_pcr_s: float | None = Field(description="Time constant of PCr recovery in the first bout that has one [s].")
    tau_pcr_sd_s: float | None = Field(description="Its standard deviation, about a quarter of the interval [s].")
    tau_pcr_ci95_low_s: float | None = Field(description="Lower end of its 95 % interval [s].")
    tau_pcr_ci95_high_s: float | None = Field(description="Upper end of its 95 % interval [s].")
    k_pcr_per_s: float | None = Field(description="Rate constant of that recovery, 1/τ [1/s].")
    k_pcr_sd_per_s: float | None = Field(description="Its standard deviation [1/s].")
    pcr_depletion: float | None = Field(description="Fraction of resting PCr consumed by exercise.")
    pcr_depletion_sd: float | None = Field(description="Its standard deviation.")
    v_pcr_per_s: float | None = Field(description="Initial rate of recovery, in resting PCr [1/s].")
    v_pcr_sd_per_s: float | None = Field(description="Its standard deviation [1/s].")
    qmax_linear_mmol_l_s: float | None = Field(
        description="Oxidative capacity k·[PCr] with an assumed resting concentration [mmol/l/s]."
    )
    qmax_adp_mmol_l_s: float | None = Field(
        description="Oxidative capacity V·(1 + Km/[ADP]) at end of exercise, with assumed concentrations [mmol/l/s]."
    )
    ph_rest: float | None = Field(description="pH at rest.")
    ph_end_exercise: float | None = Field(description="pH in the last repetition of exercise, from all Pi.")
    ph_min: float | None = Field(description="Lowest pH of exercise and recovery.")
    mg_rest_mmol_l: float | None = Field(description="Free Mg2+ at rest [mmol/l].")
    bouts: list[Bout] = Field(description="Bouts of exercise in their order.")
    course: Course = Field(description="Values of each repetition.")


SUMMARY = (
    "tau_pcr_s",
    "tau_pcr_ci95_low_s",
    "tau_pcr_ci95_high_s",
    "k_pcr_per_s",
    "pcr_depletion",
    "ph_rest",
    "ph_end_exercise",
    "ph_min",
    "mg_rest_mmol_l",
    "repetitions",
    "status",
    "reason",
)
"""Fields of a series in `myomag scan --json`."""
