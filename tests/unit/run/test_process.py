"""Snakemake as a process, played by others: what is taken from it, and how it is stopped."""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from myomag.io.files import PRIVATE
from myomag.run import process
from myomag.run.lock import sole_run
from myomag.run.process import Run, run_snakemake

PLAYED = """
import json, os, signal, sys, time
def tell(**event):
    os.write(int(sys.argv[-1]), (json.dumps(event) + "\\n").encode())
"""


def play(derivative: Path, text: str) -> Run:
    """Run a program in place of Snakemake, which tells of events on the pipe named last."""
    log = derivative / "snakemake.log"
    with sole_run(derivative, ["true"], log) as lock:
        return run_snakemake([sys.executable, "-c", PLAYED + text], derivative, log, lock)


def told(event: str, **content: Any) -> str:
    return f"tell(**{ {'event': event, **content}!r})\n"


def test_what_is_printed_goes_to_the_log_and_what_is_told_to_the_state(
    derivative: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stats = {"fit": 2, "total": 2}
    events = told("note", message="note: a remark") + told("workflow_started") + told("run_info", stats=stats)
    run = play(derivative, events + "print('whatever', flush=True)\n" + told("progress", done=2, total=2))
    assert (run.code, run.stopped, run.printed) == (0, False, ["whatever"])
    assert (derivative / "snakemake.log").read_text() == "whatever\n"
    assert (run.state.done, run.state.total, run.state.up_to_date) == (2, 2, False)
    assert capsys.readouterr().err.splitlines() == ["note: a remark", "2 of 2 jobs done"]


@pytest.mark.parametrize(
    ("ending", "marked"),
    [
        ("", False),
        ("sys.exit(1)", True),
        ("os.kill(os.getpid(), signal.SIGKILL)", True),
        (told("error", exception="LockException", message="") + "sys.exit(1)", False),
    ],
)
def test_run_that_did_not_end_well_leaves_a_mark_for_the_next(derivative: Path, ending: str, marked: bool) -> None:
    """Unless it met the lock of somebody else, which is not to be removed."""
    assert (play(derivative, ending).code == 0) is (ending == "")
    assert bool((derivative / PRIVATE / "running").read_text()) is marked


def test_half_a_line_of_a_killed_process_is_no_event(derivative: Path) -> None:
    run = play(derivative, "os.write(int(sys.argv[-1]), b'{')\nos.kill(os.getpid(), signal.SIGKILL)")
    assert (run.code, run.stopped) == (-signal.SIGKILL, True)


def test_log_that_cannot_be_written_stops_nothing(derivative: Path) -> None:
    """As on a full disk; what was printed is there to tell so."""
    (derivative / "snakemake.log").symlink_to("/dev/full")
    run = play(derivative, "print('No space left on device')")
    assert (run.code, run.printed) == (0, ["No space left on device"])


def test_snakemake_that_stays_is_stopped_again(derivative: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_AGAIN_S", 1)
    log = derivative / "snakemake.log"

    def stop_when_ready() -> None:
        while not (log.is_file() and log.read_text()):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    threading.Thread(target=stop_when_ready).start()
    deaf_once = "signal.signal(signal.SIGINT, lambda *_: signal.signal(signal.SIGINT, signal.SIG_DFL))\n"
    run = play(derivative, deaf_once + "print('ready', flush=True)\ntime.sleep(60)")
    assert run.code == -signal.SIGINT, "the second signal ended it; after the first alone it would have slept on"
    assert run.stopped
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_plugin_tells_of_what_snakemake_does(derivative: Path) -> None:
    """Snakemake itself, on a workflow of one job."""
    (derivative / "Snakefile").write_text("rule fit:\n    output: 'done'\n    shell: 'touch {output}'\n")
    place = ["--snakefile", str(derivative / "Snakefile"), "--directory", str(derivative)]
    runs = []
    for target in ("done", "done", "nothing"):
        with sole_run(derivative, ["true"], derivative / "log") as lock:
            command = [sys.executable, "-m", "snakemake", target, *place, "--cores", "1", "--quiet", "all"]
            runs.append(run_snakemake(command, derivative, derivative / "log", lock))
    assert [run.code for run in runs] == [0, 0, 1]
    assert [run.state.up_to_date for run in runs[:2]] == [False, True]
    assert (runs[0].state.done, runs[0].state.left()) == (1, "")
    assert list(runs[2].state.errors) == ["MissingRuleException"]
    assert not any(run.printed for run in runs), "--quiet is about what is printed"
