"""Finished runs of the demo for all tests of the whole workflow."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest
from auditing import SETTINGS, myomag

from lab import Lab, build


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The lab that all tests start from, made once however many processes share the tests."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "rerun"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lab = Lab(shared / "lab")
        if not (shared / "ready").exists():
            shutil.rmtree(lab.root, ignore_errors=True)
            build(lab)
            (shared / "ready").touch()
    return lab


@pytest.fixture
def lab(original: Lab, tmp_path: Path) -> Lab:
    """A copy of the original, at another place and with other inodes."""
    shutil.copytree(original.root, tmp_path / "lab")
    return Lab(tmp_path / "lab")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of three participants, one of whose scans is truncated, run to its end; not to be changed."""
    study = tmp_path_factory.mktemp("audit") / "study"
    assert myomag("demo", study, "--participants", 3).returncode == 0
    (study / "myomag.yaml").write_text(SETTINGS, encoding="utf-8")
    done = myomag("run", study)
    assert done.returncode == 0, done.stderr
    return study


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, to be tampered with."""
    return Path(shutil.copytree(finished, tmp_path / "study", symlinks=True))


@pytest.fixture(scope="session")
def crate(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crate") / "crate"
    done = myomag("export", finished, "--ro-crate", folder)
    assert done.returncode == 0, done.stderr
    return folder
