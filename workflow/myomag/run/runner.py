"""`myomag run`: check study and settings, start Snakemake, report how it ended and the results."""

import json
import os
import re
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import yaml

from myomag.errors import SettingsError
from myomag.io.files import PRIVATE, remove_files
from myomag.io.places import PROFILES, SNAKEFILE
from myomag.ledger.activity import user_name
from myomag.ledger.damage import Damage, damaged
from myomag.ledger.derivative import check_output
from myomag.ledger.raw import indexed_batches
from myomag.ledger.study_harness import check_summaries
from myomag.options import print_json
from myomag.run.advice import Advice, advice_for_run
from myomag.run.jobs import available_cores, keep_what_is_loaded
from myomag.run.lock import sole_run
from myomag.run.options import Asked, asked_for
from myomag.run.outcome import sum_up
from myomag.run.process import Run, run_snakemake
from myomag.run.reasons import reasons
from myomag.run.snakefile import Flow, prepare_jobs
from myomag.run.state import RunState
from myomag.run.time_stamps import present_time_stamps
from myomag.study.tables import read_tables

LOG = Path("logs", "snakemake.log")


@dataclass(frozen=True)
class Wish:
    """Options of `myomag run`.

    Attributes
    ----------
    study : Path
        Study folder.
    output : Path or None
        Derivative folder; None for STUDY/derivatives/myomag.
    profile : str
        Name of a profile in config/profiles or a folder with one.
    options : sequence of str
        Further options for Snakemake.
    participants, sessions : sequence of str
        Labels of those to add to the results, with or without sub- and ses-; none: all.
    repair : bool
        Whether results that are not as recorded are also remade.
    """

    study: Path
    output: Path | None = None
    profile: str = "local"
    options: Sequence[str] = ()
    participants: Sequence[str] = ()
    sessions: Sequence[str] = ()
    repair: bool = False

    @property
    def selection(self) -> dict[str, list[str]]:
        """The same as Snakemake configuration."""
        both = {"participants": list(self.participants), "sessions": list(self.sessions)}
        return {key: labels for key, labels in both.items() if labels}


def run_pipeline(wish: Wish) -> int:
    """Run the pipeline on a study; returns the exit code.

    Raises
    ------
    SettingsError
        If study, settings or profile are wrong.
    MyomagError
        If another run is active in the same folder.
    """
    keep_what_is_loaded()
    asked, flow, root = _checked(wish)
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--directory", str(root)),
        *("--workflow-profile", str(_profile(wish.profile))),
        *_with_study(wish.options, flow.study, wish.selection),
    ]
    if (code := _settled_unwritten(flow, root)) is not None:
        return code
    started = time.monotonic()
    # Snakemake wants a cache, and the home directory may be full or read-only. Jobs of a cluster inherit the place.
    os.environ["XDG_CACHE_HOME"] = os.environ.get("XDG_CACHE_HOME") or str(root / ".snakemake" / "cache")
    # It also needs the user's name, which not every account has.
    os.environ["LOGNAME"] = user_name()
    prepare_jobs()
    advice = advice_for_run(wish)
    with advice.in_errors(), sole_run(root, command, root / LOG) as lock:
        (root / LOG).parent.mkdir(exist_ok=True)
        (root / LOG).write_bytes(b"")
        if asked.looks:
            return _shown(run_snakemake(command, root, root / LOG, lock), root, advice)
        present_time_stamps(root)
        again = [] if asked.part else _to_repair(root, hashed=wish.repair)
        for _, same_step in groupby(again, key=lambda damage: damage.step):
            # One step at a time: later steps do not run if its results come out unchanged.
            places = [damage.ledger for damage in same_step]
            run = run_snakemake([*command[:3], *places, "--forcerun", *places, *command[3:]], root, root / LOG, lock)
            if run.code:
                return _told(run, root, advice)
        run = run_snakemake(command, root, root / LOG, lock)
        run.state.up_to_date &= not (again or asked.part)
        code = _told(run, root, advice)
    if code == 0 and asked.part:
        print(
            f"Done as requested: {run.state.done} jobs. Tables and report may be out of date; to update everything: "
            + advice.complete("myomag run STUDY")
        )
    elif code == 0:
        sum_up(root, time.monotonic() - started)
    return code


def show_plan(wish: Wish, *, as_json: bool) -> int:
    """Print what a run would do; returns the exit code, 1 if it would refuse.

    Raises
    ------
    SettingsError
        If study, settings or profile are wrong.
    """
    # Loaded here, as a run does not need them.
    from myomag.run.plan import Forecast
    from myomag.run.plan_text import plan, plan_lines

    asked, flow, _ = _checked(wish)
    _profile(wish.profile)
    prepare_jobs()
    advice = advice_for_run(wish)
    with advice.in_errors():
        forecast = Forecast(flow, hashed=wish.repair)
        # On a cluster each batch has its own processor.
        here = available_cores() if wish.profile == "local" else max(1, len(forecast.raw))
        found = plan(forecast, int(asked.cores or here))
    if as_json:
        print_json(found.as_dict())
    else:
        print(advice.complete("\n".join(plan_lines(found))))
    if asked.part or asked.forced:
        rest = shlex.join(["-n", *wish.options])
        print(
            "note: this is the plan of a whole run; to see what Snakemake would do with these options: "
            f"{advice_for_run(replace(wish, options=())).complete('myomag run STUDY')} -- {rest}",
            file=sys.stderr,
        )
    return 1 if found.refused else 0


def _checked(wish: Wish) -> tuple[Asked, Flow, Path]:
    """Requests of the options, the study with its settings, and the derivative; refused if a run makes no sense."""
    asked = asked_for(wish.options)
    flow = Flow(
        {"study": str(wish.study)} | wish.selection, asked.given, wish.output and wish.output.expanduser().resolve()
    )
    root = flow.root.resolve()
    check_output(flow.study, root)
    flow.check_scans()
    # Now, not after hours of fits.
    read_tables(flow.study, ())
    _ = flow.document
    # Refuses unknown labels.
    _ = flow.left_out
    return asked, flow, root


def _settled_unwritten(flow: Flow, root: Path) -> int | None:
    """Exit code if the derivative cannot be written but need not be; None if it can.

    Raises
    ------
    SettingsError
        If something must be written.
    """
    try:
        (root / PRIVATE).mkdir(parents=True, exist_ok=True)
        with (root / PRIVATE / "running").open("a"):
            return None
    except OSError as error:
        from myomag.run.plan import Forecast

        reason, forecast = error.strerror, Forecast(flow)
        prepare_jobs()
        steps = "" if forecast.first else ", ".join(dict.fromkeys(task.step for task in forecast.tasks.values()))
        if steps or forecast.first:
            left = f", and there is work to do: {steps}" if steps else ""
            raise SettingsError(
                f"{root}: cannot be written ({reason}){left}; make it writable, or name another folder: --output DIR."
            ) from error
    check_summaries(root)
    print("Nothing to be done: all results are up to date.")
    print(f"note: {root} cannot be written ({reason}); no writing was needed.", file=sys.stderr)
    return 0


def _to_repair(root: Path, *, hashed: bool) -> list[Damage]:
    """Results that are missing, or changed if these are also repaired; wrong files are removed."""
    try:
        found = damaged(root, indexed_batches(root), hashed=hashed)
    except OSError:
        # No run yet.
        return []
    files = [file for damage in found for file in damage.files]
    if files:
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        print(f"note: remade because missing or not as recorded: {files[0]}{more}", file=sys.stderr)
    remove_files(root, {file for file in files if not file.startswith("ledger/")})
    return found


def _with_study(options: Sequence[str], study: Path, selection: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """Snakemake options with the study, and the labels selected in it, added to --config."""
    chosen = (f"{key}={json.dumps(labels)}" for key, labels in (selection or {}).items())
    named = [f"study={_quoted(str(study))}", *chosen]
    result = [part for option in options for part in (option.split("=", 1) if option[:9] == "--config=" else [option])]
    place = next((n for n, option in enumerate(result, start=1) if option in ("--config", "-C")), None)
    return [*result[:place], *named, *result[place:]] if place else [*result, "--config", *named]


def _quoted(path: str) -> str:
    """A path quoted so that Snakemake reads it back: as YAML, after removing outer quotes."""
    if re.fullmatch(r"[\w/.+@,-]+", path, re.ASCII):
        return path
    return "!!str " + yaml.dump(path, default_style='"', width=float("inf")).strip() + " "


def _profile(name: str) -> Path:
    for folder in (PROFILES / name, Path(name)):
        if (folder / "config.yaml").is_file():
            return folder.resolve()
    known = ", ".join(sorted(path.parent.name for path in PROFILES.glob("*/config.yaml")))
    raise SettingsError(f"--profile {name}: no such profile; shipped: {known}.")


def _shown(run: Run, root: Path, advice: Advice) -> int:
    """Show Snakemake's output if it was asked to print, or why it failed; returns the exit code."""
    if run.code:
        print("\n".join(reasons(run, root, advice)), file=sys.stderr)
    else:
        # The remarks have already been shown.
        print("\n".join(line for line in run.printed if not line.startswith("note: ")))
    return run.code


def _told(run: Run, root: Path, advice: Advice) -> int:
    """Report how a run ended; returns the exit code."""
    if run.code == 0:
        check_summaries(root)
        if run.state.up_to_date:
            print("Nothing to be done: all results are up to date.")
            print(advice.complete("Checked: ledgers and tables; to check every file: myomag verify STUDY"))
        return 0
    if run.killed:
        print(
            f"{_how_far(run.state)}Snakemake was killed, by the system for lack of memory, or by someone. The same "
            "command continues from there; fewer jobs at a time use less memory: -- --cores 1",
            file=sys.stderr,
        )
        return 1
    if run.stopped:
        print(
            f"{_how_far(run.state)}Stopped. Start the same command again to continue where it stopped.", file=sys.stderr
        )
        return 1
    print("\n".join(reasons(run, root, advice)), file=sys.stderr)
    print(
        f"{_how_far(run.state)}The run failed; finished work is kept, and the same command continues from there. "
        f"Full log: {root / LOG}",
        file=sys.stderr,
    )
    return 1


def _how_far(state: RunState) -> str:
    """Finished and remaining work as a line; empty if nothing was started."""
    if not state.done:
        return ""
    return f"{state.done} of {state.total} jobs are done; left: {state.left()}.\n"
