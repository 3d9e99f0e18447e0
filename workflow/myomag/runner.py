"""`myomag run`: check the settings, start Snakemake as a subprocess, show its progress calmly, sum up the results."""

import fcntl
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from myomag.errors import MyomagError, SettingsError
from myomag.files import PRIVATE
from myomag.flow import Flow, default_output
from myomag.progress import progress
from myomag.provenance import REPOSITORY

PROFILES = REPOSITORY / "config" / "profiles"
_STEPS_DONE = re.compile(r"^(\d+) of (\d+) steps")


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
    flow = Flow({"study": str(study)}, {})
    if not flow.found.scans:
        raise SettingsError(f"{study}: no scans found in sub-*/[ses-*/]mrs or sourcedata/sub-*/[ses-*/]mrs.")
    for remark in flow.remarks():
        print(f"note: {remark}", file=sys.stderr)
    root = (output or default_output(flow.study)).expanduser().resolve()
    root.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), "--directory", str(root)),
        *("--workflow-profile", str(_profile(profile)), "--config", f"study={flow.study}"),
        *options,
    ]
    with _sole_run(root, command):
        if dry_run:
            return subprocess.run([*command, "--dry-run"], check=False).returncode  # noqa: S603
        code = _run_with_progress(command, root)
    if code == 0:
        _sum_up(root)
    return 1 if code else 0


def _profile(name: str) -> Path:
    for folder in (PROFILES / name, Path(name)):
        if (folder / "config.yaml").is_file():
            return folder.resolve()
    known = ", ".join(sorted(path.parent.name for path in PROFILES.glob("*/config.yaml")))
    raise SettingsError(f"--profile {name}: no such profile; shipped: {known}.")


@contextmanager
def _sole_run(root: Path, command: Sequence[str]) -> Iterator[None]:
    """Hold the derivative for this run; the lock of a killed run vanishes with it, and Snakemake's own is removed."""
    path = root / PRIVATE / "running"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise MyomagError(f"{root}: another run is working here; wait for it or stop it first.") from error
        except OSError:
            print("note: this file system has no locks; do not start two runs at once.", file=sys.stderr)
        handle.seek(0)
        if handle.read():
            subprocess.run([*command, "--unlock", "--quiet"], check=False, capture_output=True)  # noqa: S603
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield
        handle.truncate(0)


def _run_with_progress(command: Sequence[str], root: Path) -> int:
    """Run Snakemake, its output kept in logs/snakemake.log and its progress shown."""
    log_path = root / "logs" / "snakemake.log"
    log_path.parent.mkdir(exist_ok=True)
    with (
        subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process,
        log_path.open("w", encoding="utf-8") as log,
        progress("Jobs done", 100) as advance,
    ):
        if process.stdout is None:
            raise AssertionError("no pipe")
        try:
            lines = _follow(process.stdout, log, advance)
            code = process.wait()
        except KeyboardInterrupt:
            code = process.wait()
            print("Stopped. Start the same command again to go on where it stopped.", file=sys.stderr)
            return code or 1
    if code:
        print("\n".join(_errors(lines) or lines[-15:]), file=sys.stderr)
        print(f"The run failed; what is done is kept. Full log: {log_path}", file=sys.stderr)
    return code


def _follow(stream: IO[str], log: IO[str], advance: object) -> list[str]:
    lines = []
    for line in stream:
        log.write(line)
        lines.append(line.rstrip("\n"))
        if (match := _STEPS_DONE.match(line)) and callable(advance):
            advance(100 * int(match[1]) // int(match[2]))
        if "Nothing to be done" in line:
            print("Nothing to be done: all results are up to date.")
    return lines


def _errors(lines: Sequence[str]) -> list[str]:
    """Messages that scripts wrote for the user."""
    return list(dict.fromkeys(line.strip() for line in lines if line.strip().startswith("ERROR: ")))


def _sum_up(root: Path) -> None:
    """Print how many scans were included, excluded and failed, why, and where the report is."""
    from myomag.io.tables import read_text_table

    table = read_text_table(root / "exclusions.tsv")
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    counts = Counter(row["status"] for row in rows)
    parts = ", ".join(f"{counts[status]} {status}" for status in ("included", "excluded", "failed"))
    print(f"{len(rows)} scans: {parts}.")
    for row in [row for row in rows if row["status"] != "included"][:20]:
        print(f"  {row['scan']}: {row['status']} at {row['step']}: {row['reason']}")
    if len(rows) - counts["included"] > 20:
        print(f"  … all of them in {root / 'exclusions.tsv'}")
    print(f"Report: {root / 'report' / 'index.html'}")
