"""What the Snakefile knows of a study: its batches, and what is remarked before the jobs start."""

from pathlib import Path

import pytest

from myomag.errors import LedgerError, SettingsError
from myomag.io.places import CONFIG_DIR
from myomag.ledger.raw import BATCHES
from myomag.run import snakefile
from myomag.run.snakefile import Flow, beyond_defaults, errors_as
from myomag.settings.load import study_settings
from myomag.settings.yaml_text import read_yaml


def add_scans(study: Path, first: int, last: int) -> None:
    for number in range(first, last):
        scan = study / f"sub-{number}/mrs/sub-{number}_unloc.nii.gz"
        scan.parent.mkdir(parents=True)
        scan.touch()


@pytest.fixture
def study(tmp_path: Path) -> Path:
    add_scans(tmp_path / "study", 100, 130)
    return tmp_path / "study"


def indexed(study: Path, **given: object) -> Flow:
    """The study as a run finds it, its raw ledgers written."""
    flow = Flow({"study": str(study)}, given, study.parent / "out")
    flow.index()
    return flow


def test_job_knows_the_batches_without_a_search(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = indexed(study, batches=7).batches
    assert len(batches) > 4
    monkeypatch.setattr(snakefile, "find_scans", None)
    assert Flow({"study": str(study)}, {"batches": 7}, study.parent / "out").batches == batches
    monkeypatch.undo()
    assert indexed(study, batches=1).batches == ["0"], "batches that the study no longer has are gone"


def test_number_of_batches_is_chosen_once_and_kept(study: Path) -> None:
    """0.4 · 30^0.42 is 1.7; of 400 scans it would be 4."""
    assert indexed(study).batches == ["0", "1"]
    add_scans(study, 130, 499)
    assert indexed(study).batches == ["0", "1"]
    assert not any("batches" in remark for remark in indexed(study).remarks())
    add_scans(study, 499, 500)
    (remark,) = [remark for remark in indexed(study).remarks() if "batches" in remark]
    assert "400 scans, and its 2 batches were chosen for 30" in remark
    assert len(indexed(study, batches=5).batches) == 5, "a number fixes it"
    assert not any("batches" in remark for remark in indexed(study, batches=5).remarks())
    (study.parent / "out" / BATCHES).unlink()
    assert len(indexed(study).batches) == 4, "as the remark says"


def test_damaged_number_of_batches_is_named(study: Path) -> None:
    indexed(study)
    (study.parent / "out" / BATCHES).write_text("{")
    with pytest.raises(LedgerError, match="remove it"):
        indexed(study)


@pytest.mark.parametrize(("scans", "notes"), [(3, 3), (10, 10), (11, 10), (30, 10)])
def test_first_remarks_are_shown_and_the_others_counted(scans: int, notes: int, tmp_path: Path) -> None:
    add_scans(tmp_path / "study", 100, 100 + scans)
    (tmp_path / "study" / "participants.tsv").write_text("participant_id\nsub-1\n")
    found = indexed(tmp_path / "study").notes()
    assert len(found) == notes
    assert all(note.startswith("note: ") for note in found)
    assert found[-1].startswith(f"note: … and {scans - 9} more") == (scans > 10)


def test_study_without_scans_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    with pytest.raises(SettingsError, match="no scans found"):
        indexed(tmp_path / "study")


def test_error_for_the_user_keeps_its_name_in_snakemake() -> None:
    class WorkflowError(Exception):
        pass

    with pytest.raises(WorkflowError, match="wrong") as raised, errors_as(WorkflowError):
        raise SettingsError("wrong")
    assert type(raised.value).__name__ == "SettingsError"


def test_copied_defaults_do_not_hide_the_settings_of_the_study(study: Path) -> None:
    """As snakedeploy copies config.yaml beside the workflow that uses this one as a module."""
    (study / "myomag.yaml").write_text("qc:\n  warn_snr: 20\n")
    copy = read_yaml(CONFIG_DIR / "config.yaml")
    assert beyond_defaults({**copy, "study": str(study)}) == {"study": str(study)}
    copy["qc"]["min_snr"] += 1
    copy["overrides"] = {"sub-100": {"reject": "moved"}}
    given = beyond_defaults(copy)
    assert given == {"qc": {"min_snr": copy["qc"]["min_snr"]}, "overrides": copy["overrides"]}
    assert study_settings(study, given).qc.warn_snr == 20
