"""A disk that fills or is read-only while the pipeline runs: one clear line, and the same command goes on."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from myomag.demo import write_demo
from running import differing, myomag, results

OPTIONS = ("--", "--config", "batches=2")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("disk") / "study"
    write_demo(path, participants=2, seed=3)
    return path


@pytest.fixture(scope="module")
def undisturbed(study: Path) -> dict[str, str]:
    output = study.parent / "undisturbed"
    assert myomag("run", study, "--output", output, *OPTIONS).returncode == 0
    return results(output)


@pytest.fixture
def disk(study: Path) -> Iterator[Path]:
    """An empty tmpfs, beside the study as the undisturbed output is."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small disk needs root")
    path = study.parent / "disk"
    path.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", str(path)], check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.strip()}")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


@pytest.mark.parametrize("limit", ["size=40k", "size=400k", "size=680k", "nr_inodes=40"])
def test_full_disk_is_one_line_and_the_run_goes_on(
    study: Path, undisturbed: dict[str, str], disk: Path, limit: str
) -> None:
    remount(disk, limit)
    stopped = myomag("run", study, "--output", disk / "out", *OPTIONS)
    said = [line for line in stopped.stderr.splitlines() if "jobs done" not in line]
    assert stopped.returncode == 1
    assert "No space left on device; make room" in said[0]
    assert len(said) <= 2, said
    remount(disk, "size=100m,nr_inodes=100000")
    done = myomag("run", study, "--output", disk / "out", *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert differing(results(disk / "out"), undisturbed) == []


def test_read_only_output_is_one_line(study: Path, undisturbed: dict[str, str], disk: Path) -> None:
    (disk / "out").mkdir()
    remount(disk, "ro")
    stopped = myomag("run", study, "--output", disk / "out", *OPTIONS)
    assert stopped.returncode in (1, 2)
    assert stopped.stderr.count("\n") == 1
    assert "Read-only file system" in stopped.stderr
    remount(disk, "rw")
    assert myomag("run", study, "--output", disk / "out", *OPTIONS).returncode == 0
    assert differing(results(disk / "out"), undisturbed) == []
