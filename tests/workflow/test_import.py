"""From a scanner's folder to results and back: look, an edit, make, check, run, trace."""

import json
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import vendor_samples
from import_samples import edited
from muscle_fids import MG, PI_PPM, muscle_fid, noise
from myomag.importing.plan import PlanRow
from myomag.io.files import sha256_file
from running import REPOSITORY, myomag

CALF = "calf_7t/sub-calf01_acq-fid_nuc-31P_voi-calf_unloc.dat"


SIMULATED = {
    "lab02.txt": vendor_samples.jmrui_text,
    "lab03.mrui": vendor_samples.mrui,
    "lab04.RAW": vendor_samples.lcmodel,
    "lab05.rda": vendor_samples.rda,
    "lab06.dat": lambda path, fid: vendor_samples.twix(path, fid[:, :, None]),
    "lab07.7": lambda path, fid: vendor_samples.pfile(
        path, fid[:, :, None], dwell_s=vendor_samples.DWELL_S, mhz=vendor_samples.MHZ
    ),
    "lab08.SDAT": lambda path, fid: vendor_samples.philips(path.parent, fid, path.stem),
    "lab09.data": lambda path, fid: vendor_samples.data_list(path.parent, fid[:, :, None], path.stem),
    "lab10": lambda path, fid: vendor_samples.bruker(path, fid[:, :, None]),
}
"""Writers of an FID (points, transients) by the name of the file that the scanner gives it."""


def _simulated(folder: Path) -> None:
    """Muscle of known pH and Mg in every format, at SNR 100 of PCr in the FID, four transients where they fit."""
    for seed, (name, write) in enumerate(SIMULATED.items()):
        frames = 1 if name.endswith((".RAW", ".rda")) else 4
        fid = muscle_fid(dwell_s=vendor_samples.DWELL_S, mhz=vendor_samples.MHZ, begin_s=230e-6)[:, None]
        path = folder / name
        if not path.suffix:
            path.mkdir()
        write(path, fid / 50 + noise(np.random.default_rng(seed), (2048, frames), 0.007))


@pytest.fixture
def exported(tmp_path: Path, shared_data: Path, shared_cases: Path) -> Path:
    """Flat folder with 31P of a scanner as twix and DICOM series, simulated 31P and 1H in many formats."""
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
    _simulated(folder)
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
    assert looked.stdout.startswith("10 scans to use, 8 not to use.\n  6 left out: 1H, not 31P\n")

    def names(row: PlanRow) -> None:
        name = Path(row.path).stem
        if not name.startswith("lab"):
            row.participant = "calf02" if row.format == "DICOM" else "calf01"
            return
        row.participant, row.session, row.acq, row.run = name, "", "", ""
        if row.format == "LCModel RAW":
            # Its files state no nucleus.
            row.use, row.nucleus = "yes", "31P"

    plan, study = edited(tmp_path / "plan.tsv", names), tmp_path / "study"
    made = myomag("import", "make", plan, study)
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-1] == f"Next: myomag check {study}"
    _check_validity(study)
    checked = myomag("check", study).stdout
    assert f"3 problems found in {study}" in checked and checked.count("begin time: no EchoTime") == 3

    done = myomag("run", study)
    assert done.returncode == 0, done.stderr
    assert "11 scans: 11 included" in done.stdout
    cohort = pd.read_csv(study / "derivatives/myomag/cohort.tsv", sep="\t", index_col="participant_id")
    for name in SIMULATED:
        row = cohort.loc[f"sub-{Path(name).stem}"]
        # Nine intervals of 95 % at once: 3.5 SD fail one run in 200.
        assert abs(row.mg_mmol_l - MG) < 3.5 / 1.96 * (row.mg_ci95_high_mmol_l - row.mg_ci95_low_mmol_l) / 2, name
        assert abs(row.ph - 6.75 - np.log10((PI_PPM - 3.27) / (5.69 - PI_PPM))) < 3.5 * row.ph_sd, name
        told = myomag("trace", study, f"sub-{Path(name).stem}:mg_mmol_l").stdout
        assert f"from {exported / name}" in told, told
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
