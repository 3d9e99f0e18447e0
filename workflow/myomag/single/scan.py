"""One file straight from raw data to pH and magnesium, without a study: the steps of the pipeline in a row."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myomag.cohort.columns import flat_result
from myomag.errors import ScanError
from myomag.ledger.rows import READS
from myomag.settings.models import Settings, section_for
from myomag.steps.begin_time import begin_time_scan
from myomag.steps.convert import convert_scan
from myomag.steps.fit import fit_scan
from myomag.steps.magnesium import magnesium_scan
from myomag.steps.qc import qc_scan
from myomag.study.names import COMPANIONS, entities, split_extension

STEPS = {
    "convert": (convert_scan, "convert"),
    "qc": (qc_scan, "qc"),
    "begin_time": (begin_time_scan, "fit"),
    "fit": (fit_scan, "fit"),
    "magnesium": (magnesium_scan, "magnesium"),
}
"""Function and settings section of each step."""


@dataclass(frozen=True)
class SingleResult:
    """Result of one file: the flat columns of cohort.tsv, and the records behind them."""

    flat: dict[str, Any]
    records: Mapping[str, dict[str, Any]]


def analyse_file(file: Path, settings: Settings, *, bootstrap: int = 0) -> SingleResult:
    """Convert, judge, fit and evaluate one file.

    A sidecar of the same name beside the file is used. A scan that cannot be processed gives a result with status
    failed and the reason.

    Parameters
    ----------
    file : Path
        Vendor or NIfTI-MRS file.
    settings : Settings
        Resolved settings.
    bootstrap : int
        Number of averages of resampled transients to evaluate beside; 0 for none.
    """
    stem, extension = split_extension(file.name)
    files: dict[str, Path] = {"raw": file}
    if extension in COMPANIONS:
        partners = [p for p in sorted(file.parent.iterdir()) if split_extension(p.name)[0] == stem]
        others = [p for p in partners if split_extension(p.name)[1] in COMPANIONS - {extension}]
        files |= {f"raw_{number}": path for number, path in enumerate(others[:1], start=1)}
    if (sidecar := file.with_name(f"{stem}.json")).is_file():
        files["sidecar"] = sidecar
    outcome: dict[str, Any] = {"status": "ok", "step": None, "reason": None}
    records: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="myomag-") as folder:
        for step in STEPS:
            try:
                records |= do_step(step, stem, files, settings, Path(folder))
            except ScanError as error:
                outcome = {"status": "failed", "step": step, "reason": " ".join(str(error).split())}
                break
        resampled = {}
        if bootstrap and outcome["status"] == "ok":
            from myomag.single.bootstrap import bootstrap_sds

            resampled = bootstrap_sds(stem, files, settings, bootstrap)
    labels = entities(stem)
    row = {
        "participant_id": f"sub-{labels['sub']}" if labels else None,
        "session_id": f"ses-{labels['ses']}" if "ses" in labels else None,
        "scan": stem,
        **outcome,
        **{role: records.get(role) for role in ("quality", "fit", "magnesium")},
    }
    return SingleResult(flat_result(row, settings.cohort.model_dump()) | resampled, records)


def do_step(
    step: str, stem: str, files: dict[str, Path], settings: Settings, folder: Path, *targets: str
) -> dict[str, dict[str, Any]]:
    """Do one step for one scan, write its outputs into `folder` and add them to `files`; returns the records.

    Parameters
    ----------
    step, stem : str
        Name of the step and of the scan.
    files : dict of str to Path
        Files of the scan by role.
    settings : Settings
        Resolved settings, of which the overrides for `targets` hold.

    Raises
    ------
    ScanError
        If the scan cannot be processed.
    """
    function, section = STEPS[step]
    inputs = files if step == "convert" else {role: files[role] for role in READS[step]}
    # A single scan has no protocol to learn from.
    outputs = function(stem, inputs, section_for(settings, section, *targets).model_dump() | {"protocols": {}})
    records = {role: json.loads(content) for role, content in outputs.items() if content[:1] == b"{"}
    for role, content in outputs.items():
        # Under the name of the scan, for the messages; the extension is the one the readers go by.
        files[role] = folder / role / (f"{stem}.json" if role in records else f"{stem}.nii.gz")
        files[role].parent.mkdir(exist_ok=True)
        files[role].write_bytes(content)
    return records


def show_result(result: SingleResult) -> None:
    """Print a result for a person."""
    from rich.console import Console
    from rich.table import Table

    flat, console = result.flat, Console(highlight=False)
    console.print(f"[bold]{_escaped(flat['scan'])}[/bold]: {flat['status']}")
    if flat["reason"]:
        console.print(f"  {_escaped(flat['reason'])}")
    if not result.records.get("magnesium"):
        return
    for name, value in _summary(flat, result.records):
        console.print(f"  {name:<16} {value}", soft_wrap=True, markup=False)
    fit = result.records["fit"]
    pcr = next(line["shift_ppm"] for line in fit["lines"] if line["name"] == "PCr")
    table = Table("line", "amplitude", "shift from PCr (ppm)", "FWHM (Hz)", box=None, padding=(0, 2))
    for line in fit["lines"]:
        table.add_row(
            line["name"],
            _with_sd(line["amplitude"], line["amplitude_sd"], "{:.4g}", "{:.2g}"),
            _with_sd(line["shift_ppm"] - pcr, line["shift_sd_ppm"], "{:.4f}", "{:.4f}"),
            _with_sd(line["linewidth_hz"], line["linewidth_sd_hz"], "{:.1f}", "{:.1f}"),
        )
    console.print(table)


def _summary(flat: Mapping[str, Any], records: Mapping[str, Any]) -> list[tuple[str, str]]:
    fit, quality = records["fit"], records["quality"]
    if flat["mg_mmol_l"] is None:
        magnesium = "undefined"
    else:
        low, high = flat["mg_ci95_low_mmol_l"], flat["mg_ci95_high_mmol_l"]
        magnesium = f"{flat['mg_mmol_l']:.3f} mmol/l" + (
            f"  (95 % interval {low:.3f} … {high:.3f})" if None not in (low, high) else ""
        )
    undefined = flat["mg_p_undefined"]
    reasons = f" ({'; '.join(quality['reasons'])})" if quality["reasons"] else ""
    tiny = "" if undefined is None or undefined > 1e-6 else "below 1e-6"
    lines = [
        ("free Mg²⁺", f"{magnesium}, calibration {flat['mg_calibration']}"),
        ("P(Mg undefined)", tiny or ("unknown" if undefined is None else f"{undefined:.2g}")),
        ("pH", f"{_with_sd(flat['ph'], flat['ph_sd'], '{:.3f}', '{:.3f}')}, calibration {flat['ph_calibration']}"),
        ("β-ATP shift", f"{_with_sd(flat['beta_atp_ppm'], flat['beta_atp_sd_ppm'], '{:.4f}', '{:.4f}')} ppm from PCr"),
        ("begin time", f"{_with_sd(fit['begin_time_us'], fit['begin_time_sd_us'], '{:.1f}', '{:.1f}')} µs"),
        ("quality", f"{quality['verdict']}{reasons}"),
        ("PCr", f"SNR {_text(flat['pcr_snr'], '{:.0f}')}, FWHM {_text(flat['pcr_fwhm_hz'], '{:.1f}')} Hz"),
        ("fit", f"{fit['message']}; {fit['skipped_points']} first samples left out"),
    ]
    if count := flat.get("bootstrap_count"):
        sds = [_text(flat[f"bootstrap_{name}_sd"], form) for name, form in (("ph", "{:.3f}"), ("pmg", "{:.3f}"))]
        shift = _text(flat["bootstrap_beta_atp_ppm_sd"], "{:.4f}")
        lines.append(("bootstrap", f"SD over {count} resampled averages: β {shift} ppm, pH {sds[0]}, pMg {sds[1]}"))
    return lines


def _text(value: float | None, form: str) -> str:
    return "n/a" if value is None else form.format(value).replace("-", "−")


def _with_sd(value: float | None, sd: float | None, form: str, sd_form: str) -> str:
    return _text(value, form) + (f" ± {sd_form.format(sd)}" if value is not None and sd is not None else "")


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
