"""Settings of each step but the cohort's: one pydantic section per step."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """Base of every settings section: unknown keys and loosely typed values are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


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


class QcSettings(Section):
    """Combining coils and transients, and the verdict on the averaged spectrum."""

    align_transients: bool = Field(True, description="Align transients in frequency and phase before averaging.")
    max_alignment_shift_hz: float = Field(
        50.0, ge=0.1, le=500, description="Largest frequency shift alignment may apply to a transient [Hz]."
    )
    outlier_z: float = Field(
        5.0,
        ge=1,
        allow_inf_nan=False,
        description="A transient is rejected when its residual energy lies this many robust standard deviations "
        "(1.4826 MAD) above the median of the scan, or its amplitude as many away from it.",
    )
    min_snr: Positive = Field(
        5.0, description="Fail below this PCr SNR (time-domain PCr amplitude over noise SD per channel)."
    )
    warn_snr: Positive = Field(15.0, description="Warn below this PCr SNR.")
    max_linewidth_ppm: Positive = Field(0.8, description="Fail above this PCr full width at half maximum [ppm].")
    warn_linewidth_ppm: Positive = Field(0.4, description="Warn above this PCr full width at half maximum [ppm].")
    warn_drift_hz: Positive = Field(
        15.0, description="Warn when the frequency wanders more than this over the scan [Hz]."
    )
    warn_rejected_fraction: Fraction = Field(0.25, description="Warn above this fraction of rejected transients.")
    max_rejected_fraction: Fraction = Field(0.5, description="Fail above this fraction of rejected transients.")

    @model_validator(mode="after")
    def _ordered(self) -> "QcSettings":
        pairs = (
            ("min_snr", self.min_snr, "warn_snr", self.warn_snr),
            ("warn_linewidth_ppm", self.warn_linewidth_ppm, "max_linewidth_ppm", self.max_linewidth_ppm),
            (
                "warn_rejected_fraction",
                self.warn_rejected_fraction,
                "max_rejected_fraction",
                self.max_rejected_fraction,
            ),
        )
        for low_name, low, high_name, high in pairs:
            if low > high:
                raise ValueError(f"{low_name} ({low:g}) must not be above {high_name} ({high:g})")
        return self


class FitSettings(Section):
    """AMARES fit of the averaged FID."""

    prior_knowledge: Name | dict[str, Any] = Field(
        "muscle_rest",
        description="Prior knowledge: a name in config/prior_knowledge/, a .yaml or pyAMARES .csv file in the study "
        "folder, or the content itself.",
    )
    fit_begin_time: bool = Field(
        True, description="Fit the begin time (first-order phase); false keeps the stated value."
    )
    begin_time_us: float | None = Field(
        None,
        ge=-5000,
        le=5000,
        description="Begin time of the first sample [µs]. null: EchoTime of the sidecar, else 0. "
        "Only the start value when fit_begin_time is true.",
    )
    begin_time_sd_us: float = Field(
        100.0,
        ge=0.01,
        le=5000,
        description="How far the stated begin time may be off (SD) where no other scan of the protocol tells [µs].",
    )
    pool_begin_time: bool = Field(
        True,
        description="Pool the begin time over the scans of a protocol (protocols.tsv) and use it as prior of each fit.",
    )
    protocol_fields: list[Name] = Field(
        default_factory=lambda: [
            "Manufacturer",
            "ManufacturersModelName",
            "PulseSequenceType",
            "SequenceName",
            "EchoTime",
            "SpectralWidth",
            "SpectrometerFrequency",
        ],
        description="Sidecar fields that tell protocols apart; numbers count to three digits.",
    )
    begin_time_window_us: Positive = Field(
        400.0, description="The fitted begin time stays within this distance of its start value [µs]."
    )
    skip_time_us: NotNegative | None = Field(
        None,
        description="Leave out the samples of this first stretch of the FID [µs], where broad signals of bone and "
        "phospholipids live. null: 4.5 decay times of a signal 28 ppm wide, about 1 ms at 3 T; the record says how "
        "many samples.",
    )


class MagnesiumSettings(Section):
    """pH, free magnesium and energetics from the shifts and amplitudes."""

    ph_calibration: Name | dict[str, Any] = Field(
        "taylor1983", description="pH calibration: a name in config/calibrations/ or the content itself."
    )
    mg_calibration: Name | dict[str, Any] = Field(
        "iotti1996", description="Magnesium calibration: a name in config/calibrations/ or the content itself."
    )
    compare_calibrations: list[Name | dict[str, Any]] = Field(
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
