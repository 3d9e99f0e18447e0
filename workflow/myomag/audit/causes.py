"""Why two derivatives differ: the first step in the chain where a scan differs, and what differs there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from myomag import pipeline
from myomag.audit.lineage import code_origin, state
from myomag.audit.record import DERIVATIVE, Derivative, File, Ledger
from myomag.io.records import digest
from myomag.ledger.activity import ENVIRONMENT as RECORDED
from myomag.ledger.rows import Files, Row, ledger_path

RAW, SCANS, TABLES, SETTINGS, CODE, ENVIRONMENT = (
    "raw data",
    "scans of the study",
    "tables of the study",
    "settings",
    "code",
    "environment",
)
CHANGED = "changed file"
UNEXPLAINED = "unexplained"
NOTHING_ELSE = "same data, settings, code and environment"
KINDS = (CHANGED, RAW, SCANS, TABLES, SETTINGS, CODE, ENVIRONMENT, UNEXPLAINED)
"""Kinds of causes, from the data onwards; of several at one step, the first counts."""


@dataclass(frozen=True)
class Cause:
    """Cause of a difference between results.

    Attributes
    ----------
    kind : str
        One of KINDS.
    step : str
        Step at which it acts first.
    detail : str
        What differs.
    through : str
        Other result through which it affects a scan, if it is not the scan's own.
    """

    kind: str
    step: str
    detail: str
    through: str = ""


@dataclass
class Comparison:
    """Two derivatives side by side."""

    a: Derivative
    b: Derivative
    _scan_causes: dict[str, list[Cause]] = field(default_factory=dict)

    @cached_property
    def shared(self) -> list[str]:
        """Scans that both have."""
        return [scan for scan in self.a.rows if scan in self.b.rows]

    def scan_causes(self, scan: str) -> list[Cause]:
        """Causes, earliest first: those at the first step where the scan differs, and those at later steps."""
        if scan not in self._scan_causes:
            self._scan_causes[scan] = self._found(scan)
        return self._scan_causes[scan]

    def _found(self, scan: str) -> list[Cause]:
        rows_a, rows_b = self.a.rows[scan], self.b.rows[scan]
        causes: list[Cause] = []
        for step in pipeline.SCAN_STEPS:
            if step in rows_a and step in rows_b and _result(rows_a[step][1]) != _result(rows_b[step][1]):
                causes += self._at_step(rows_a[step], rows_b[step], first=not causes)
        # Differences between machines are the same at every step: the first one is enough.
        return list({(cause.kind, cause.detail, cause.through): cause for cause in reversed(causes)}.values())[::-1]

    def _at_step(self, one: tuple[Ledger, Row], other: tuple[Ledger, Row], *, first: bool) -> list[Cause]:
        (ledger_a, row_a), (ledger_b, row_b) = one, other
        step = ledger_a.step
        causes = []
        if pipeline.reads_study(pipeline.BY_NAME[step]):
            causes += [Cause(RAW, step, text) for text in _file_differences(row_a.inputs, row_b.inputs)]
        if row_a.settings != row_b.settings:
            causes += self._settings(*one, *other, first=first)
        causes += _code_and_environment(ledger_a, row_a, ledger_b, row_b)
        # A failure before the first step is recorded only in the raw ledger.
        if first and not causes and row_a.reason != row_b.reason:
            causes.append(Cause(RAW, row_b.step or row_a.step, f"{row_a.reason or 'ok'} → {row_b.reason or 'ok'}"))
        return causes or ([Cause(UNEXPLAINED, step, NOTHING_ELSE)] if first else [])

    def _settings(self, ledger_a: Ledger, row_a: Row, ledger_b: Ledger, row_b: Row, *, first: bool) -> list[Cause]:
        spec_a, spec_b = self.a.spec(ledger_a), self.b.spec(ledger_b)
        pooled_a, pooled_b = spec_a.pooled, spec_b.pooled
        one, other = (spec.of_scan(row_a.participant_id, row_a.scan) for spec in (spec_a, spec_b))
        texts = list(differences(one, other))
        causes = [Cause(SETTINGS, ledger_a.step, "; ".join(texts))] if texts else []
        if pooled_a != pooled_b and not causes and not first:
            # The pooled value was changed by the scan itself, or by something already named.
            return []
        if pooled_a != pooled_b and not causes:
            through = f"begin time pooled over the protocol: {'; '.join(differences(pooled_a, pooled_b)) or 'other'}"
            return [replace(cause, through=through) for cause in self.pooled_causes]
        if not self.a.settings_hold(ledger_a, row_a) or not self.b.settings_hold(ledger_b, row_b):
            return [
                Cause(
                    SETTINGS,
                    ledger_a.step,
                    ("unknown: a config.yaml contains different settings from those named in its ledgers"),
                )
            ]
        return causes

    @cached_property
    def pooled_causes(self) -> list[Cause]:
        """Causes of different pooled begin times, earliest first."""
        causes = list(self.missing_scans())
        for scan in self.shared:
            own = self._begin_time_rows(scan)
            if own and _result(own[0]) != _result(own[1]):
                causes += self.scan_causes(scan)[:1]
        causes += self.study_causes("protocols")
        return _ordered(causes) or [Cause(UNEXPLAINED, "protocols", NOTHING_ELSE)]

    def _begin_time_rows(self, scan: str) -> tuple[Row, Row] | None:
        rows = [derivative.rows[scan].get("begin_time") for derivative in (self.a, self.b)]
        return (rows[0][1], rows[1][1]) if rows[0] and rows[1] else None

    def missing_scans(self) -> Iterator[Cause]:
        """Scans that only one of the two has."""
        for name, own, other in (("A", self.a, self.b), ("B", self.b, self.a)):
            only = [scan for scan in own.rows if scan not in other.rows]
            if only:
                more = f" and {len(only) - 1} more" if len(only) > 1 else ""
                yield Cause(SCANS, "raw", f"only in {name}: {only[0]}{more}")

    def changed_since(self, table: str) -> Cause | None:
        """The cause of all differences in a table that is not, or no longer, as its step wrote it."""
        file = File(DERIVATIVE, table)
        for name, derivative in (("A", self.a), ("B", self.b)):
            if file in derivative.makers:
                ledger, row = derivative.makers[file]
                if (now := state(derivative, file, row.outputs[table][1])) != "as recorded":
                    return Cause(CHANGED, ledger.step, f"{table} of {name} is {now}, see: myomag verify")
        return None

    @cached_property
    def cohort_causes(self) -> list[Cause]:
        """Differences at the step that makes the tables, first cause first."""
        return self.study_causes("cohort")

    @cached_property
    def summary_causes(self) -> list[Cause]:
        """Causes of differences in the tables over many scans, those closest to the data first."""
        scans = [cause for scan in self.shared for cause in self.scan_causes(scan)[:1]]
        causes = _ordered([*self.missing_scans(), *scans, *self.cohort_causes])
        return causes or [Cause(UNEXPLAINED, "cohort", NOTHING_ELSE)]

    def study_causes(self, step: str) -> list[Cause]:
        """Differences at a step over all scans: tables of the study, settings, code, environment."""
        ledgers = [derivative.ledgers.get(ledger_path(step)) for derivative in (self.a, self.b)]
        if not ledgers[0] or not ledgers[1] or not ledgers[0].rows or not ledgers[1].rows:
            return []
        (row_a,), (row_b,) = ledgers[0].rows, ledgers[1].rows
        causes = [Cause(TABLES, step, text) for text in self.table_differences()] if step == "cohort" else []
        if row_a.settings != row_b.settings:
            both = (self.a.spec(ledgers[0]), self.b.spec(ledgers[1]))
            one, other = ({**spec.settings, "reject": spec.reject} for spec in both)
            causes.append(Cause(SETTINGS, step, "; ".join(differences(one, other))))
        return causes + _code_and_environment(ledgers[0], row_a, ledgers[1], row_b)

    def table_differences(self) -> list[str]:
        """Tables of the study that differ."""
        files: list[Files] = []
        for derivative in (self.a, self.b):
            ledger = derivative.ledgers.get(ledger_path("raw", "tables"))
            files.append({row.scan: file for row in (ledger.rows if ledger else []) for file in row.inputs.values()})
        return list(_file_differences(*files))


def _result(row: Row) -> tuple[str, str, dict[str, str]]:
    """What counts as the result of a step."""
    return row.status, row.reason, {role: sha for role, (_, sha) in row.outputs.items()}


def _ordered(causes: list[Cause]) -> list[Cause]:
    """Causes without repeats, those closest to the data first."""
    return sorted(dict.fromkeys(causes), key=lambda cause: KINDS.index(cause.kind))


def _file_differences(a: Files, b: Files) -> Iterator[str]:
    for role in sorted(a.keys() | b.keys()):
        path, sha_a = a.get(role, (b.get(role, ("", ""))[0], ""))
        sha_b = b.get(role, ("", ""))[1]
        if sha_a != sha_b:
            change = f"{sha_a[:12]}… → {sha_b[:12]}…" if sha_a and sha_b else f"only in {'A' if sha_a else 'B'}"
            yield f"{path}: {change}"


def _code_and_environment(ledger_a: Ledger, row_a: Row, ledger_b: Ledger, row_b: Row) -> list[Cause]:
    causes, step = [], ledger_a.step
    one, other = ledger_a.activity, ledger_b.activity
    if row_a.code != row_b.code:
        origins = " → ".join(code_origin(activity) for activity in (one, other))
        causes.append(Cause(CODE, step, f"source {row_a.code[:12]}… → {row_b.code[:12]}…, {origins}"))
    keys = [key for key in RECORDED if key in one and key in other]
    texts = list(differences({key: one[key] for key in keys}, {key: other[key] for key in keys}))
    return causes + ([Cause(ENVIRONMENT, step, "; ".join(texts))] if texts else [])


def differences(a: Any, b: Any, name: str = "") -> Iterator[str]:
    """Leaves in which two documents differ, such as "begin_time_us 40 → 50"."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if name and a.get("name") != b.get("name"):
            # For another calibration or prior knowledge, the name says more than the content.
            yield f"{name} {a.get('name')} → {b.get('name')}"
            return
        for key in dict.fromkeys((*a, *b)):
            below = f"{name}.{key}" if name else str(key)
            if key not in a or key not in b:
                yield f"{below} only in {'A' if key in a else 'B'}"
            else:
                yield from differences(a[key], b[key], below)
        if a == b and list(a) != list(b):
            yield f"{name} in a different order"
    elif digest(a) != digest(b):
        yield f"{name} {a} → {b}"
