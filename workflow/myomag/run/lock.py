"""One run at a time in a derivative."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from myomag.errors import MyomagError
from myomag.io.files import PRIVATE
from myomag.run.orphans import cancel_orphans

ANOTHER = "another run is active here; wait for it or stop it first."
NO_LOCKS = "note: this file system has no locks; do not start two runs at the same time."


@contextmanager
def sole_run(root: Path, command: Sequence[str], log: Path) -> Iterator[int]:
    """Hold the derivative for this run; yields the file descriptor of the lock, which Snakemake inherits.

    The lock thus lasts as long as either process lives, and vanishes when both are killed. Snakemake's own lock may
    then remain, as after Ctrl-C: a failed run leaves its mark in the file, and the next one removes that lock.

    Parameters
    ----------
    root : Path
        The derivative.
    command : sequence of str
        Command that starts Snakemake.
    log : Path
        Output of Snakemake from the last run.

    Raises
    ------
    MyomagError
        If another run is active there.
    """
    with (root / PRIVATE / "running").open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise MyomagError(f"{root}: {ANOTHER}") from error
        except OSError:
            _check_unlockable(handle, command)
        handle.seek(0)
        if handle.read():
            if cancel_orphans(log):
                print("note: cancelled the jobs that a killed run had left on the cluster.", file=sys.stderr)
            subprocess.run([*command, "--unlock", "--quiet"], check=False, capture_output=True)  # noqa: S603
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield handle.fileno()


def check_quiet(root: Path) -> None:
    """Refuse to examine a derivative during a run: what it has yet to write is not a fault.

    Raises
    ------
    MyomagError
        If a run is active there.
    """
    try:
        with (root / PRIVATE / "running").open(encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise MyomagError(
            f"{root}: a run is active here; wait until it ends, and start the same command again."
        ) from error
    except OSError:
        # There has been no run here, or the file system has no locks.
        return


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold a derivative in which no Snakemake is active.

    Raises
    ------
    MyomagError
        If something else is active there.
    """
    (root / PRIVATE).mkdir(parents=True, exist_ok=True)
    with (root / PRIVATE / "running").open("a", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise MyomagError(f"{root}: {ANOTHER}") from error
        except OSError:
            print(NO_LOCKS, file=sys.stderr)
        yield


def _check_unlockable(handle: IO[str], command: Sequence[str]) -> None:
    """Without file locks, rely on the mark of the last run: nothing else shows whether it is still active."""
    handle.seek(0)
    if handle.read() and "--unlock" not in command:
        raise MyomagError(
            f"{handle.name}: this file system has no locks, and the last run here failed or is still active. If it "
            "is gone, run once: myomag run STUDY -- --unlock"
        )
    print(NO_LOCKS, file=sys.stderr)
