"""A study full of damaged scans beside some good ones, through `myomag check` and `myomag run` as a user calls them.

MYOMAG_FAULTS and MYOMAG_FAULTS_SEED ask for another number of drawn faults and other ones.
"""

import hashlib
import json
import os
import resource
import shutil
import stat
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from corruptions import Fault, Files, drawn_fault, fixed_faults, originals
from hostile import FOLDERS, LONG, NAMES, TWINS, special_files

from myomag.io.formulas import loud
from myomag.io.tables import read_text_table
from myomag.simulate.demo import write_demo
from running import myomag, results

DRAWN = int(os.environ.get("MYOMAG_FAULTS", "400"))
SEED = int(os.environ.get("MYOMAG_FAULTS_SEED", "1"))
PER_PARTICIPANT = 40
GOOD = 3
"""Scans of the demo beside the damaged ones."""

JOB_MEMORY_MB = 800
"""What the rules ask for."""

SILENT = 0.005
"""Fraction of drawn faults that move Mg out of its interval unseen: 3 of 900 with seed 1, 8 of 1,500 with seed 3.

Such as the exponent of one early sample in one of two transients, or a frequency that would still do for the field:
nothing else in the file contradicts them."""

Row = dict[str, str | None]


@dataclass
class Campaign:
    """Everything the tests look at."""

    faults: dict[str, Fault]
    originals: dict[str, Files]
    hostile: list[str]
    check: CompletedProcess[str]
    run: CompletedProcess[str]
    untouched: bool
    clean: Path
    derivative: Path

    def rows(self, table: str) -> dict[str, Row]:
        """Rows of a table of the derivative by scan."""
        return rows(self.derivative / table)


def rows(path: Path) -> dict[str, Row]:
    table = read_text_table(path)
    return {loud(str(row[2])): dict(zip(table.columns, row, strict=True)) for row in table.rows}


def snapshot(root: Path) -> dict[str, tuple[Any, ...]]:
    """Kind, size, time and content of everything below `root`, derivatives left out."""
    found: dict[str, tuple[Any, ...]] = {}
    for folder, folders, files in os.walk(root):
        if "derivatives" in folders:
            folders.remove("derivatives")
        # A run seals its record in a log beside the study.
        for name in (*folders, *(name for name in files if not name.endswith(".seals.jsonl"))):
            path = Path(folder, name)
            seen = path.lstat()
            regular = stat.S_ISREG(seen.st_mode)
            content = hashlib.sha256(path.read_bytes()).hexdigest() if regular else ""
            # The folder of the study itself gets its derivatives.
            time = 0 if path == root / "study" else seen.st_mtime_ns
            found[str(path)] = (seen.st_mode, seen.st_size if regular else 0, time, content)
    return found


def put(study: Path, stem: str, files: Files) -> None:
    """Write the files of a scan where its format belongs."""
    participant = stem.split("_")[0]
    base = study if any(extension.startswith(".nii") for extension in files) else study / "sourcedata"
    folder = base / participant / "mrs"
    folder.mkdir(parents=True, exist_ok=True)
    for extension, content in files.items():
        (folder / f"{stem}{extension}").write_bytes(content)


def hostile_names(study: Path, outside: Path, good: bytes) -> list[str]:
    """Add names, folders and special files; returns the stems that must have a row."""
    folder = study / "sub-bad" / "mrs"
    folder.mkdir(parents=True)
    for name in (*NAMES, LONG):
        (folder / f"{name}.nii.gz").write_bytes(good)
    for name in FOLDERS:
        (study / name / "mrs").mkdir(parents=True)
        (study / name / "mrs" / "sub-001_unloc.nii.gz").write_bytes(good)
    for extension in (".nii.gz", ".NII.GZ"):
        (folder / f"{TWINS}{extension}").write_bytes(good)
    (study / "sub-linked").symlink_to(outside)
    (study / "sub-loop").symlink_to("sub-loop")
    (study / "sub-badlink").mkdir()
    (study / "sub-badlink" / "mrs").symlink_to(outside)
    return [LONG, TWINS, *special_files(folder, outside)]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    root = tmp_path_factory.mktemp("faults")
    rng = np.random.default_rng(SEED)
    study, outside, clean = root / "study", root / "outside", tmp_path_factory.mktemp("clean") / "out"
    write_demo(study, participants=4, seed=7)
    shutil.rmtree(study / "sub-003")  # cut in half on purpose
    # Damage to what is not read leaves the same data under many names.
    (study / "myomag.yaml").write_text("cohort: {allow_same_data: true}\n")
    options = ("--", "--config", "batches=4")
    assert myomag("run", study, "--output", clean, *options).returncode == 0
    good = next((study / "sub-001").rglob("*.nii.gz")).read_bytes()
    outside.mkdir()
    (outside / "scan.nii.gz").write_bytes(good)
    undamaged = originals(root / "originals")
    for kind, files in undamaged.items():
        put(study, f"sub-whole_acq-{kind.replace(' ', '')}_nuc-31P_unloc", files)
    drawn = [*fixed_faults(rng), *(drawn_fault(rng, undamaged) for _ in range(DRAWN))]
    faults = {f"sub-f{n // PER_PARTICIPANT}_acq-n{n}_nuc-31P_unloc": fault for n, fault in enumerate(drawn)}
    for stem, fault in faults.items():
        put(study, stem, fault.files)
    hostile = hostile_names(study, outside, good)
    before = snapshot(root)
    limit = 120 + DRAWN
    checked = myomag("check", study, "--json", timeout=limit)
    run = myomag("run", study, *options, timeout=limit)
    same = snapshot(root) == before
    return Campaign(faults, undamaged, hostile, checked, run, same, clean, study / "derivatives" / "myomag")


def test_the_run_ends_well_and_writes_nothing_elsewhere(campaign: Campaign) -> None:
    assert campaign.run.returncode == 0, campaign.run.stderr[-2000:]
    assert campaign.check.returncode == 1, campaign.check.stderr[-2000:]
    assert campaign.untouched
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024 < JOB_MEMORY_MB


def test_every_bad_scan_is_a_row_with_a_reason(campaign: Campaign) -> None:
    account = campaign.rows("exclusions.tsv")
    good = len(campaign.originals) + GOOD
    assert len(account) == len(campaign.faults) + len(NAMES) + len(campaign.hostile) + len(FOLDERS) + good
    refused = [stem for stem, fault in campaign.faults.items() if fault.refuse] + campaign.hostile
    assert [stem for stem in refused if account[stem]["status"] == "included"] == []
    for row in account.values():
        assert row["status"] == "included" or (row["step"] and row["reason"]), row


def test_check_tells_of_the_scans_that_fail_and_of_no_other(campaign: Campaign) -> None:
    problems = json.loads(campaign.check.stdout)["problems"]
    told = " ".join(problem["where"] + " " + problem["problem"] for problem in problems)
    account = campaign.rows("exclusions.tsv")
    assert [scan for scan, row in account.items() if row["status"] == "failed" and scan not in told] == []
    # A begin time that the header does not state is told of too: it is found in the data, with less certainty.
    blamed = {each["where"] for each in problems if "fit.begin_time_us" not in each["problem"]} & account.keys()
    assert [scan for scan in blamed if account[scan]["status"] != "failed"] == []
    assert not any("\n" in problem["problem"] for problem in problems)


def test_good_scans_are_unaffected(campaign: Campaign) -> None:
    def of_good(derivative: Path) -> dict[str, str]:
        return {path: sha for path, sha in results(derivative).items() if path.startswith("sub-00") and "/mrs/" in path}

    assert len(of_good(campaign.clean)) == GOOD * 9
    assert of_good(campaign.derivative) == of_good(campaign.clean)
    table = campaign.rows("cohort.tsv")
    for scan, row in rows(campaign.clean / "cohort.tsv").items():
        assert table[scan] == row


def test_damage_changes_no_result_in_silence(campaign: Campaign) -> None:
    table = campaign.rows("cohort.tsv")
    fates: defaultdict[str, Counter[str]] = defaultdict(Counter)
    moved: list[str] = []
    for stem, fault in campaign.faults.items():
        kind = next((kind for kind in campaign.originals if fault.name.startswith(f"{kind} .")), "")
        whole = table[f"sub-whole_acq-{(kind or 'nifti').replace(' ', '')}_nuc-31P_unloc"]
        fate = fate_of(table[stem], whole)
        fates[kind or "catalogue"][fate] += 1
        if fate == "moved":
            moved.append(f"{stem} {fault.name}: {table[stem]['mg_mmol_l']} for {whole['mg_mmol_l']}")
    print(*(f"{kind}\t{dict(sorted(counts.items()))}" for kind, counts in sorted(fates.items())), *moved, sep="\n")
    assert fates["catalogue"]["moved"] == fates["zipped nifti"]["moved"] == 0, moved
    expected = SILENT * DRAWN
    assert len(moved) <= expected + 4 * expected**0.5, moved


def fate_of(row: Row, whole: Row) -> str:
    """What became of a damaged scan: failed, excluded, flagged by its verdict, the same, within the 95 % interval, or
    moved."""
    if row["status"] != "included":
        return str(row["status"])
    if row["mg_mmol_l"] == whole["mg_mmol_l"]:
        return "same"
    low, high = (float(str(whole[f"mg_ci95_{end}_mmol_l"])) for end in ("low", "high"))
    if low <= float(str(row["mg_mmol_l"])) <= high:
        return "within"
    return "flagged" if row["verdict"] == "warn" else "moved"
