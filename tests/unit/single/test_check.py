"""What would go wrong with the scans of a study, before running it."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from myomag.single.check import STEPS, check_study, examine_study

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


def test_same_data_under_two_names_are_told_of(study: Path) -> None:
    """Also where the files differ, as here by what a sidecar adds to one of them."""
    copy = study / "sub-003" / "mrs" / f"{STEM.format('003')}.nii.gz"
    copy.parent.mkdir(parents=True)
    content = gzip.decompress((study / "sub-001" / "mrs" / f"{STEM.format('001')}.nii.gz").read_bytes())
    copy.write_bytes(gzip.compress(content, compresslevel=1))
    copy.with_name(f"{STEM.format('003')}.json").write_text('{"RepetitionTime": 2.0}')
    problems = {problem["where"]: problem["problem"] for problem in check_study(study)}
    assert problems[STEM.format("003")].startswith(f"the same data as {STEM.format('001')}: remove the wrong one")
    assert STEM.format("001") in problems
    (study / "myomag.yaml").write_text("cohort: {allow_same_data: true}\n")
    assert [problem["where"] for problem in check_study(study)] == [STEM.format("002")]


def test_table_with_another_separator_is_one_problem(study: Path) -> None:
    (study / "participants.tsv").write_text("participant_id,age\nsub-001,25\nsub-002,61\n")
    found = examine_study(study)
    assert sum("separated by commas" in problem["problem"] for problem in found.problems) == 1
    assert found.columns == found.models == []


def test_kind_that_no_scan_has_is_told_of(study: Path) -> None:
    (study / "myomag.yaml").write_text("cohort: {kind: {voi: calf}}\n")
    assert "the study has no scan of this kind; it has: voi-thigh_unloc" in str(check_study(study))


def test_steps_that_find_fault_are_those_before_the_fit() -> None:
    assert [step.name for step in STEPS] == ["convert", "qc", "begin_time"]


@pytest.mark.parametrize(
    ("sidecar", "said"),
    [
        ('{"EchoTime": 0.35}', "EchoTime 0.35 s: milliseconds?"),
        ('{"EchoTime": 0.0027, "SequenceName": "fid"}', "EchoTime 0.0027 s"),
        ('{"EchoTime": 0}', "EchoTime 0 s: not set"),
    ],
)
def test_echo_time_that_is_no_begin_time_is_named_with_the_remedy(study: Path, sidecar: str, said: str) -> None:
    (study / "sub-001" / "mrs" / f"{STEM.format('001')}.json").write_text(sidecar)
    problems = {problem["where"]: problem["problem"] for problem in check_study(study)}
    assert problems[STEM.format("001")].startswith(f"begin time: {said}, estimated from the data; set EchoTime")
