"""Measure whole runs on simulated studies of several sizes, and write SCALING.md.

    python benchmarks/scale.py --scans 441 2000 10000 --batches 16 8 --write
    python benchmarks/scale.py --scans 2000 --batches 16 64 256

On each study, in this order: a run from raw transients to the report, a run with nothing to do, one with a participant
added, and one with a changed setting of `magnesium`. Further numbers of batches are tried on the first study only.

The speed of a shared machine wanders, so a fixed piece of work is timed every few seconds beside each run; its median
time is the pace of the run, by which runs of different hours are compared. Where PYAMARES_PYTHON names a Python with
pyAMARES, its fits are timed just before and after the runs of the first study. Studies lie in a temporary folder
(TMPDIR) and are removed.
"""

import argparse
import contextlib
import itertools
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from myomag import __version__
from myomag.simulate.demo import write_demo

HERE = Path(__file__).resolve().parent
REFERENCE = HERE.parents[1] / "shared" / "data" / "reference"
RUN = "import sys; sys.argv[0] = 'myomag'; from myomag.cli import main; main()"
PLANNED = 100_000
CORES = (2, 64)
COSTS = ("CPU time at the pace of the first run", "CPU time", "wall time")
PACE_EVERY_S = 3.0
STEPS = ("full run", "nothing to do", "one participant added", "`magnesium` changed")


@dataclass(frozen=True)
class Measured:
    """Cost of one command: wall and CPU time of all its processes [s], peak memory of its largest ones [MB].

    `pace_ms` is the CPU time of a fixed piece of work while it ran: large where the machine was slow.
    """

    wall_s: float
    cpu_s: float
    pace_ms: float
    main_mb: float
    job_mb: float
    jobs: int


@dataclass(frozen=True)
class Study:
    """One study as it was measured; sizes in MB."""

    scans: int
    batches: int
    measured: dict[str, Measured]
    raw_mb: float
    derivative_mb: float
    files: int
    hidden_files: int


def main() -> None:
    """Make the studies, measure each, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, nargs="+", default=[441, 2000, 10000])
    parser.add_argument("--batches", type=int, nargs="+", default=[16])
    parser.add_argument("--write", action="store_true", help="write SCALING.md")
    options = parser.parse_args()
    studies, fits = [], []
    with tempfile.TemporaryDirectory(prefix="myomag-scale-") as folder:
        make_studies(Path(folder), options.scans)
        for scans in options.scans:
            first = scans == options.scans[0]
            fits += pyamares_fits() if first else []
            study = Path(folder, str(scans))
            studies += [measure(study, scans, batches) for batches in options.batches[: None if first else 1]]
            fits += pyamares_fits() if first else []
            shutil.rmtree(study)
    text = page(studies, fits)
    print(text)
    if options.write:
        (HERE / "SCALING.md").write_text(text, encoding="utf-8")


def say(text: str) -> None:
    """Progress, with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def make_studies(folder: Path, sizes: list[int]) -> None:
    """Studies of one participant more than asked for, two at a time, the largest first."""
    say(f"simulating studies of {', '.join(map(str, sizes))} scans in {folder}")
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(make_study, [Path(folder, str(size)) for size in sorted(sizes, reverse=True)]))


def make_study(study: Path) -> None:
    """Simulated study whose last participant is kept aside."""
    last = int(study.name) + 1
    write_demo(study, participants=last)
    shutil.move(study / f"sub-{last:03d}", study.with_suffix(".added"))


def measure(study: Path, scans: int, batches: int) -> Study:
    """Run the four commands on a study, from scratch."""
    derivative, added = study / "derivatives" / "myomag", study / f"sub-{scans + 1:03d}"
    raw_mb, _ = size(study)
    settings = study / "myomag.yaml"
    settings.write_text(f"batches: {batches}\n", encoding="utf-8")
    measured = {}
    for step in STEPS:
        if step == STEPS[2]:
            shutil.move(study.with_suffix(".added"), added)
        if step == STEPS[3]:
            settings.write_text(f"batches: {batches}\nmagnesium: {{temperature_c: 36}}\n", encoding="utf-8")
        measured[step] = run(study, f"{scans} scans, {batches} batches, {step}")
        if step == STEPS[1] and measured[step].jobs:
            sys.exit(f"{measured[step].jobs} jobs ran where nothing was to do: was the code edited meanwhile?")
        if step == STEPS[0]:
            derivative_mb, files = size(derivative)
            hidden = sum(size(derivative / name)[1] for name in (".snakemake", ".myomag"))
    shutil.rmtree(derivative)
    shutil.move(added, study.with_suffix(".added"))
    return Study(scans, batches, measured, raw_mb, derivative_mb, files, hidden)


def run(study: Path, label: str) -> Measured:
    """Run the pipeline; a failed run ends the benchmark."""
    started, wall_clock = time.monotonic(), time.time()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([sys.executable, "-c", RUN, "run", str(study)], stdout=output, stderr=output)
        peaks, paces = [0.0, 0.0], [pace_ms()]
        watchers = [
            threading.Thread(target=each) for each in (lambda: watch(process, peaks), lambda: time_pace(process, paces))
        ]
        for watcher in watchers:
            watcher.start()
        code = process.wait()
        for watcher in watchers:
            watcher.join()
        output.seek(0)
        if code:
            sys.exit(f"{label}: exit code {code}\n{output.read()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    records = (study / "derivatives" / "myomag" / "benchmarks").rglob("*.tsv")
    result = Measured(
        time.monotonic() - started,
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        statistics.median(paces),
        *peaks,
        sum(path.stat().st_mtime >= wall_clock for path in records),
    )
    say(
        f"{label}: {result.wall_s:.0f} s, CPU {result.cpu_s:.0f} s, {result.main_mb:.0f} and {result.job_mb:.0f} MB, "
        f"pace {result.pace_ms:.0f} ms"
    )
    return result


def watch(process: subprocess.Popen[bytes], peaks: list[float]) -> None:
    """Follow the peak memory [MB] of the command and of Snakemake, its child, and that of the jobs, until they end.

    The kernel keeps the peak of each process; Snakemake's own figure is the largest of samples some seconds apart.
    """
    while process.poll() is None:
        main = {str(process.pid), *children(str(process.pid))}
        jobs = set().union(*map(descendants, main)) - main
        for place, pids in enumerate((main, jobs)):
            peaks[place] = max([peaks[place], *map(peak_mb, pids)])
        time.sleep(0.1)


def children(pid: str) -> list[str]:
    """Processes that a process started; none where it has ended."""
    with contextlib.suppress(OSError):
        return [pid for path in Path(f"/proc/{pid}/task").glob("*/children") for pid in path.read_text().split()]
    return []


def descendants(pid: str) -> set[str]:
    """Processes below a process."""
    return {each for child in children(pid) for each in (child, *descendants(child))}


def peak_mb(pid: str) -> float:
    """Peak memory of a process so far [MB]; 0 where it has ended."""
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    return 0.0


def time_pace(process: subprocess.Popen[bytes], paces: list[float]) -> None:
    """Time the fixed piece of work again and again until the command ends."""
    while True:
        try:
            process.wait(PACE_EVERY_S)
        except subprocess.TimeoutExpired:
            paces.append(pace_ms())
        else:
            return


def pace_ms() -> float:
    """CPU time [ms] of a fixed piece of work: Python, and Fourier transforms of the length of an FID."""
    fids = np.ones((16, 2048), dtype=np.complex128)
    started, total = time.thread_time(), 0
    for number in range(50_000):
        total += number * number % 7
    for _ in range(40):
        np.fft.fft(fids)
    return 1e3 * (time.thread_time() - started)


def size(folder: Path) -> tuple[float, int]:
    """Disk use [MB] and number of files and folders."""
    stats = [path.lstat() for path in folder.rglob("*")]
    return sum(stat.st_blocks * 512 for stat in stats) / 1e6, len(stats)


def pyamares_fits() -> list[float]:
    """CPU time [s] that pyAMARES takes for some fits of its own reference; empty where it is not installed."""
    other = os.environ.get("PYAMARES_PYTHON")
    if not other or not REFERENCE.is_dir():
        return []
    say("timing pyAMARES")
    files = [str(REFERENCE / name) for name in ("amares_example.npz", "amares_example_prior_knowledge.csv")]
    command = [other, str(HERE / "pyamares_fits.py"), *files, "--runs", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(fit["fit_cpu_s"]) for fit in json.loads(done.stdout.splitlines()[-1])]


def page(studies: list[Study], fits: list[float]) -> str:
    """Text of SCALING.md."""
    return "\n".join(
        [
            "# Scaling",
            "",
            f"Made by `python benchmarks/scale.py` (myomag {__version__}, Python {platform.python_version()}, "
            f"{os.cpu_count()} cores). Simulated studies of `myomag demo`:",
            "one scan of 16 transients with 2,048 points per participant. CPU time is that of all processes.",
            "Memory is the peak of the larger of `myomag` and Snakemake (main), and of the largest job, as the kernel",
            "keeps it. The machine is small and shared: compare ratios, and CPU rather than wall times. Pace is the",
            "CPU time of a fixed piece of work while the command ran: 20 % more of it is a machine 20 % slower.",
            "",
            "| scans | batches | what | jobs | wall (s) | CPU (s) | CPU per scan (ms) | pace (ms) | main (MB) "
            "| largest job (MB) |",
            "|---|---|---|---|---|---|---|---|---|---|",
            *(row(study, step) for study in studies for step in STEPS),
            "",
            *(f"* {line}" for line in (*checks(studies, fits), *plan(studies[-1]))),
            "",
        ]
    )


def row(study: Study, step: str) -> str:
    """One line of the table."""
    m = study.measured[step]
    numbers = [f"{m.jobs}", f"{m.wall_s:.0f}", f"{m.cpu_s:.0f}", f"{1e3 * m.cpu_s / study.scans:.1f}"]
    numbers.append(f"{m.pace_ms:.0f}")
    cells = [f"{study.scans:,}", f"{study.batches}", step, *numbers, f"{m.main_mb:.0f}", f"{m.job_mb:.0f}"]
    return f"| {' | '.join(cells)} |"


def checks(studies: list[Study], fits: list[float]) -> Iterator[str]:
    """Goals, and what was found."""
    first, last = studies[0], studies[-1]
    full = first.measured[STEPS[0]]
    for study in studies:
        if study.scans == first.scans:
            yield (
                f"{study.scans} scans in {study.batches} batches from raw transients to the report: "
                f"{study.measured[STEPS[0]].wall_s:.0f} s (goal: 441 in ≤ 60 s)."
            )
    if fits:
        alone = statistics.median(fits) * first.scans
        yield (
            f"pyAMARES 0.3.28, just before and after: {1e3 * statistics.median(fits):.0f} ms of CPU time a fit, so "
            f"{alone:.0f} s for {first.scans} fits alone, against {full.cpu_s:.0f} s for the whole run."
        )
    alike = [study for study in studies if study.batches == last.batches]
    slopes = [marginal(small, large, full.pace_ms) for small, large in itertools.pairwise(alike)]
    for before, after in itertools.pairwise(slopes):
        yield (
            "A further scan costs, between the first two sizes and between the next (goal: within 15 %): "
            + "; ".join(
                f"{name} {one:.0f} and {two:.0f} ms ({100 * (two / one - 1):+.0f} %)"
                for name, one, two in zip(COSTS, before, after, strict=True)
            )
            + "."
        )
    idle = last.measured[STEPS[1]].wall_s
    yield f"Nothing to do at {last.scans:,} scans: {idle:.1f} s (goal for 10,000: ≤ 10 s)."
    most = max(m.job_mb for study in studies for m in study.measured.values())
    yield f"Largest job of all: {most:.0f} MB (goal: ≤ 500 MB whatever the number of scans)."


def marginal(small: Study, large: Study, pace_ms: float) -> tuple[float, ...]:
    """Costs of a further scan in a full run [ms], as `COSTS` names them."""
    one, two, more = small.measured[STEPS[0]], large.measured[STEPS[0]], large.scans - small.scans
    at_pace = [measured.cpu_s * pace_ms / measured.pace_ms for measured in (one, two)]
    spent = (at_pace[1] - at_pace[0], two.cpu_s - one.cpu_s, two.wall_s - one.wall_s)
    return tuple(1e3 * seconds / more for seconds in spent)


def plan(study: Study) -> Iterator[str]:
    """What a study of `PLANNED` scans takes, from the largest study measured."""
    cpu_s = study.measured[STEPS[0]].cpu_s / study.scans
    hours = ", ".join(f"{cpu_s * PLANNED / 3600 / cores:.1f} h on {cores} cores" for cores in CORES)
    files, disk = study.files / study.scans, study.derivative_mb / study.scans
    yield (
        f"Per scan at {study.scans:,} scans: {1e3 * cpu_s:.0f} ms of CPU time, {files:.1f} files and folders "
        f"({study.hidden_files} of all hidden), {disk:.2f} MB beside {study.raw_mb / study.scans:.2f} MB of raw data."
    )
    yield (
        f"{PLANNED:,} scans at that cost: {cpu_s * PLANNED / 3600:.1f} h of CPU time ({hours}), "
        f"{files * PLANNED / 1e6:.1f} million files, {disk * PLANNED / 1000:.0f} GB."
    )


if __name__ == "__main__":
    main()
