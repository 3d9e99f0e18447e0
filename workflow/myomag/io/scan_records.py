"""The records of a scan: quality, begin time, fit and magnesium.

Each is one JSON file with its fields in the order given here; docs/records.md lists them. An unknown value is null,
with a reason beside it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from pydantic import Field, ValidationError

from myomag.errors import ScanError
from myomag.io.phase_records import Phases, Record, ScanRecord
from myomag.io.records import record_bytes


class RejectedTransient(Record):
    """A transient that was left out of the average."""

    transient: int = Field(description="Its number, from 0.")
    reason: str = Field(description="Why it was left out.")


class Measures(ScanRecord):
    """Measurements on the transients of a scan and their average, before the verdict."""

    role: ClassVar[str] = "measures"
    transients: int = Field(description="Number of transients acquired.")
    transients_used: int = Field(description="Number of transients averaged, excluding rejected ones.")
    dummy_transients: int = Field(
        description="Initial transients left out because they were acquired before the steady state."
    )
    coils: int = Field(description="Receive channels combined.")
    rejected_transients: list[RejectedTransient] = Field(description="Transients left out, with the reason.")
    noise_sd: float | None = Field(description="Noise SD per channel of the averaged FID [units of the FID].")
    pcr_snr: float | None = Field(description="Time-domain amplitude of PCr divided by the noise SD per channel.")
    snr_definition: str = Field(description="Definition of that SNR.")
    pcr_fwhm_hz: float = Field(description="Full width at half maximum of PCr [Hz].")
    pcr_fwhm_ppm: float = Field(description="Full width at half maximum of PCr [ppm].")
    pcr_offset_hz: float = Field(description="PCr from the carrier, before it was placed at 0 Hz [Hz].")
    frequency_drift_hz: float = Field(description="Range of the frequency drift over the scan [Hz].")
    frequency_shifts_hz: list[float] = Field(description="Frequency of each transient relative to the common one [Hz].")
    phases_deg: list[float] = Field(description="Phase of each transient relative to the common one [degrees].")
    phase_deg: float = Field(description="Phase of PCr at the first sample of the average [degrees].")
    points: int = Field(description="Samples of the FID, excluding zeros appended by the scanner.")
    leading_points_cut: int = Field(description="Samples removed before the signal.")
    spectral_width_hz: float = Field(description="Spectral width [Hz].")
    spectrometer_frequency_mhz: float = Field(description="Carrier frequency [MHz].")
    repetition_time_s: float | None = Field(description="Repetition time stated in the header [s].")
    echo_time_s: float | None = Field(description="Echo time stated in the header [s].")
    state_p: float | None = Field(
        description="Probability of so large a change of PCr and Pi over the transients in a single state; null "
        "with one transient."
    )
    series: Phases | None = Field(
        None, description="Phases of a series, of which only rest is averaged; null for a scan at rest."
    )
    fid_sha256: str | None = Field(
        None, description="SHA-256 of the samples as read: scans with the same value contain the same data."
    )

    @property
    def rejected_fraction(self) -> float:
        """Share of the steady-state transients that was left out."""
        return len(self.rejected_transients) / (self.transients - self.dummy_transients)


Cause = Literal["signal", "line width", "drift", "transients", "convergence", "begin time", "no rest", "residual"]
"""Causes of a verdict: PCr SNR, width of PCr, drift of its frequency, rejected transients, or the fit."""


class _Judgement(ScanRecord):
    verdict: Literal["pass", "warn", "fail"] = Field(description="Verdict on the spectrum.")
    reasons: list[str] = Field(description="Thresholds that were not met.")
    decided_by: Cause | None = Field(
        None, description="Cause of the verdict, the first if there are several; null for pass."
    )


class Quality(Measures, _Judgement):
    """Verdict on a scan and its fit, its reasons and the measures it is based on."""

    role: ClassVar[str] = "quality"
    undetected: dict[str, str] = Field(
        description="Lines that results depend on but were not detected, with the reason."
    )
    withheld: str | None = Field(description="Why results that depend on shifts or amplitudes are not given.")
    pcr_residual_over_noise: float | None = Field(
        description="SD of the residual around PCr divided by that of the noise."
    )
    pi_residual_over_noise: float | None = Field(
        description="SD of the residual around Pi divided by that of the noise."
    )
    beta_atp_residual_over_noise: float | None = Field(
        description="SD of the residual around β-ATP divided by that of the noise."
    )
    bounds_hit: str | None = Field(description="Parameters of the fit that ended at a bound, as quantity:line.")


class FitEnd(Record):
    """End point of a fit, from which the next one of the same FID starts."""

    lines: list[str] = Field(description="Fitted lines.")
    parameters: dict[str, float] = Field(description="Free parameters, in the units of the fit.")
    coefficients: list[float] = Field(description="Coefficients of the line shape.")


class BeginTime(ScanRecord):
    """Begin time estimated from a single scan, before pooling over its protocol."""

    role: ClassVar[str] = "begintime"
    protocol: str = Field(description="Digest of the fields that define the protocol.")
    protocol_fields: dict[str, str | float | None] = Field(description="Values of these fields, from the sidecar.")
    technical_fields: dict[str, str | float | None] = Field(
        description="Other technical fields of the sidecar, which may show what changed within a protocol."
    )
    start_us: float = Field(description="Begin time stated in the settings or the header [µs].")
    start_source: str = Field(description="Field and value that state it, or why none does.")
    start_kind: Literal["fid", "echo", "unknown"] = Field(
        description="What the sequence samples (FID or echo), as far as stated."
    )
    start_by_data: bool = Field(
        description="Whether it was estimated from the data, because it is not stated or is contradicted by them."
    )
    doubt: str | None = Field(description="Why the begin time is not determined.")
    begin_time_us: float | None = Field(description="Begin time fitted [µs].")
    begin_time_sd_us: float | None = Field(description="Standard deviation of the begin time [µs].")
    noise_sd: float | None = Field(description="SD of the residual per channel [units of the FID].")
    poolable: bool = Field(description="Whether the estimate may enter the pooled value of the protocol.")
    reason: str | None = Field(description="Why not.")
    start: FitEnd | None = Field(None, description="End point of the fit, from which the next one starts.")
    series: Phases | None = Field(
        None, description="Phases of a series, of which only rest is averaged; null for a scan at rest."
    )
    fid_sha256: str | None = Field(
        None, description="SHA-256 of the samples as read: copies count once in their protocol."
    )


@dataclass(frozen=True)
class PooledBeginTime:
    """Begin time pooled over the scans of a protocol, its SD and the spread between scans beyond their own errors [µs].

    `outlying` lists the scans that deviate from the others and are fitted by themselves.
    """

    begin_time_us: float
    begin_time_sd_us: float
    spread_us: float
    outlying: tuple[str, ...] = ()


class ExpectedBeginTime(Record):
    """Prior knowledge of the begin time."""

    source: Literal["stated", "protocol", "data", "fixed"] = Field(
        description="Where it comes from, or that it was fixed."
    )
    stated_by: str = Field(description="Field and value in the sidecar or the settings, or why it is not stated.")
    mean_us: float = Field(description="Expected begin time [µs].")
    sd_us: float | None = Field(description="Its standard deviation; null if it is fixed [µs].")
    common_sd_us: float = Field(0.0, description="Part of that SD common to all scans of the protocol [µs].")
    outlying: bool = Field(description="Whether the scan deviates from its protocol.")


class FitLine(Record):
    """One line of the fit; shifts are relative to the carrier, where PCr was placed."""

    name: str = Field(description="Name of the line.")
    amplitude: float = Field(description="Amplitude of the whole line at time zero [units of the FID].")
    amplitude_sd: float | None = Field(description="Standard deviation of the amplitude [units of the FID].")
    shift_ppm: float = Field(description="Shift of the centre [ppm].")
    shift_sd_ppm: float | None = Field(description="Standard deviation of the shift [ppm].")
    linewidth_hz: float = Field(description="Full width at half maximum [Hz].")
    linewidth_sd_hz: float | None = Field(description="Standard deviation of the width [Hz].")
    lorentzian_hz: float = Field(description="Lorentzian part of the width [Hz].")
    gaussian_hz: float = Field(description="Gaussian part of the width [Hz].")
    phase_deg: float = Field(description="Phase at time zero [degrees].")
    offsets_hz: list[float] = Field(description="Distance of each component of the multiplet from the centre [Hz].")
    weights: list[float] = Field(description="Share of each component in the amplitude.")
    at_bound: list[str] = Field(description="Parameters that ended at a bound.")
    bound_limits_95: dict[str, float | None] = Field(description="Other end of the 95 % interval of each of these.")


class LineEvidence(Record):
    """Evidence for a line against noise and misfit, anywhere within its bounds."""

    z: float = Field(description="Amplitude divided by its SD (including local misfit), at the best position.")
    p_chance: float = Field(
        description="Probability that noise of that level produces as much anywhere within the bounds."
    )
    amplitude: float = Field(description="Amplitude there on a smooth baseline [units of the FID].")
    shift_ppm: float = Field(description="The best position [ppm].")
    misfit: float = Field(
        description="Level of noise and misfit around the line divided by that of the noise, at least 1."
    )


class LocalResidual(Record):
    """Residual around a line."""

    over_noise: float = Field(description="SD of the residual divided by that of the noise.")
    share: float = Field(
        description="Square root of the ratio of the residual power beyond chance noise to the power of the line."
    )


class Covariance(Record):
    """Covariance of the reported parameters."""

    parameters: list[str] = Field(description="Rows and columns, as quantity:line.")
    matrix: list[list[float | None]] = Field(description="Covariance; null if the data do not determine it.")


class LineShapeRecord(Record):
    """Factor common to all lines, exp g(t), as coefficients of smooth polynomials."""

    order: int = Field(description="Highest order.")
    decay_time_s: float = Field(description="Decay time of the signal [s].")
    end: float = Field(description="Time beyond which the factor is constant.")
    coefficients: list[float] = Field(description="Coefficients, real and imaginary parts in turn.")
    pcr_fwhm_hz: float | None = Field(description="Full width at half maximum of PCr with this factor [Hz].")
    pcr_asymmetry: float | None = Field(description="Difference of its two half widths divided by their sum.")


class OtherMinimum(Record):
    """Alternative position of a line that explains the FID nearly as well."""

    shift_ppm: float = Field(description="Distance from PCr [ppm].")
    delta_chi2: float = Field(description="χ² above the minimum.")


class ModelVariant(Record):
    """Another choice of model, and its effect on the shifts."""

    name: str = Field(description="What was chosen differently.")
    change_ppm: dict[str, float] = Field(description="Change of each line's shift from PCr [ppm].")


class Fit(ScanRecord):
    """AMARES fit of the averaged FID."""

    role: ClassVar[str] = "fit"
    converged: bool = Field(description="Whether the minimum was reached.")
    message: str = Field(description="How the minimisation ended.")
    prior_knowledge: str = Field(description="Name of the prior knowledge.")
    spectrometer_frequency_mhz: float = Field(description="Carrier frequency [MHz].")
    dwell_time_s: float = Field(description="Sampling interval [s].")
    points: int = Field(description="Samples of the FID.")
    skipped_points: int = Field(description="Initial samples left out of the fit.")
    noise_sd: float = Field(description="SD of the residual per channel [units of the FID].")
    residual_norm_sq: float = Field(description="Sum of the squared residual [units of the FID, squared].")
    begin_time_us: float = Field(description="Begin time of the first sample of the FID [µs].")
    begin_time_sd_us: float | None = Field(description="Standard deviation of that time [µs].")
    begin_time_fitted: bool = Field(description="Whether that time was fitted.")
    begin_time_prior: ExpectedBeginTime = Field(description="Prior knowledge of it.")
    phase_deg: float = Field(description="Zero-order phase at time zero, −180 to 180 [degrees].")
    phase_sd_deg: float | None = Field(description="Standard deviation of the phase [degrees].")
    lines: list[FitLine] = Field(description="Lines in the order of the prior knowledge.")
    covariance: Covariance = Field(description="Covariance of shifts, amplitudes and widths.")
    evidence: dict[str, LineEvidence] = Field(description="Evidence for the lines that results depend on, by name.")
    residual_near: dict[str, LocalResidual] = Field(
        description="Residual around the lines that results depend on, by name."
    )
    residual_over_noise: float | None = Field(
        description="SD of the residual divided by the noise SD in a region without signal."
    )
    residual_white: bool = Field(description="Whether the residual is white around every line.")
    sd_raised_by: dict[str, float] = Field(description="Factor by which the SDs of a line were increased.")
    line_shape: LineShapeRecord | None = Field(None, description="Line shape common to all lines, beyond their widths.")
    other_minima: dict[str, list[OtherMinimum]] = Field(
        default_factory=dict, description="Alternative positions of lines with an uncertain position."
    )
    model_sd_ppm: dict[str, float] = Field(
        default_factory=dict, description="SD that the choice of model adds to each shift from PCr [ppm]."
    )
    shift_per_begin_time: dict[str, float] = Field(
        default_factory=dict, description="Change of each shift with the expected begin time, by line [ppm/µs]."
    )
    shift_begin_time_covariance: dict[str, float] = Field(
        default_factory=dict, description="Covariance of each shift with the begin time due to noise, by line [ppm·µs]."
    )
    shift_phase_covariance: dict[str, float] = Field(
        default_factory=dict, description="Covariance of each shift with the phase due to noise, by line [ppm·degree]."
    )
    model_variants: list[ModelVariant] = Field(default_factory=list, description="The choices it was estimated from.")


class Calibration(Record):
    """Calibration that converts shifts into a value."""

    name: str = Field(description="Name of the calibration.")
    source: str = Field(description="Source of its coefficients.")
    standing: str = Field(description="How far the source was checked: found, derived, given or unverified.")


class Assumption(Record):
    """A value from the settings that ADP and ΔG depend on."""

    name: str = Field(description="Setting of the section magnesium.")
    value: float = Field(description="Its value, in `unit`.")
    unit: str = Field(description="Its unit.")
    source: str = Field(description="Source of the value.")
    standing: str = Field(description="How far the source was checked: found, derived, given or unverified.")


class _Answer(Record):
    calibration: str = Field(description="Name of the calibration; if solved together with pH, that of the pH.")
    standing: str = Field(description="How far its source was checked.")


class PhAnswer(_Answer):
    """The pH by one calibration."""

    ph: float | None = Field(description="Intracellular pH.")
    ph_ci95_low: float | None = Field(description="Lower end of its 95 % interval.")
    ph_ci95_high: float | None = Field(description="Upper end of its 95 % interval.")
    ph_reason: str | None = Field(description="Why there is no pH.")


class MgAnswer(_Answer):
    """Free magnesium by one calibration."""

    mg_mmol_l: float | None = Field(description="Free Mg2+ [mmol/l].")
    mg_ci95_low_mmol_l: float | None = Field(description="Lower end of its 95 % interval [mmol/l].")
    mg_ci95_high_mmol_l: float | None = Field(description="Upper end of its 95 % interval [mmol/l].")
    mg_p_undefined: float | None = Field(description="Probability that the shift of β-ATP is outside the calibration.")
    mg_reason: str | None = Field(description="Why there is no Mg.")


class Magnesium(ScanRecord):
    """pH, free magnesium and energetics of a scan; shifts are relative to the fitted PCr line."""

    role: ClassVar[str] = "magnesium"
    ph: float | None = Field(description="Intracellular pH from the shift of Pi.")
    ph_sd: float | None = Field(description="Standard deviation of the pH from noise and choice of model.")
    ph_ci95_low: float | None = Field(description="Lower end of the 95 % interval of the pH.")
    ph_ci95_high: float | None = Field(description="Upper end of the 95 % interval of the pH.")
    ph_reason: str | None = Field(description="Why there is no pH.")
    ph_lines: list[str] = Field(description="Lines whose shifts determine the pH.")
    pmg: float | None = Field(description="Negative decadic logarithm of free Mg2+ in mol/l.")
    pmg_sd: float | None = Field(description="Standard deviation of pMg from noise and choice of model.")
    pmg_ci95_low: float | None = Field(description="Lower end of the 95 % interval of pMg.")
    pmg_ci95_high: float | None = Field(description="Upper end of the 95 % interval of pMg.")
    mg_mmol_l: float | None = Field(description="Free (ionised) intracellular Mg2+ concentration [mmol/l].")
    mg_ci95_low_mmol_l: float | None = Field(description="Lower end of the 95 % interval of free Mg2+ [mmol/l].")
    mg_ci95_high_mmol_l: float | None = Field(description="Upper end of the 95 % interval of free Mg2+ [mmol/l].")
    mg_p_undefined: float | None = Field(description="Probability that the shift of β-ATP is outside the calibration.")
    mg_reason: str | None = Field(description="Why there is no Mg.")
    mg_lines: list[str] = Field(description="Lines whose shifts determine Mg.")
    mg_chi2: float | None = Field(description="χ² of a solution from several shifts.")
    mg_chi2_degrees_of_freedom: int | None = Field(description="Its degrees of freedom.")
    beta_atp_ppm: float | None = Field(description="Shift of β-ATP from PCr [ppm].")
    beta_atp_sd_ppm: float | None = Field(description="Standard deviation of the shift of β-ATP [ppm].")
    alpha_atp_ppm: float | None = Field(description="Shift of α-ATP from PCr [ppm].")
    alpha_atp_sd_ppm: float | None = Field(description="Standard deviation of the shift of α-ATP [ppm].")
    gamma_atp_ppm: float | None = Field(description="Shift of γ-ATP from PCr [ppm].")
    gamma_atp_sd_ppm: float | None = Field(description="Standard deviation of the shift of γ-ATP [ppm].")
    pi_ppm: float | None = Field(description="Shift of Pi from PCr [ppm].")
    pi_sd_ppm: float | None = Field(description="Standard deviation of the shift of Pi [ppm].")
    ph_calibration: Calibration = Field(description="Calibration used for the pH.")
    mg_calibration: Calibration = Field(description="Calibration used for Mg.")
    pi_pcr_ratio: float | None = Field(
        description="Pi/PCr from amplitudes, corrected for saturation only if T1 is set."
    )
    pi_pcr_ratio_sd: float | None = Field(description="Standard deviation of Pi/PCr.")
    pi_pcr_ratio_reason: str | None = Field(description="Why there is no Pi/PCr, or no SD of it.")
    pcr_atp_ratio: float | None = Field(
        description="PCr/ATP from amplitudes, corrected for saturation only if T1 is set."
    )
    pcr_atp_ratio_sd: float | None = Field(description="Standard deviation of PCr/ATP.")
    pcr_atp_ratio_reason: str | None = Field(description="Why there is no PCr/ATP, or no SD of it.")
    pde_atp_ratio: float | None = Field(
        description="PDE/ATP from amplitudes, corrected for saturation only if T1 is set."
    )
    pde_atp_ratio_sd: float | None = Field(description="Standard deviation of PDE/ATP.")
    pde_atp_ratio_reason: str | None = Field(description="Why there is no PDE/ATP, or no SD of it.")
    pme_atp_ratio: float | None = Field(
        description="PME/ATP from amplitudes, corrected for saturation only if T1 is set."
    )
    pme_atp_ratio_sd: float | None = Field(description="Standard deviation of PME/ATP.")
    pme_atp_ratio_reason: str | None = Field(description="Why there is no PME/ATP, or no SD of it.")
    atp_line: str = Field(description="Line used for ATP in the ratios.")
    saturation_factors: dict[str, float] | None = Field(
        description="Fraction of each line remaining under partial saturation; null if not corrected."
    )
    adp_umol_l: float | None = Field(
        description="Free ADP from the creatine kinase equilibrium, if T1 is set, with assumed concentrations [µmol/l]."
    )
    adp_sd_umol_l: float | None = Field(description="Standard deviation of free ADP due to the fit [µmol/l].")
    adp_reason: str | None = Field(description="Why there is no ADP.")
    dg_atp_kj_mol: float | None = Field(
        description="Free energy of ATP hydrolysis, if T1 is set, with assumed concentrations [kJ/mol]."
    )
    dg_atp_sd_kj_mol: float | None = Field(description="Standard deviation of that energy due to the fit [kJ/mol].")
    dg_atp_reason: str | None = Field(description="Why there is no such energy.")
    energetics_standing: str = Field(description="Weakest standing of all values that ADP and ΔG depend on.")
    energetics_assumptions: list[Assumption] = Field(description="Values from the settings that they depend on.")
    ph_by_calibration: list[PhAnswer] = Field(description="The pH by each calibration, starting with the one in use.")
    mg_by_calibration: list[MgAnswer] = Field(description="Free Mg by each calibration, starting with the one in use.")
    ph_sd_noise: float | None = Field(None, description="Standard deviation of the pH due to noise alone.")
    ph_sd_model: float | None = Field(None, description="Standard deviation of the pH due to the choice of model.")
    pmg_sd_noise: float | None = Field(None, description="Standard deviation of pMg due to noise alone.")
    pmg_sd_model: float | None = Field(None, description="Standard deviation of pMg due to the choice of model.")
    ph_sd_systematic: float | None = Field(
        None,
        description="Standard deviation of the pH common to all scans of the protocol, due to its pooled begin time.",
    )
    pmg_sd_systematic: float | None = Field(
        None, description="Standard deviation of pMg common to all scans of the protocol, due to its pooled begin time."
    )
    pmg_begin_time_covariance: float | None = Field(
        None, description="Covariance of pMg with the begin time of the fit due to noise [µs]."
    )
    pmg_phase_covariance: float | None = Field(
        None, description="Covariance of pMg with the phase of the fit due to noise [degrees]."
    )
    pmg_ph_covariance: float | None = Field(None, description="Covariance of pMg with the pH due to noise.")
    pcr_amplitude: float | None = Field(
        None, description="Amplitude of PCr at time zero, not corrected for saturation [units of the FID]."
    )
    pcr_amplitude_sd: float | None = Field(
        None, description="Standard deviation of the amplitude of PCr [units of the FID]."
    )
    pi_amplitude: float | None = Field(
        None, description="Amplitude of Pi at time zero, not corrected for saturation [units of the FID]."
    )
    pi_amplitude_sd: float | None = Field(
        None, description="Standard deviation of the amplitude of Pi [units of the FID]."
    )
    alpha_atp_amplitude: float | None = Field(
        None, description="Amplitude of α-ATP at time zero, not corrected for saturation [units of the FID]."
    )
    alpha_atp_amplitude_sd: float | None = Field(
        None, description="Standard deviation of the amplitude of α-ATP [units of the FID]."
    )
    beta_atp_amplitude: float | None = Field(
        None, description="Amplitude of β-ATP at time zero, not corrected for saturation [units of the FID]."
    )
    beta_atp_amplitude_sd: float | None = Field(
        None, description="Standard deviation of the amplitude of β-ATP [units of the FID]."
    )
    gamma_atp_amplitude: float | None = Field(
        None, description="Amplitude of γ-ATP at time zero, not corrected for saturation [units of the FID]."
    )
    gamma_atp_amplitude_sd: float | None = Field(
        None, description="Standard deviation of the amplitude of γ-ATP [units of the FID]."
    )


R = TypeVar("R", bound=ScanRecord)
RECORDS: tuple[type[ScanRecord], ...] = (Measures, Quality, BeginTime, Fit, Magnesium)


def scan_record_bytes(record: ScanRecord) -> bytes:
    """JSON text of a record.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    return record_bytes(record.model_dump())


def read_scan_record(path: Path, model: type[R]) -> R:
    """Record in a JSON file.

    Raises
    ------
    ScanError
        If the file cannot be read, or is not such a record.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ScanError(f"{path.name}: cannot be read ({error.strerror}).") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = ": ".join((*(str(part) for part in first["loc"]), first["msg"]))
        raise ScanError(f"{path.name}: not a {model.role} record of this version ({reason}).") from error
