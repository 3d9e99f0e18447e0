"""The profiles for PBS and LSF, with stand-ins of their commands that run each job at once on this computer."""

import os
import subprocess
from pathlib import Path

import pytest

from lab import ALL
from myomag.simulate.demo import write_demo
from running import REPOSITORY, differing, jobs, myomag, results

PROFILES = REPOSITORY / "config" / "profiles"

# The first job to reach the queue is lost, as in a node that dies. Every job leaves its request and its exit code.
_SUBMIT = """\
#!/bin/sh
cd "$CLUSTER" || exit 1
id=$(($(cat last 2>/dev/null || echo 0) + 1))
echo $id > last
echo "$*" >> requests
for script; do :; done
if [ $id = 1 ]; then code=9; else sh "$script" > $id.log 2>&1; code=$?; fi
echo $code > $id
"""
COMMANDS = {
    "pbs": {
        "qsub": _SUBMIT + "echo $id.server\n",
        "qstat": """\
#!/bin/sh
for id; do :; done
case "$*" in *-x*) ;; *) echo "qstat: $id Job has finished, use -x or -H" >&2; exit 35 ;; esac
printf 'Job Id: %s\\n    job_state = F\\n    Exit_status = %s\\n' "$id" "$(cat "$CLUSTER/${id%.server}")"
""",
    },
    "lsf": {
        "bsub": _SUBMIT + 'echo "Job <$id> is submitted to queue <normal7>."\n',
        "bjobs": """\
#!/bin/sh
for id; do :; done
case $(cat "$CLUSTER/$id") in 0) echo DONE ;; *) echo EXIT ;; esac
""",
    },
}
REQUESTS = {
    "pbs": "-l select=1:ncpus=1:mem={mem}mb -l walltime={minutes}:00 -q short",
    "lsf": "-n 1 -M {mem}MB -R rusage[mem={mem}MB] -W {minutes} -q short",
}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    write_demo(folder, participants=1)
    (folder / "myomag.yaml").write_text("batches: 1\n")
    return folder


def commands(folder: Path, system: str) -> dict[str, str]:
    """Environment in which the commands of a batch system are the stand-ins."""
    folder.mkdir()
    for name, text in COMMANDS[system].items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "CLUSTER": str(folder), "MYOMAG_SUBMIT": "-q short"}


@pytest.mark.parametrize("system", COMMANDS)
def test_lost_job_is_submitted_again_with_more_and_results_are_those_of_a_local_run(
    system: str, study: Path, tmp_path: Path
) -> None:
    # One group of steps tells both apart; the rest of the flow goes the same way.
    until = ("--until", "qc")
    local = myomag("run", study, "--output", tmp_path / "local", "--", "--cores", "1", *until)
    variables = commands(tmp_path / "cluster", system)
    remote = myomag("run", study, "--output", tmp_path / "out", "--profile", system, "--", *until, **variables)
    assert (local.returncode, remote.returncode) == (0, 0), local.stderr + remote.stderr
    assert differing(results(tmp_path / "out"), results(tmp_path / "local")) == []
    first, second = (tmp_path / "cluster" / "requests").read_text().splitlines()
    assert REQUESTS[system].format(mem=800, minutes=60) in first
    assert REQUESTS[system].format(mem=1600, minutes=120) in second


def test_job_that_is_lost_for_good_is_one_clear_line(study: Path, tmp_path: Path) -> None:
    variables = commands(tmp_path / "cluster", "lsf")
    lost = myomag("run", study, "--output", tmp_path / "out", "--profile", "lsf", "--", "--retries", "0", **variables)
    assert lost.returncode == 1
    assert "A job ended without a message: killed, out of memory or time, or its node failed." in lost.stderr
    assert "rule" not in lost.stderr


@pytest.mark.parametrize("profile", sorted(path.parent.name for path in PROFILES.glob("*/config.yaml")))
def test_every_profile_plans_the_same_jobs(profile: str, study: Path, tmp_path: Path) -> None:
    done = myomag("run", study, "--output", tmp_path / "out", "--profile", profile, "--", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert sum(jobs(done.stdout).values()) == len(ALL)


STATES = {
    "pbs": {
        "    job_state = R": "running",
        "    job_state = Q": "running",
        "    job_state = F\n    Exit_status = 0\n": "success",
        "    job_state = C\n    exit_status = 1\n    Exit_status = 271\n": "failed",
        "    job_state = F\n": "failed",
        "qstat: Unknown Job Id 1.server": "success",
        "qstat: cannot connect to server": "running",
    },
    "lsf": {
        "PEND": "running",
        "RUN": "running",
        "UNKWN": "running",
        "DONE": "success",
        "EXIT": "failed",
        "Job <1> is not found": "success",
        "LSF is down. Please wait ...": "running",
    },
}


@pytest.mark.parametrize(("system", "said"), [(system, said) for system in STATES for said in STATES[system]])
def test_status_of_a_job_is_read_from_what_the_batch_system_says(system: str, said: str, tmp_path: Path) -> None:
    for name in ("qstat", "bjobs"):
        (tmp_path / name).write_text(f"#!/bin/sh\nprintf '%s' '{said}'\n")
        (tmp_path / name).chmod(0o755)
    script = PROFILES / system / "status.sh"
    variables = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([script, "1"], env=variables, capture_output=True, text=True, check=True)
    assert done.stdout == STATES[system][said] + "\n"
