"""What every process that computes does first."""

import gc
from pathlib import Path

from myomag.jobs import job_log


def test_a_job_does_not_search_what_it_imported_for_garbage(tmp_path: Path) -> None:
    before = len(gc.get_objects())
    try:
        with job_log(str(tmp_path / "job.log")):
            assert gc.get_freeze_count() >= before
            assert len(gc.get_objects()) < before / 10
    finally:
        gc.unfreeze()
