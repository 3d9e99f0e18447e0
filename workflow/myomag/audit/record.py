"""The record of one derivative, read back: its ledgers, activity records and settings."""

import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.audit.crate_record import RESULTS, Crate, crate_of
from myomag.errors import LedgerError, SettingsError, StudyError
from myomag.ledger.derivative import RAW_LINK, linked_datasets
from myomag.ledger.inputs import INPUTS, earlier_inputs
from myomag.ledger.pooled import pooled_begin_times
from myomag.ledger.raw import TABLES
from myomag.ledger.rows import Row, activity_path, ledger_path, read_ledger
from myomag.ledger.spec import Spec, resolve
from myomag.run.advice import Advice, GroupAdvice
from myomag.run.snakefile import default_output
from myomag.settings.origins import not_default
from myomag.settings.yaml_text import read_yaml
from myomag.study.imports import Import, read_imports

STUDY = "study"
DERIVATIVE = "derivative"
CRATE = "crate"


@dataclass(frozen=True, order=True)
class File:
    """A file in the record: `where` is study, derivative or crate, and the path is relative to it."""

    where: str
    path: str


@dataclass(frozen=True)
class Ledger:
    """One ledger with its activity record.

    Attributes
    ----------
    path, step : str
        Place in the derivative, and the step that wrote it.
    rows : list of Row
        Its rows; none if it cannot be read.
    problem : str
        Why it cannot be read, "" otherwise.
    lines : list of str
        Lines of its activity record with line ends; bytes that are not text are replaced.
    site, places : str, mapping of str to str
        In a group: the site whose ledger it is, and the paths of its study and derivative from the group.
    stated : mapping
        Equivalent statements of a crate without activity records.
    """

    path: str
    step: str
    rows: list[Row] = field(default_factory=list)
    problem: str = ""
    lines: list[str] = field(default_factory=list)
    site: str = ""
    places: Mapping[str, str] = field(default_factory=dict)
    stated: Mapping[str, Any] = field(default_factory=dict)

    @property
    def batch(self) -> str:
        """Batch of the ledger; "" for a step over all scans."""
        return Path(self.path).stem.removeprefix("batch-") if "batch-" in self.path else ""

    @property
    def activity(self) -> Mapping[str, Any]:
        """Last entry of the activity record: the run that wrote the ledger; empty if there is none."""
        return _entry(self.lines[-1]) if self.lines else self.stated

    def activity_of(self, row: Row) -> Mapping[str, Any]:
        """Entry of the run that made a row: the last one that did not keep it while making others."""
        entries = (_entry(line) for line in reversed(self.lines))
        return next((entry for entry in entries if row.scan in entry.get("made", [row.scan])), self.activity)

    def file(self, where: str, path: str) -> File:
        """File in the ledger, by its path in its study or derivative."""
        return File(where, f"{self.places[where]}/{path}" if where in self.places else path)

    def inputs(self, row: Row) -> Iterator[tuple[str, File, str]]:
        """Role, file and SHA-256 of the inputs of a row."""
        of_study = pipeline.reads_study(pipeline.BY_NAME[self.step])
        for role, (path, sha) in sorted(row.inputs.items()):
            # What a group reads from its sites is outside it, like a study; ratings are in the derivative.
            outside = path.startswith("../") or (of_study and not path.startswith(f"{pipeline.RATINGS}/"))
            yield role, self.file(STUDY if outside else DERIVATIVE, path), sha

    def outputs(self, row: Row) -> Iterator[tuple[str, File, str]]:
        """Role, file and SHA-256 of the outputs of a row."""
        for role, (path, sha) in sorted(row.outputs.items()):
            yield role, self.file(DERIVATIVE, path), sha

    def named(self, row: Row) -> Iterator[tuple[str, File, str]]:
        """Role, file and SHA-256 of the files a row describes: found in the study, or written."""
        return self.inputs(row) if pipeline.BY_NAME[self.step].kind == "entry" else self.outputs(row)


@dataclass(frozen=True)
class Derivative:
    """A derivative with everything in its ledgers and activity records.

    Attributes
    ----------
    study, root : Path
        The study and the derivative; the derivative twice if the study is not here.
    crate : Crate or None
        RO-Crate that the derivative is part of.
    """

    study: Path
    root: Path
    crate: Crate | None = None

    @property
    def has_study(self) -> bool:
        """Whether raw data and tables are searched for; those of a group are at its sites."""
        return self.study != self.root or bool(self.sites)

    @property
    def own(self) -> "Derivative":
        """The derivative without its source derivatives."""
        return self

    @property
    def notes(self) -> list[str]:
        """Remarks for readers of the record."""
        return []

    @cached_property
    def sites(self) -> dict[str, Path]:
        """Source derivatives by site; none for the derivative of a study."""
        return {name: path for name, path in linked_datasets(self.root).items() if name != RAW_LINK}

    @cached_property
    def ledgers(self) -> dict[str, Ledger]:
        """Ledgers by path, in the order of the flow."""
        found = (path for path in self.root.glob("ledger/*/*.tsv") if path.is_file())
        paths = [path.relative_to(self.root).as_posix() for path in found]
        steps = {path: path.split("/")[1] for path in paths}
        known = [path for path in paths if steps[path] in pipeline.NAMES]
        ordered = sorted(known, key=lambda path: (pipeline.NAMES.index(steps[path]), path))
        return {path: _read(self.root, path, self.crate) for path in ordered}

    @cached_property
    def inputs(self) -> list[str]:
        """Lines on the files of the study that every run found; none if they were not passed on."""
        path = self.root / INPUTS
        return text_lines(path.read_bytes()) if path.is_file() else []

    @cached_property
    def earlier(self) -> dict[str, list[tuple[str, str]]]:
        """Times at which earlier runs found a file of the study or a rater with a different SHA-256, by path."""
        return {path: seen[:-1] for path, seen in earlier_inputs(self.inputs).items() if len(seen) > 1}

    def of_step(self, *steps: str) -> list[Ledger]:
        """Ledgers of the given steps."""
        return [ledger for ledger in self.ledgers.values() if ledger.step in steps]

    @cached_property
    def imports(self) -> dict[str, Import]:
        """Origin of raw files, by place in the study; empty if there is no valid table."""
        try:
            return read_imports(self.study)
        except StudyError:
            return {}

    @cached_property
    def rows(self) -> dict[str, dict[str, tuple[Ledger, Row]]]:
        """Ledger and row of each scan-level step, by scan and step."""
        scans: dict[str, dict[str, tuple[Ledger, Row]]] = {}
        for ledger in self.of_step(*pipeline.named("entry"), *pipeline.SCAN_STEPS):
            for row in ledger.rows if ledger.batch else ():
                scans.setdefault(row.scan, {})[ledger.step] = (ledger, row)
        return dict(sorted(scans.items()))

    @cached_property
    def makers(self) -> dict[File, tuple[Ledger, Row]]:
        """Ledger and row that list a file as written."""
        return {
            file: (ledger, row)
            for ledger in self.ledgers.values()
            for row in ledger.rows
            for _, file, _ in ledger.outputs(row)
        }

    @property
    def tables(self) -> list[File]:
        """Tables of the study and of raters, and the files that describe them."""
        ledger = self.ledgers.get(TABLES)
        return [file for row in ledger.rows for _, file, _ in ledger.inputs(row)] if ledger else []

    def names(self, ledger: Ledger, row: Row) -> set[str]:  # noqa: ARG002
        """Names of a scan: its participant, with its session, or its stem."""
        participant = {row.participant_id, row.participant_id.removeprefix("sub-")}
        return {row.scan, *participant, *({f"{row.participant_id}/{row.session_id}"} if row.session_id else ())}

    def joined_from(self, scan: str, stated: str) -> list[File]:  # noqa: ARG002
        """Tables that a column was joined from, by its description in the data dictionary."""
        return [file for file in self.tables if file.path in stated]

    def place(self, file: File) -> Path:
        """Present path of a file."""
        if file.where == CRATE and self.crate:
            return self.crate.folder / file.path
        return (self.study if file.where == STUDY else self.root) / file.path

    @cached_property
    def document(self) -> dict[str, Any]:
        """Resolved settings of the last run, from config.yaml.

        Raises
        ------
        LedgerError
            If the file is missing or not readable.
        """
        path = self.root / "config.yaml"
        try:
            content = read_yaml(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise LedgerError(f"{path}: the recorded settings cannot be read ({reason}).") from error
        if not isinstance(content, dict):
            raise LedgerError(f"{path}: does not contain the recorded settings.")
        return content

    @property
    def advice(self) -> Advice:
        """What commands need to work on this derivative, with the settings given to the last run."""
        if self.sites:
            return self._group_advice
        place = () if self.root == default_output(self.study) else ("--output", str(self.root))
        given = (f"{key}={json.dumps(value)}" for key, value in self.given.items())
        settings = ("--config", *given) if self.given else ()
        return Advice(str(self.study) if self.has_study else "STUDY", place, settings)

    @property
    def given(self) -> Mapping[str, Any]:
        """Settings given to the last run on the command line."""
        ledger = self.ledgers.get(ledger_path("settings"))
        return (ledger.activity.get("command_line") or {}) if ledger else {}

    @property
    def _group_advice(self) -> GroupAdvice:
        ledger = self.ledgers.get(ledger_path("settings"))
        file = ledger.rows[0].inputs.get("settings") if ledger and ledger.rows else None
        given = ("--settings", os.path.normpath(self.root / file[0])) if file else ()
        return GroupAdvice(str(self.root), given, sites=tuple(map(str, self.sites.values())), names=tuple(self.sites))

    def origins_of(self, ledger: Ledger) -> Mapping[str, str]:  # noqa: ARG002
        """Origin of each setting that differs from its default and applied to a ledger."""
        return self.origins

    @cached_property
    def origins(self) -> dict[str, str]:
        """Origin of each setting that differs from its default."""
        ledger = self.ledgers.get(ledger_path("settings"))
        if ledger and not ledger.lines:
            return not_default(self.document)
        return dict(ledger.activity.get("origins", {})) if ledger else {}

    def spec(self, ledger: Ledger) -> Spec:
        """Settings for the step of a ledger, from config.yaml."""
        key = (ledger.step, ledger.batch if pipeline.BY_NAME[ledger.step].rejections else "")
        if key not in self._specs:
            targets = self._targets(ledger.batch) if key[1] else None
            self._specs[key] = resolve(ledger.step, self.document, targets=targets, pooled=self.pooled)
        return self._specs[key]

    @cached_property
    def _specs(self) -> dict[tuple[str, str], Spec]:
        return {}

    @cached_property
    def pooled(self) -> dict[str, dict[str, Any]]:
        """Pooled begin times of the protocols."""
        return pooled_begin_times(self.root)

    def settings_hold(self, ledger: Ledger, row: Row) -> bool:
        """Whether the row was made with the settings in config.yaml."""
        try:
            spec = self.spec(ledger)
            if pipeline.BY_NAME[ledger.step].kind == "scan":
                return spec.digest_of_scan(row.participant_id, row.scan) == row.settings
            return spec.digest_of_study() == row.settings
        except (KeyError, TypeError, ValueError):
            return False

    def _targets(self, batch: str) -> set[str]:
        """Participants and scans of a batch."""
        raw = self.ledgers.get(ledger_path("raw", batch))
        return {name for row in (raw.rows if raw else ()) for name in (row.participant_id, row.scan)}


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def open_derivative(study: Path, output: Path | None = None) -> Derivative:
    """Record of the derivative of a study.

    Parameters
    ----------
    study : Path
        Study folder, or its derivative or an RO-Crate of it if the study is not needed.
    output : Path or None
        Derivative, or an RO-Crate of it; None for STUDY/derivatives/myomag.

    Raises
    ------
    SettingsError
        If there is no derivative.
    """
    study = study.expanduser().resolve()
    if not study.is_dir():
        raise SettingsError(f"{study}: no such folder; name that of a study, or of its results.")
    root = output.expanduser().resolve() if output else default_output(study)
    if not output and not root.is_dir() and ((study / "ledger").is_dir() or crate_of(study)):
        root = study
    crate = crate_of(root)
    results = crate.folder / RESULTS if crate else root
    if not (results / "ledger").is_dir():
        raise SettingsError(f"{root}: no results here; make them with: myomag run {study}, or name their folder.")
    derivative = Derivative(results if root == study else study, results, crate)
    if derivative.sites:
        from myomag.audit.group import open_group

        return open_group(derivative)
    return derivative


def text_lines(content: bytes) -> list[str]:
    """Lines of a text with line ends; bytes that are not text are replaced."""
    return list(io.StringIO(content.decode("utf-8", "replace"), newline="\n"))


def _read(root: Path, path: str, crate: Crate | None) -> Ledger:
    step, record = path.split("/")[1], activity_path(root / path)
    rows, problem = [], ""
    lines = text_lines(record.read_bytes()) if record.is_file() else []
    try:
        rows = read_ledger(root / path)
    except LedgerError as error:
        problem = str(error).removeprefix(f"{root / path}: ")
    ledger = Ledger(path, step, rows, problem, lines)
    return replace(ledger, stated=crate.activity(step, ledger.batch)) if crate and not lines else ledger
