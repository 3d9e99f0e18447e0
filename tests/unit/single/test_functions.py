"""Steps of one scan in a row, as the plan names them."""

from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from myomag import pipeline
from myomag.io.scan_records import Magnesium, Quality, read_scan_record
from myomag.settings.load import parse_settings
from myomag.single.functions import run_step, step_function

STEM = "sub-001_nuc-31P_voi-thigh_unloc"


def steps_run(raw: Path, folder: Path, content: dict[str, Any]) -> dict[str, Path]:
    """Files of a scan after all its steps, by role."""
    files = {"raw": raw}
    settings = parse_settings(content)
    folder.mkdir()
    for step in pipeline.STEPS:
        if step.kind == "scan":
            run_step(step, STEM, files, settings, folder, "sub-001")
    return files


@pytest.mark.parametrize("name", pipeline.SCAN_STEPS)
def test_each_step_has_the_function_that_its_name_says(name: str) -> None:
    assert step_function(name).__name__ == f"{name}_scan"
    assert ("pooled" in signature(step_function(name)).parameters) == pipeline.BY_NAME[name].pooled


def test_files_have_the_names_of_the_plan(tmp_path: Path, make_scan: Callable[..., Path]) -> None:
    files = steps_run(make_scan(tmp_path / f"{STEM}.nii.gz"), tmp_path / "steps", {})
    assert files["measures"].name == "sub-001_nuc-31P_voi-thigh_desc-measures_mrs.json"
    assert files["preproc"].name == "sub-001_nuc-31P_voi-thigh_desc-preproc_unloc.nii.gz"
    written = {f.role for step in pipeline.STEPS if step.kind == "scan" for f in step.writes if not f.optional}
    assert set(files) == {"raw"} | written


def test_overrides_hold_the_more_special_one_for_longer(tmp_path: Path, make_scan: Callable[..., Path]) -> None:
    overrides = {
        "sub-001": {"qc": {"warn_snr": 1e4}, "magnesium": {"atp_line": "alpha-ATP"}},
        STEM: {"magnesium": {"atp_line": "beta-ATP"}},
    }
    files = steps_run(make_scan(tmp_path / f"{STEM}.nii.gz"), tmp_path / "steps", {"overrides": overrides})
    assert read_scan_record(files["quality"], Quality).verdict == "warn"
    assert read_scan_record(files["magnesium"], Magnesium).atp_line == "beta-ATP"
