"""Duration of a run: from the times of earlier runs, or a rough estimate."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from myomag import pipeline
from myomag.ledger.activity import last_entry
from myomag.ledger.rows import activity_path, ledger_path
from myomag.progress import duration
from myomag.run.plan import Forecast, Task, rows_of
from myomag.run.run_time import read_job

START_S = 2.5
"""Time [s] that Snakemake takes to start and to end."""
JOB_S = 0.6
"""Time [s] that a job takes to start Python and load its imports."""
SCAN_S = {"convert": 0.005, "qc": 0.02, "begin_time": 0.015, "fit": 0.015, "verdict": 0.002, "magnesium": 0.003}
"""Time [s] per scan in each step on the machine of docs/scaling.md."""
PAGE_S = 0.02
STUDY_S = 0.002
"""The same for steps over all scans."""


@dataclass(frozen=True)
class Cost:
    """Time of a run.

    Attributes
    ----------
    seconds, seconds_at_most : float
        Of jobs that certainly run, and including those that may run.
    cores : int
        Number of processors assumed.
    measured : bool
        Whether it comes from earlier runs of this study.
    """

    seconds: float
    seconds_at_most: float
    cores: int
    measured: bool

    def __str__(self) -> str:
        """The time as a sentence."""
        least, most = duration(self.seconds), duration(self.seconds_at_most)
        times = f"{least}, at most {most}," if least != most else least
        basis = "from the times of earlier runs" if self.measured else "a rough estimate until a run has been timed"
        return f"takes about {times} on {self.cores} processor{'' if self.cores == 1 else 's'}: {basis}"


def cost(forecast: Forecast, cores: int) -> Cost:
    """Time of the jobs of a plan with this many processors."""
    tasks = list(forecast.tasks.values())
    rates = {step: _rate(forecast, step) for step in {task.step for task in tasks}}
    sure = {task: _seconds(task, len(task.scans), rates[task.step]) for task in tasks if task.sure}
    at_most = {task: _seconds(task, len(task.at_most), rates[task.step]) for task in tasks}
    measured = all(rate is not None for rate in rates.values())
    return Cost(_wall(sure, cores), _wall(at_most, cores), cores, measured)


def _wall(times: dict[Task, float], cores: int) -> float:
    """Time [s] of jobs that run in parallel within a step, one step after another."""
    total = START_S if times else 0.0
    for step in pipeline.NAMES:
        found = [time for task, time in times.items() if task.step == step]
        total += max(max(found), sum(found) / cores) if found else 0.0
    return round(total, 1)


def _seconds(task: Task, scans: int, rate: float | None) -> float:
    if rate is None:
        rate = SCAN_S.get(task.step, PAGE_S if pipeline.BY_NAME[task.step].batched else STUDY_S)
    return JOB_S + rate * scans


def _rate(forecast: Forecast, step: str) -> float | None:
    """Time [s] per scan of a step when it last ran, over all its jobs; None if it never ran."""
    root = forecast.flow.root
    if not pipeline.BY_NAME[step].batched:
        path = root / "benchmarks" / f"{step}.tsv"
        job = read_job(path, step, "", len(forecast.scans)) if path.is_file() else None
        return max(0.0, job.seconds - JOB_S) / job.scans if job and job.scans else None
    seconds, scans = 0.0, 0
    for place in (Path(ledger_path(step, batch)) for batch in forecast.raw):
        entry = last_entry(root / activity_path(place))
        if "started" in entry and "ended" in entry:
            started, ended = (datetime.fromisoformat(entry[name]) for name in ("started", "ended"))
            seconds += (ended - started).total_seconds()
            made = entry.get("made")
            scans += len(rows_of(root / place)) if made is None else len(made)
    return seconds / scans if scans else None
