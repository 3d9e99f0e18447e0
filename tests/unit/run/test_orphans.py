"""Jobs that a killed run left on Slurm, with stand-ins for its commands."""

from pathlib import Path

import pytest

from myomag.run.orphans import cancel_orphans

LOG = "Building DAG of jobs...\nSLURM run ID: 0c2f-first\nUsing shell: /usr/bin/bash\n"
COMMANDS = {
    # Lists a job until it was cancelled.
    "squeue": 'echo "$@" >>{0}/asked; test -e {0}/cancelled || echo "  7 main 0c2f-first R"\n',
    "scancel": 'echo "$@" >{0}/cancelled\n',
}


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in COMMANDS.items():
        (tmp_path / name).write_text("#!/bin/sh\n" + text.format(tmp_path))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def log(folder: Path, text: str) -> Path:
    (folder / "snakemake.log").write_text(text)
    return folder / "snakemake.log"


def test_jobs_of_that_run_alone_are_cancelled_and_waited_for(slurm: Path) -> None:
    assert cancel_orphans(log(slurm, LOG))
    assert (slurm / "cancelled").read_text() == "--name=0c2f-first\n"
    assert (slurm / "asked").read_text().splitlines() == ["--noheader --name=0c2f-first"] * 2


def test_nothing_is_cancelled_where_no_job_is_left(slurm: Path) -> None:
    (slurm / "cancelled").touch()
    assert not cancel_orphans(log(slurm, LOG))
    assert (slurm / "cancelled").read_text() == ""


@pytest.mark.parametrize("text", ["", "Provided cores: 2\n"])
def test_run_on_one_computer_asks_no_slurm(text: str, slurm: Path) -> None:
    assert not cancel_orphans(log(slurm, text))
    assert not cancel_orphans(slurm / "none.log")
    assert not (slurm / "asked").exists()


def test_no_slurm_on_this_computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not cancel_orphans(log(tmp_path, LOG))
