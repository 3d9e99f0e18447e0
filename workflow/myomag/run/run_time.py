"""The page with the time and memory of every job, as measured by Snakemake.

It is among the benchmarks, not in the report: the report is reproducible, times are not.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.io.files import write_atomic
from myomag.ledger.rows import ledger_path
from myomag.report.page import render
from myomag.wording.text import MISSING, finite, number, significant

RUNTIME_PAGE = "benchmarks/runtime.html"
SLOWEST = 10
SAMPLED_S = 1.0
"""Duration [s] of jobs of which Snakemake measures little more than the start: a few MB, and no CPU time."""


@dataclass(frozen=True)
class Job:
    """Cost of one job when it last ran.

    Attributes
    ----------
    batch : str
        Number of the batch; "" for a job over all scans.
    scans : int
        Number of scans it handled.
    seconds, cpu_seconds : float
        Wall time and CPU time [s]; 0 if the job was too short to be measured.
    peak_mb : float
        Largest resident memory [MB], of all its processes.
    """

    step: str
    batch: str
    scans: int
    seconds: float
    cpu_seconds: float
    peak_mb: float


def write_run_time(root: Path) -> None:
    """Write the run-time page of the derivative `root`, as far as jobs have run."""
    if not (jobs := read_jobs(root)):
        return
    steps = [[job for job in jobs if job.step == step] for step in pipeline.NAMES]
    slowest = sorted((job for job in jobs if job.batch), key=lambda job: -job.seconds)[:SLOWEST]
    page = render(
        "runtime.html.j2",
        (),
        scans=_all_scans(root),
        steps=[_cells(group, group[0].step) for group in steps if group],
        total=_cells(jobs, "all", scans=_all_scans(root)),
        slowest=[_cells([job], f"{job.step}, batch {job.batch}") for job in slowest],
    )
    write_atomic(root, RUNTIME_PAGE, page)


def read_jobs(root: Path) -> list[Job]:
    """Cost of each job of the present study, in the order of the steps."""
    jobs = []
    for step in pipeline.NAMES:
        for path in sorted((root / "benchmarks" / step).glob("batch-*.tsv")):
            batch = path.stem.removeprefix("batch-")
            if (raw := root / ledger_path(pipeline.NAMES[0], batch)).is_file():
                jobs.append(read_job(path, step, batch, _scans(raw)))
        if (path := root / "benchmarks" / f"{step}.tsv").is_file():
            jobs.append(read_job(path, step, "", _all_scans(root)))
    return jobs


def read_job(path: Path, step: str, batch: str, scans: int) -> Job:
    """Cost of a job from Snakemake's measurements."""
    with path.open(encoding="utf-8", newline="") as handle:
        (row, *_) = csv.DictReader(handle, delimiter="\t")
    # A dash marks what was not measured: the job ended before the first measurement.
    return Job(step, batch, scans, *(finite(row[name]) or 0.0 for name in ("s", "cpu_time", "max_rss")))


def _scans(ledger: Path) -> int:
    return ledger.read_bytes().count(b"\n") - 1


def _all_scans(root: Path) -> int:
    return sum(_scans(path) for path in root.glob(ledger_path(pipeline.NAMES[0], "*")))


def _cells(jobs: Sequence[Job], name: str, scans: int | None = None) -> dict[str, Any]:
    """One line of a table: jobs, scans, times, CPU time per scan and peak memory."""
    scans = sum(job.scans for job in jobs) if scans is None else scans
    cpu, longest = sum(job.cpu_seconds for job in jobs), max(job.seconds for job in jobs)
    sampled = {
        "cpu": number(cpu, 1),
        "per_scan": significant(1e3 * cpu / scans, 3) if scans else MISSING,
        "peak": number(max(job.peak_mb for job in jobs), 0),
    }
    return {
        "name": name,
        "jobs": len(jobs),
        "scans": f"{scans:,}",
        "seconds": number(sum(job.seconds for job in jobs), 1),
        "longest": number(longest, 1),
        **(sampled if longest > SAMPLED_S else dict.fromkeys(sampled, MISSING)),
    }
