"""What is shown of a run: read from the lines Snakemake prints and the ledgers that appear."""

from pathlib import Path

import pytest

from myomag.io.files import write_atomic
from myomag.ledger.rows import Row, ledger_bytes, ledger_path
from myomag.progress import duration
from myomag.run.state import RunState

TABLE = """\
Provided cores: 2
Job stats:
job           count
----------  -------
convert           2
qc                2
cohort            1
all               1
total             6
"""


def ledger(root: Path, step: str, batch: int, *statuses: str) -> None:
    rows = [Row(f"sub-{batch}{number}", f"sub-{batch}{number}", "", status) for number, status in enumerate(statuses)]
    write_atomic(root, ledger_path(step, batch), ledger_bytes(rows))


def read(state: RunState, text: str) -> list[bool]:
    return [state.read(line) for line in text.splitlines(keepends=True)]


@pytest.fixture
def state(tmp_path: Path) -> RunState:
    state = RunState(tmp_path)
    assert sum(read(state, TABLE)) == 1, "the total alone is worth showing"
    return state


def test_plan_is_read_from_the_table_of_jobs(state: RunState) -> None:
    assert (state.done, state.total, str(state)) == (0, 6, "")
    assert state.left() == "convert 2, qc 2, cohort 1"


def test_scans_and_failures_are_counted_from_the_ledgers(state: RunState) -> None:
    ledger(state.root, "convert", 0, "ok", "failed", "ok")
    ledger(state.root, "convert", 1, "ok")
    ledger(state.root, "qc", 0, "ok", "failed", "failed")
    started = "Job 3: convert batch 0: vendor files\nJob 1: convert batch 1: vendor files\n"
    read(state, started + "Finished jobid: 3 (Rule: convert)\n1 of 6 steps (17%) done\n")
    assert str(state) == "convert 1/2 batches, 3 scans, 1 failed"
    read(state, "Finished jobid: 1 (Rule: convert)\n2 of 6 steps (33%) done\n")
    assert str(state) == "convert 2/2 batches, 4 scans, 1 failed"
    read(state, "Job 7: qc batch 0: combine coils\nFinished jobid: 7 (Rule: qc)\n3 of 6 steps (50%) done\n")
    assert str(state) == "qc 1/2 batches, 3 scans, 2 failed", "a scan that failed twice counts once"
    assert state.left() == "qc 1, cohort 1"


def test_ledger_that_is_not_visible_yet_is_no_reason_to_stop(state: RunState) -> None:
    read(state, "Job 3: convert batch 0: x\nFinished jobid: 3 (Rule: convert)\n")
    assert str(state) == "convert 1/2 batches, 0 scans"


def test_jobs_that_were_not_planned_are_added(state: RunState) -> None:
    """As the fits of all other batches, where one participant more moved the pooled begin time."""
    for number in range(3):
        read(
            state, f"Job {number}: qc batch {number}: x\nFinished jobid: {number} (Rule: qc)\n{number + 1} of 7 steps\n"
        )
    assert state.total == 7
    assert str(state).startswith("qc 3/3 batches")
    assert state.left() == "convert 2, cohort 1"


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (12000, "3 h 20 min")])
def test_duration_is_told_as_a_person_would(seconds: float, text: str) -> None:
    assert duration(seconds) == text
