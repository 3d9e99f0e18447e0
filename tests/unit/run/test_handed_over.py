"""What the Snakefile knows of a study, and what `myomag run` spares it."""

import os
from pathlib import Path

import pytest

from myomag.run.snakefile import INDEXED, Flow


@pytest.fixture
def study(tmp_path: Path) -> Path:
    for number in (1, 2, 3):
        scan = tmp_path / f"study/sub-{number}/mrs/sub-{number}_unloc.nii.gz"
        scan.parent.mkdir(parents=True)
        scan.touch()
    return tmp_path / "study"


def root_of(study: Path) -> Path:
    root = study / "derivatives" / "myomag"
    root.mkdir(parents=True, exist_ok=True)
    return root


def handed_over(study: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Batches that this process, acting as the parent of itself, has indexed and told."""
    monkeypatch.setenv(INDEXED, "")
    monkeypatch.setattr(os, "getppid", os.getpid)
    parent = Flow({"study": str(study)}, {})
    parent.hand_over(root_of(study))
    return parent.batches


def test_what_the_parent_has_indexed_is_not_looked_at_again(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = handed_over(study, monkeypatch)
    child = Flow({"study": str(study)}, {})
    child.index(root_of(study))
    assert child.batches == batches
    assert not (root_of(study) / "ledger").exists()


@pytest.mark.parametrize("differs", ["process", "batches", "study"])
def test_what_was_indexed_otherwise_is_indexed_again(
    differs: str, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over(study, monkeypatch)
    match differs:
        case "process":
            monkeypatch.setattr(os, "getppid", lambda: os.getpid() + 1)
        case "batches":
            (study / "myomag.yaml").write_text("batches: 2\n")
        case "study":
            study = study.rename(study.with_name("moved"))
    child = Flow({"study": str(study)}, {})
    child.index(root_of(study))
    written = sorted(path.stem.removeprefix("batch-") for path in root_of(study).glob("ledger/raw/batch-*.tsv"))
    assert written == sorted(child.batches) != []


def test_what_somebody_else_left_in_the_environment_does_not_count(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(INDEXED, "{of another program")
    Flow({"study": str(study)}, {}).index(root_of(study))
    assert list(root_of(study).glob("ledger/raw/batch-*.tsv"))


def test_another_folder_of_results_is_indexed(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handed_over(study, monkeypatch)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    Flow({"study": str(study)}, {}).index(elsewhere)
    assert list(elsewhere.glob("ledger/raw/batch-*.tsv"))
