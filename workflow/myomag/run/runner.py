"""`myomag run`: check study and settings, start Snakemake, say how it ended and what came out."""

import os
import re
import sys
import time
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

import yaml

from myomag.errors import MyomagError, SettingsError
from myomag.io.files import PRIVATE, disk_trouble
from myomag.io.places import REPOSITORY
from myomag.io.tables import read_text_table
from myomag.ledger.activity import user_name
from myomag.ledger.derivative import check_output
from myomag.ledger.study_harness import check_summaries
from myomag.progress import duration
from myomag.run.advice import Advice, advice_for_run
from myomag.run.jobs import keep_what_is_loaded
from myomag.run.lock import sole_run
from myomag.run.process import Run, run_snakemake
from myomag.run.run_time import RUNTIME_PAGE
from myomag.run.snakefile import Flow, prepare_jobs
from myomag.run.state import RunState
from myomag.study.tables import read_tables

LOG = Path("logs", "snakemake.log")
PROFILES = REPOSITORY / "config" / "profiles"
MOST_LINES = 10
"""Errors named one by one on the terminal."""

_ENDED = re.compile(r"slurmstepd\S*: error: .*(memory limit|CANCELLED AT|oom)")
_REFUSED_BY_CLUSTER = (
    "The batch system accepted no job: wrong account, partition or queue? "
    "Slurm says more to: sbatch --account=… --partition=… --wrap true"
)
_UNEXPLAINED = (
    "A job ended without a word: killed, out of memory or time, or its node died. "
    "What the batch system said of it may stand in {}/.snakemake"
)


def run_pipeline(study: Path, *, output: Path | None, dry_run: bool, profile: str, options: Sequence[str]) -> int:
    """Run the pipeline on a study; returns the exit code.

    Parameters
    ----------
    study : Path
        Study folder.
    output : Path or None
        Derivative folder; None for STUDY/derivatives/myomag.
    dry_run : bool
        Only say what would run.
    profile : str
        Name of a profile in config/profiles or a folder with one.
    options : sequence of str
        Further options for Snakemake.

    Raises
    ------
    SettingsError
        If study, settings or profile are wrong.
    MyomagError
        If another run works in the same folder.
    """
    keep_what_is_loaded()
    flow = Flow({"study": str(study)}, {})
    root = (output or flow.root).expanduser().resolve()
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), "--directory", str(root)),
        *("--workflow-profile", str(_profile(profile))),
        *_with_study(options, flow.study),
    ]
    check_output(flow.study, root)
    flow.check_scans()
    # Now, and not after hours of fits.
    read_tables(flow.study)
    try:
        (root / PRIVATE).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{root}: cannot be written ({error.strerror}); name another folder: --output DIR."
        ) from error
    started = time.monotonic()
    # Snakemake wants a cache, and the home directory may be full or read-only. Jobs of a cluster inherit the place.
    os.environ["XDG_CACHE_HOME"] = os.environ.get("XDG_CACHE_HOME") or str(root / ".snakemake" / "cache")
    # And it wants the user's name, which not every account has.
    os.environ["LOGNAME"] = user_name()
    prepare_jobs()
    advice = advice_for_run(study, output, profile, options)
    with advice.in_errors(), sole_run(root, command, root / LOG) as lock:
        if dry_run:
            run = run_snakemake([*command, "--dry-run"], root, Path(os.devnull), lock)
            os.ftruncate(lock, 0)
            return _planned(run, root, advice)
        (root / LOG).parent.mkdir(exist_ok=True)
        code = _told(run_snakemake(command, root, root / LOG, lock), root, advice)
    # Not there yet where the options ask for a part of the flow only.
    if code == 0 and (root / "exclusions.tsv").is_file():
        _sum_up(root, time.monotonic() - started)
    return code


def _with_study(options: Sequence[str], study: Path) -> list[str]:
    """Options for Snakemake with the study added to --config."""
    named = f"study={_quoted(str(study))}"
    result = [part for option in options for part in (option.split("=", 1) if option[:9] == "--config=" else [option])]
    place = next((n for n, option in enumerate(result, start=1) if option in ("--config", "-C")), None)
    return [*result[:place], named, *result[place:]] if place else [*result, "--config", named]


def _quoted(path: str) -> str:
    """A path as Snakemake reads it back: as YAML, after taking quotes off both ends."""
    if re.fullmatch(r"[\w/.+@,-]+", path, re.ASCII):
        return path
    return "!!str " + yaml.dump(path, default_style='"', width=float("inf")).strip() + " "


def _profile(name: str) -> Path:
    for folder in (PROFILES / name, Path(name)):
        if (folder / "config.yaml").is_file():
            return folder.resolve()
    known = ", ".join(sorted(path.parent.name for path in PROFILES.glob("*/config.yaml")))
    raise SettingsError(f"--profile {name}: no such profile; shipped: {known}.")


def _planned(run: Run, root: Path, advice: Advice) -> int:
    """Show what a dry run printed, or why there was none; returns the exit code."""
    if run.code:
        print("\n".join(_reasons(run, root, advice)), file=sys.stderr)
    else:
        # The remarks were shown as they came.
        print("\n".join(line for line in run.printed if not line.startswith("note: ")))
    return run.code


def _told(run: Run, root: Path, advice: Advice) -> int:
    """Say how a run ended; returns the exit code."""
    if run.code == 0:
        check_summaries(root)
        if run.state.up_to_date:
            print("Nothing to be done: all results are up to date.")
            print(advice.complete("Checked: ledgers and tables; every file: myomag verify STUDY"))
        return 0
    if run.stopped:
        print(f"{_how_far(run.state)}Stopped. Start the same command again to go on where it stopped.", file=sys.stderr)
        return 1
    print("\n".join(_reasons(run, root, advice)), file=sys.stderr)
    print(
        f"{_how_far(run.state)}The run failed; what is done is kept, and the same command goes on from there. "
        f"Full log: {root / LOG}",
        file=sys.stderr,
    )
    return 1


def _reasons(run: Run, root: Path, advice: Advice) -> list[str]:
    """Why Snakemake failed, each reason once.

    Raises
    ------
    MyomagError
        What the Snakefile raised when it found settings or study wrong.
    """
    for kind in MyomagError.__subclasses__():
        if message := run.state.errors.get(kind.__name__):
            # Without the place in the Snakefile, which Snakemake adds before and behind.
            raise kind("\n".join(takewhile(lambda line: not line.startswith("  File"), message.splitlines()[1:])))
    full = disk_trouble(run.printed, str(root))
    return [advice.complete(line) for line in ([full] if full else _errors(run, root) or _last_words(run))]


def _how_far(state: RunState) -> str:
    """What is done and what remains, as a line; empty where nothing was begun."""
    if not state.done:
        return ""
    return f"{state.done} of {state.total} jobs are done; left: {state.left()}.\n"


def _last_words(run: Run) -> Sequence[str]:
    """The error that ended Snakemake, or how its output ends; of a traceback, which is in the log, what it comes to."""
    said = [line for message in run.state.errors.values() for line in message.splitlines()]
    end = said or run.printed[-1 if run.code == 2 else -15 :]
    if any(line.startswith("  File ") for line in end):
        return [line for line in end if line.strip()][-1:]
    return end


def _errors(run: Run, root: Path) -> list[str]:
    """Messages that scripts wrote for the user, to the terminal or, on a cluster, only to their logs; else Slurm's."""
    logs = [path for path in run.state.logs if path.is_file()]
    written = [line for path in logs for line in path.read_text("utf-8", "replace").splitlines()]
    said = [line.strip() for line in [*run.printed, *written]]
    messages = [line for line in said if line.startswith("ERROR: ")] or [line for line in said if _ENDED.match(line)]
    if run.state.logs and not messages:
        # Snakemake drops what the plugin says of the job of a group, so go by what is there.
        accepted = any("ubmitted" in line for line in run.printed)
        messages = [_REFUSED_BY_CLUSTER if run.state.remote and not accepted else _UNEXPLAINED.format(root)]
    return list(dict.fromkeys(messages))[:MOST_LINES]


def _rows(root: Path, name: str) -> list[dict[str, str | None]]:
    """Rows of a table of the derivative as text; none where the options asked for a part of the flow only."""
    if not (root / f"{name}.tsv").is_file():
        return []
    table = read_text_table(root / f"{name}.tsv")
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _protocol_remarks(root: Path) -> list[str]:
    """Protocols whose begin times are those of two."""
    rows = _rows(root, "protocols")
    return [f"protocol {row['protocol']}: {row['remark']}" for row in rows if row.get("remark")]


def _sum_up(root: Path, seconds: float) -> None:
    """Print what came out, how long it took and where the time went."""
    show_outcome(root)
    print(f"It took {duration(seconds)}; where the time went: {root / RUNTIME_PAGE}", file=sys.stderr)


def show_outcome(root: Path) -> None:
    """Print how many scans were included, excluded and failed, why, what models rest on, and where the report is."""
    from myomag.report.controls import control_lines
    from myomag.report.flow import participant_flow
    from myomag.report.labels import Labels
    from myomag.report.summary import column_lines, kind_lines, model_lines
    from myomag.settings.cohort import CohortSettings

    flow = participant_flow(_rows(root, "flow"))
    parts = f"{flow.included} included, {flow.excluded_scans} excluded, {flow.failed_scans} failed"
    print(f"{flow.entered} scans: {parts}.")
    for status, losses in (("failed", flow.failed), ("excluded", flow.excluded)):
        for loss in losses:
            print(f"  {loss.scans} {status} at {loss.step}: {loss.reason}")
    for remark in _protocol_remarks(root):
        print(f"  WARNING: {remark}")
    if flow.included < flow.entered:
        print(f"  Which ones: {root / 'exclusions.tsv'}")
    kinds, columns = kind_lines(_rows(root, "cohort")), column_lines(_rows(root, "variables"))
    statistics = _rows(root, "statistics")
    warnings = control_lines(statistics, _rows(root, "controls"), Labels.of(CohortSettings()))
    for line in (*kinds, *columns, *model_lines(statistics), *warnings):
        print(line)
    print(f"Report: {root / 'report' / 'index.html'}")
