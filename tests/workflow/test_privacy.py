"""No personal field of any raw file reaches a file of the derivative or a crate: shown by planted markers."""

import importlib.util
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import vendor_samples
from dicom_sample import write_dicom
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_scan

REPOSITORY = Path(__file__).resolve().parents[2]
MARKER = b"MARKER"


def load(name: str) -> ModuleType:
    """Module of the unit tests, whose writer of NIfTI-MRS files is used here."""
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


def twix(folder: Path, fid: np.ndarray) -> Path:
    """Patient and protocol stand in the table of measurements at the head of the file, too."""
    path: Path = vendor_samples.SYNTHETIC["twix"](folder, fid)
    content = bytearray(path.read_bytes())
    content[32:42], content[96:106] = b"MARKER^Doe", b"MARKER^Leg"
    path.write_bytes(content)
    return path


def dicom(folder: Path, fid: np.ndarray) -> Path:
    return write_dicom(folder / "scan.dcm", fid[:, 0], dwell_s=vendor_samples.DWELL_S, mhz=vendor_samples.MHZ)


WRITERS = vendor_samples.SYNTHETIC | {"twix": twix, "dicom": dicom}


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with one scan of each format, with markers in all its personal fields, and half of each of them."""
    truth = ScanTruth(
        lines=resting_muscle(pi_ppm=4.85, beta_atp_ppm=-15.95),
        points=2048,
        dwell_time_s=vendor_samples.DWELL_S,
        spectrometer_frequency_mhz=vendor_samples.MHZ,
        transients=1,
        pcr_snr=80.0,
    )
    fid = simulate_scan(truth, np.random.default_rng(11)).astype(complex)
    study = tmp_path_factory.mktemp("planted") / "study"
    sidecar = {"PatientName": "MARKER", "InstitutionName": "MARKER", "Comment": "MARKER", "BodyPart": "LEG\nMARKER"}
    for kind, write in WRITERS.items():
        folder = folder_of(study, f"sub-{kind}")
        write(folder, fid)
        for file in sorted(folder.iterdir()):
            file.rename(folder / f"sub-{kind}_nuc-31P_unloc{file.suffix}")
        (folder / f"sub-{kind}_nuc-31P_unloc.json").write_text(json.dumps(sidecar), encoding="utf-8")
    write_nifti(folder_of(study, "sub-nifti", source=False), fid)
    people = (f"{path.parent.name}\t61\tMARKER\t1933-MARKER\tlives at MARKER\n" for path in study.rglob("mrs"))
    table = "participant_id\tage\tname\tbirth_date\tnotes\n" + "".join(people)
    (study / "participants.tsv").write_text(table, encoding="utf-8")
    (study / "participants.json").write_text('{"name": {"Description": "MARKER"}}', encoding="utf-8")
    (study / "myomag.yaml").write_text("batches: 1\ncohort: {allow_same_data: true}\n", encoding="utf-8")
    for folder in sorted(study.rglob("mrs")):
        halve(folder, folder_of(study, f"{folder.parent.name}half", source="sourcedata" in folder.parts))
    return study


def halve(folder: Path, target: Path) -> None:
    """The first half of each raw file of a folder, which holds the header; a SPAR header stays whole."""
    label = folder.parent.name
    for file in sorted(folder.iterdir()):
        content = file.read_bytes()
        end = len(content) if file.suffix in (".json", ".SPAR") else len(content) // 2
        (target / file.name.replace(label, f"{label}half")).write_bytes(content[:end])


def write_nifti(folder: Path, fid: np.ndarray) -> None:
    nifti = load("test_nifti_mrs")
    frequency, dwell_s = vendor_samples.MHZ, vendor_samples.DWELL_S
    header = {"SpectrometerFrequency": [frequency], "ResonantNucleus": ["31P"], "SpectralWidth": 1 / dwell_s}
    extensions = [(44, json.dumps(header | nifti.PERSONAL).encode()), (6, b"MARKER comment")]
    stored = np.conj(fid[:, 0]).astype(np.complex64).reshape(1, 1, 1, -1)
    nifti.write(
        folder / "sub-nifti_nuc-31P_unloc.nii.gz",
        stored,
        extensions=extensions,
        descrip=b"MARKER",
        dwell=dwell_s,
    )


def content_of(path: Path) -> bytes:
    """Bytes of a file, uncompressed as far as they go."""
    content = path.read_bytes()
    return zlib.decompressobj(wbits=31).decompress(content) if path.suffix == ".gz" else content


def test_no_marker_reaches_a_file(planted: Path, tmp_path: Path) -> None:
    raw = [path for path in planted.rglob("*") if path.is_file()]
    unmarked = {path.name for path in raw if MARKER not in content_of(path)}
    assert {name for name in unmarked if not name.endswith((".SDAT", ".data"))} == {
        "myomag.yaml",
        "sub-mruihalf_nuc-31P_unloc.mrui",  # Its text stands at the end.
        "sub-gehalf_nuc-31P_unloc.7",  # So does its examination.
    }
    environment = {"PYTHONPATH": str(REPOSITORY / "workflow")}
    for arguments in (
        ("check", planted),
        ("run", planted),
        ("export", planted, "--ro-crate", tmp_path / "crate", "--people"),
        ("trace", planted, "sub-twix"),
        ("verify", planted),
    ):
        command = [sys.executable, "-c", "from myomag.cli import main; main()", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
        assert done.returncode == (1 if "check" in arguments else 0), done.stderr
        assert "MARKER" not in done.stdout + done.stderr
    derivative = planted / "derivatives" / "myomag"
    crate = tmp_path / "crate"
    written = [path for top in (derivative, crate / "derivative") for path in top.rglob("*") if path.is_file()]
    written.append(crate / "ro-crate-metadata.json")
    assert [path for path in written if MARKER in content_of(path)] == []
    rows = [row.split("\t") for row in (derivative / "cohort.tsv").read_text(encoding="utf-8").splitlines()]
    statuses = {row[0]: row[rows[0].index("status")] for row in rows[1:]}
    halves = {statuses.pop(label) for label in sorted(statuses) if label.endswith("half")}
    assert halves == {"failed"}, "every format had the chance to leak by a message"
    assert set(statuses) == {f"sub-{kind}" for kind in (*WRITERS, "nifti")}
    # Every format went through all steps, so that each of them had the chance to leak.
    assert set(statuses.values()) == {"included"}, statuses
