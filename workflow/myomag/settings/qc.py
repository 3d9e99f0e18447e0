"""Settings for combining transients and for the verdict."""

from typing import Annotated

from pydantic import Field, model_validator

from myomag.settings.base import Fraction, Section, Within

_HERTZ = "muscle lines drift by tenths to tens of hertz during a scan"
ShiftHz = Annotated[float, Within(0.1, 500, "Hz", f"{_HERTZ}; is it in ppm, kHz or MHz?")]
Sds = Annotated[
    float,
    Within(1, 1000, "SDs", "smaller values are ordinary scatter, and no value deviates by more; is it in percent?"),
]
Snr = Annotated[
    float, Within(0.1, 10_000, "", "it is an amplitude divided by the noise SD, about 5 to 500 in muscle; is it in %?")
]
WidthPpm = Annotated[
    float,
    Within(0.01, 5, "ppm", "muscle lines are tenths of a ppm wide and at most 8 ppm apart; is it in Hz?"),
]
Share = Annotated[float, Within(1e-4, 2, "", "it is relative to the line; is it in percent?")]
Tolerance = Annotated[float, Within(1e-4, 0.5, "", "it is a fraction between 0 and 1; is it in percent?")]
Ratio = Annotated[float, Within(0, 2, "", "it is a ratio of amplitudes, at most about one; is it in percent?")]


class QcSettings(Section):
    """Combining coils and transients, and the verdict on the averaged spectrum."""

    align_transients: bool = Field(True, description="Align transients in frequency and phase before averaging.")
    max_alignment_shift_hz: ShiftHz = Field(
        50.0, description="Largest frequency shift that alignment may apply to a transient [Hz]."
    )
    outlier_z: Sds = Field(
        5.0,
        description="Reject a transient if its residual energy is this many robust standard deviations (1.4826 MAD) "
        "above the median of the scan, or if its amplitude is as far from the median.",
    )
    steady_state_z: Sds = Field(
        4.0,
        description="Leave out the first transients, as acquired before the steady state, if their excess PCr, "
        "falling from transient to transient, exceeds this many standard deviations (with 3 to 7 "
        "transients: the excess over that of ATP, relative to all later ones; with fewer, none is left "
        "out).",
    )
    steady_state_tolerance: Tolerance = Field(
        0.01,
        description="Transients count as acquired before the steady state while that excess is above this fraction.",
    )
    min_state_p: Fraction = Field(
        0.001,
        description="Do not average a scan in which PCr/ATP, Pi/PCr or the shift of Pi changes over the transients "
        "by more than a single state would with this probability: it is a series, not a scan at rest. "
        "0: average all scans.",
    )
    state_ratio_tolerance: Tolerance = Field(
        0.025,
        description="Scatter of the ratio of two lines within a scan that is not a change of state (SD, fraction).",
    )
    state_shift_tolerance_ppm: Annotated[
        float, Within(1e-4, 2, "ppm", "Pi moves by 2 ppm from pH 6 to 7.5; is it in Hz?")
    ] = Field(
        0.01,
        description="Scatter of the shift of Pi within a scan that is not a change of state (SD) [ppm].",
    )
    min_snr: Snr = Field(
        5.0, description="Fail below this PCr SNR (time-domain PCr amplitude over noise SD per channel)."
    )
    warn_snr: Snr = Field(15.0, description="Warn below this PCr SNR.")
    max_linewidth_ppm: WidthPpm = Field(0.8, description="Fail above this PCr full width at half maximum [ppm].")
    warn_linewidth_ppm: WidthPpm = Field(0.4, description="Warn above this PCr full width at half maximum [ppm].")
    warn_drift_hz: ShiftHz = Field(
        15.0, description="Warn if the frequency drifts by more than this during the scan [Hz]."
    )
    warn_rejected_fraction: Fraction = Field(0.25, description="Warn above this fraction of rejected transients.")
    max_rejected_fraction: Fraction = Field(0.5, description="Fail above this fraction of rejected transients.")
    max_chance_detection: Fraction = Field(
        2e-3,
        description="A line required for the results counts as detected if noise and misfit would produce as much "
        "signal with at most this probability, corrected for all positions and widths searched "
        "(benchmarks/DETECTION.md).",
    )
    min_beta_atp_ratio: Ratio = Field(
        0.15,
        description="β-ATP counts as detected only with at least this amplitude, relative to the mean of α- and γ-ATP.",
    )
    min_pi_pcr_ratio: Ratio = Field(
        0.02, description="Pi counts as detected only with at least this amplitude, relative to PCr."
    )
    warn_residual_share: Share = Field(
        0.1,
        description="Warn if the residual around PCr, Pi or β-ATP exceeds this share of the line (square root of "
        "the power beyond what white noise leaves in all but one of a thousand fits).",
    )
    max_residual_share: Share = Field(0.2, description="Fail above this share, measured the same way.")

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
