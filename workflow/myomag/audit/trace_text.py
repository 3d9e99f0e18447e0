"""A trace as text for a terminal."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from myomag.audit.lineage import Step, file_record, step_record
from myomag.audit.record import STUDY, Derivative, File
from myomag.audit.trace import Trace
from myomag.io.files import printable
from myomag.io.records import digest
from myomag.ledger.activity import CODE, ENVIRONMENT

WIDTH = 120
MOST = 12
"""Largest number of files of a step, or scans of a statistic, shown before the rest is counted; --json has all."""


def trace_lines(derivative: Derivative, found: Trace) -> Iterator[str]:
    """Lines of a trace, with its environments at the end."""
    for value in found.values:
        yield from _value_lines(value)
    if found.table:
        yield from _table_lines(found.table)
    writer = _Writer(derivative, found)
    for top in found.tops:
        yield from writer.top(top)
    yield from writer.environment_lines()


def _value_lines(value: dict[str, Any]) -> Iterator[str]:
    yield f"{value['scan']}: {value['column']} = {value['value'] or 'n/a'}   in {value['table']}"
    if value.get("field"):
        verdict = "the same value" if value["agrees"] else "ANOTHER value: cohort.tsv or the record was changed"
        yield f"  taken from {value['field']} of {value['from']}: {verdict}"
    elif value["from"]:
        yield f"  joined from {value['from']}"


def _table_lines(table: dict[str, Any]) -> Iterator[str]:
    """Rows of a table; for a model, also its scans with their raw files: --json has the steps of each."""
    for cell in table.get("cells", ()):
        yield f"{cell['row']}: {cell['column']} = {cell['value'] or 'n/a'}   in {table['table']}"
        if "agrees" in cell:
            now = f"ANOTHER value, {cell['computed'] or 'n/a'}: {table['table']} or {cell['from']} was changed"
            yield f"  re-estimated from {cell['from']}: {'the same value' if cell['agrees'] else now}"
    for row in table["rows"][:MOST]:
        cells = "  ".join(
            # A short cell stays on one line.
            f"{key} {value}".replace(" ", "\u00a0" if len(f"{key} {value}") < WIDTH // 2 else " ")
            for key, value in row.items()
            if value is not None
        )
        yield from (
            line.replace("\u00a0", " ")
            for line in textwrap.wrap(cells, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        )
    if len(table["rows"]) > MOST:
        yield f"… and {len(table['rows']) - MOST} more rows: --json has all"
    for label, scans in (("included", table.get("entered")), ("not included", table.get("not_entered"))):
        if scans is None:
            continue
        yield f"{len(scans)} scans {label}"
        for scan in scans[:MOST]:
            values = ", ".join(f"{column} {cell or 'n/a'}" for column, cell in scan.get("values", {}).items())
            yield f"  {scan['scan']}: " + (f"{scan['step']}: {scan['reason']}" if "reason" in scan else values)
            yield from (f"    SHA-256 {sha}  {printable(path)}" for path, sha in scan["raw"].items())
        if len(scans) > MOST:
            yield f"  … and {len(scans) - MOST} more: --json has all"


class _Writer:
    """The tree of a trace; each file is described once, and environments are numbered."""

    def __init__(self, derivative: Derivative, found: Trace) -> None:
        self.derivative, self.graph = derivative, found.graph
        self.told: set[str] = set()
        self.defaults: dict[str, str] = {}
        self.environments: dict[str, dict[str, Any]] = {}

    def top(self, top: File | Step) -> Iterator[str]:
        yield ""
        yield from self.file(top, "", "") if isinstance(top, File) else self.step(top, "")

    def file(self, file: File, first: str, rest: str) -> Iterator[str]:
        """A file, and below it the step that made it."""
        record = file_record(self.derivative, self.graph, file)
        maker = self.graph.makers.get(file)
        place = "of the study, " if file.where == STUDY else ""
        yield f"{first}{printable(file.path)}"
        yield f"{rest}  SHA-256 {record['sha256']}  {place}{record['state']}"
        for found, sha in record["earlier"]:
            yield f"{rest}  SHA-256 {sha}  as found on {found}"
        if origin := record["imported"]:
            verdict = "the same content" if origin["sha256"] == record["sha256"] else "ANOTHER content since"
            yield f"{rest}  imported {origin['time']} from {printable(origin['original'])}: {verdict}"
        if maker and maker.name in self.told:
            yield f"{rest}  made by {maker.name}, see above"
        elif maker and maker.name in self.graph.steps:
            yield from self.step(maker, rest)

    def step(self, step: Step, indent: str) -> Iterator[str]:
        """A step, and below it the files it read."""
        self.told.add(step.name)
        record = step_record(self.derivative, step)
        yield f"{indent}└ {step.name}" + (f": {record['status']}: {record['reason']}" if record["reason"] else "")
        indent += "  "
        yield from (f"{indent}{line}" for line in self._facts(step.name, record, WIDTH - len(indent)))
        files = list(dict.fromkeys(file for file in step.used if file in self.graph.files))
        for number, file in enumerate(files[:MOST]):
            last = number == len(files) - 1
            yield from self.file(file, f"{indent}{'└─' if last else '├─'} ", f"{indent}{'  ' if last else '│ '} ")
        if len(files) > MOST:
            yield f"{indent}└─ … and {len(files) - MOST} more files: --json has all"

    def _facts(self, step: str, record: dict[str, Any], width: int) -> Iterator[str]:
        run = record["run"]
        if run["started"]:
            seconds = (datetime.fromisoformat(run["ended"]) - datetime.fromisoformat(run["started"])).total_seconds()
            who = f", user {run['user']} on {run['host']}, job {run['job']}" if run["user"] else ""
            yield f"ran   {run['started']}, {seconds:.2f} s{who}"
            code = f"SHA-256 {record['code_sha256']}, " if record["code_sha256"] else ""
            yield f"code  {code}environment [{self._environment(record)}]"
        yield f"in    {record['ledger']}"
        if record["settings_sha256"]:
            yield f"with  settings SHA-256 {record['settings_sha256']}"
            for line in self._settings_lines(step, record["settings"]):
                yield from textwrap.wrap(line, width, initial_indent="      ", subsequent_indent="        ")

    def _settings_lines(self, step: str, settings: dict[str, Any] | None) -> Iterator[str]:
        """Settings that differ from defaults singly with their origin; the defaults on one line."""
        if settings is None:
            yield "config.yaml now contains different settings: it was changed, or a later run was not finished"
            return
        for key, item in settings.items():
            if item["origin"] != "default":
                yield f"{key} = {_brief(item['value'])}  ← {item['origin']}"
        unchanged = {key: item["value"] for key, item in settings.items() if item["origin"] == "default"}
        if unchanged:
            yield f"defaults: {self._defaults(step, unchanged)}"

    def _defaults(self, step: str, settings: dict[str, Any]) -> str:
        """Settings of one section with their values, given once; for several sections, only their number."""
        sections = list(dict.fromkeys(key.partition(".")[0] for key in settings))
        if len(sections) > 1:
            return f"{len(settings)} in the sections {', '.join(sections)}: see config.yaml, or --json"
        text = ", ".join(f"{key.rpartition('.')[2]} = {_brief(value)}" for key, value in settings.items())
        first = self.defaults.setdefault(text, step)
        return text if first == step else f"the same {len(settings)} as for {first}"

    def _environment(self, record: dict[str, Any]) -> int:
        content = record["code"] | record["environment"]
        self.environments.setdefault(digest(content), content)
        return list(self.environments).index(digest(content)) + 1

    def environment_lines(self) -> Iterator[str]:
        """The environments referred to by number."""
        for number, content in enumerate(self.environments.values(), start=1):
            python, platform, processor, packages, lock = (content[key] for key in ENVIRONMENT)
            yield ""
            yield f"environment [{number}]"
            yield f"  {_code(content)}"
            yield f"  Python {python or 'unknown'}, {platform or 'system unknown'}, {processor or 'processor unknown'}"
            yield f"  {', '.join(f'{name} {version}' for name, version in (packages or {}).items())}"
            yield f"  lock file SHA-256 {lock or 'unknown'}"


def _code(content: Mapping[str, Any]) -> str:
    """The code of an environment in full: the commit of a checkout, or the content of a wheel."""
    version, commit, dirty, wheel, changed = (content[key] for key in CODE)
    if wheel:
        return f"myomag {version} from a wheel, SHA-256 {wheel}, {'changed since' if changed else 'as built'}"
    clean = {True: "with uncommitted changes", False: "clean", None: "unknown"}[dirty]
    return f"git commit {commit or 'unknown'}, {clean}"


def _brief(value: Any) -> str:
    """Value of a setting; a document by its name and digest."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return f"[{', '.join(str(item.get('name', '…')) for item in value)}]"
    if isinstance(value, dict):
        if name := value.get("name"):
            return f"{name} (SHA-256 {digest(value)[:12]}…)"
        pooled = (f"{key}: {item['begin_time_us']:g} µs" for key, item in value.items() if "begin_time_us" in item)
        return "{" + ", ".join(pooled) + "}"
    return str(json.dumps(value, ensure_ascii=False))
