"""A disk that fills or is read-only while the pipeline runs: one clear line, and the same command goes on."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from myomag.simulate.demo import write_demo
from running import differing, myomag, results

UNPRIVILEGED = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
"""Makes root obey the permissions of files."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("disk") / "study"
    write_demo(path, participants=2, seed=3)
    (path / "myomag.yaml").write_text("batches: 2\n")
    return path


@pytest.fixture(scope="module")
def undisturbed(study: Path) -> Path:
    output = study.parent / "undisturbed" / "out"
    assert myomag("run", study, "--output", output).returncode == 0
    return output


@pytest.fixture
def disk(study: Path) -> Iterator[Path]:
    """An empty tmpfs, as deep beside the study as the undisturbed output is: the results name the study from there."""
    if os.geteuid() != 0 or not (shutil.which("mount") and shutil.which("setpriv")):
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


def half_written(output: Path, undisturbed: Path) -> list[tuple[str, str]]:
    """Results of a stopped run that are not those of an undisturbed one."""
    return sorted(results(output).items() - results(undisturbed).items())


def test_full_disk_is_one_line_and_the_run_goes_on(study: Path, undisturbed: Path, disk: Path) -> None:
    """The disk fills in different steps, and runs out of inodes."""
    reached = []
    for limit in ("size=40k", "size=400k", "size=680k", "size=100m,nr_inodes={inodes}"):
        used = os.statvfs(disk)
        remount(disk, limit.format(inodes=used.f_files - used.f_ffree + 3))
        stopped = myomag("run", study, "--output", disk / "out")
        said = [line for line in stopped.stderr.splitlines() if "jobs done" not in line]
        assert stopped.returncode == 1
        assert "No space left on device; free some space" in said[0]
        assert len(said) <= 3, said
        assert half_written(disk / "out", undisturbed) == []
        reached.append(len(results(disk / "out")))
    assert reached == sorted(reached)
    remount(disk, "size=100m,nr_inodes=100000")
    done = myomag("run", study, "--output", disk / "out")
    assert done.returncode == 0, done.stderr
    assert differing(results(disk / "out"), results(undisturbed)) == []


def test_output_that_may_not_be_written_is_one_line(study: Path, undisturbed: Path, disk: Path) -> None:
    """Read-only as a whole, then one folder of it, which Snakemake itself trips over."""
    shutil.copytree(undisturbed, disk / "out")
    remount(disk, "ro")
    done = myomag("run", study, "--output", disk / "out")
    assert (done.returncode, done.stdout) == (0, "Nothing to be done: all results are up to date.\n")
    assert "cannot be written (Read-only file system); no writing was needed" in done.stderr
    stopped = myomag("run", study, "--output", disk / "out", "--", "--config", "qc={'warn_snr': 14}")
    assert (stopped.returncode, stopped.stdout, stopped.stderr.count("\n")) == (2, "", 1)
    assert "(Read-only file system), and there is work to do: settings, verdict, magnesium" in stopped.stderr
    remount(disk, "rw")
    ledgers = disk / "out" / "ledger" / "magnesium"
    ledgers.chmod(0o555)
    stopped = myomag("run", study, "--output", disk / "out", "--", "--forcerun", "magnesium", prefix=UNPRIVILEGED)
    assert stopped.returncode == 1
    assert "Permission denied: 'ledger/magnesium/batch-" in stopped.stderr
    assert '  File "' not in stopped.stderr
    ledgers.chmod(0o755)
    assert myomag("run", study, "--output", disk / "out").returncode == 0
    assert differing(results(disk / "out"), results(undisturbed)) == []
