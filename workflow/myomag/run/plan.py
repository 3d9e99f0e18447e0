"""What a run would do, predicted from the ledgers: no job is started and nothing is written.

It applies Snakemake's criteria: a job runs if its ledger is missing or unfinished, if its params or the ledgers it
reads have changed since last time, or if an earlier job runs. After the protocols, Snakemake re-evaluates the jobs by
content, which is not known in advance; there the plan says "at most".
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from myomag import pipeline
from myomag.errors import LedgerError
from myomag.io.files import sha256_bytes, sha256_file
from myomag.io.records import digest
from myomag.ledger.activity import last_entry
from myomag.ledger.damage import Damage, damaged
from myomag.ledger.keep import Identity, identity
from myomag.ledger.pooled import PROTOCOLS, check_protocols
from myomag.ledger.raw import entry_batches, entry_ledgers
from myomag.ledger.rows import LEFT_OUT, Row, activity_path, ledger_bytes, ledger_path, parse_ledger, read_ledger
from myomag.ledger.spec import Spec, params_digest, software_digest
from myomag.run.snakefile import Flow

POOLED = "protocols"
"""The step after which Snakemake re-evaluates the jobs."""


@dataclass(frozen=True)
class Task:
    """One job that runs.

    Attributes
    ----------
    step, batch : str
        Step, and number of the batch; "" for a step over all scans.
    scans, at_most : frozenset of Identity
        Scans that it certainly makes, and including those that it may make; the others of its batch are kept.
    sure : bool
        Whether it certainly runs.
    why : str
        first, unfinished, settings, code, software, data, another step or missing.
    """

    step: str
    batch: str
    scans: frozenset[Identity]
    at_most: frozenset[Identity]
    sure: bool
    why: str

    @property
    def ledger(self) -> str:
        """Place of the ledger it writes."""
        return ledger_path(self.step, self.batch)


@dataclass
class Forecast:
    """Jobs that a run of a study would start.

    Parameters
    ----------
    flow : Flow
        Study, settings and derivative.
    hashed : bool
        Whether existing results that are not as recorded are repaired.
    """

    flow: Flow
    hashed: bool = False
    _tasks: dict[str, Task] = field(default_factory=dict)

    @cached_property
    def first(self) -> bool:
        """Whether there are no results yet."""
        return not (self.flow.root / "ledger").is_dir()

    @cached_property
    def raw(self) -> Mapping[str, list[Row]]:
        """Rows of the raw ledgers as this run would write them, by batch."""
        return {
            batch: parse_ledger(self.entry[ledger_path("raw", batch)].decode()) for batch in entry_batches(self.entry)
        }

    @cached_property
    def entry(self) -> dict[str, bytes]:
        """Raw ledgers and the ledger of the tables as this run would write them, by place."""
        flow = self.flow
        rows = entry_ledgers(
            flow.found, flow.root, flow.batch_count(), flow.left_out, read=not self.first, remember=False
        )
        return {path: ledger_bytes(found) for path, found in rows.items()}

    @cached_property
    def scans(self) -> frozenset[Identity]:
        """Scans of the study, excluding those left out."""
        return frozenset(identity(row) for rows in self.raw.values() for row in rows if row.status != LEFT_OUT)

    @cached_property
    def damage(self) -> list[Damage]:
        """Results that are remade because they are missing or not as recorded."""
        return [] if self.first else damaged(self.flow.root, list(self.raw), hashed=self.hashed)

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """Jobs by the ledger each writes, in the order of the flow, including repairs."""
        self.flow.batches = list(self.raw)
        for step in pipeline.STEPS[1:]:
            for batch in self.raw if step.batched else [""]:
                if task := self._task(step, batch):
                    self._tasks[task.ledger] = task
        for damage in self.damage:
            if damage.ledger not in self._tasks or not self._tasks[damage.ledger].sure:
                self._tasks[damage.ledger] = self._repair(damage)
        return dict(sorted(self._tasks.items(), key=lambda item: pipeline.NAMES.index(item[1].step)))

    def _task(self, step: pipeline.Step, batch: str) -> Task | None:
        place = ledger_path(step.name, batch)
        mine = self._of_batch(batch)
        why = self._own(step, batch, place)
        before = [task for path in self._read(step, batch) if (task := self._tasks.get(path))]
        looked_at_again = self.flow.waits_for_protocols(step.name) and self._runs(POOLED)
        if why and why != "data" and (why, step.kind) != ("settings", "scan"):
            return Task(step.name, batch, mine, mine, True, why)
        sure = bool(why) or any(self._alters(task) if looked_at_again else task.sure for task in before)
        changed = self._changed(step, batch) | (self._set_otherwise(step, batch) if why == "settings" else set())
        scans = mine & changed.union(*(task.scans for task in before)) if step.kind == "scan" else mine
        at_most = mine & changed.union(*(task.at_most for task in before)) if step.kind == "scan" else mine
        if looked_at_again and step.pooled:
            # The pooled values apply to all.
            at_most = mine
        elif not why and not before:
            return None
        return Task(step.name, batch, scans if sure else frozenset(), at_most, sure, why or "another step")

    def _own(self, step: pipeline.Step, batch: str, place: str) -> str:
        """Why a job runs independently of others; "" if it does not."""
        root = self.flow.root
        if self.first or not self._remembered:
            return "first"
        if not (root / place).is_file():
            return "unfinished" if (root / activity_path(Path(place))).is_file() else "first"
        if place in self._unfinished:
            return "unfinished"
        then = last_entry(root / activity_path(Path(place)))
        if not then:
            # Remade as damaged.
            return ""
        if not (step.pooled and self._pool_lost):
            spec = self.flow.spec(step.name, batch or None, self.raw.get(batch))
            sources = self.flow.sources() if step.name == pipeline.SETTINGS.name else ""
            if then.get("params_sha256") != params_digest(spec, sources):
                return self._what_moved(place, spec, then.get("software_sha256"))
        return "" if then.get("inputs_sha256") == self._inputs(step, batch) else "data"

    @cached_property
    def _pool_lost(self) -> bool:
        """Whether the pooled begin times differ from those of the last run: they are recomputed, or the run refuses."""
        try:
            check_protocols(self.flow.root)
        except LedgerError:
            return True
        return not (self.flow.root / PROTOCOLS).is_file()

    def _what_moved(self, place: str, text: str, software: object) -> str:
        """What differs between the spec of a job and its previous one."""
        spec = Spec.from_text(text)
        rows = rows_of(self.flow.root / place)
        if any(row.code != spec.code for row in rows):
            return "code"
        return "software" if software != software_digest(text) else "settings"

    def _inputs(self, step: pipeline.Step, batch: str) -> str:
        """Digest of the ledgers that a job reads, as in its activity record."""
        files = {}
        for path in sorted(self._read(step, batch)):
            if path in self.entry:
                files[path] = (path, sha256_bytes(self.entry[path]))
            elif (self.flow.root / path).is_file():
                files[path] = (path, sha256_file(self.flow.root / path))
        return digest(files)

    def _read(self, step: pipeline.Step, batch: str) -> list[str]:
        return self.flow.ledgers_read(step.name, batch or None)

    def _changed(self, step: pipeline.Step, batch: str) -> set[Identity]:
        """Scans of a batch that are new, or whose raw files differ from those that the first step read."""
        if not pipeline.reads_study(step) or not step.batched:
            return set()
        then = {identity(row): row for row in rows_of(self.flow.root / ledger_path(step.name, batch))}
        return {identity(row) for row in self.raw[batch] if differs(then.get(identity(row)), row)}

    def _set_otherwise(self, step: pipeline.Step, batch: str) -> set[Identity]:
        """Scans of a batch whose settings have changed since last time."""
        spec = Spec.from_text(self.flow.spec(step.name, batch, self.raw[batch]))
        of_most, own = spec.digest_of_scan("", ""), spec.overrides.keys()
        return {
            identity(row)
            for row in rows_of(self.flow.root / ledger_path(step.name, batch))
            if row.settings
            != (spec.digest_of_scan(row.participant_id, row.scan) if {row.participant_id, row.scan} & own else of_most)
        }

    def _alters(self, task: Task) -> bool:
        """Whether the ledger of a job cannot come out unchanged: its rows state different settings, code or scans."""
        if self.flow.waits_for_protocols(task.step):
            return task.sure
        if task.why in ("settings", "code", "first", "unfinished"):
            return task.why != "unfinished"
        rows = rows_of(self.flow.root / task.ledger)
        if pipeline.BY_NAME[task.step].kind == "scan" and set(map(identity, rows)) != self._listed(task.batch):
            return True
        return bool(self._changed(pipeline.BY_NAME[task.step], task.batch))

    def _of_batch(self, batch: str) -> frozenset[Identity]:
        """Scans of a batch, or of the study, excluding those left out."""
        return self._listed(batch) & self.scans if batch else self.scans

    def _listed(self, batch: str) -> frozenset[Identity]:
        return frozenset(map(identity, self.raw[batch]))

    def _runs(self, step: str) -> bool:
        return any(task.step == step for task in self._tasks.values())

    def _repair(self, damage: Damage) -> Task:
        _, step, name = damage.ledger.split("/")
        batch = name.removesuffix(".tsv").removeprefix("batch-") if name.startswith("batch-") else ""
        rows = rows_of(self.flow.root / damage.ledger)
        lost = {identity(row) for row in rows if any(path in damage.files for path, _ in row.outputs.values())}
        of_scans = pipeline.BY_NAME[step].kind == "scan" and lost
        scans = frozenset(lost) if of_scans else self._of_batch(batch)
        return Task(step, batch, scans, scans, True, "missing")

    @cached_property
    def _remembered(self) -> bool:
        """Whether Snakemake has records of earlier runs: without them, it remakes everything."""
        return any((self.flow.root / ".snakemake" / "metadata").glob("*"))

    @cached_property
    def _unfinished(self) -> set[str]:
        """Ledgers whose jobs Snakemake saw start but not end."""
        return set(_decoded(path.name for path in (self.flow.root / ".snakemake" / "incomplete").glob("*")))


def differs(then: Row | None, now: Row) -> bool:
    """Whether a scan of the study differs from the one that the first step read."""
    if then is None or LEFT_OUT in (then.status, now.status):
        return then is None or then.status != now.status
    if now.status == "failed" or then.step == "raw":
        return (then.status, then.reason) != (now.status, now.reason)
    return then.inputs != now.inputs


def rows_of(path: Path) -> list[Row]:
    """Rows of a ledger; none where it is missing or damaged."""
    try:
        return read_ledger(path)
    except LedgerError:
        return []


def _decoded(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        try:
            yield base64.urlsafe_b64decode(name).decode()
        except ValueError:
            continue
