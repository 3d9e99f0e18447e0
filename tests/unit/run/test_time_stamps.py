"""Ledgers that are dated in the future."""

import os
import time
from pathlib import Path

import pytest

from myomag.run.time_stamps import present_time_stamps


def test_ledgers_of_the_future_are_dated_now_and_no_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    past, future = (tmp_path / "ledger" / step / "batch-0.tsv" for step in ("qc", "fit"))
    for path, shift in ((past, -1000.0), (future, 1000.0)):
        path.parent.mkdir(parents=True)
        path.write_text("x")
        os.utime(path, (time.time() + shift,) * 2)
    before = past.stat().st_mtime
    present_time_stamps(tmp_path)
    assert (past.stat().st_mtime, future.stat().st_mtime <= time.time() + 0.1) == (before, True)
    assert "note: ledgers were dated in the future (1, up to" in capsys.readouterr().err
    present_time_stamps(tmp_path)
    assert capsys.readouterr().err == ""
