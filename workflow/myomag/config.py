"""Settings: one pydantic section per step, read from YAML, resolved into one self-contained document.

Resolved settings hold the prior knowledge and the calibrations themselves, not their names, so that the record in
`derivatives/myomag/config.yaml` is enough to compute every result again.
"""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from myomag.errors import SettingsError
from myomag.resources import CONFIG_DIR as CONFIG_DIR
from myomag.resources import RESOURCES, with_resources
from myomag.validation import read_mapping, validated

SCAN_SECTIONS = ("convert", "qc", "fit", "magnesium")

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
    max_alignment_shift_hz: Positive = Field(
        50.0, description="Largest frequency shift alignment may apply to a transient [Hz]."
    )
    outlier_z: Positive = Field(
        5.0,
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
    begin_time_sd_us: Positive = Field(
        100.0,
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
    atp_mmol_l: Positive = Field(
        8.2,
        description="ATP of muscle [mmol/l], which turns ratios to ATP into concentrations for ADP and ΔG. "
        "8.2 ± 0.4 (SEM) is a published mean of resting muscle (found).",
    )
    total_creatine_mmol_l: Positive = Field(
        42.5, description="PCr plus creatine of muscle [mmol/l], for ADP. 42.5 is from memory (unverified)."
    )
    atp_line: Literal["gamma-ATP", "alpha-ATP", "beta-ATP"] = Field(
        "gamma-ATP",
        description="Line of ATP that amplitudes are divided by. Pulses of finite bandwidth weaken beta-ATP, far from "
        "the carrier, and alpha-ATP overlaps NAD.",
    )
    t1_s: dict[Name, Positive] | None = Field(
        None,
        description="T1 per line of the fit [s], such as {PCr: 6.5, gamma-ATP: 4}, to correct ratios, ADP and ΔG for "
        "partial saturation with RepetitionTime and FlipAngle of the sidecar. null: no correction, as T1 at 3 T are "
        "unverified; ratios then depend on the repetition time.",
    )


class CohortSettings(Section):
    """Joining results with the participants, exclusions and regressions."""

    include_verdicts: list[Literal["pass", "warn"]] = Field(
        default=["pass", "warn"], min_length=1, description="QC verdicts that enter the statistics."
    )
    max_p_undefined: Fraction = Field(
        0.1, description="Exclude a scan whose probability of an undefined Mg is above this."
    )
    age_column: Name = Field("age", description="Column with the age [years].")
    sex_column: Name = Field("sex", description="Column with the sex (F/M, female/male).")
    strength_column: Name = Field("knee_extension_strength_nm", description="Column with the muscle strength.")
    serum_mg_column: Name = Field("serum_mg_mmol_l", description="Column with total serum Mg [mmol/l].")


class ReportSettings(Section):
    """HTML pages."""

    title: Name = Field("Muscle magnesium from 31P-MRS", description="Heading of the cohort page.")
    spectrum_min_ppm: Finite = Field(-20.0, description="Lower end of the plotted shift range [ppm].")
    spectrum_max_ppm: Finite = Field(10.0, description="Upper end of the plotted shift range [ppm].")

    @model_validator(mode="after")
    def _ordered(self) -> "ReportSettings":
        if self.spectrum_min_ppm >= self.spectrum_max_ppm:
            raise ValueError("spectrum_min_ppm must be below spectrum_max_ppm")
        return self


class Settings(Section):
    """All settings of one study."""

    batches: int = Field(
        16,
        ge=1,
        le=10_000,
        description="Number of batches the participants are spread over; one job handles one batch of one step.",
    )
    convert: ConvertSettings = Field(default_factory=ConvertSettings)
    qc: QcSettings = Field(default_factory=QcSettings)
    fit: FitSettings = Field(default_factory=FitSettings)
    magnesium: MagnesiumSettings = Field(default_factory=MagnesiumSettings)
    cohort: CohortSettings = Field(default_factory=CohortSettings)
    report: ReportSettings = Field(default_factory=ReportSettings)
    overrides: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Settings for one participant (sub-001) or one scan (its file stem) alone: "
        "{reject: reason} or settings of the sections convert, qc, fit, magnesium.",
    )


def load_settings(path: Path | None = None, *, root: Path | None = None) -> Settings:
    """Read, validate and resolve the settings of one file; none: the defaults.

    Raises
    ------
    SettingsError
        Naming file, key, value and remedy.
    """
    return load_layers([(path.name, path)] if path else [], root=root)


def load_layers(layers: Sequence[tuple[str, Mapping[str, Any] | Path]], *, root: Path | None = None) -> Settings:
    """Merge layers of settings, the later ones winning, validate them and resolve the result.

    The settings are validated after each layer, so that an error names the layer that brought it.

    Parameters
    ----------
    layers : sequence of (label, mapping or Path)
        Settings that differ from the defaults, with the name errors give them.
    root : Path, optional
        Folder in which relative prior-knowledge and calibration files are looked up (the study).

    Raises
    ------
    SettingsError
        Naming file, key, value and remedy.
    """
    merged: dict[str, Any] = {}
    settings = parse_settings({}, root=root)
    for label, layer in layers:
        content = read_mapping(label, layer) if isinstance(layer, Path) else dict(layer)
        if content:
            merged = _merged(merged, content)
            settings = parse_settings(merged, label=label, root=root)
    return settings


def _merged(base: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    """Sections are merged key by key and what is below a key is replaced; an empty section changes nothing."""
    result = dict(base)
    for key, value in update.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        if value is not None:
            result[key] = {**result[key], **value} if both else value
    return result


def parse_settings(data: Mapping[str, Any], *, label: str = "settings", root: Path | None = None) -> Settings:
    """Validate a mapping of settings and resolve prior knowledge, calibrations and overrides.

    Raises
    ------
    SettingsError
        Naming `label`, key, value and remedy.
    """
    settings = validated(Settings, data, label)
    resolved = with_resources(settings.model_dump(), label, root)
    resolved["overrides"] = {
        target: _resolve_override(resolved, target, override, label, root)
        for target, override in sorted(settings.overrides.items())
    }
    return Settings.model_validate(resolved)


def section_for(settings: Settings, section: str, *targets: str) -> dict[str, Any]:
    """Settings of one section as they hold for a scan, overrides of `targets` applied in turn.

    Parameters
    ----------
    targets : str
        Participant label and scan stem, from the general to the particular.
    """
    merged: dict[str, Any] = settings.model_dump()[section]
    for target in targets:
        merged |= settings.overrides.get(target, {}).get(section, {})
    return merged


def _resolve_override(
    resolved: Mapping[str, Any], target: str, override: Mapping[str, Any], label: str, root: Path | None
) -> dict[str, Any]:
    where = f"{label}: overrides.{target}"
    if not target.startswith("sub-"):
        raise SettingsError(f"{where}: name a participant (sub-001) or a scan by its file stem.")
    result: dict[str, Any] = {}
    for key, value in override.items():
        if key == "reject":
            if not isinstance(value, str) or not value.strip():
                raise SettingsError(f"{where}.reject: give the reason as text.")
            result[key] = value
            continue
        if key not in SCAN_SECTIONS:
            if key in Settings.model_fields:
                raise SettingsError(f"{where}.{key}: holds for all scans alike; set it outside overrides.")
            near = difflib.get_close_matches(key, ("reject", *SCAN_SECTIONS), n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known keys: reject, {', '.join(SCAN_SECTIONS)}."
            raise SettingsError(f"{where}.{key}: unknown key; {hint}")
        if not isinstance(value, dict):
            raise SettingsError(f"{where}.{key}: expected a mapping of settings.")
        validated(type(getattr(Settings(), key)), resolved[key] | value, where, f"{key}.")
        if not RESOURCES & value.keys():
            result[key] = value
            continue
        document = {section: dict(resolved[section]) for section in SCAN_SECTIONS}
        document[key] |= value
        complete = with_resources(document, where, root)[key]
        result[key] = {name: complete[name] for name in value}
    return result
