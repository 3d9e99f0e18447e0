"""How far a run has come: read from the events Snakemake tells of and the ledgers that appear."""

from pathlib import Path

import pytest

from myomag.io.files import write_atomic
from myomag.ledger.rows import Row, ledger_bytes, ledger_path
from myomag.run.state import RunState

STATS = {"convert": 2, "qc": 2, "cohort": 1, "all": 1, "total": 6}


def ledger(root: Path, step: str, batch: int, *statuses: str) -> None:
    rows = [Row(f"sub-{batch}{number}", f"sub-{batch}{number}", "", status) for number, status in enumerate(statuses)]
    write_atomic(root, ledger_path(step, batch), ledger_bytes(rows))


def finish(state: RunState, rule: str, batch: int, done: int, total: int = 6) -> None:
    """One job from its start to its end."""
    wildcards = {"batch": str(batch)}
    assert not state.read({"event": "job_info", "jobid": 7, "rule_name": rule, "wildcards": wildcards})
    assert not state.read({"event": "job_finished", "job_id": 7})
    assert state.read({"event": "progress", "done": done, "total": total})


@pytest.fixture
def state(tmp_path: Path) -> RunState:
    state = RunState(tmp_path)
    assert not state.read({"event": "workflow_started"})
    assert state.read({"event": "run_info", "stats": STATS})
    return state


def test_plan_is_told_before_the_first_job(state: RunState) -> None:
    assert (state.done, state.total, str(state)) == (0, 6, "")
    assert state.left() == "convert 2, qc 2, cohort 1"


def test_scans_and_failures_are_counted_from_the_ledgers(state: RunState) -> None:
    ledger(state.root, "convert", 0, "ok", "failed", "ok")
    ledger(state.root, "convert", 1, "ok")
    ledger(state.root, "qc", 0, "ok", "failed", "failed")
    finish(state, "convert", 0, 1)
    assert str(state) == "convert 1/2 batches, 3 scans, 1 failed"
    finish(state, "convert", 1, 2)
    assert str(state) == "convert 2/2 batches, 4 scans, 1 failed"
    finish(state, "qc", 0, 3)
    assert str(state) == "qc 1/2 batches, 3 scans, 2 failed", "a scan that failed twice counts once"
    assert state.left() == "qc 1, cohort 1"


def test_ledger_that_is_not_visible_yet_is_no_reason_to_stop(state: RunState) -> None:
    finish(state, "convert", 0, 1)
    assert str(state) == "convert 1/2 batches, 0 scans"


def test_jobs_that_were_not_planned_are_added(state: RunState) -> None:
    """As the fits of all other batches, where one participant more moved the pooled begin time."""
    for number in range(3):
        finish(state, "qc", number, number + 1, 7)
    assert state.total == 7
    assert str(state).startswith("qc 3/3 batches")
    assert state.left() == "convert 2, cohort 1"
