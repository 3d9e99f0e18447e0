"""What every process that computes does first."""

import gc
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from myomag.run.jobs import job_log


def test_a_job_does_not_search_what_it_imported_for_garbage(tmp_path: Path) -> None:
    before = len(gc.get_objects())
    try:
        with job_log(str(tmp_path / "job.log")):
            assert gc.get_freeze_count() >= before
            assert len(gc.get_objects()) < before / 10
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("error", ["MyomagError('gone')", "OSError(28, 'full', 'out')", "ValueError('odd')"])
def test_no_other_process_can_write_into_the_line_a_job_ends_with(tmp_path: Path, error: str) -> None:
    """A datagram holds one write: what stands in it reaches a shared pipe in one piece."""
    imports = "from myomag.run.jobs import job_log\nfrom myomag.errors import MyomagError"
    code = f"{imports}\nwith job_log('log'):\n raise {error}"
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, stderr=theirs, check=False)
        ours.setblocking(False)
        written = ours.recv(4096).decode()
        with pytest.raises(BlockingIOError):
            ours.recv(1)
    assert done.returncode == 1
    assert written.endswith("\n")
    assert written.strip() in (tmp_path / "log").read_text()
