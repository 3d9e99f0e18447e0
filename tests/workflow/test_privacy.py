"""No personal field of any raw file reaches a file of the derivative or a crate: shown by planted markers."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from myomag.core.synthetic import ScanTruth, resting_muscle, simulate_scan

REPOSITORY = Path(__file__).resolve().parents[2]
MARKER = b"MARKER"


def load(name: str) -> ModuleType:
    """Module of the unit tests, whose writers of vendor files are used here."""
    spec = importlib.util.spec_from_file_location(
        f"planted_{name}", REPOSITORY / "tests" / "unit" / "io" / f"{name}.py"
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def folder_of(study: Path, participant: str, *, source: bool = True) -> Path:
    folder = study / ("sourcedata" if source else "") / participant / "mrs"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with one scan of each format, each with markers in all its personal fields, one of them damaged."""
    vendor, nifti = load("test_vendor"), load("test_nifti_mrs")
    vendor.POINTS = 2048
    truth = ScanTruth(
        lines=resting_muscle(pi_ppm=4.85, beta_atp_ppm=-15.95),
        points=vendor.POINTS,
        dwell_time_s=vendor.DWELL_S,
        spectrometer_frequency_mhz=vendor.MHZ,
        transients=1,
        pcr_snr=80.0,
    )
    fid = simulate_scan(truth, np.random.default_rng(11)).astype(complex)
    study = tmp_path_factory.mktemp("planted") / "study"
    for kind, write in vendor.SYNTHETIC.items():
        folder = folder_of(study, f"sub-{kind}")
        path = write(folder, fid)
        stem = f"sub-{kind}_nuc-31P_unloc"
        for file in sorted(folder.iterdir()):
            file.rename(folder / f"{stem}{file.suffix}")
        sidecar = {"PatientName": "MARKER", "InstitutionName": "MARKER", "Comment": "MARKER", "BodyPart": "LEG\nMARKER"}
        (folder / f"{stem}.json").write_text(json.dumps(sidecar), encoding="utf-8")
        if kind == "twix":
            damaged = folder_of(study, "sub-damaged")
            content = (folder / f"{stem}{path.suffix}").read_bytes()
            (damaged / f"sub-damaged_nuc-31P_unloc{path.suffix}").write_bytes(content[: len(content) // 2])
    write_nifti(nifti, folder_of(study, "sub-nifti", source=False), fid, vendor)
    return study


def write_nifti(nifti: ModuleType, folder: Path, fid: np.ndarray, vendor: ModuleType) -> None:
    header = {"SpectrometerFrequency": [vendor.MHZ], "ResonantNucleus": ["31P"], "SpectralWidth": 1 / vendor.DWELL_S}
    extensions = [(44, json.dumps(header | nifti.PERSONAL).encode()), (6, b"MARKER comment")]
    stored = np.conj(fid[:, 0]).astype(np.complex64).reshape(1, 1, 1, -1)
    nifti.write(
        folder / "sub-nifti_nuc-31P_unloc.nii.gz",
        stored,
        extensions=extensions,
        descrip=b"MARKER",
        dwell=vendor.DWELL_S,
    )


def test_no_marker_reaches_a_file(planted: Path, tmp_path: Path) -> None:
    raw = [path for path in planted.rglob("*") if path.is_file()]
    # What nibabel compresses cannot be searched; every other raw file holds the marker.
    assert all(MARKER in path.read_bytes() for path in raw if path.suffix not in (".gz", ".SDAT"))
    environment = {"PYTHONPATH": str(REPOSITORY / "workflow")}
    for arguments in (
        ("run", planted),
        ("export", planted, "--ro-crate", tmp_path / "crate", "--people"),
        ("trace", planted, "sub-twix"),
        ("verify", planted),
    ):
        command = [sys.executable, "-c", "from myomag.cli import main; main()", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
        assert done.returncode == 0, done.stderr
        assert "MARKER" not in done.stdout + done.stderr
    derivative = planted / "derivatives" / "myomag"
    crate = tmp_path / "crate"
    written = [path for top in (derivative, crate / "derivative") for path in top.rglob("*") if path.is_file()]
    written.append(crate / "ro-crate-metadata.json")
    assert [path for path in written if MARKER in path.read_bytes()] == []
    rows = [row.split("\t") for row in (derivative / "cohort.tsv").read_text(encoding="utf-8").splitlines()]
    statuses = {row[0]: row[rows[0].index("status")] for row in rows[1:]}
    assert statuses.pop("sub-damaged") == "failed"
    # Every format went through all steps, so that each of them had the chance to leak.
    assert set(statuses.values()) == {"included"}, statuses
