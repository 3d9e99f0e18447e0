"""From a scanner's folder to results and back: look, an edit, make, check, run, trace."""

import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from import_samples import edited
from myomag.importing.plan import PlanRow
from myomag.io.files import sha256_file
from running import REPOSITORY, myomag

CALF = "calf_7t/sub-calf01_acq-fid_nuc-31P_voi-calf_unloc.dat"


@pytest.fixture
def exported(tmp_path: Path, shared_data: Path, shared_cases: Path) -> Path:
    """Flat folder with a twix file and a DICOM series of 31P, and files of 1H in many formats."""
    folder = tmp_path / "from scanner"
    folder.mkdir()
    (folder / "meas_MID00843_FID12_fid.dat").symlink_to(shared_data / CALF)
    for path in (shared_data / "vendor").iterdir():
        (folder / path.name).symlink_to(path)
    with tarfile.open(shared_cases / "dicom_series_study.tar.gz") as archive:
        for member in archive.getmembers():
            if member.name.endswith(("unloc_0001.IMA", "unloc_0002.IMA")):
                number = member.name.rpartition("_")[2]
                content = archive.extractfile(member)
                assert content is not None
                (folder / f"PHANTOM.MR.X.0007.{number}").write_bytes(content.read())
    return folder


def test_a_flat_folder_becomes_a_study_whose_results_lead_back_to_it(exported: Path, tmp_path: Path) -> None:
    offered = myomag("run", exported)
    assert offered.returncode == 2
    offer = offered.stderr.strip().rpartition(": ")[2]
    assert offer == f"myomag import look '{exported}' --plan plan.tsv"
    assert offer in myomag("check", exported).stdout
    assert not (exported / "derivatives").exists()

    looked = myomag("import", "look", exported, "--plan", "plan.tsv", cwd=tmp_path)
    assert looked.returncode == 0, looked.stderr
    assert looked.stdout.startswith("2 scans to use, 7 not to use.\n  6 left out: 1H, not 31P\n")

    def names(row: PlanRow) -> None:
        row.participant = "calf01" if row.format == "Siemens twix" else "calf02"

    plan, study = edited(tmp_path / "plan.tsv", names), tmp_path / "study"
    made = myomag("import", "make", plan, study)
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-1] == f"Next: myomag check {study}"
    _check_validity(study)
    assert "0 problems found" in myomag("check", study).stdout

    done = myomag("run", study)
    assert done.returncode == 0, done.stderr
    assert "2 scans: 2 included" in done.stdout
    original = exported / "meas_MID00843_FID12_fid.dat"
    told = myomag("trace", study, "sub-calf01:mg_mmol_l").stdout
    assert f"from {original}: the same content" in told
    files = json.loads(myomag("trace", study, "sub-calf02", "--json").stdout)["files"]
    imported = [file["imported"] for file in files if file["imported"]]
    assert {Path(each["original"]).name: each["sha256"] for each in imported} == {
        path.name: sha256_file(path) for path in exported.glob("PHANTOM*")
    }


def _check_validity(study: Path) -> None:
    validator = REPOSITORY / ".venv" / "bids-validator" / "bin" / "bids-validator-deno"
    if validator.is_file():
        done = subprocess.run([validator, "--json", study], capture_output=True, text=True, check=False)
        issues = json.loads(done.stdout)["issues"]["issues"]
        assert [issue for issue in issues if issue["severity"] == "error"] == []
