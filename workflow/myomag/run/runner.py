"""`myomag run`: check the settings, start Snakemake as a subprocess, show its progress calmly, sum up the results."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import IO

import yaml

from myomag.errors import MyomagError, SettingsError
from myomag.io.files import PRIVATE, disk_trouble
from myomag.io.places import REPOSITORY
from myomag.ledger.activity import user_name
from myomag.ledger.derivative import check_output
from myomag.ledger.study_step import check_summaries
from myomag.progress import duration, progress
from myomag.run.advice import Advice, advice_for_run
from myomag.run.jobs import keep_what_is_loaded
from myomag.run.orphans import cancel_orphans
from myomag.run.run_time import RUNTIME_PAGE
from myomag.run.snakefile import Flow
from myomag.run.state import RunState
from myomag.study.tables import read_tables

LOG = Path("logs", "snakemake.log")
PROFILES = REPOSITORY / "config" / "profiles"
STOP_AGAIN_S = 30
"""Time [s] after which Snakemake is told to stop once more; it takes seconds, unless a SIGTERM locked its scheduler."""
MOST_LINES = 10
"""Remarks, errors or scans named one by one on the terminal before the rest is only counted."""

_REFUSED = re.compile(r"WorkflowError in file .*common\.smk")
_JOB_LOG = re.compile(r"\s+log: (\S+) \(check log file")
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
    root = (output or flow.default_output).expanduser().resolve()
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), "--directory", str(root)),
        *("--workflow-profile", str(_profile(profile))),
        *_with_study(options, flow.study),
    ]
    check_output(flow.study, root)
    _show_remarks(list(flow.remarks()))
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
    advice = advice_for_run(study, output, profile, options)
    with advice.in_errors(), _sole_run(root, command) as lock:
        flow.index(root)
        flow.hand_over(root)
        if not {"--forcerun", "-R"} & set(options):
            command += flow.renewal(root)
        if dry_run:
            code = subprocess.run([*command, "--dry-run"], check=False, pass_fds=[lock]).returncode  # noqa: S603
            os.ftruncate(lock, 0)
            return code
        code = _run_with_progress(command, root, lock, advice)
    # Not there yet where the options ask for a part of the flow only.
    if code == 0 and (root / "exclusions.tsv").is_file():
        _sum_up(root, time.monotonic() - started)
    return code if code in (0, 2) else 1


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


def _show_remarks(remarks: Sequence[str]) -> None:
    shown = remarks if len(remarks) <= MOST_LINES else remarks[: MOST_LINES - 1]
    for remark in shown:
        print(f"note: {remark}", file=sys.stderr)
    if len(shown) < len(remarks):
        print(f"note: … and {len(remarks) - len(shown)} more; see them all with: myomag check STUDY", file=sys.stderr)


def _profile(name: str) -> Path:
    for folder in (PROFILES / name, Path(name)):
        if (folder / "config.yaml").is_file():
            return folder.resolve()
    known = ", ".join(sorted(path.parent.name for path in PROFILES.glob("*/config.yaml")))
    raise SettingsError(f"--profile {name}: no such profile; shipped: {known}.")


@contextmanager
def _sole_run(root: Path, command: Sequence[str]) -> Iterator[int]:
    """Hold the derivative for this run; yields the file descriptor of the lock, which Snakemake inherits.

    So the lock lasts as long as either of the two processes lives, and vanishes when both are killed. Snakemake's own
    lock may stay behind then, or after Ctrl-C: a run that did not end well leaves its mark in the file, and the next
    one removes that lock.
    """
    with (root / PRIVATE / "running").open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise MyomagError(f"{root}: another run is working here; wait for it or stop it first.") from error
        except OSError:
            _check_unlockable(handle, command)
        handle.seek(0)
        if handle.read():
            if cancel_orphans(root / LOG):
                print("note: cancelled the jobs that a killed run had left on the cluster.", file=sys.stderr)
            subprocess.run([*command, "--unlock", "--quiet"], check=False, capture_output=True)  # noqa: S603
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield handle.fileno()


def _check_unlockable(handle: IO[str], command: Sequence[str]) -> None:
    """Go by the mark of the last run where the file system has no locks: nothing else tells whether it still works."""
    handle.seek(0)
    if handle.read() and "--unlock" not in command:
        raise MyomagError(
            f"{handle.name}: this file system has no locks, and the last run here did not end well or still works. "
            "If it is gone, run once: myomag run STUDY -- --unlock"
        )
    print("note: this file system has no locks; do not start two runs at once.", file=sys.stderr)


def _run_with_progress(command: Sequence[str], root: Path, lock: int, advice: Advice) -> int:
    """Run Snakemake, its output kept in logs/snakemake.log and its progress shown."""
    log_path = root / LOG
    log_path.parent.mkdir(exist_ok=True)
    lines: list[str] = []
    state = RunState(root)
    interrupted = True
    # In the background of a script, processes ignore SIGINT from birth, and so would Snakemake, which is stopped by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with (
        subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", pass_fds=[lock]
        ) as process,
        # Line by line, so that it is there when this process is killed.
        log_path.open("w", buffering=1, encoding="utf-8") as log,
        _sigterm_stops(process),
    ):
        with suppress(KeyboardInterrupt):
            _follow(process, log, lines, state)
            interrupted = False
        # A Ctrl-C reaches Snakemake too: read on until it has stopped its jobs.
        _follow(process, log, lines, state)
        code = process.wait()
    if code == 0 or "LockException:" in lines:
        os.ftruncate(lock, 0)
    if code == 0:
        check_summaries(root)
        if any("Nothing to be done" in line for line in lines):
            print("Nothing to be done: all results are up to date.")
            print(advice.complete("Checked: ledgers and tables; every file: myomag verify STUDY"))
    if interrupted or code < 0 or any("on user request" in line for line in lines):
        print(f"{_how_far(state)}Stopped. Start the same command again to go on where it stopped.", file=sys.stderr)
    elif code:
        refused = _refusal(lines)
        full = disk_trouble(lines, str(root))
        said = [full] if full else _errors(lines, root) or refused or _last_words(lines, code)
        print(advice.complete("\n".join(said)), file=sys.stderr)
        print(
            f"{_how_far(state)}The run failed; what is done is kept, and the same command goes on from there. "
            f"Full log: {log_path}",
            file=sys.stderr,
        )
        return 2 if refused else code
    return code


@contextmanager
def _sigterm_stops(process: subprocess.Popen[str]) -> Iterator[None]:
    """Make a SIGTERM stop Snakemake and its jobs; by itself it would wait for them."""

    def stop(*_: object) -> None:
        # A SIGTERM to the whole group reaches Snakemake as well, and where it comes at a bad moment only a further
        # SIGINT gets it out of waiting for itself.
        process.send_signal(signal.SIGINT)
        signal.alarm(STOP_AGAIN_S)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGALRM)}
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _how_far(state: RunState) -> str:
    """What is done and what remains, as a line; empty where nothing was begun."""
    if not state.done:
        return ""
    return f"{state.done} of {state.total} jobs are done; left: {state.left()}.\n"


def _follow(process: subprocess.Popen[str], log: IO[str], lines: list[str], state: RunState) -> None:
    """Copy Snakemake's output to the log until it ends, and show the progress it tells of."""
    with ExitStack() as stack:
        advance: Callable[..., None] | None = None
        for line in process.stdout or ():
            log.write(line)
            lines.append(line.rstrip("\n"))
            if state.read(line):
                advance = advance or stack.enter_context(progress("jobs done", state.total))
                advance(state.done, state.total, str(state))


def _refusal(lines: Sequence[str]) -> list[str]:
    """What the Snakefile said when it found settings or study wrong."""
    start = next((n for n, line in enumerate(lines, start=1) if _REFUSED.match(line)), len(lines))
    return [*takewhile(lambda line: not line.startswith("  File"), lines[start:])]


def _last_words(lines: Sequence[str], code: int) -> Sequence[str]:
    """How Snakemake's output ends; of a traceback, which stays in the log, only what it comes to."""
    end = lines[-1 if code == 2 else -15 :]
    if any(line.startswith("  File ") for line in end):
        return [line for line in end if line.strip()][-1:]
    return end


def _errors(lines: Sequence[str], root: Path) -> list[str]:
    """Messages that scripts wrote for the user, to the terminal or, on a cluster, only to their logs; else Slurm's."""
    logs = [root / match[1] for line in lines if (match := _JOB_LOG.match(line))]
    written = [line for path in logs if path.is_file() for line in path.read_text("utf-8", "replace").splitlines()]
    said = [line.strip() for line in [*lines, *written]]
    messages = [line for line in said if line.startswith("ERROR: ")] or [line for line in said if _ENDED.match(line)]
    if logs and not messages:
        # Snakemake drops what the plugin says of the job of a group, so go by what is there.
        remote, accepted = (any(sign in line for line in lines) for sign in ("Provided remote nodes", "ubmitted"))
        messages = [_REFUSED_BY_CLUSTER if remote and not accepted else _UNEXPLAINED.format(root)]
    return list(dict.fromkeys(messages))[:MOST_LINES]


def _sum_up(root: Path, seconds: float) -> None:
    """Print how many scans were included, excluded and failed, why, how long it took and where the report is."""
    from myomag.io.tables import read_text_table
    from myomag.report.flow import participant_flow

    table = read_text_table(root / "flow.tsv")
    flow = participant_flow([dict(zip(table.columns, row, strict=True)) for row in table.rows])
    parts = f"{flow.included} included, {flow.excluded_scans} excluded, {flow.failed_scans} failed"
    print(f"{flow.entered} scans: {parts}.")
    for status, losses in (("failed", flow.failed), ("excluded", flow.excluded)):
        for loss in losses:
            print(f"  {loss.scans} {status} at {loss.step}: {loss.reason}")
    if flow.included < flow.entered:
        print(f"  Which ones: {root / 'exclusions.tsv'}")
    print(f"Report: {root / 'report' / 'index.html'}")
    print(f"It took {duration(seconds)}; where the time went: {root / RUNTIME_PAGE}", file=sys.stderr)
