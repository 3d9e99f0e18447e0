"""One run at a time in a derivative."""

import errno
import fcntl
import os
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from myomag.errors import MyomagError
from myomag.io.files import PRIVATE
from myomag.run.lock import alone, check_quiet, sole_run


def held(root: Path, *command: str) -> AbstractContextManager[int]:
    return sole_run(root, command or ["true"], root / "none.log")


def test_second_run_is_refused_while_the_first_works(derivative: Path) -> None:
    second = held(derivative)
    with held(derivative), pytest.raises(MyomagError, match="another run is active here"):
        second.__enter__()


def test_without_locks_the_mark_of_the_last_run_decides(derivative: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with held(derivative) as lock:
        with pytest.raises(MyomagError, match=r"no locks.*-- --unlock"), held(derivative):
            pass
        os.ftruncate(lock, 0)
    with held(derivative):
        pass
    with held(derivative, "true", "--unlock"):
        pass


def test_lock_outlives_the_command_as_long_as_snakemake_lives(derivative: Path) -> None:
    """As after kill -9 of the command alone: Snakemake, here played by sleep, goes on."""
    with held(derivative) as lock:
        process = subprocess.Popen(["sleep", "60"], pass_fds=[lock])
    try:
        with pytest.raises(MyomagError, match="another run"), held(derivative):
            pass
    finally:
        process.kill()
        process.wait()
    with held(derivative):
        pass


@pytest.mark.parametrize(("left", "unlocked"), [("", False), ("123\n", True)])
def test_lock_of_snakemake_is_removed_only_after_a_killed_run(derivative: Path, left: str, unlocked: bool) -> None:
    (derivative / PRIVATE / "running").write_text(left)
    noted = derivative / "noted"
    with held(derivative, "sh", "-c", f'echo "$@" >{noted}', "sh"):
        pass
    assert noted.exists() is unlocked
    if unlocked:
        assert noted.read_text().split() == ["--unlock", "--quiet"]


def test_who_looks_at_a_derivative_is_told_of_the_run_in_it(derivative: Path) -> None:
    check_quiet(derivative)
    with held(derivative), pytest.raises(MyomagError, match="a run is active here; wait until it ends"):
        check_quiet(derivative)
    with alone(derivative), pytest.raises(MyomagError, match="another run is active here"):
        held(derivative).__enter__()
    check_quiet(derivative)
