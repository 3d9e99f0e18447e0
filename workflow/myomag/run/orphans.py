"""Slurm jobs that survive the pipeline that submitted them."""

import re
import shutil
import subprocess
import time
from pathlib import Path

_RUN_ID = re.compile(r"^SLURM run ID: (\S+)$", re.MULTILINE)
_PATIENCE_S = 90.0
"""Time that cancelled jobs may take to end: Slurm waits 30 s before killing them."""


def cancel_orphans(log: Path) -> bool:
    """Whether jobs of the run that wrote this log were still on the cluster; cancels them and waits for their end.

    Otherwise the next run would submit the same work again.

    Parameters
    ----------
    log : Path
        Output of Snakemake, which contains the id given by the Slurm plugin to all jobs of a run.
    """
    found = _RUN_ID.findall(log.read_text("utf-8", "replace")) if log.is_file() else []
    if not found or shutil.which("scancel") is None:
        return False
    name = f"--name={found[-1]}"
    if not _slurm("squeue", "--noheader", name):
        return False
    _slurm("scancel", name)
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and _slurm("squeue", "--noheader", name):
        time.sleep(1)
    return True


def _slurm(*command: str) -> str:
    """Output of a Slurm command; empty if Slurm does not answer."""
    try:
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60).stdout.strip()  # noqa: S603
    except subprocess.TimeoutExpired:
        return ""
