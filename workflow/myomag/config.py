"""Settings: one pydantic section per step, read from YAML, resolved into one self-contained document.

Resolved settings hold the prior knowledge and the calibrations themselves, not their names, so that the record in
`derivatives/myomag/config.yaml` is enough to compute every result again.
"""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from myomag.errors import SettingsError

CONFIG_DIR = Path(__file__).resolve().parents[2] / "config"
SCAN_SECTIONS = ("convert", "qc", "fit", "magnesium")

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
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
    begin_time_window_us: Positive = Field(
        400.0, description="The fitted begin time stays within this distance of its start value [µs]."
    )
    skip_time_us: NotNegative | None = Field(
        None,
        description="Leave out the samples of this first stretch of the FID [µs], where broad signals of bone and "
        "phospholipids live. null: 4.5 decay times of a signal 28 ppm wide, about 1 ms at 3 T; the record says how many "
        "samples.",
    )


class MagnesiumSettings(Section):
    """pH and free magnesium from the shifts."""

    ph_calibration: Name | dict[str, Any] = Field(
        "taylor1983", description="pH calibration: a name in config/calibrations/ or the content itself."
    )
    mg_calibration: Name | dict[str, Any] = Field(
        "iotti1996", description="Magnesium calibration: a name in config/calibrations/ or the content itself."
    )


class CohortSettings(Section):
    """Joining results with the participants, exclusions and regressions."""

    include_verdicts: list[Literal["pass", "warn"]] = Field(
        default_factory=lambda: ["pass", "warn"], min_length=1, description="QC verdicts that enter the statistics."
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
    spectrum_min_ppm: float = Field(-20.0, description="Lower end of the plotted shift range [ppm].")
    spectrum_max_ppm: float = Field(10.0, description="Upper end of the plotted shift range [ppm].")

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
    """Validate layers of settings one by one, then merge them, the later ones winning, and resolve the result.

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
    labels = []
    for label, layer in layers:
        content = _read_yaml(label, layer) if isinstance(layer, Path) else dict(layer)
        _validate(Settings, content, label, "")
        merged = _merged(merged, content)
        labels += [label] if content else []
    return parse_settings(merged, label=labels[-1] if labels else "settings", root=root)


def _merged(base: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    """Sections are merged key by key; everything below a section's key is replaced."""
    result = dict(base)
    for key, value in update.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = {**result[key], **value} if both else value
    return result


def _read_yaml(label: str, path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{label}: cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"{label}: not valid YAML: {_one_line(error)}.") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise SettingsError(f"{label}: expected a mapping of sections, found {type(data).__name__}.")
    return data


def parse_settings(data: Mapping[str, Any], *, label: str = "settings", root: Path | None = None) -> Settings:
    """Validate a mapping of settings and resolve prior knowledge, calibrations and overrides.

    Raises
    ------
    SettingsError
        Naming `label`, key, value and remedy.
    """
    settings = _validate(Settings, data, label, "")
    resolved = _resolve(settings.model_dump(), label, root)
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


def _validate(model: type[Any], data: Mapping[str, Any], label: str, prefix: str) -> Any:
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        lines = [_explain(item, model, label, prefix) for item in error.errors()]
        raise SettingsError("\n".join(dict.fromkeys(lines))) from None


def _explain(item: Any, model: type[BaseModel], label: str, prefix: str) -> str:
    """One line for one pydantic error: file, key, value, remedy."""
    location = [str(part) for part in item["loc"]]
    key = prefix + ".".join(_field_path(model, location))
    if item["type"] == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        near = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5) or _same_stem(location[-1], known)
        hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(known)}."
        return f"{label}: {key}: unknown key; {hint}"
    message = item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    value = "" if isinstance(item["input"], dict) else f" = {json.dumps(item['input'], default=str)}"
    verb = "" if item["type"] == "value_error" else "must be "
    return f"{label}: {key or 'settings'}{value}: {verb}{message}."


def _same_stem(key: str, known: list[str]) -> list[str]:
    """Keys that differ from `key` in the unit alone, its last word."""
    stem = key.rpartition("_")[0]
    return [name for name in known if stem and name.rpartition("_")[0] == stem]


def _field_path(model: type[BaseModel], location: list[str]) -> Iterator[str]:
    """`location` without the type names pydantic adds for members of a union."""
    for depth, part in enumerate(location):
        if depth < 2 or part.isdigit():
            yield part


def _known_keys(model: type[BaseModel], path: list[str]) -> list[str]:
    current: Any = model
    for part in path:
        current = current.model_fields[part].annotation
    return list(current.model_fields)


def _resolve(document: dict[str, Any], label: str, root: Path | None) -> dict[str, Any]:
    fit, magnesium = document["fit"], document["magnesium"]
    fit["prior_knowledge"] = _resource(
        fit["prior_knowledge"], "prior_knowledge", f"{label}: fit.prior_knowledge", root
    )
    for key in ("ph_calibration", "mg_calibration"):
        magnesium[key] = _resource(magnesium[key], "calibrations", f"{label}: magnesium.{key}", root)
    _check_resources(document, label)
    return document


def _check_resources(document: Mapping[str, Any], label: str) -> None:
    """Build the prior knowledge and the calibrations once, so that a wrong file stops here and not in a job."""
    from myomag.core.magnesium import mg_calibration
    from myomag.core.ph import ph_calibration
    from myomag.core.prior_knowledge import PriorKnowledge

    builders = (
        ("fit", "prior_knowledge", PriorKnowledge.from_dict),
        ("magnesium", "ph_calibration", ph_calibration),
        ("magnesium", "mg_calibration", mg_calibration),
    )
    for section, key, build in builders:
        try:
            build(document[section][key])
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"{label}: {section}.{key}: {_one_line(error)}.") from error


def _resource(value: str | dict[str, Any], folder: str, where: str, root: Path | None) -> dict[str, Any]:
    """Content of a prior-knowledge or calibration file named in the settings."""
    if isinstance(value, dict):
        return value
    path = CONFIG_DIR / folder / f"{value}.yaml"
    if value not in (shipped := sorted(p.stem for p in (CONFIG_DIR / folder).glob("*.yaml"))):
        path = _inside(root, value, where, shipped)
    try:
        if path.suffix == ".csv":
            from myomag.core.prior_knowledge import PriorKnowledge

            return PriorKnowledge.from_pyamares_csv(path).to_dict()
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"{where}: {value}: {_one_line(error)}.") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{where}: {value}: expected a mapping.")
    return content


def _inside(root: Path | None, value: str, where: str, shipped: list[str]) -> Path:
    """Path of a file inside the study; a path that leaves it is refused."""
    near = difflib.get_close_matches(value, shipped, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"shipped: {', '.join(shipped)}."
    if root is None:
        raise SettingsError(f"{where} = {value!r}: unknown name; {hint}")
    path = (root / value).resolve()
    if not path.is_relative_to(root.resolve()):
        raise SettingsError(f"{where} = {value!r}: the file must lie inside the study folder.")
    if not path.is_file():
        raise SettingsError(f"{where} = {value!r}: neither a shipped name nor a file of the study; {hint}")
    return path


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
            near = difflib.get_close_matches(key, ("reject", *SCAN_SECTIONS), n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known keys: reject, {', '.join(SCAN_SECTIONS)}."
            raise SettingsError(f"{where}.{key}: unknown key; {hint}")
        if not isinstance(value, dict):
            raise SettingsError(f"{where}.{key}: expected a mapping of settings.")
        model = Settings.model_fields[key].annotation
        if model is None:
            raise AssertionError(key)
        _validate(model, resolved[key] | value, where, f"{key}.")
        document = {section: dict(resolved[section]) for section in SCAN_SECTIONS}
        document[key] |= value
        complete = _resolve(document, where, root)[key]
        result[key] = {name: complete[name] for name in value}
    return result


def _one_line(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) else str(error)
    return " ".join(text.split()).rstrip(".")
