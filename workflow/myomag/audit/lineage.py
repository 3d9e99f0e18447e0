"""Origin of a file: the steps and files behind it, back to the raw data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from myomag import pipeline
from myomag.audit.record import DERIVATIVE, STUDY, Derivative, File, Ledger
from myomag.io.files import sha256_file
from myomag.ledger.activity import CODE, ENVIRONMENT, RUN
from myomag.ledger.pooled import PROTOCOLS
from myomag.ledger.rows import Row


@dataclass(frozen=True)
class Step:
    """One step of one scan, or of the whole study: its ledger and row, and the files it read."""

    ledger: Ledger
    row: Row
    used: tuple[File, ...]

    @property
    def name(self) -> str:
        """Name that is unique in the derivative."""
        return self.ledger.step if self.row.scan == self.ledger.step else f"{self.ledger.step} {self.row.scan}"


@dataclass
class Lineage:
    """Files in the record, and the steps that made them.

    Attributes
    ----------
    files : dict of File to str
        Recorded SHA-256.
    makers : dict of File to Step
        Step that wrote a file; raw data have none.
    steps : dict of str to Step
        Steps by name, the last ones first.
    """

    files: dict[File, str] = field(default_factory=dict)
    makers: dict[File, Step] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)


def lineage(derivative: Derivative, files: Iterable[File], steps: Iterable[Step] = ()) -> Lineage:
    """Everything behind some files and steps.

    A step over all scans ends the walk: the files it read are listed, but not their sources.
    """
    graph, waiting, seen = Lineage(), list(files), set[File]()
    recorded = _digests(derivative)
    for step in steps:
        graph.steps[step.name] = step
        waiting += step.used
    while waiting:
        file = waiting.pop()
        if file in seen or file not in recorded:
            continue
        seen.add(file)
        graph.files[file] = recorded[file]
        if file not in derivative.makers:
            continue
        step = step_of(derivative, *derivative.makers[file])
        graph.makers[file] = step
        graph.files |= {other: recorded[other] for other in step.used if other in recorded}
        if step.name not in graph.steps:
            graph.steps[step.name] = step
            waiting += step.used if step.ledger.batch else []
    return graph


def step_of(derivative: Derivative, ledger: Ledger, row: Row) -> Step:
    """Step described by a row, with the files it read.

    For a step over all scans these are the records and tables behind the ledgers in its row.
    """
    plan, used = pipeline.BY_NAME[ledger.step], [file for _, file, _ in ledger.inputs(row)]
    if plan.pooled and derivative.place(pooled := ledger.file(DERIVATIVE, PROTOCOLS)).is_file():
        used.append(pooled)
    if any(file.path in derivative.ledgers for file in used):
        used = [file for path in used for file in _behind(plan, derivative.ledgers.get(path.path))]
        used.sort(key=lambda file: (file.where != STUDY, file))
    return Step(ledger, row, tuple(used))


def _behind(plan: pipeline.Step, ledger: Ledger | None) -> Iterable[File]:
    """Files that a step takes from a ledger: those of the roles it reads; at a site, the products of the same step."""
    same = {f"{plan.name}.tsv", f"{plan.name}.json"} if ledger and ledger.site else set()
    for row in ledger.rows if ledger else ():
        if ledger:
            yield from (file for role, file, _ in ledger.named(row) if role in (*plan.reads, *same))


def _digests(derivative: Derivative) -> dict[File, str]:
    return {
        file: sha
        for ledger in derivative.ledgers.values()
        for row in ledger.rows
        for files in (ledger.inputs(row), ledger.outputs(row))
        for _, file, sha in files
    }


def state(derivative: Derivative, file: File, sha: str) -> str:
    """Whether a file is still as recorded: as recorded, changed, missing, or from a study that is not here."""
    if file.where == STUDY and not derivative.has_study:
        return "not here"
    try:
        return "as recorded" if sha256_file(derivative.place(file)) == sha else "changed"
    except OSError:
        return "missing"


def settings_with_origin(derivative: Derivative, step: Step) -> dict[str, dict[str, Any]]:
    """Settings of a step by dotted key, each with its value and origin."""
    if pipeline.BY_NAME[step.ledger.step].kind == "entry":
        return {}
    spec, row, origins = derivative.spec(step.ledger), step.row, derivative.origins_of(step.ledger)
    if pipeline.BY_NAME[spec.step].kind == "scan":
        found = {
            f"{section}.{key}": {"value": value, "origin": _origin(origins, section, key, row)}
            for section, values in spec.sections_of_scan(row.participant_id, row.scan).items()
            for key, value in values.items()
        }
        return found | ({PROTOCOLS: {"value": spec.pooled, "origin": PROTOCOLS}} if spec.pooled else {})
    settings = {
        f"{section}.{key}": {"value": value, "origin": origins.get(f"{section}.{key}", "default")}
        for section, content in spec.settings.items()
        for key, value in (content.items() if isinstance(content, Mapping) else ())
    }
    return settings | {
        f"overrides.{target}.reject": {"value": reason, "origin": origins.get(f"overrides.{target}.reject")}
        for target, reason in spec.reject.items()
    }


def _origin(origins: Mapping[str, str], section: str, key: str, row: Row) -> str:
    for target in (row.scan, row.participant_id):
        for name in (f"overrides.{target}.{section}.{key}", f"overrides.{target}"):
            if name in origins:
                return f"override of {target}, {origins[name]}"
    return origins.get(f"{section}.{key}", "default")


def code_origin(activity: Mapping[str, Any]) -> str:
    """Code in an activity record: the commit of a checkout, or the content of an installed wheel."""
    if sha := activity.get("wheel_sha256"):
        return f"wheel {activity['version']} {sha[:12]}…{' (changed)' if activity['wheel_changed'] else ''}"
    commit = activity.get("git_commit")
    return f"commit {commit[:12]}{' (changed)' if activity.get('git_dirty') else ''}" if commit else "commit unknown"


def step_record(derivative: Derivative, step: Step) -> dict[str, Any]:
    """The full record of a step."""
    activity, row = step.ledger.activity_of(step.row), step.row
    hold = not row.settings or derivative.settings_hold(step.ledger, row)
    return {
        "step": step.ledger.step,
        "scan": row.scan if row.participant_id else None,
        "status": row.status,
        "reason": row.reason or None,
        "settings_sha256": row.settings or None,
        "settings": settings_with_origin(derivative, step) if hold else None,
        "code_sha256": row.code or None,
        "code": {key: activity.get(key) for key in CODE},
        "environment": {key: activity.get(key) for key in ENVIRONMENT},
        "run": {key: activity.get(key) for key in RUN},
        "ledger": step.ledger.path,
        "read": [file.path for file in step.used],
        "wrote": [file.path for _, file, _ in step.ledger.outputs(row)],
    }


def file_record(derivative: Derivative, graph: Lineage, file: File) -> dict[str, Any]:
    """The full record of a file, and whether it is still valid; for an imported file, its origin.

    For an input file that earlier runs found with different content, also when and with which SHA-256.
    """
    origin = derivative.imports.get(file.path) if file.where == STUDY else None
    imported = {"original": origin.original, "sha256": origin.sha256, "time": origin.time} if origin else None
    return {
        "path": file.path,
        "in": "study" if file.where == STUDY else "derivative",
        "sha256": graph.files[file],
        "state": state(derivative, file, graph.files[file]),
        "made_by": graph.makers[file].name if file in graph.makers else None,
        "imported": imported,
        "earlier": [list(seen) for seen in derivative.earlier.get(file.path, ()) if file not in derivative.makers],
    }
