"""A finished run of the demo for all tests of the whole workflow."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

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
