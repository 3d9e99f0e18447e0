"""What `myomag run` hands to Snakemake, and what it says of how a run ended."""

from pathlib import Path

import pytest

from myomag.errors import SettingsError
from myomag.run import outcome, reasons, runner
from myomag.run.advice import Advice
from myomag.run.process import Run
from myomag.run.state import RunState

ADVICE = Advice("STUDY")


def ended(root: Path, *printed: str, code: int = 1, stopped: bool = False, logs: tuple[str, ...] = ()) -> Run:
    run = Run(RunState(root), list(printed), stopped, code)
    if logs:
        run.state.read({"event": "job_error", "log": logs})
    return run


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["--config", "study=/s"]),
        (["--forcerun", "fit"], ["--forcerun", "fit", "--config", "study=/s"]),
        (["--config", "qc={}", "-n"], ["--config", "study=/s", "qc={}", "-n"]),
        (["-C", "qc={}"], ["-C", "study=/s", "qc={}"]),
        (["--config=qc={'min_snr': 3}"], ["--config", "study=/s", "qc={'min_snr': 3}"]),
    ],
)
def test_study_joins_what_the_user_gives_with_config(options: list[str], expected: list[str]) -> None:
    assert runner._with_study(options, Path("/s")) == expected


def test_selected_labels_reach_snakemake_as_they_are() -> None:
    from snakemake.cli import parse_config

    _, *entries = runner._with_study([], Path("/s"), {"participants": ["001", "sub-1e5"], "sessions": ["1"]})
    assert parse_config(entries) == {"study": "/s", "participants": ["001", "sub-1e5"], "sessions": ["1"]}


ODD_PATHS = [
    "/plain/path-1_a.b",
    "/with space",
    "/co:lon",
    "/co: lon",
    "/hash # mark",
    "/quo'te",
    "/'quoted'",
    '/dou"ble"',
    "/back\\slash",
    "/Müller/β-ATP",
    "/br{a}ce",
    "/[list]",
    "/tab\there",
    "/new\nline",
    "/emoji😀",
    "/percent%s",
    "/a=b",
    "/ends ",
    "/bad\udcff",
]


@pytest.mark.parametrize("path", ODD_PATHS)
def test_snakemake_reads_every_study_path_as_it_is(path: str) -> None:
    from snakemake.cli import parse_config

    (entry,) = runner._with_study([], Path(path))[1:]
    assert parse_config([entry]) == {"study": path}


def test_word_of_slurm_on_a_job_it_ended_is_shown(derivative: Path) -> None:
    said = "slurmstepd-n3: error: Exceeded job memory limit"
    (derivative / "6.log").write_text(f"Building DAG of jobs...\n{said}\n{said}\nWorkflowError:\n")
    assert reasons._errors(ended(derivative, logs=("6.log",)), derivative) == [said]
    run = ended(derivative, "ERROR: what a script said", logs=("6.log",))
    assert reasons._errors(run, derivative) == ["ERROR: what a script said"]


def test_job_of_which_nobody_says_anything_is_told_from_one_that_was_not_accepted(derivative: Path) -> None:
    here = ended(derivative, logs=("logs/qc/batch-0.log",))
    accepted = ended(derivative, "Job 3 has been submitted with SLURM jobid 1", logs=("logs/qc/batch-0.log",))
    lost = ended(derivative, logs=("logs/qc/batch-0.log",))
    for run in (accepted, lost):
        run.state.read({"event": "resources_info", "nodes": 100})
    for run in (here, accepted):
        assert "A job ended without a message" in reasons._errors(run, derivative)[0]
    assert "accepted no job" in reasons._errors(lost, derivative)[0]


def test_what_the_snakefile_refused_is_raised_as_it_was_meant(derivative: Path) -> None:
    """Snakemake adds a place in the Snakefile before and behind, and prints all of it into the log."""
    message = (
        'SettingsError in file "/x/rules/common.smk", line 9:\nqc.min_snrr: unknown.\nAnd more.\n  File "/x", line 9'
    )
    run = ended(derivative, *message.splitlines())
    run.state.read({"event": "error", "exception": "SettingsError", "message": message})
    with pytest.raises(SettingsError, match=r"^qc\.min_snrr: unknown\.\nAnd more\.$"):
        runner._told(run, derivative, ADVICE)


def test_clocks_that_do_not_agree_are_named(derivative: Path) -> None:
    said = (
        "Output ledger/fit/all.tsv has older modification time (2026-11-28 19:00:00.123) than input ledger/qc/all.tsv "
        "(2027-01-01 00:00:00). This could indicate a clock skew problem in your network and would trigger …"
    )
    (reason,) = reasons.reasons(ended(derivative, "WorkflowError:", said), derivative, ADVICE)
    assert reason.startswith("The clocks disagree: ledger/qc/all.tsv (2027-01-01 00:00:00) is dated later than")


def test_of_a_traceback_only_its_end_is_shown(derivative: Path) -> None:
    run = ended(derivative)
    run.state.read({"event": "error", "exception": "KeyError", "message": 'Traceback\n  File "x"\n\nKeyError: 1\n'})
    assert reasons.reasons(run, derivative, ADVICE) == ["KeyError: 1"]


@pytest.mark.parametrize(
    ("stopped", "code", "last"),
    [
        (True, 1, "Stopped. Start the same command again to continue where"),
        (True, -9, "Snakemake was killed, by the system for lack of memory, or by someone. The same command"),
        (False, 1, "The run failed; finished work is kept, and the same command continues from there."),
    ],
)
def test_run_that_ends_early_says_what_is_done_and_what_remains(
    stopped: bool, code: int, last: str, derivative: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ended(derivative, stopped=stopped, code=code)
    run.state.read({"event": "run_info", "stats": {"fit": 2, "total": 3}})
    run.state.read({"event": "job_info", "jobid": 1, "rule_name": "fit", "wildcards": {"batch": "0"}})
    run.state.read({"event": "job_finished", "job_id": 1})
    run.state.read({"event": "progress", "done": 1, "total": 3})
    assert runner._told(run, derivative, ADVICE) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2] == "1 of 3 jobs are done; left: fit 1."
    assert lines[-1].startswith(last)


def test_summary_counts_the_scans_of_each_reason(derivative: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["stage\tstep\treason\tscans\tparticipants", "entered\tn/a\tn/a\t5\t5"]
    lines += ["failed\tconvert\tis truncated.\t1\t1", "excluded\tqc\tverdict fail (PCr SNR 1 to 3 below 5)\t3\t3"]
    lines += ["analysed\tn/a\tn/a\t1\t1"]
    (derivative / "flow.tsv").write_text("\n".join(lines) + "\n")
    (derivative / "protocols.tsv").write_text("protocol\tremark\n2f5a\tbegin times of two protocols\n77aa\tn/a\n")
    outcome.sum_up(derivative, 75)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "5 scans: 1 included, 3 excluded, 1 failed.",
        "  1 failed at convert: is truncated.",
        "  3 excluded at qc: verdict fail (PCr SNR 1 to 3 below 5)",
        "  WARNING: protocol 2f5a: begin times of two protocols",
        f"  Which ones: {derivative / 'exclusions.tsv'}",
        f"Report: {derivative / 'report' / 'index.html'}",
    ]
    assert printed.err.startswith("It took 75 s; ")
