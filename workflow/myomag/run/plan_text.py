"""The plan of a run in a few lines, and as JSON."""

import fcntl
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from myomag import pipeline
from myomag.errors import LedgerError
from myomag.io.files import PRIVATE
from myomag.ledger.pooled import check_protocols
from myomag.ledger.rows import checked_ledger, checked_outputs, ledger_path
from myomag.run.cost import Cost, cost
from myomag.run.moved import moved
from myomag.run.plan import POOLED, Forecast, Task

MOST = 5
"""Largest number of files and settings listed singly."""
_CONDITION = "(at most: only where spectra or the pooled begin time of a protocol change)"


@dataclass(frozen=True)
class StepPlan:
    """What one step would do.

    Attributes
    ----------
    step : str
        Its name.
    jobs, jobs_at_most : int
        Jobs that certainly run, and including those that may run.
    scans, participants, scans_at_most, participants_at_most : int
        What these jobs make; the rest of their batches is kept.
    why : list of str
        Why they run.
    """

    step: str
    jobs: int
    jobs_at_most: int
    scans: int
    scans_at_most: int
    participants: int
    participants_at_most: int
    why: list[str]


@dataclass(frozen=True)
class Plan:
    """What a run would do, and why.

    Attributes
    ----------
    first : bool
        Whether there are no results yet.
    moved : dict of str to list of str
        What has changed since the last run, by kind.
    missing : list of str
        Results that are missing or not as recorded, and are remade.
    steps : list of StepPlan
        Steps that run.
    kept : list of str
        Steps whose results are all kept.
    scans, left_out : int
        Scans of this run, and scans of the study that it leaves out.
    cost : Cost
        Its duration.
    refused : list of str
        Reasons why the run would refuse.
    """

    first: bool
    moved: dict[str, list[str]]
    missing: list[str]
    steps: list[StepPlan]
    kept: list[str]
    scans: int
    left_out: int
    cost: Cost
    refused: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Content for a script."""
        return asdict(self)


def plan(forecast: Forecast, cores: int) -> Plan:
    """Plan of a run with this many processors."""
    tasks = list(forecast.tasks.values())
    steps = [_step(list(group)) for _, group in groupby(tasks, key=lambda task: task.step)]
    running = {step.step for step in steps}
    return Plan(
        first=forecast.first,
        moved=moved(forecast),
        missing=[file for damage in forecast.damage for file in damage.files],
        steps=steps,
        kept=[name for name in pipeline.NAMES[1:] if name not in running],
        scans=len(forecast.scans),
        left_out=len(forecast.flow.left_out),
        cost=cost(forecast, cores),
        refused=list(refusals(forecast)),
    )


def _step(tasks: Sequence[Task]) -> StepPlan:
    sure = [task for task in tasks if task.sure]
    scans = {scan for task in sure for scan in task.scans}
    scans_at_most = {scan for task in tasks for scan in task.at_most}
    people, people_at_most = ({participant for participant, _, _ in some} for some in (scans, scans_at_most))
    return StepPlan(
        step=tasks[0].step,
        jobs=len(sure),
        jobs_at_most=len(tasks),
        scans=len(scans),
        scans_at_most=len(scans_at_most),
        participants=len(people),
        participants_at_most=len(people_at_most),
        why=list(dict.fromkeys(task.why for task in tasks)),
    )


def refusals(forecast: Forecast) -> Iterator[str]:
    """Why a run would end with an error: another run, and ledgers and tables that are not as recorded."""
    root = forecast.flow.root
    if _running(forecast):
        yield f"{root}: another run is active here; wait for it or stop it first."
    if forecast.first:
        return
    rewritten = {place for place, task in forecast.tasks.items() if task.sure}
    for step in pipeline.STEPS[1:]:
        for batch in forecast.raw if step.batched else [""]:
            place = ledger_path(step.name, batch)
            try:
                if step.name == POOLED and place not in {damage.ledger for damage in forecast.damage}:
                    # Its values reach the jobs before it could be remade.
                    check_protocols(root)
                if place not in rewritten and (root / place).is_file():
                    (checked_ledger if step.batched else checked_outputs)(root, (root / place).relative_to(root))
            except LedgerError as error:
                yield str(error)


def _running(forecast: Forecast) -> bool:
    """Whether another run holds the derivative."""
    try:
        with (forecast.flow.root / PRIVATE / "running").open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        # No run yet, or a file system without locks.
        return False
    return False


def plan_lines(found: Plan) -> Iterator[str]:
    """The plan as text for the terminal."""
    yield from (f"{'the run would refuse:':<21} {reason}" for reason in found.refused)
    for kind, texts in found.moved.items():
        yield from _listed(kind, [", ".join(texts)] if kind == "code" else texts)
    yield from _listed("missing, to be remade", found.missing)
    if found.left_out:
        yield f"{'left out':<21} {_plural(found.left_out, 'scan')} not selected"
    if not found.steps:
        if not found.refused:
            yield "Nothing to be done: all results are up to date."
        return
    told = [(step.step, _extent(step)) for step in found.steps]
    for extent, group in groupby(told, key=lambda item: item[1]):
        yield f"runs {', '.join(step for step, _ in group)}: {extent}"
    if any("at most" in extent for _, extent in told):
        yield _CONDITION
    if found.kept:
        yield f"keeps {', '.join(found.kept)}"
    yield str(found.cost)


def _listed(kind: str, texts: Sequence[str]) -> Iterator[str]:
    shown = texts if len(texts) <= MOST else texts[: MOST - 1]
    for number, text in enumerate(shown):
        yield f"{'' if number else kind:<21} {text}"
    if len(texts) > len(shown):
        yield f"{'':<21} … and {len(texts) - len(shown)} more"


def _extent(step: StepPlan) -> str:
    """Extent of a step, such as "24 scans of 24 participants"."""
    if pipeline.BY_NAME[step.step].kind == "study":
        return "once" if step.jobs else "at most once"
    pages = pipeline.BY_NAME[step.step].kind == "participant"
    sure, most = (
        _plural(people, "participant") if pages else f"{_plural(scans, 'scan')} of {_plural(people, 'participant')}"
        for scans, people in ((step.scans, step.participants), (step.scans_at_most, step.participants_at_most))
    )
    if not step.scans_at_most:
        return "no scan, but the record"
    if sure == most:
        return sure
    return f"{f'{sure}, ' if step.scans else ''}at most {most}"


def _plural(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
