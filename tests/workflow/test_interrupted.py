"""Runs that are stopped, and runs made in parts, come to the same bytes as one that nobody disturbed."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter

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
    """Half of the runs change settings, so that there is always work to stop; MYOMAG_KILLS sets how often."""
    shutil.rmtree(lab.derivative)
    before = time.monotonic()
    lab.planned()
    startup_s = time.monotonic() - before
    other = ("--", "--config", "qc={'min_snr': 4}", "fit={'begin_time_window_us': 300.0}")
    stops = []
    for number in range(int(os.environ.get("MYOMAG_KILLS", "50"))):
        how = signal.SIGKILL if number % 2 == 0 else random.choice((signal.SIGINT, signal.SIGTERM))  # noqa: S311
        stops.append((startup_s * random.uniform(0.5, 1.5), how.name))  # noqa: S311
        with subprocess.Popen(
            command("run", lab.study, "--output", lab.derivative, *random.choice(((), other))),  # noqa: S311
            env=environment(lab.repository),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(stops[-1][0])
            os.killpg(process.pid, how)
    assert list(lab.derivative.glob("ledger/convert/*.tsv")), "no run came as far as its jobs"
    outcome = lab.run()
    assert outcome.returncode == 0, (stops, outcome.stderr)
    assert differing(results(lab.derivative), results(original.derivative)) == [], stops
    assert list((lab.derivative / ".myomag" / "unfinished").iterdir()) == []


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
    assert output.splitlines()[-1] == "Stopped. Start the same command again to go on where it stopped."
    assert "Traceback" not in output
    assert not (lab.derivative / "report" / "index.html").exists()
