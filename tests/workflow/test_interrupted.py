"""Runs that are stopped, and runs made in parts, come to the same bytes as one that nobody disturbed."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from lab import ALL, Lab, expected
from running import command, differing, environment, results


def test_runs_made_in_parts_come_to_the_same_bytes(lab: Lab, original: Lab) -> None:
    """The last batch first, then up to one step, then a later step of the first batch, then the rest."""
    shutil.rmtree(lab.derivative)
    done = Counter[str]()
    for part in (["ledger/begin_time/batch-2.tsv"], ["--until", "qc"], ["ledger/magnesium/batch-0.tsv"], []):
        done += lab.done("--", *part)
        assert differing(results(lab.derivative), results(original.derivative)) == [] or part
    assert done == expected(*ALL), "no job was done twice"
    assert lab.planned() == {}


def test_stopped_runs_resume_to_the_same_bytes(lab: Lab, original: Lab) -> None:
    """Half of the runs change settings, so that there is always work to stop; MYOMAG_KILLS sets how often.

    Every other run is stopped at any moment of its start, the rest once their jobs are at work.
    """
    shutil.rmtree(lab.derivative)
    before = time.monotonic()
    lab.planned()
    startup_s = time.monotonic() - before
    other = ("--", "--config", "qc={'min_snr': 4}", "fit={'begin_time_window_us': 300.0}")
    log = lab.derivative / "logs" / "snakemake.log"
    stops = []
    for number in range(int(os.environ.get("MYOMAG_KILLS", "24"))):
        how = random.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM))  # noqa: S311
        stops.append((bool(number % 2), startup_s * random.uniform(0, 1), how.name))  # noqa: S311
        log.unlink(missing_ok=True)
        with subprocess.Popen(
            command("run", lab.study, "--output", lab.derivative, *random.choice(((), other))),  # noqa: S311
            env=environment(lab.repository),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            while number % 2 and not _at_work(log) and process.poll() is None:
                time.sleep(0.05)
            time.sleep(stops[-1][1])
            # It may be over by itself: with nothing to do, or as the one before was not quite gone.
            if process.poll() is None:
                os.killpg(process.pid, how)
    assert list(lab.derivative.glob("ledger/convert/*.tsv")), "no run came as far as its jobs"
    outcome = lab.run()
    assert outcome.returncode == 0, (stops, outcome.stderr)
    assert differing(results(lab.derivative), results(original.derivative)) == [], stops
    assert list((lab.derivative / ".myomag" / "unfinished").iterdir()) == []


def _at_work(log: Path) -> bool:
    """Whether Snakemake has begun with its jobs."""
    return log.is_file() and "Select jobs to execute" in log.read_text(encoding="utf-8")


def test_ctrl_c_stops_at_once_and_says_how_to_go_on(lab: Lab) -> None:
    shutil.rmtree(lab.derivative)
    with subprocess.Popen(
        command("run", lab.study, "--output", lab.derivative),
        env=environment(lab.repository),
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        while not list(lab.derivative.glob("ledger/convert/*.tsv")):
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate()
    assert process.returncode == 1
    assert output.splitlines()[-1] == "Stopped. Start the same command again to continue where it stopped."
    assert "Traceback" not in output
    assert not (lab.derivative / "report" / "index.html").exists()
