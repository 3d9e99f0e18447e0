"""Snakemake as a process: started, followed by its events, and stopped."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO

from myomag.progress import progress
from myomag.run.state import RunState

STOP_AGAIN_S = 30
"""Time [s] after which Snakemake is told to stop again; it takes seconds, unless a SIGTERM blocked its scheduler."""


@dataclass
class Run:
    """One run of Snakemake.

    Attributes
    ----------
    state : RunState
        State from its events.
    printed : list of str
        Lines printed by it and its jobs.
    stopped : bool
        Whether it was stopped by Ctrl-C or a signal.
    code : int
        Its exit code.
    """

    state: RunState
    printed: list[str] = field(default_factory=list)
    stopped: bool = False
    code: int = 0

    @property
    def killed(self) -> bool:
        """Whether it was killed, and so could not stop its jobs."""
        return self.code == -signal.SIGKILL


def run_snakemake(command: Sequence[str], root: Path, log: Path, lock: int) -> Run:
    """Run Snakemake to its end and show its progress.

    Parameters
    ----------
    command : sequence of str
        Command that starts it.
    root : Path
        The derivative.
    log : Path
        File for all output.
    lock : int
        File descriptor of the lock, which it inherits; the mark in that file is removed if the run succeeds.
    """
    run = Run(RunState(root))
    events, told = os.pipe()
    # In the background of a script, processes ignore SIGINT from the start, and so would Snakemake, which is stopped by
    # it.
    with log.open("ab", buffering=0) as file, os.fdopen(events, encoding="utf-8") as lines, _ctrl_c_noted(run):
        process = subprocess.Popen(  # noqa: S603
            [*command, "--logger", "myomag", "--logger-myomag-pipe", str(told)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[lock, told],
        )
        os.close(told)
        with process, _sigterm_stops(run, process):
            copy = Thread(target=_copy, args=(process.stdout, file, run.printed))
            copy.start()
            # Also after Ctrl-C, which reaches Snakemake too: until it has stopped its jobs.
            _follow(lines, run.state)
            copy.join()
            run.code = process.wait()
    if run.code == 0 or "LockException" in run.state.errors:
        # Nothing was left behind that the next run would have to clean up.
        os.ftruncate(lock, 0)
    # If someone else told it to stop, this appears only in its output.
    run.stopped |= run.code < 0 or any("on user request" in line for line in run.printed)
    return run


def _follow(lines: IO[str], state: RunState) -> None:
    """Show the progress given by events, and the remarks on the study."""
    with ExitStack() as stack:
        advance: Callable[..., None] | None = None
        for line in lines:
            # A killed process may leave an incomplete line.
            event = json.loads(line) if line.endswith("\n") else {"event": ""}
            if event["event"] == "note":
                print(event["message"], file=sys.stderr)
            elif state.read(event):
                advance = advance or stack.enter_context(progress("jobs done", state.total))
                advance(state.done, state.total, str(state))


def _copy(printed: IO[bytes] | None, file: IO[bytes], lines: list[str]) -> None:
    """Copy the output to the log line by line, so that it is kept if this process is killed."""
    for line in printed or ():
        # On a full disk the lines are still available to report it.
        with suppress(OSError):
            file.write(line)
        lines.append(line.decode("utf-8", "replace").rstrip("\n"))


@contextmanager
def _ctrl_c_noted(run: Run) -> Iterator[None]:
    """Note a Ctrl-C and continue: it reaches Snakemake directly."""

    def note(*_: object) -> None:
        run.stopped = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _sigterm_stops(run: Run, process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Make a SIGTERM stop Snakemake and its jobs; by itself it would wait for them."""

    def stop(*_: object) -> None:
        # A SIGTERM to the whole group reaches Snakemake as well, and if it comes at a bad moment only a further SIGINT
        # frees it from a deadlock.
        run.stopped = True
        process.send_signal(signal.SIGINT)
        signal.alarm(STOP_AGAIN_S)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGALRM)}
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
