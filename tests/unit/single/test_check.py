"""What would go wrong with the scans of a study, before running it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from myomag.single.check import STEPS, check_study

STEM = "sub-{0}_nuc-31P_voi-thigh_unloc"


@pytest.fixture
def study(tmp_path: Path, make_scan: Callable[..., Path]) -> Path:
    """Study of a good scan, and one in which no line stands out of the noise."""
    (tmp_path / "dataset_description.json").write_text('{"Name": "test", "BIDSVersion": "1.10.0"}')
    for label, snr in (("001", 40.0), ("002", 0.5)):
        make_scan(tmp_path / f"sub-{label}" / "mrs" / f"{STEM.format(label)}.nii.gz", pcr_snr=snr)
    return tmp_path


def test_scan_that_would_fail_is_named_with_the_reason(study: Path) -> None:
    (problem,) = check_study(study)
    assert problem["where"] == STEM.format("002")
    assert "no PCr line" in problem["problem"]


def test_settings_of_one_scan_hold_in_the_check_too(study: Path) -> None:
    (study / "myomag.yaml").write_text("overrides:\n  sub-001:\n    convert: {conjugate: true}\n")
    problems = {problem["where"]: problem["problem"] for problem in check_study(study)}
    assert set(problems) == {STEM.format("001"), STEM.format("002")}
    assert "conjugated" in problems[STEM.format("001")]


def test_steps_that_find_fault_are_those_before_the_fit() -> None:
    assert [step.name for step in STEPS] == ["convert", "qc", "begin_time"]
