"""One file straight from raw data to pH and magnesium, without a study: the steps of the pipeline in a row."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.cohort.columns import flat_result
from myomag.errors import ScanError, SettingsError
from myomag.io.bruker import files_of_experiment
from myomag.io.scan_records import Fit, Magnesium, Quality, R, read_scan_record
from myomag.io.voxels import parsed_voxel, voxel_text
from myomag.ledger.results import ScanOutcome
from myomag.settings.models import Settings
from myomag.single.functions import run_step
from myomag.study.names import entities, split_extension


@dataclass(frozen=True)
class SingleResult:
    """Result of one file: the flat columns of cohort.tsv, and the outcome behind them."""

    flat: dict[str, Any]
    outcome: ScanOutcome


def analyse_file(file: Path, settings: Settings, *, bootstrap: int = 0) -> SingleResult:
    """Convert, judge, fit and evaluate one file.

    A sidecar of the same name beside the file is used. A scan that cannot be processed gives a result with status
    failed and the reason.

    Parameters
    ----------
    file : Path
        Vendor or NIfTI-MRS file, or the folder of a Bruker experiment.
    settings : Settings
        Resolved settings.
    bootstrap : int
        Number of averages of resampled transients to evaluate beside; 0 for none.
    """
    stem = split_extension(file.name)[0]
    files, resampled = _raw_files(file), {}
    labels = entities(stem)
    outcome = ScanOutcome(
        f"sub-{labels['sub']}" if labels else None, f"ses-{labels['ses']}" if "ses" in labels else None, stem
    )
    with tempfile.TemporaryDirectory(prefix="myomag-") as folder:
        for step in (pipeline.BY_NAME[name] for name in pipeline.SCAN_STEPS):
            try:
                run_step(step, stem, files, settings, Path(folder))
            except ScanError as error:
                reason = " ".join(str(error).split())
                outcome = replace(outcome, status="failed", step=step.name, reason=reason)
                break
        if bootstrap and outcome.status == "ok":
            from myomag.single.bootstrap import bootstrap_sds

            resampled = bootstrap_sds(stem, files, settings, bootstrap)
        quality, fit, magnesium = _record(files, Quality), _record(files, Fit), _record(files, Magnesium)
    outcome = replace(outcome, quality=quality, fit=fit, magnesium=magnesium)
    voxel = {"voxel": voxel_text(settings.convert.voxel)} if settings.convert.voxel else {}
    return SingleResult(flat_result(outcome, settings.cohort) | voxel | resampled, outcome)


def with_voxel(settings: Settings, text: str) -> Settings:
    """Settings by which the voxel of a text such as 3,4,1 is taken from a grid.

    Raises
    ------
    SettingsError
        If it names no voxel.
    """
    try:
        convert = settings.convert.model_copy(update={"voxel": parsed_voxel(text)})
    except ValueError as error:
        raise SettingsError(f"--voxel = {text}: {error}.") from error
    return settings.model_copy(update={"convert": convert})


def _record(files: Mapping[str, Path], model: type[R]) -> R | None:
    return read_scan_record(files[model.role], model) if model.role in files else None


def _raw_files(file: Path) -> dict[str, Path]:
    """File, or those of a Bruker folder, and the sidecar, by role; a reader finds the other file of a pair itself."""
    members = files_of_experiment(file) if file.is_dir() else [file]
    files = {"raw": members[0]} | {f"raw_{number}": path for number, path in enumerate(members[1:], start=1)}
    if (sidecar := file.with_name(f"{split_extension(file.name)[0]}.json")).is_file():
        files["sidecar"] = sidecar
    return files


def show_result(result: SingleResult) -> None:
    """Print a result for a person."""
    from rich.console import Console
    from rich.table import Table

    flat, outcome, console = result.flat, result.outcome, Console(highlight=False)
    of_grid = f", voxel {flat['voxel']}" if "voxel" in flat else ""
    console.print(f"[bold]{_escaped(flat['scan'])}[/bold]{of_grid}: {flat['status']}")
    if flat["reason"]:
        console.print(f"  {_escaped(flat['reason'])}")
    if outcome.quality is None or outcome.fit is None or outcome.magnesium is None:
        return
    for name, value in _summary(flat, outcome.quality, outcome.fit):
        console.print(f"  {name:<16} {value}", soft_wrap=True, markup=False)
    pcr_ppm = next(line.shift_ppm for line in outcome.fit.lines if line.name == "PCr")
    table = Table("line", "amplitude", "shift from PCr (ppm)", "FWHM (Hz)", box=None, padding=(0, 2))
    for line in outcome.fit.lines:
        table.add_row(
            line.name,
            _with_sd(line.amplitude, line.amplitude_sd, "{:.4g}", "{:.2g}"),
            _with_sd(line.shift_ppm - pcr_ppm, line.shift_sd_ppm, "{:.4f}", "{:.4f}"),
            _with_sd(line.linewidth_hz, line.linewidth_sd_hz, "{:.1f}", "{:.1f}"),
        )
    console.print(table)


def _summary(flat: Mapping[str, Any], quality: Quality, fit: Fit) -> list[tuple[str, str]]:
    if flat["mg_mmol_l"] is None:
        magnesium = f"undefined: {flat['mg_reason']}"
    else:
        low, high = flat["mg_ci95_low_mmol_l"], flat["mg_ci95_high_mmol_l"]
        magnesium = f"{flat['mg_mmol_l']:.3f} mmol/l" + (
            f"  (95 % interval {low:.3f} … {high:.3f})" if None not in (low, high) else ""
        )
    undefined = flat["mg_p_undefined"]
    reasons = f" ({'; '.join(quality.reasons)})" if quality.reasons else ""
    tiny = "" if undefined is None or undefined > 1e-6 else "below 1e-6"
    lines = [
        ("free Mg²⁺", f"{magnesium}, calibration {flat['mg_calibration']}"),
        ("P(Mg undefined)", tiny or ("unknown" if undefined is None else f"{undefined:.2g}")),
        ("pH", f"{_ph(flat)}, calibration {flat['ph_calibration']}"),
        ("β-ATP shift", f"{_with_sd(flat['beta_atp_ppm'], flat['beta_atp_sd_ppm'], '{:.4f}', '{:.4f}')} ppm from PCr"),
        ("begin time", f"{_with_sd(fit.begin_time_us, fit.begin_time_sd_us, '{:.1f}', '{:.1f}')} µs, {_told(fit)}"),
        ("quality", f"{quality.verdict}{reasons}"),
        ("PCr", f"SNR {_text(flat['pcr_snr'], '{:.0f}')}, FWHM {_text(flat['pcr_fwhm_hz'], '{:.1f}')} Hz"),
        ("transients", _transients(quality)),
        ("fit", f"{fit.message}; {fit.skipped_points} first samples left out"),
        ("residual", _residual(flat)),
    ]
    if count := flat.get("bootstrap_count"):
        sds = [_text(flat[f"bootstrap_{name}_sd"], form) for name, form in (("ph", "{:.3f}"), ("pmg", "{:.3f}"))]
        shift = _text(flat["bootstrap_beta_atp_ppm_sd"], "{:.4f}")
        lines.append(("bootstrap", f"SD over {count} resampled averages: β {shift} ppm, pH {sds[0]}, pMg {sds[1]}"))
    return lines


def _transients(quality: Quality) -> str:
    """How many were averaged, and what was left out before."""
    said = [f"{quality.transients_used} of {quality.transients} averaged"]
    if quality.dummy_transients:
        said.append(f"{quality.dummy_transients} before the steady state")
    if quality.leading_points_cut:
        said.append(f"{quality.leading_points_cut} samples before the signal cut")
    return ", ".join(said)


def _told(fit: Fit) -> str:
    """What told the begin time before the fit."""
    return f"{'fitted from' if fit.begin_time_fitted else 'by'} {fit.begin_time_prior.stated_by}"


def _ph(flat: Mapping[str, Any]) -> str:
    if flat["ph"] is None:
        return f"undefined: {flat['ph_reason']}"
    return _with_sd(flat["ph"], flat["ph_sd"], "{:.3f}", "{:.3f}")


def _residual(flat: Mapping[str, Any]) -> str:
    """Residual over noise, of the whole and around the lines that results rest on."""
    near = (("PCr", "pcr"), ("Pi", "pi"), ("β-ATP", "beta_atp"))
    around = ", ".join(f"{label} {_text(flat[f'{name}_residual_over_noise'], '{:.2g}')}" for label, name in near)
    return f"{_text(flat['residual_over_noise'], '{:.2f}')} of the noise; around {around}"


def _text(value: float | None, form: str) -> str:
    return "n/a" if value is None else form.format(value).replace("-", "−")


def _with_sd(value: float | None, sd: float | None, form: str, sd_form: str) -> str:
    return _text(value, form) + (f" ± {sd_form.format(sd)}" if value is not None and sd is not None else "")


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
