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


@contextmanager
def sole_run(root: Path, command: Sequence[str], log: Path) -> Iterator[int]:
    """Hold the derivative for this run; yields the file descriptor of the lock, which Snakemake inherits.

    So the lock lasts as long as either of the two processes lives, and vanishes when both are killed. Snakemake's own
    lock may stay behind then, or after Ctrl-C: a run that did not end well leaves its mark in the file, and the next
    one removes that lock.

    Parameters
    ----------
    root : Path
        The derivative.
    command : sequence of str
        How Snakemake is started.
    log : Path
        What Snakemake printed the last time.

    Raises
    ------
    MyomagError
        If another run works there.
    """
    with (root / PRIVATE / "running").open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise MyomagError(f"{root}: another run is working here; wait for it or stop it first.") from error
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


def _check_unlockable(handle: IO[str], command: Sequence[str]) -> None:
    """Go by the mark of the last run where the file system has no locks: nothing else tells whether it still works."""
    handle.seek(0)
    if handle.read() and "--unlock" not in command:
        raise MyomagError(
            f"{handle.name}: this file system has no locks, and the last run here did not end well or still works. "
            "If it is gone, run once: myomag run STUDY -- --unlock"
        )
    print("note: this file system has no locks; do not start two runs at once.", file=sys.stderr)
