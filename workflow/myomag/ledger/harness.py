"""One harness for all steps: it checks inputs, and writes outputs (whole), ledger and activity record.

Additional code for steps over many scans is in `study_harness`, so that it does not count as code of the others.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar, get_args, get_type_hints

from myomag import pipeline
from myomag.errors import LedgerError, ScanError
from myomag.io.files import remove_files, sha256_file, together
from myomag.io.records import digest
from myomag.ledger.activity import record_activity
from myomag.ledger.keep import Kept, identity, kept_rows, remember
from myomag.ledger.rows import (
    Files,
    Row,
    activity_path,
    checked_ledger,
    checked_path,
    ledger_bytes,
    output_path,
)
from myomag.ledger.sidecars import with_origin
from myomag.ledger.spec import Spec, params_digest, software_digest
from myomag.run.jobs import job_log
from myomag.settings.base import Section

M = TypeVar("M", bound=Section)

StepFunction = Callable[..., dict[str, bytes]]
"""Pure function of a scan-level step: scan, paths by role, settings → contents by role."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One job of a step: its inputs and outputs.

    Attributes
    ----------
    spec : Spec
        Settings of the job.
    ledgers : tuple of Path
        Ledgers it reads, relative to the derivative.
    ledger : Path
        Ledger it writes, relative to the derivative.
    root, study : Path
        Derivative and study folder.
    params, software : str
        Digests of what Snakemake compares apart from ledgers, and of the package versions within it.
    """

    spec: Spec
    ledgers: tuple[Path, ...]
    ledger: Path
    root: Path
    study: Path
    params: str = ""
    software: str = ""

    @property
    def step(self) -> pipeline.Step:
        """Entry of the step in the plan."""
        return pipeline.BY_NAME[self.spec.step]

    def settings(self, model: type[M]) -> M:
        """Settings declared by the step, as the model named by its script.

        If imported here, the model would count as code of every step, and a new setting of one would repeat them all.
        """
        return model.only(self.spec.settings)


@contextmanager
def job(snakemake: Any) -> Iterator[Job]:
    """Job requested by Snakemake; an error in it ends as one line, with the traceback in its log.

    Parameters
    ----------
    snakemake : snakemake.iocontainers.Snakemake
        Object given to a script: its ledgers, its spec, and the study in the configuration.
    """
    with job_log(snakemake.log[0]):
        place = Path(snakemake.output.ledger)
        root = Path(*place.parts[:-3])
        yield Job(
            Spec.from_text(snakemake.params.spec),
            tuple(Path(path).relative_to(root) for path in snakemake.input.ledgers),
            place.relative_to(root),
            root.resolve(),
            Path(snakemake.config["study"]),
            params_digest(snakemake.params.spec, getattr(snakemake.params, "sources", "")),
            software_digest(snakemake.params.spec),
        )


def run_scans(task: Job, function: StepFunction) -> None:
    """Run one step over one batch of scans and write its ledger.

    Bad data (`ScanError`) make a failed row; a file that is not as recorded, or a bug, stops the job and changes
    nothing. Files written for these scans by an earlier run but not by this one are removed. Unchanged scans keep their
    files and rows; the activity record then lists those that were made.

    Parameters
    ----------
    task : Job
        The job.
    function : callable
        The step's pure function: scan, paths by role, settings (and pooled begin times) → contents by role.
    """
    started, step = datetime.now(UTC), task.step
    before, kept = _rows_before(task), kept_rows(task.root, task.ledger, task.software)
    done: list[Row] = []
    with together(task.root) as write:
        for number, rows in enumerate(before, start=1):
            done.append(_run_scan(task, function, rows, write, kept))
            log.info(
                "%s %d/%d %s: %s", step.name, number, len(before), done[-1].scan, done[-1].reason or done[-1].status
            )
        write(str(task.ledger), ledger_bytes(done))
    remember(task.root, task.ledger)
    remove_files(task.root, left_over(step, done))
    stayed = {row.scan for row in done if kept.rows.get(identity(row)) is row}
    made = [row.scan for row in done if row.step == step.name and row.scan not in stayed]
    record_job(task, started, **({"made": made} if stayed else {}))


def ledger_files(root: Path, paths: Iterable[Path]) -> Files:
    """Ledgers as files with digests, by their path in the derivative."""
    return {str(path): (str(path), sha256_file(root / path)) for path in sorted(paths)}


def left_over(step: pipeline.Step, rows: Iterable[Row]) -> set[str]:
    """Files that a step may have written for these scans before, but not now."""
    rows = list(rows)
    possible = {output_path(file, row) for row in rows for file in step.writes}
    return possible - {path for row in rows for path, _ in row.outputs.values()}


def record_job(task: Job, started: datetime, **said: Any) -> None:
    """Add a line to the activity record of the ledger just written, with the ledgers it depends on."""
    record_activity(
        task.root,
        str(activity_path(task.ledger)),
        started=started,
        step=task.spec.step,
        content={
            "ledger_sha256": sha256_file(task.root / task.ledger),
            "inputs_sha256": digest(ledger_files(task.root, task.ledgers)),
            "params_sha256": task.params,
            "software_sha256": task.software,
            **said,
        },
    )


def _rows_before(task: Job) -> list[dict[str, Row]]:
    """Rows of each scan in the ledgers read, by step, sorted by scan."""
    scans: dict[tuple[str, str, str], dict[str, Row]] = {}
    for path in task.ledgers:
        for row in checked_ledger(task.root, path):
            scans.setdefault((row.scan, row.participant_id, row.session_id), {})[path.parent.name] = row
    return [rows for _, rows in sorted(scans.items())]


def _run_scan(
    task: Job, function: StepFunction, rows: Mapping[str, Row], write: Callable[[str, bytes], str], kept: Kept
) -> Row:
    step = task.step
    failed = next((row for row in rows.values() if row.status != "ok"), None)
    row = failed or next(iter(rows.values()))
    settings = task.spec.digest_of_scan(row.participant_id, row.scan)
    done = replace(row, settings=settings, code=task.spec.code, inputs={}, outputs={})
    if failed:
        return done
    wanted = roles_read(step, rows)
    try:
        paths = {role: _checked(task, role, path, sha) for role, (path, sha) in wanted.items()}
        old = kept.row(replace(done, step=step.name, inputs=wanted))
        if old and old.outputs.keys() == {file.role for file in step.writes}:
            return old
        results = function(row.scan, paths, **arguments(function, task.spec, row.participant_id, row.scan))
    except ScanError as error:
        return replace(done, status="failed", step=step.name, reason=" ".join(str(error).split()), inputs=wanted)
    required = {file.role for file in step.writes if not file.optional}
    if not required <= results.keys() <= {file.role for file in step.writes}:
        raise ValueError(f"step {step.name} made {', '.join(results)}, which is not what its plan says")
    outputs: Files = {}
    results = with_origin(step, results, (path for path, _ in wanted.values()))
    for file in (file for file in step.writes if file.role in results):
        path = output_path(file, row)
        outputs[file.role] = (path, write(path, results[file.role]))
    return replace(done, step=step.name, inputs=wanted, outputs=outputs)


def roles_read(step: pipeline.Step, rows: Mapping[str, Row]) -> Files:
    """Files a step reads of a scan, by role, from the rows of the steps that wrote them.

    A role of the raw data includes its numbered companions (raw, raw_1, …), and sidecars need not exist.

    Raises
    ------
    LedgerError
        If a file required by the plan is in no ledger.
    """
    found: Files = {}
    for role in step.reads:
        source = pipeline.writer(role, step.name)
        row = rows.get(source)
        if row and pipeline.BY_NAME[source].kind == "entry":
            found |= {key: file for key, file in row.inputs.items() if key.partition("_")[0] == role}
        elif row and role in row.outputs:
            found[role] = row.outputs[role]
        elif not (row and any(file.role == role and file.optional for file in pipeline.BY_NAME[source].writes)):
            scan = next(iter(rows.values())).scan
            raise LedgerError(
                f"{scan}: the ledger of step {source} lists no {role}. Recompute from that step: myomag run STUDY -- "
                f"--forcerun {source}"
            )
    return dict(sorted(found.items()))


def arguments(function: StepFunction, spec: Spec, participant_id: str, scan: str) -> dict[str, Any]:
    """Settings of a scan, and the pooled begin times, as the models that the step's function takes."""
    hints = get_type_hints(function)
    given = {"settings": hints["settings"].only(spec.of_scan(participant_id, scan))}
    if pipeline.BY_NAME[spec.step].pooled:
        _, model = get_args(hints["pooled"])
        given["pooled"] = {protocol: model(**values) for protocol, values in spec.pooled.items()}
    return given


def _checked(task: Job, role: str, path: str, sha: str) -> Path:
    """Path of a file in a ledger, after checking its digest; raw files are in the study."""
    base = role if role in task.step.reads else role.rpartition("_")[0]
    source = pipeline.writer(base, task.spec.step)
    if pipeline.BY_NAME[source].kind != "entry":
        return checked_path(task.root, path, sha, source)
    try:
        found = sha256_file(task.study / path)
    except OSError as error:
        raise ScanError(f"{PurePosixPath(path).name}: cannot be read ({error.strerror}).") from error
    if found != sha:
        raise LedgerError(f"{path}: the raw file changed while the pipeline was running; start it again.")
    return task.study / path
