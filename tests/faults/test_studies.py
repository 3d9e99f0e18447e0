"""Tables and settings that are wrong: one line each, and what can be read is read."""

import os
from pathlib import Path

import pytest
from corruptions import base_scan
from hostile import ODD_TABLES, SETTINGS, TABLES

from myomag.io.nifti_mrs import nifti_mrs_bytes
from myomag.single.check import check_study
from running import myomag

STEM = "sub-001_nuc-31P_unloc"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "study" / "sub-001" / "mrs"
    folder.mkdir(parents=True)
    (folder / f"{STEM}.nii.gz").write_bytes(nifti_mrs_bytes(base_scan()))
    return tmp_path / "study"


def one_problem(study: Path) -> str:
    problems = check_study(study)
    assert problems
    assert not any("\n" in problem["problem"] or str(study) in problem["problem"] for problem in problems)
    return problems[0]["problem"]


@pytest.mark.parametrize("content", TABLES.values(), ids=TABLES)
def test_bad_table_is_a_problem_in_one_line(study: Path, content: bytes) -> None:
    (study / "participants.tsv").write_bytes(content)
    one_problem(study)


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"age": {"Max": NaN}}', b'{"a": "\\ud800"}', b'{"a": 1, "a": 2}'])
def test_bad_data_dictionary_is_a_problem_in_one_line(study: Path, content: bytes) -> None:
    (study / "participants.tsv").write_bytes(b"participant_id\tage\nsub-001\t60\n")
    (study / "participants.json").write_bytes(content)
    assert one_problem(study).startswith("participants.json: ")


def test_files_that_macos_leaves_are_no_tables(study: Path) -> None:
    (study / "phenotype").mkdir()
    (study / "phenotype" / "._x.tsv").write_bytes(b"\x00\x05\x16\x07\xff")
    assert check_study(study) == []


@pytest.mark.parametrize("content", SETTINGS.values(), ids=SETTINGS)
def test_bad_settings_stop_in_one_line(study: Path, content: bytes) -> None:
    (study / "myomag.yaml").write_bytes(content)
    assert len(one_problem(study)) < 500
    assert sorted(path.name for path in study.iterdir()) == ["myomag.yaml", "sub-001"]


@pytest.mark.parametrize("name", ["myomag.yaml", "participants.tsv", "phenotype/x.tsv", "sub-001/sub-001_sessions.tsv"])
def test_pipe_in_place_of_a_file_blocks_nothing(study: Path, name: str) -> None:
    (study / "phenotype").mkdir()
    os.mkfifo(study / name)
    assert "not a file" in one_problem(study)


def test_settings_too_large_are_refused(study: Path) -> None:
    (study / "myomag.yaml").write_bytes(b"# \n" * 1_000_000)
    assert "larger than" in one_problem(study)


def test_run_with_bad_settings_or_table_ends_in_one_line(study: Path) -> None:
    (study / "myomag.yaml").write_bytes(SETTINGS["laughs in a calibration"])
    done = myomag("run", study)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    (study / "myomag.yaml").unlink()
    for name in ("participants.tsv", "phenotype/late.tsv"):
        (study / name).parent.mkdir(exist_ok=True)
        (study / name).write_bytes(TABLES["latin-1"])
        done = myomag("run", study)
        (study / name).unlink()
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


def test_odd_tables_are_joined(study: Path) -> None:
    (study / "phenotype").mkdir()
    for number, content in enumerate(ODD_TABLES.values()):
        (study / "phenotype" / f"odd{number}.tsv").write_bytes(content)
    done = myomag("run", study)
    assert done.returncode == 0, done.stderr
    page = (study / "derivatives" / "myomag" / "report" / "index.html").read_text()
    assert "<script>alert" not in page
    assert "onerror=alert(1)>" not in page
