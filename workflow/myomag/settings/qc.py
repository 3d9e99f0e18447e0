"""Settings of combining transients and of the verdict."""

from pydantic import Field, model_validator

from myomag.settings.base import Fraction, NotNegative, Positive, Section


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
    steady_state_z: float = Field(
        4.0,
        ge=1,
        description="First transients are left out as acquired before the steady state when the excess of their PCr, "
        "falling from transient to transient, stands out by this many standard deviations (of 3 to 7 transients: its "
        "excess over that of ATP, against all later ones; of fewer none is left out).",
    )
    steady_state_tolerance: Positive = Field(
        0.01, description="Transients count as before the steady state while that excess is above this fraction."
    )
    min_state_p: Fraction = Field(
        0.001,
        description="A scan is not averaged when PCr against ATP, Pi against PCr or the shift of Pi changes over its "
        "transients by more than one state would with this probability: a series, no scan at rest. 0 averages all.",
    )
    state_ratio_tolerance: Positive = Field(
        0.025, description="Scatter of the ratio of two lines over a scan that is no change of state (SD, fraction)."
    )
    state_shift_tolerance_ppm: Positive = Field(
        0.01, description="Scatter of the shift of Pi over a scan that is no change of state (SD) [ppm]."
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
    max_chance_detection: Fraction = Field(
        2e-3,
        description="A line that results rest on is there when noise and misfit yield as much with no more than this "
        "chance, all places and widths searched counted (benchmarks/DETECTION.md).",
    )
    min_beta_atp_ratio: NotNegative = Field(
        0.15, description="β-ATP is there only with at least this amplitude, relative to the mean of α- and γ-ATP."
    )
    min_pi_pcr_ratio: NotNegative = Field(
        0.02, description="Pi is there only with at least this amplitude, relative to PCr."
    )
    warn_residual_share: Positive = Field(
        0.1,
        description="Warn where the fit leaves more than this around PCr, Pi or β-ATP, relative to the line (root of "
        "the power beyond what white noise leaves in all but one of a thousand fits).",
    )
    max_residual_share: Positive = Field(0.2, description="Fail above this share, by the same measure.")

    @model_validator(mode="after")
    def _ordered(self) -> "QcSettings":
        pairs = (
            ("min_snr", self.min_snr, "warn_snr", self.warn_snr),
            ("warn_residual_share", self.warn_residual_share, "max_residual_share", self.max_residual_share),
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
