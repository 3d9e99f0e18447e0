"""The records of a scan: what its quality, begin time, fit and magnesium are written down as.

Each is one JSON file, with its fields in the order given here; docs/records.md lists them. A value that is not known is
null, and a reason beside it says why.
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
    """What was measured on the transients of a scan and on their average, before anything is judged."""

    role: ClassVar[str] = "measures"
    transients: int = Field(description="Number of transients acquired.")
    transients_used: int = Field(description="Number of transients averaged, without rejected ones.")
    dummy_transients: int = Field(description="First transients left out, acquired before the steady state.")
    coils: int = Field(description="Receive channels that were combined.")
    rejected_transients: list[RejectedTransient] = Field(description="Transients left out, with the reason.")
    noise_sd: float | None = Field(description="Noise SD per channel of the averaged FID [units of the FID].")
    pcr_snr: float | None = Field(description="Amplitude of PCr in the time domain over the noise SD per channel.")
    snr_definition: str = Field(description="What is divided by what in that SNR.")
    pcr_fwhm_hz: float = Field(description="Full width at half maximum of PCr [Hz].")
    pcr_fwhm_ppm: float = Field(description="Full width at half maximum of PCr [ppm].")
    pcr_offset_hz: float = Field(description="PCr from the carrier, before it was placed at 0 Hz [Hz].")
    frequency_drift_hz: float = Field(description="Wander of the frequency over the scan [Hz].")
    frequency_shifts_hz: list[float] = Field(description="Frequency of each transient from their common one [Hz].")
    phases_deg: list[float] = Field(description="Phase of each transient from their common one [degrees].")
    phase_deg: float = Field(description="Phase of PCr at the first sample of the average [degrees].")
    points: int = Field(description="Samples of the FID, without zeros appended by the scanner.")
    leading_points_cut: int = Field(description="Samples before the signal, which were cut.")
    spectral_width_hz: float = Field(description="Spectral width [Hz].")
    spectrometer_frequency_mhz: float = Field(description="Carrier frequency [MHz].")
    repetition_time_s: float | None = Field(description="Repetition time stated by the header [s].")
    echo_time_s: float | None = Field(description="Echo time stated by the header [s].")
    state_p: float | None = Field(
        description="Probability of as much change of PCr and Pi over the transients in one state; null for one."
    )
    series: Phases | None = Field(
        None, description="Phases of a series, of which the rest alone is averaged; null for a scan at rest."
    )
    fid_sha256: str | None = Field(
        None, description="SHA-256 of the samples as they were read: scans that share it hold the same data."
    )

    @property
    def rejected_fraction(self) -> float:
        """Share of the transients in the steady state that was left out."""
        return len(self.rejected_transients) / (self.transients - self.dummy_transients)


Cause = Literal["signal", "line width", "drift", "transients", "convergence", "begin time", "no rest", "residual"]
"""What a verdict rests on: PCr SNR, width of PCr, wander of its frequency, rejected transients, or the fit."""


class _Judgement(ScanRecord):
    verdict: Literal["pass", "warn", "fail"] = Field(description="Verdict on the spectrum.")
    reasons: list[str] = Field(description="Each threshold that was not met.")
    decided_by: Cause | None = Field(
        None, description="What the verdict rests on, the first of several; null for pass."
    )


class Quality(Measures, _Judgement):
    """Verdict on a scan and its fit, its reasons and the measures it rests on."""

    role: ClassVar[str] = "quality"
    undetected: dict[str, str] = Field(description="Lines that are not there but results rest on, with the reason.")
    withheld: str | None = Field(description="Why no result that rests on shifts or amplitudes is given.")
    pcr_residual_over_noise: float | None = Field(description="SD of the residual around PCr over that of the noise.")
    pi_residual_over_noise: float | None = Field(description="SD of the residual around Pi over that of the noise.")
    beta_atp_residual_over_noise: float | None = Field(
        description="SD of the residual around β-ATP over that of the noise."
    )
    bounds_hit: str | None = Field(description="Parameters of the fit that ended at a bound, as quantity:line.")


class FitEnd(Record):
    """Where a fit ended, for the next one of the same FID to start from."""

    lines: list[str] = Field(description="Lines that were fitted.")
    parameters: dict[str, float] = Field(description="Free parameters, in the units of the fit.")
    coefficients: list[float] = Field(description="Coefficients of the line shape.")


class BeginTime(ScanRecord):
    """Begin time of a scan as the scan alone tells it, before its protocol is known."""

    role: ClassVar[str] = "begintime"
    protocol: str = Field(description="Digest of the fields that define the protocol.")
    protocol_fields: dict[str, str | float | None] = Field(description="Values of these fields, from the sidecar.")
    technical_fields: dict[str, str | float | None] = Field(
        description="Other technical fields of the sidecar, which may tell what changed within a protocol."
    )
    start_us: float = Field(description="Begin time stated by the settings or the header [µs].")
    start_source: str = Field(description="Field and value that stated it, or why nothing did.")
    start_kind: Literal["fid", "echo", "unknown"] = Field(description="What the sequence samples, as far as told.")
    start_by_data: bool = Field(description="Whether the data gave it: nothing stated it, or they contradict that.")
    doubt: str | None = Field(description="Why the begin time is not determined.")
    begin_time_us: float | None = Field(description="Begin time fitted [µs].")
    begin_time_sd_us: float | None = Field(description="Standard deviation of the begin time [µs].")
    noise_sd: float | None = Field(description="SD of the residual per channel [units of the FID].")
    poolable: bool = Field(description="Whether the estimate may enter the pooled value of the protocol.")
    reason: str | None = Field(description="Why it may not.")
    start: FitEnd | None = Field(None, description="Where the fit ended, for the next one to start from.")
    series: Phases | None = Field(
        None, description="Phases of a series, of which the rest alone is averaged; null for a scan at rest."
    )
    fid_sha256: str | None = Field(
        None, description="SHA-256 of the samples as they were read: a copy counts once among its protocol."
    )


@dataclass(frozen=True)
class PooledBeginTime:
    """Begin time pooled over the scans of a protocol, its SD and the spread between scans beyond their own errors [µs].

    `outlying` names the scans that do not fit the others and are fitted by themselves.
    """

    begin_time_us: float
    begin_time_sd_us: float
    spread_us: float
    outlying: tuple[str, ...] = ()


class ExpectedBeginTime(Record):
    """What was known of the begin time before the fit."""

    source: Literal["stated", "protocol", "data", "fixed"] = Field(description="What told it, or that it was fixed.")
    stated_by: str = Field(description="Field and value of the sidecar or the settings, or why nothing stated it.")
    mean_us: float = Field(description="Expected begin time [µs].")
    sd_us: float | None = Field(description="Its standard deviation; null where it is held fixed [µs].")
    common_sd_us: float = Field(0.0, description="Part of it that all scans of the protocol share [µs].")
    outlying: bool = Field(description="Whether the scan does not fit its protocol.")


class FitLine(Record):
    """One line of the fit; shifts count from the carrier, where PCr was placed."""

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
    """How far a line stands out of noise and misfit, wherever within its bounds it may be."""

    z: float = Field(description="Amplitude over its SD, local misfit included, at the best place.")
    p_chance: float = Field(description="Chance that noise of that level yields as much anywhere within the bounds.")
    amplitude: float = Field(description="Amplitude there on a smooth baseline [units of the FID].")
    shift_ppm: float = Field(description="The place [ppm].")
    misfit: float = Field(description="Level of noise and misfit around the line over that of the noise, at least 1.")


class LocalResidual(Record):
    """What the fit leaves around a line."""

    over_noise: float = Field(description="SD of the residual over that of the noise.")
    share: float = Field(description="Root of the power beyond chance noise over that of the line.")


class Covariance(Record):
    """Covariance of the reported parameters."""

    parameters: list[str] = Field(description="Rows and columns, as quantity:line.")
    matrix: list[list[float | None]] = Field(description="Covariance; null where the data do not determine it.")


class LineShapeRecord(Record):
    """Factor common to all lines, exp g(t), as coefficients of smooth polynomials."""

    order: int = Field(description="Highest order.")
    decay_time_s: float = Field(description="Time by which the signal decays [s].")
    end: float = Field(description="Place beyond which the factor is flat.")
    coefficients: list[float] = Field(description="Coefficients, real and imaginary parts in turn.")
    pcr_fwhm_hz: float | None = Field(description="Full width at half maximum of PCr with it [Hz].")
    pcr_asymmetry: float | None = Field(description="Difference of its two half widths over their sum.")


class OtherMinimum(Record):
    """Another place of a line that explains the FID nearly as well."""

    shift_ppm: float = Field(description="Distance from PCr [ppm].")
    delta_chi2: float = Field(description="χ² above the least.")


class ModelVariant(Record):
    """Another choice of the model, and what it makes of the shifts."""

    name: str = Field(description="What was chosen otherwise.")
    change_ppm: dict[str, float] = Field(description="Change of the shift from PCr of each line [ppm].")


class Fit(ScanRecord):
    """AMARES fit of the averaged FID."""

    role: ClassVar[str] = "fit"
    converged: bool = Field(description="Whether the minimum was reached.")
    message: str = Field(description="How the minimisation ended.")
    prior_knowledge: str = Field(description="Name of the prior knowledge.")
    spectrometer_frequency_mhz: float = Field(description="Carrier frequency [MHz].")
    dwell_time_s: float = Field(description="Sampling interval [s].")
    points: int = Field(description="Samples of the FID.")
    skipped_points: int = Field(description="First samples left out of the fit.")
    noise_sd: float = Field(description="SD of the residual per channel [units of the FID].")
    residual_norm_sq: float = Field(description="Sum of the squared residual [units of the FID, squared].")
    begin_time_us: float = Field(description="Begin time of the first sample of the FID [µs].")
    begin_time_sd_us: float | None = Field(description="Standard deviation of that time [µs].")
    begin_time_fitted: bool = Field(description="Whether that time was fitted.")
    begin_time_prior: ExpectedBeginTime = Field(description="What was known of it before.")
    phase_deg: float = Field(description="Zero-order phase at time zero, −180 to 180 [degrees].")
    phase_sd_deg: float | None = Field(description="Standard deviation of the phase [degrees].")
    lines: list[FitLine] = Field(description="Lines in the order of the prior knowledge.")
    covariance: Covariance = Field(description="Covariance of shifts, amplitudes and widths.")
    evidence: dict[str, LineEvidence] = Field(description="How far lines that results rest on stand out, by name.")
    residual_near: dict[str, LocalResidual] = Field(description="Residual around lines that results rest on, by name.")
    residual_over_noise: float | None = Field(description="SD of the residual over the noise SD where no signal is.")
    residual_white: bool = Field(description="Whether the residual is white around every line.")
    sd_raised_by: dict[str, float] = Field(description="Factor by which the SDs of a line were raised.")
    line_shape: LineShapeRecord | None = Field(None, description="Shape that all lines share, beyond their widths.")
    other_minima: dict[str, list[OtherMinimum]] = Field(
        default_factory=dict, description="Other places of the lines whose place was uncertain."
    )
    model_sd_ppm: dict[str, float] = Field(
        default_factory=dict, description="SD that the choice of the model adds to each shift from PCr [ppm]."
    )
    shift_per_begin_time: dict[str, float] = Field(
        default_factory=dict, description="Change of each shift with the expected begin time, by line [ppm/µs]."
    )
    shift_begin_time_covariance: dict[str, float] = Field(
        default_factory=dict, description="Covariance that noise gives each shift and the begin time, by line [ppm·µs]."
    )
    shift_phase_covariance: dict[str, float] = Field(
        default_factory=dict, description="Covariance that noise gives each shift and the phase, by line [ppm·degree]."
    )
    model_variants: list[ModelVariant] = Field(default_factory=list, description="The choices it was taken from.")


class Calibration(Record):
    """What turned shifts into a value."""

    name: str = Field(description="Name of the calibration.")
    source: str = Field(description="Where its coefficients come from.")
    standing: str = Field(description="How far the source was checked: found, derived, given or unverified.")


class Assumption(Record):
    """A number of the settings that ADP and ΔG rest on."""

    name: str = Field(description="Setting of the section magnesium.")
    value: float = Field(description="Its value, in `unit`.")
    unit: str = Field(description="Its unit.")
    source: str = Field(description="Where the value comes from.")
    standing: str = Field(description="How far the source was checked: found, derived, given or unverified.")


class _Answer(Record):
    calibration: str = Field(description="Name of the calibration; solved together with the pH, with that of the pH.")
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
    """pH, free magnesium and energetics of a scan; shifts count from the fitted PCr line."""

    role: ClassVar[str] = "magnesium"
    ph: float | None = Field(description="Intracellular pH from the shift of Pi.")
    ph_sd: float | None = Field(description="Standard deviation of the pH, noise and choice of the model together.")
    ph_ci95_low: float | None = Field(description="Lower end of the 95 % interval of the pH.")
    ph_ci95_high: float | None = Field(description="Upper end of the 95 % interval of the pH.")
    ph_reason: str | None = Field(description="Why there is no pH.")
    ph_lines: list[str] = Field(description="Lines whose shifts gave the pH.")
    pmg: float | None = Field(description="Negative decadic logarithm of free Mg2+ in mol/l.")
    pmg_sd: float | None = Field(description="Standard deviation of pMg, noise and choice of the model together.")
    pmg_ci95_low: float | None = Field(description="Lower end of the 95 % interval of pMg.")
    pmg_ci95_high: float | None = Field(description="Upper end of the 95 % interval of pMg.")
    mg_mmol_l: float | None = Field(description="Free (ionised) intracellular Mg2+ concentration [mmol/l].")
    mg_ci95_low_mmol_l: float | None = Field(description="Lower end of the 95 % interval of free Mg2+ [mmol/l].")
    mg_ci95_high_mmol_l: float | None = Field(description="Upper end of the 95 % interval of free Mg2+ [mmol/l].")
    mg_p_undefined: float | None = Field(description="Probability that the shift of β-ATP is outside the calibration.")
    mg_reason: str | None = Field(description="Why there is no Mg.")
    mg_lines: list[str] = Field(description="Lines whose shifts gave the Mg.")
    mg_chi2: float | None = Field(description="χ² of a solution by several shifts.")
    mg_chi2_degrees_of_freedom: int | None = Field(description="Its degrees of freedom.")
    beta_atp_ppm: float | None = Field(description="Shift of β-ATP from PCr [ppm].")
    beta_atp_sd_ppm: float | None = Field(description="Standard deviation of the shift of β-ATP [ppm].")
    alpha_atp_ppm: float | None = Field(description="Shift of α-ATP from PCr [ppm].")
    alpha_atp_sd_ppm: float | None = Field(description="Standard deviation of the shift of α-ATP [ppm].")
    gamma_atp_ppm: float | None = Field(description="Shift of γ-ATP from PCr [ppm].")
    gamma_atp_sd_ppm: float | None = Field(description="Standard deviation of the shift of γ-ATP [ppm].")
    pi_ppm: float | None = Field(description="Shift of Pi from PCr [ppm].")
    pi_sd_ppm: float | None = Field(description="Standard deviation of the shift of Pi [ppm].")
    ph_calibration: Calibration = Field(description="What turned shifts into the pH.")
    mg_calibration: Calibration = Field(description="What turned shifts into the Mg.")
    pi_pcr_ratio: float | None = Field(description="Pi/PCr by amplitude, corrected for saturation only with T1 set.")
    pi_pcr_ratio_sd: float | None = Field(description="Standard deviation of Pi/PCr.")
    pi_pcr_ratio_reason: str | None = Field(description="Why there is no Pi/PCr, or no SD of it.")
    pcr_atp_ratio: float | None = Field(description="PCr/ATP by amplitude, corrected for saturation only with T1 set.")
    pcr_atp_ratio_sd: float | None = Field(description="Standard deviation of PCr/ATP.")
    pcr_atp_ratio_reason: str | None = Field(description="Why there is no PCr/ATP, or no SD of it.")
    pde_atp_ratio: float | None = Field(description="PDE/ATP by amplitude, corrected for saturation only with T1 set.")
    pde_atp_ratio_sd: float | None = Field(description="Standard deviation of PDE/ATP.")
    pde_atp_ratio_reason: str | None = Field(description="Why there is no PDE/ATP, or no SD of it.")
    pme_atp_ratio: float | None = Field(description="PME/ATP by amplitude, corrected for saturation only with T1 set.")
    pme_atp_ratio_sd: float | None = Field(description="Standard deviation of PME/ATP.")
    pme_atp_ratio_reason: str | None = Field(description="Why there is no PME/ATP, or no SD of it.")
    atp_line: str = Field(description="Line that stands for ATP in the ratios.")
    saturation_factors: dict[str, float] | None = Field(
        description="Share of each line left by partial saturation; null where it is not corrected."
    )
    adp_umol_l: float | None = Field(
        description="Free ADP by creatine kinase, with T1 set and on assumed numbers [µmol/l]."
    )
    adp_sd_umol_l: float | None = Field(description="Standard deviation of free ADP by the fit [µmol/l].")
    adp_reason: str | None = Field(description="Why there is no ADP.")
    dg_atp_kj_mol: float | None = Field(
        description="Free energy of ATP hydrolysis, with T1 set and on assumed numbers [kJ/mol]."
    )
    dg_atp_sd_kj_mol: float | None = Field(description="Standard deviation of that energy by the fit [kJ/mol].")
    dg_atp_reason: str | None = Field(description="Why there is no such energy.")
    energetics_standing: str = Field(description="Weakest standing of all that ADP and ΔG rest on.")
    energetics_assumptions: list[Assumption] = Field(description="Numbers of the settings they rest on.")
    ph_by_calibration: list[PhAnswer] = Field(description="The pH by each calibration, that in use first.")
    mg_by_calibration: list[MgAnswer] = Field(description="Free Mg by each calibration, that in use first.")
    ph_sd_noise: float | None = Field(None, description="Standard deviation of the pH by the noise alone.")
    ph_sd_model: float | None = Field(None, description="Standard deviation of the pH by the choice of the model.")
    pmg_sd_noise: float | None = Field(None, description="Standard deviation of pMg by the noise alone.")
    pmg_sd_model: float | None = Field(None, description="Standard deviation of pMg by the choice of the model.")
    ph_sd_systematic: float | None = Field(
        None,
        description="Standard deviation of the pH that the protocol's pooled begin time gives all its scans alike.",
    )
    pmg_sd_systematic: float | None = Field(
        None, description="Standard deviation of pMg that the protocol's pooled begin time gives all its scans alike."
    )
    pmg_begin_time_covariance: float | None = Field(
        None, description="Covariance that noise gives pMg and the begin time of the fit [µs]."
    )
    pmg_phase_covariance: float | None = Field(
        None, description="Covariance that noise gives pMg and the phase of the fit [degrees]."
    )
    pmg_ph_covariance: float | None = Field(None, description="Covariance that noise gives pMg and the pH.")
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
        If the file cannot be read, or does not hold such a record.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ScanError(f"{path.name}: cannot be read ({error.strerror}).") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = ": ".join((*(str(part) for part in first["loc"]), first["msg"]))
        raise ScanError(f"{path.name}: not a {model.role} record as this version writes it ({reason}).") from error
