"""A finished study to be audited: its files, the commands, and what they find."""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from myomag import cli

REPOSITORY = Path(__file__).resolve().parents[2]
SETTINGS = """\
batches: 3
qc:
  warn_snr: 20
overrides:
  sub-002:
    fit: {begin_time_sd_us: 80}
"""
STEM = "sub-001_ses-1_acq-fid_nuc-31P_voi-thigh"
FOLDER = "sub-001/ses-1/mrs"
RAW = f"{FOLDER}/{STEM}_unloc.nii.gz"
FIT = f"{FOLDER}/{STEM}_desc-amares_fit.json"
PREPROC = f"{FOLDER}/{STEM}_desc-preproc_unloc.nii.gz"
MAGNESIUM = f"{FOLDER}/{STEM}_desc-magnesium_mrs.json"


def myomag(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from myomag.cli import main; main()", *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "workflow")},
    )


def audit(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The same for a command that only reads, in this process, which saves a second each time."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["myomag", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as stopped:
            code = stopped.code if isinstance(stopped.code, int) else 0
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def derivative(study: Path) -> Path:
    return study / "derivatives" / "myomag"


def ledger(study: Path, step: str, scan: str = STEM) -> Path:
    """Ledger of a step that holds the scan."""
    paths = derivative(study).glob(f"ledger/{step}/batch-*.tsv")
    return next(path for path in paths if scan in path.read_text(encoding="utf-8"))


def problems(study: Path) -> set[tuple[str, str]]:
    """Kind and path of each problem that verify finds; the exit code must agree."""
    done = audit("verify", study, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1)
    return {(problem["kind"], problem["path"]) for problem in report["problems"]}


def flip_byte(path: Path, *, keep_mtime: bool = False) -> None:
    stat, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    if keep_mtime:
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def entities(crate: Path) -> dict[str, dict[str, Any]]:
    graph = json.loads((crate / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    return {entity["@id"]: entity for entity in graph}
