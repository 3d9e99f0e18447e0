"""Measure what takes more memory the larger a study is, and write MEMORY.md.

    python benchmarks/memory.py --scans 10000 100000 --write

These are the search and index of the raw files, at the start of `myomag run`, and the jobs `cohort` and `report`; all
others work on one scan, or one batch, at a time. A small study is simulated and run; its files and results then stand
for a large one under new names, each participant scanned once. Every measurement is a process of its own. The studies
lie in a temporary folder (TMPDIR) and are removed.
"""

import argparse
import itertools
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from myomag import __version__
from myomag.io.files import sha256_file, together
from myomag.ledger.activity import environment
from myomag.ledger.raw import write_index
from myomag.ledger.results import ScanResult, read_results
from myomag.ledger.rows import Row, ledger_path, read_ledger
from myomag.pipeline import ledgers_read
from myomag.settings.load import load_settings
from myomag.settings.models import Settings
from myomag.simulate.demo import write_demo
from myomag.steps.cohort import cohort_tables
from myomag.steps.report import report_files
from myomag.study.search import find_scans

HERE = Path(__file__).resolve().parent
RUN = "import sys; sys.argv[0] = 'myomag'; from myomag.cli import main; main()"
DERIVATIVE = Path("derivatives", "myomag")
PARTICIPANTS = 60
MOST_LINKS = 20_000
"""Names of one file; file systems have a limit."""
GOAL_MB = 1500
"""Promise for `cohort` and `report` at 100,000 scans."""
JOBS = ("index", "cohort", "report")


@dataclass(frozen=True)
class Measured:
    """Peak memory [MB] and wall time [s] of one job on a study of some scans."""

    job: str
    scans: int
    peak_mb: float
    wall_s: float


def main() -> None:
    """Run the small study, measure each job at each size, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--write", action="store_true", help="write MEMORY.md")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        job, small, study = options.one
        print(json.dumps(run(job, Path(small), Path(study), options.scans[0])))
        return
    with tempfile.TemporaryDirectory(prefix="myomag-memory-") as folder:
        small = Path(folder, "small")
        write_demo(small, participants=PARTICIPANTS)
        subprocess.run([sys.executable, "-c", RUN, "run", str(small)], check=True, capture_output=True)
        found = [measure(job, small, scans) for scans in options.scans for job in JOBS]
    text = page(found)
    print(text)
    if options.write:
        (HERE / "MEMORY.md").write_text(text, encoding="utf-8")


def measure(job: str, small: Path, scans: int) -> Measured:
    """Make the study a job needs, and measure the job in a process of its own."""
    study = small.with_name(str(scans))
    if not study.exists():
        link_files(small, study, scans)
        write_participants(small, study, scans)
    command = [sys.executable, __file__, "--scans", str(scans), "--one", job, str(small), str(study)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result = Measured(job, scans, *json.loads(done.stdout))
    print(f"{scans:,} scans, {job}: {result.peak_mb:.0f} MB, {result.wall_s:.0f} s", file=sys.stderr, flush=True)
    return result


def run(job: str, small: Path, study: Path, scans: int) -> tuple[float, float]:
    """Peak memory [MB] and wall time [s] of a job in this process."""
    started = time.monotonic()
    if job == "index":
        write_index(find_scans(study), study / DERIVATIVE, max(1, scans // 500))
    elif job == "report":
        report(small / DERIVATIVE, study / DERIVATIVE)
    else:
        cohort(small / DERIVATIVE, study, scans)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, time.monotonic() - started


def cohort(small: Path, study: Path, scans: int) -> None:
    """Tables of the cohort, from the results of the small study under new names."""
    ledgers = (path for step in ledgers_read("cohort") for path in small.glob(ledger_path(step, "*")))
    results = list(read_results(small, [path.relative_to(small) for path in ledgers if path.stem != "tables"]))
    renamed = (renamed_result(results[number % len(results)], participant(number)) for number in range(scans))
    contents = cohort_tables(renamed, study, settings(small), {}, {})
    with together(study / DERIVATIVE) as write:
        for name, content in contents.items():
            write(name, content)


def renamed_result(result: ScanResult, label: str) -> ScanResult:
    """The result of a scan as that of another participant; its files are the same."""
    scan = result.last.scan.replace(result.last.participant_id, label)
    rows = {step: replace(row, scan=scan, participant_id=label) for step, row in result.rows.items()}
    return ScanResult(result.root, rows)


def report(small: Path, large: Path) -> None:
    """Page and figures of the cohort, from the tables that `cohort` wrote, and the protocols of the small study."""
    made = [path.name for path in large.iterdir() if path.is_file()]
    protocols = read_ledger(small / ledger_path("protocols"))[0]
    with together(large) as write:
        for path, _ in protocols.outputs.values():
            write(path, (small / path).read_bytes())
    files = {name: (name, sha256_file(large / name)) for name in sorted(made)}
    steps = [Row("cohort", "", "", step="cohort", outputs=files), protocols]
    with together(large) as write:
        for path, content in report_files(large, steps, settings(small), environment()):
            write(path, content)


def settings(derivative: Path) -> Settings:
    """Resolved settings of a derivative."""
    return load_settings(derivative / "config.yaml")


def participant(number: int) -> str:
    """Label of a participant."""
    return f"sub-{number:06d}"


def link_files(small: Path, study: Path, scans: int) -> None:
    """Raw files of one scan per participant, links to copies of one of the small study."""
    first = min(small.glob("sub-*/**/*.nii.gz"))
    known = first.relative_to(small).parts[0]
    for number in range(scans):
        for path in (first, first.with_name(first.name.replace(".nii.gz", ".json"))):
            name = path.relative_to(small).as_posix().replace(known, participant(number))
            (study / name).parent.mkdir(parents=True, exist_ok=True)
            if number % MOST_LINKS:
                (study / name).hardlink_to(study / name.replace(participant(number), participant(number - 1)))
            else:
                (study / name).write_bytes(path.read_bytes())


def write_participants(small: Path, study: Path, count: int) -> None:
    """Tables of the participants of the small study, again and again under new labels."""
    for path in (small / "participants.tsv", *(small / "phenotype").glob("*.tsv")):
        head, *rows = path.read_text(encoding="utf-8").splitlines()
        rest = [row.split("\t", 1)[1] for row in rows]
        lines = (f"{participant(number)}\t{rest[number % len(rest)]}" for number in range(count))
        target = study / path.relative_to(small)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")


def page(found: list[Measured]) -> str:
    """Text of MEMORY.md."""
    lines = [f"| {m.scans:,} | {m.job} | {m.peak_mb:.0f} | {m.wall_s:.0f} |" for m in found]
    return "\n".join(
        [
            "# Memory of what sees all scans",
            "",
            f"Made by `python benchmarks/memory.py` (myomag {__version__}, Python {platform.python_version()}, "
            f"{os.cpu_count()} cores): files and results",
            f"of {PARTICIPANTS} simulated scans under new names. Index: search and index of the raw files, two of each "
            "scan. Peak of each",
            "process; each loads what any of them needs, so that the jobs themselves take some 20 MB less.",
            "",
            "| scans | what | peak (MB) | wall (s) |",
            "|---|---|---|---|",
            *lines,
            "",
            *(f"* {line}" for line in growth(found)),
            "",
        ]
    )


def growth(found: list[Measured]) -> Iterator[str]:
    """What a further scan takes, and the size of a study at which the goal is exceeded."""
    for job, group in itertools.groupby(sorted(found, key=lambda m: (m.job, m.scans)), key=lambda m: m.job):
        *_, small, large = (None, *group)
        if small is None:
            continue
        slope = (large.peak_mb - small.peak_mb) / (large.scans - small.scans)
        most = large.scans + (GOAL_MB - large.peak_mb) / slope
        yield (
            f"{job}: {large.peak_mb:.0f} MB at {large.scans:,} scans (goal for a job: ≤ {GOAL_MB} MB), "
            f"{1e3 * slope:.1f} kB a scan; {GOAL_MB} MB at some {most:,.0f} scans."
        )


if __name__ == "__main__":
    main()
