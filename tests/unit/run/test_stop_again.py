"""A stopped run ends even where Snakemake does not take the first signal."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from myomag.run import runner
from myomag.run.advice import advice_for_run

DEAF_ONCE = """
import signal, time
signal.signal(signal.SIGINT, lambda *_: signal.signal(signal.SIGINT, signal.SIG_DFL))
print("ready", flush=True)
time.sleep(60)
"""


def test_snakemake_that_stays_is_stopped_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "STOP_AGAIN_S", 1)
    log = tmp_path / runner.LOG

    def stop_when_ready() -> None:
        while not (log.is_file() and log.read_text()):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    threading.Thread(target=stop_when_ready).start()
    with (tmp_path / "running").open("w") as lock:
        advice = advice_for_run(tmp_path, None, "local", ())
        code = runner._run_with_progress([sys.executable, "-c", DEAF_ONCE], tmp_path, lock.fileno(), advice)
    assert code == -signal.SIGINT, "the second signal ended it; after the first alone it would have slept on"
    assert "Stopped. Start the same command again" in capsys.readouterr().err
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
