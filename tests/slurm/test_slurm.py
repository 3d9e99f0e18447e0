"""The demo study on a throw-away Slurm: what dies is repeated, and the bytes are those of a local run."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import cluster
import numpy as np
import pytest

from myomag.io.nifti_mrs import nifti_mrs_bytes, read_nifti_mrs
from myomag.ledger.rows import batch_of
from myomag.simulate.demo import write_demo
from running import command, differing, environment, finished, myomag, results

if os.environ.get("MYOMAG_TEST_SLURM") != "1":
    pytest.skip("starts a Slurm on this machine: make test-slurm", allow_module_level=True)

BATCHES, PARTICIPANTS = 3, 7
LARGE = "sub-006"
"""Given so many transients that qc of its batch is above the 800 MB of a first attempt for seconds: Slurm looks once a
second, and a peak between two looks goes unseen."""
TRANSIENTS = 8192

PROFILE = ("--profile", "slurm")
OPTIONS = ("--", "--slurm-init-seconds-before-status-checks", "1")
"""The status checks of the profile, but sooner."""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder of a running Slurm."""
    folder = tmp_path_factory.mktemp("slurm")
    try:
        cluster.start(folder)
        yield folder
    except cluster.SlurmUnavailableError as reason:
        pytest.skip(f"no Slurm here: {reason}")
    finally:
        cluster.stop(folder)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo with two scans that cannot be read and one that needs much memory."""
    folder = tmp_path_factory.mktemp("demo") / "study"
    write_demo(folder, participants=PARTICIPANTS)
    (folder / "myomag.yaml").write_text(f"batches: {BATCHES}\n")
    (scan,) = folder.glob(f"{LARGE}/ses-1/mrs/*.nii.gz")
    mrs = read_nifti_mrs(scan)
    repeats = TRANSIENTS // mrs.fid.shape[1]
    scan.write_bytes(nifti_mrs_bytes(replace(mrs, fid=np.tile(mrs.fid, (1, repeats, 1)))))
    return folder


@pytest.fixture(scope="module")
def local(study: Path) -> dict[str, str]:
    """Results of a run on this computer."""
    derivative = study.parent / "local"
    done = myomag("run", study, "--output", derivative, "--", "--cores", "2")
    assert done.returncode == 0, done.stderr
    return results(derivative)


def started(study: Path, derivative: Path) -> subprocess.Popen[str]:
    """A run on the cluster, in a session of its own."""
    return subprocess.Popen(
        [*command("run", study, "--output", derivative, *PROFILE), *OPTIONS],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def converted(derivative: Path, batch: int) -> bool:
    """Whether a batch has done the first of its steps."""
    return (derivative / "ledger" / "convert" / f"batch-{batch}.tsv").exists()


def held_job(derivative: Path, batch: int) -> str:
    """Slurm job of a batch that has done its first steps; suspended, as it might else end before its fate is met."""

    def hold() -> str:
        for job in cluster.squeue("%i", "--states=running") if converted(derivative, batch) else ():
            if f"batch={batch}" in cluster.run("scontrol", "write", "batch_script", job, "-"):
                with suppress(cluster.SlurmUnavailableError):  # ended since
                    cluster.run("scontrol", "suspend", job)
                    return job
        return ""

    return cluster.wait_for(hold, seconds=200)


def facts(job: str) -> dict[str, str]:
    """What Slurm knows of a job."""
    return dict(re.findall(r"(\S+?)=(\S+)", cluster.run("scontrol", "show", "job", job)))


@pytest.mark.usefixtures("slurm")
def test_killed_pipeline_goes_on_and_ends_with_the_bytes_of_a_local_run(study: Path, local: dict[str, str]) -> None:
    derivative = study.parent / "killed"
    run = started(study, derivative)
    cluster.wait_for(lambda: any(converted(derivative, batch) for batch in range(BATCHES)), seconds=200)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert cluster.squeue("%i", "--states=running"), "the jobs live on"

    again = started(study, derivative)
    text, _ = again.communicate(timeout=500)
    assert again.returncode == 0, text
    assert "note: cancelled the jobs that a killed run had left on the cluster." in text
    # The two scans that cannot be read are rows with a reason; the cohort stands.
    assert f"{PARTICIPANTS} scans: {PARTICIPANTS - 2} included, 0 excluded, 2 failed." in text
    assert " failed at convert: " in text
    assert differing(results(derivative), local) == []
    # One group of steps is one job of Slurm: two for each batch, and one for each table of the study. Both groups of
    # the large scan may be tried again with more memory, once or twice.
    log = (derivative / "logs" / "snakemake.log").read_text()
    assert finished(derivative)["fit"] == BATCHES
    assert len(re.findall("has been submitted with SLURM jobid", log)) <= 2 * BATCHES + 4 + 2 * 2


def test_cancelled_job_vanished_node_and_too_little_memory_lose_nothing(
    slurm: Path, study: Path, local: dict[str, str]
) -> None:
    large = batch_of(LARGE, BATCHES)
    cancelled, bereft = (batch for batch in range(BATCHES) if batch != large)
    derivative = study.parent / "bereaved"
    run = started(study, derivative)
    job = held_job(derivative, cancelled)
    cluster.run("scancel", job)
    widow = held_job(derivative, bereft)
    node = facts(widow)["NodeList"]
    cluster.kill_node(slurm, node)
    text, _ = run.communicate(timeout=500)
    cluster.start_node(node)

    assert run.returncode == 0, text
    assert differing(results(derivative), local) == []
    assert facts(job)["JobState"] == "CANCELLED"
    assert facts(widow)["JobState"] == "NODE_FAIL"
    logs = "".join(path.read_text() for path in slurm.glob("slurmd-*.log"))
    starved = map(facts, re.findall(r"StepId=(\d+)\S* exceeded memory limit", logs))
    assert "800M" in {job["MinMemoryNode"] for job in starved if job["WorkDir"] == str(derivative)}
