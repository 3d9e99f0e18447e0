"""The scan-level steps in sequence, each function found by the name of its step."""

from importlib import import_module
from pathlib import Path

from myomag import pipeline
from myomag.ledger.harness import StepFunction, arguments
from myomag.ledger.rows import Row, output_path
from myomag.ledger.spec import resolve
from myomag.settings.models import Settings


def step_function(step: str) -> StepFunction:
    """Function of a scan-level step: <step>_scan in the module of the same name."""
    function: StepFunction = getattr(import_module(f"myomag.steps.{step}"), f"{step}_scan")
    return function


def run_step(
    step: pipeline.Step, scan: str, files: dict[str, Path], settings: Settings, folder: Path, participant_id: str = ""
) -> None:
    """Do one step for one scan, write its outputs into `folder` and add them to `files`.

    Parameters
    ----------
    step : Step
        A scan-level step.
    scan : str
        BIDS stem of the scan.
    files : dict of str to Path
        Files of the scan by role.
    settings : Settings
        Resolved settings, to which the overrides of participant and scan are applied.
    participant_id : str
        Participant; "" for a file that belongs to no study.

    Raises
    ------
    ScanError
        If the scan cannot be processed.
    """
    function, row = step_function(step.name), Row(scan, participant_id, "")
    # A single scan has no others of its protocol: no begin time is pooled.
    spec = resolve(step.name, settings.model_dump(), targets=(participant_id, scan), code="")
    inputs = files if pipeline.reads_study(step) else {role: files[role] for role in step.reads if role in files}
    outputs = function(scan, inputs, **arguments(function, spec, participant_id, scan))
    for file in (file for file in step.writes if file.role in outputs):
        path = folder / Path(output_path(file, row)).name
        path.write_bytes(outputs[file.role])
        files[file.role] = path
