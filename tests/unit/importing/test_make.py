"""What `make` puts into a study, and what it refuses: all problems at once, and then nothing is written."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import vendor_samples
from ge_sample import pfile
from import_samples import by_name, dicom, edited, noise, twix
from myomag.errors import MyomagError, SettingsError
from myomag.importing import place
from myomag.importing.look import look
from myomag.importing.make import make
from myomag.importing.plan import PlanRow, plan_bytes, read_plan
from myomag.io.files import sha256_file
from myomag.io.vendor import read_scan
from myomag.study.imports import IMPORTS, read_imports
from myomag.study.search import find_scans

TWIX = "sourcedata/sub-P01/ses-1/mrs/sub-P01_ses-1_nuc-31P_unloc.dat"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Plan of a twix file and a series of two DICOM files."""
    twix(tmp_path / "in/P01/visit1/a.dat", 1)
    for number in (1, 2):
        dicom(tmp_path / f"in/P02/visit1/s_{number:04d}.dcm", 10 + number, number=number)
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    return tmp_path / "plan.tsv"


def changed(**cells: str) -> Callable[[PlanRow], None]:
    return lambda row: row.__dict__.update(cells)


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): sha256_file(path) for path in folder.rglob("*") if path.is_file()}


def test_scans_lie_where_the_pipeline_looks_for_them(plan: Path, tmp_path: Path) -> None:
    done = make(plan, tmp_path / "study", "copy")
    assert (done.scans, done.present, done.problems) == (2, 0, [])
    found = find_scans(tmp_path / "study")
    assert found.remarks == []
    assert [(scan.stem, len(scan.raw), scan.problem) for scan in found.scans] == [
        ("sub-P01_ses-1_nuc-31P_unloc", 1, ""),
        ("sub-P02_ses-1_nuc-31P_unloc", 2, ""),
    ]
    assert (tmp_path / "study/participants.tsv").read_text() == "participant_id\nsub-P01\nsub-P02\n"
    entry = read_imports(tmp_path / "study")[TWIX]
    assert entry.original == str(tmp_path / "in/P01/visit1/a.dat")
    assert entry.sha256 == sha256_file(tmp_path / "study" / TWIX) == sha256_file(Path(entry.original))


def test_raw_data_of_ge_philips_and_bruker_become_scans(tmp_path: Path) -> None:
    """All in one folder, a Bruker experiment with its samples in pdata, as ParaVision 360 may leave it."""
    folder = tmp_path / "in"
    (folder / "7").mkdir(parents=True)
    pfile(folder / "P12345.7", noise(1, frames=2)[:, :, None])
    vendor_samples.data_list(folder, noise(2, frames=3)[:, :, None], stem="raw_007")
    vendor_samples.bruker(folder / "7", noise(3, frames=4)[:, :, None], kind="fid_proc.64", version="PV-360.3.5")
    (folder / "7/pulseprogram").write_text("; no scan\n")
    plan, study = tmp_path / "plan.tsv", tmp_path / "study"
    look([folder], plan)
    edited(plan, lambda row: row.__dict__.update(participant=row.format[:2]))
    assert {(row.format, row.use, row.files, row.transients) for row in read_plan(plan)} == {
        ("GE P-file", "yes", "1", "2"),
        ("Philips data/list", "yes", "3", "3"),
        ("Bruker", "yes", "3", "4"),
    }
    assert make(plan, study, "copy").problems == []
    found = find_scans(study)
    assert (len(found.scans), found.remarks) == (3, [])
    for scan, transients in zip(found.scans, (4, 2, 3), strict=True):
        assert scan.problem == ""
        mrs = read_scan([study / path for path in scan.raw], [], nucleus=None)
        assert (mrs.nucleus, mrs.fid.shape[:2]) == ("31P", (256, transients))


def test_again_on_a_grown_folder_adds_only_what_is_new(plan: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    make(plan, study, "copy")
    table = study / "participants.tsv"
    table.write_text("participant_id\tage\r\nsub-P01\t61\r\nsub-P02\t25", newline="")
    before = tree(study)
    assert (make(plan, study, "copy").scans, tree(study)) == (0, before)
    twix(tmp_path / "in/P03/visit1/new.dat", 3)
    look([tmp_path / "in"], plan)
    done = make(plan, study, "copy")
    assert (done.scans, done.present) == (1, 2)
    after = tree(study)
    assert {path for path in before if after[path] != before[path]} == {"participants.tsv", IMPORTS}
    assert table.read_bytes() == b"participant_id\tage\r\nsub-P01\t61\r\nsub-P02\t25\r\nsub-P03\tn/a\r\n"
    assert len(read_imports(study)) == 4


@pytest.mark.parametrize("how", ["copy", "link", "move"])
def test_originals_are_copied_linked_or_moved(plan: Path, tmp_path: Path, how: str) -> None:
    source, study = tmp_path / "in/P01/visit1/a.dat", tmp_path / "study"
    sha = sha256_file(source)
    assert make(plan, study, how).scans == 2
    target = study / TWIX
    assert sha256_file(target) == sha
    assert source.exists() == (how != "move")
    assert (how == "link") == (source.exists() and source.stat().st_ino == target.stat().st_ino)
    assert not target.is_symlink()
    assert make(plan, study, how).present == 2
    assert [path for path in (study / "sourcedata").iterdir() if path.name.startswith(".")] == []


def test_a_link_in_the_folder_of_the_scanner_is_followed(tmp_path: Path) -> None:
    twix(tmp_path / "store/x.dat", 1)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/P01_a.dat").symlink_to(tmp_path / "store/x.dat")
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    make(tmp_path / "plan.tsv", tmp_path / "study", "copy")
    (scan,) = find_scans(tmp_path / "study").scans
    assert scan.problem == ""


def test_all_conflicts_are_told_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    for seed in range(9):
        twix(tmp_path / f"in/P0{seed}/a.dat", seed)
    twix(tmp_path / "in/P00/same.dat", 1)
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    wrong = {
        "P01": {"participant": "../../etc"},
        "P02": {"participant": "P03"},
        "P04": {"participant": ""},
        "P05": {"suffix": "bold"},
        "P06": {"path": str(tmp_path / "in/P06/../P06/a.dat")},
        "P07": {"path": str(tmp_path / "in/gone.dat")},
        "P08": {"use": "perhaps"},
    }
    rows = read_plan(tmp_path / "plan.tsv")
    for row in rows:
        row.__dict__.update(wrong.get(Path(row.path).parent.name, {}))
    (tmp_path / "plan.tsv").write_bytes(plan_bytes(rows))
    problems = make(tmp_path / "plan.tsv", tmp_path / "study", "copy").problems
    assert not (tmp_path / "study").exists()
    assert all(line.startswith("line ") and "\n" not in line for line in problems)
    for part in (
        "participant is '../../etc'; a label may contain only letters and digits",
        "two files for one scan, see line",
        "no participant; enter one",
        "suffix is 'bold'; write one of",
        "contains '..'",
        "no such file; look again",
        "use is 'perhaps'; write yes or no",
    ):
        assert sum(part in line for line in problems) == 1, part
    assert len(problems) == 7


def test_the_same_data_and_other_data_of_the_same_name_are_refused(plan: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    make(plan, study, "copy")
    before = tree(study)
    twix(tmp_path / "in/P01/visit1/a.dat", 99)
    (problem,) = make(plan, study, "copy").problems
    assert "different data of that name" in problem
    twix(tmp_path / "in/P01/visit1/a.dat", 1)
    renamed = edited(plan, lambda row: row.__dict__.update(participant="Q") if "P01" in row.path else None)
    (problem,) = make(renamed, study, "copy").problems
    assert f"these data are already in the study as {TWIX}" in problem
    assert tree(study) == before
    twix(tmp_path / "two/P01.dat", 5)
    twix(tmp_path / "two/P02.dat", 5)
    look([tmp_path / "two"], tmp_path / "two.tsv")
    (problem,) = make(tmp_path / "two.tsv", tmp_path / "other", "copy").problems
    assert "the same data as line 2" in problem


def test_a_series_that_grew_is_looked_at_again(plan: Path, tmp_path: Path) -> None:
    dicom(tmp_path / "in/P02/visit1/s_0003.dcm", 13, number=3)
    (problem,) = make(plan, tmp_path / "study", "copy").problems
    assert "3 files now belong to this scan, but the plan says 2" in problem


def test_a_file_that_is_no_scan_is_refused_whatever_the_plan_says(plan: Path, tmp_path: Path) -> None:
    secret = tmp_path / "passwd"
    secret.write_text("root:x:0:0")
    edited(plan, changed(path=str(secret), files="1"))
    problems = make(plan, tmp_path / "study", "copy").problems
    assert any("not a scan in a supported format" in problem for problem in problems)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("where", ["sourcedata", "sourcedata/sub-P01", "sub-P02"])
def test_nothing_is_written_through_a_link_out_of_the_study(plan: Path, tmp_path: Path, where: str) -> None:
    outside, study = tmp_path / "outside", tmp_path / "study"
    outside.mkdir()
    (study / where).parent.mkdir(parents=True)
    (study / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    (study / where).symlink_to(outside)
    problems = make(plan, study, "copy").problems
    assert any(f"{where} of the study is a link to a place outside" in problem for problem in problems)
    assert list(outside.iterdir()) == []
    assert set(tree(study)) == {"dataset_description.json"}


def test_the_scanners_own_folder_is_no_study(plan: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="name a new folder"):
        make(plan, tmp_path / "in", "copy")
    (tmp_path / "in/dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    assert all("is inside the study itself" in problem for problem in make(plan, tmp_path / "in", "copy").problems)
    with pytest.raises(SettingsError, match="is a file"):
        make(plan, plan, "copy")


@pytest.mark.parametrize("new", [True, False])
def test_an_import_that_fails_half_way_leaves_the_study_as_it_was(
    plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new: bool
) -> None:
    study = tmp_path / "study"
    if not new:
        study.mkdir()
        (study / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    appear, calls = place._appear, []

    def full(part: Path, target: Path, made: list[Path]) -> None:
        calls.append(target)
        if len(calls) == 3:
            raise OSError(28, os.strerror(28), "/secret/Jane Doe.dat")
        appear(part, target, made)

    monkeypatch.setattr(place, "_appear", full)
    with pytest.raises(MyomagError, match="free some space") as error:
        make(plan, study, "move")
    assert "Jane" not in str(error.value)
    assert [path.name for path in study.rglob("*")] == ([] if new else ["dataset_description.json"])
    assert study.exists() != new
    monkeypatch.undo()
    assert make(plan, study, "move").scans == 2


def test_an_import_that_was_killed_before_its_record_is_completed(plan: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    make(plan, study, "copy")
    (study / IMPORTS).unlink()
    (study / "sourcedata/.import-999999999").mkdir()
    assert make(plan, study, "copy").present == 2
    assert len(read_imports(study)) == 3
    assert not (study / "sourcedata/.import-999999999").exists()


def test_formulas_in_names_stay_text(tmp_path: Path) -> None:
    twix(tmp_path / "in/P01/=cmd().dat", 1, protocol="=HYPERLINK(0)")
    plan = tmp_path / "plan.tsv"
    look([tmp_path / "in"], plan)
    make(plan, tmp_path / "study", "copy")
    cells = [cell for path in (plan, tmp_path / "study" / IMPORTS) for cell in path.read_text().split()]
    assert "'=HYPERLINK(0)" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert by_name(plan)["=cmd().dat"].protocol == "=HYPERLINK(0)"


def test_a_name_that_a_table_cannot_hold_is_named(tmp_path: Path) -> None:
    twix(tmp_path / "in/P01/a\nb.dat", 1)
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    (row,) = read_plan(tmp_path / "plan.tsv")
    assert row.use == "no"
    assert "rename it" in row.remark
