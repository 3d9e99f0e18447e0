"""The record of one derivative, read back: its ledgers, activity records and settings."""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from myomag.errors import LedgerError, SettingsError
from myomag.io.records import digest
from myomag.ledger.raw import TABLES
from myomag.ledger.rows import STEPS, Row, activity_path, read_ledger
from myomag.run.advice import Advice
from myomag.run.snakefile import PROTOCOLS, SECTIONS, default_output, pooled_begin_times
from myomag.settings import origins
from myomag.settings.yaml_text import read_yaml

STUDY = "study"
DERIVATIVE = "derivative"
READ_FROM_STUDY = ("raw", "convert", origins.STEP)
"""Steps whose inputs lie in the study; all other files lie in the derivative."""
ORDER = (origins.STEP, *STEPS[:4], "protocols", *STEPS[4:], "cohort", "pages", "report")
"""Steps in the order of the flow."""


@dataclass(frozen=True, order=True)
class File:
    """A file the record names: `where` is study or derivative, and the path is relative to it."""

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
        Its rows; none where it cannot be read.
    problem : str
        Why it cannot be read, "" otherwise.
    lines : list of str
        Lines of its activity record with their ends; bytes that are no text are replaced.
    """

    path: str
    step: str
    rows: list[Row] = field(default_factory=list)
    problem: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def batch(self) -> str:
        """Batch of the ledger; "" for a step that sees all scans at once."""
        return Path(self.path).stem.removeprefix("batch-") if "batch-" in self.path else ""

    @property
    def activity(self) -> Mapping[str, Any]:
        """Last entry of the activity record: the run that wrote the ledger; empty where there is none."""
        try:
            entry = json.loads(self.lines[-1])
        except (IndexError, ValueError):
            return {}
        return entry if isinstance(entry, dict) else {}

    def inputs(self, row: Row) -> Iterator[tuple[str, File, str]]:
        """Role, file and SHA-256 of what a row says was read."""
        where = STUDY if self.step in READ_FROM_STUDY else DERIVATIVE
        for role, (path, sha) in sorted(row.inputs.items()):
            yield role, File(where, path), sha

    def outputs(self, row: Row) -> Iterator[tuple[str, File, str]]:
        """Role, file and SHA-256 of what a row says was written."""
        for role, (path, sha) in sorted(row.outputs.items()):
            yield role, File(DERIVATIVE, path), sha


@dataclass(frozen=True)
class Derivative:
    """A derivative with everything its ledgers and activity records say."""

    study: Path
    root: Path

    @cached_property
    def ledgers(self) -> dict[str, Ledger]:
        """Ledgers by their path, in the order of the flow."""
        found = (path for path in self.root.glob("ledger/*/*.tsv") if path.is_file())
        paths = [path.relative_to(self.root).as_posix() for path in found]
        known = [path for path in paths if path.split("/")[1] in ORDER]
        return {path: _read(self.root, path) for path in sorted(known, key=lambda p: (ORDER.index(p.split("/")[1]), p))}

    def of_step(self, *steps: str) -> list[Ledger]:
        """Ledgers of the steps named."""
        return [ledger for ledger in self.ledgers.values() if ledger.step in steps]

    @cached_property
    def rows(self) -> dict[str, dict[str, tuple[Ledger, Row]]]:
        """Ledger and row of each scan-level step, by scan and step."""
        scans: dict[str, dict[str, tuple[Ledger, Row]]] = {}
        for ledger in self.of_step(*STEPS):
            for row in ledger.rows if ledger.batch else ():
                scans.setdefault(row.scan, {})[ledger.step] = (ledger, row)
        return dict(sorted(scans.items()))

    @cached_property
    def makers(self) -> dict[File, tuple[Ledger, Row]]:
        """Ledger and row that name a file as written."""
        return {
            file: (ledger, row)
            for ledger in self.ledgers.values()
            for row in ledger.rows
            for _, file, _ in ledger.outputs(row)
        }

    @property
    def tables(self) -> list[File]:
        """Tables of the study and the files that describe them."""
        ledger = self.ledgers.get(TABLES)
        return [file for row in ledger.rows for _, file, _ in ledger.inputs(row)] if ledger else []

    def place(self, file: File) -> Path:
        """Where a file lies now."""
        return (self.study if file.where == STUDY else self.root) / file.path

    @cached_property
    def document(self) -> dict[str, Any]:
        """Resolved settings of the last run, as config.yaml holds them.

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
            raise LedgerError(f"{path}: does not hold the recorded settings.")
        return content

    @property
    def advice(self) -> Advice:
        """What commands need that are to work on this derivative, with the settings that the last run was given."""
        place = () if self.root == default_output(self.study) else ("--output", str(self.root))
        ledger = self.ledgers.get(origins.LEDGER)
        given = ledger.activity.get("command_line") or {} if ledger else {}
        settings = ("--config", *(f"{key}={json.dumps(value)}" for key, value in given.items())) if given else ()
        return Advice("STUDY" if self.study == self.root else str(self.study), place, settings)

    @cached_property
    def origins(self) -> dict[str, str]:
        """Where each setting that is not a default came from."""
        ledger = self.ledgers.get(origins.LEDGER)
        return dict(ledger.activity.get("origins", {})) if ledger else {}

    def settings(self, ledger: Ledger, row: Row) -> dict[str, Any]:
        """Settings that config.yaml says held for a row, whose digest the row names."""
        if ledger.step in STEPS:
            return self.scan_settings(ledger.step, row.participant_id, row.scan)
        if ledger.step in SECTIONS:
            reject = self._rejections(ledger.batch) if SECTIONS[ledger.step] else {}
            return {"settings": {name: self.document[name] for name in SECTIONS[ledger.step]}, "reject": reject}
        return self.document

    def scan_settings(self, step: str, participant_id: str, scan: str) -> dict[str, Any]:
        """Settings of a scan-level step as they held for one scan."""
        section = "fit" if step == "begin_time" else step
        settings = dict(self.document[section])
        if step == "fit":
            settings["protocols"] = self.protocols
        for target in (participant_id, scan):
            settings |= self.document["overrides"].get(target, {}).get(section, {})
        return settings

    @cached_property
    def protocols(self) -> dict[str, dict[str, Any]]:
        """Pooled begin times of the protocols."""
        return pooled_begin_times(self.root / PROTOCOLS)

    def settings_hold(self, ledger: Ledger, row: Row) -> bool:
        """Whether the settings of config.yaml are those that the row was made with."""
        try:
            return digest(self.settings(ledger, row)) == row.settings
        except (KeyError, TypeError, ValueError):
            return False

    def _rejections(self, batch: str) -> dict[str, str]:
        overrides = self.document["overrides"]
        if batch:
            raw = self.ledgers.get(f"ledger/raw/batch-{batch}.tsv")
            names = {name for row in (raw.rows if raw else ()) for name in (row.participant_id, row.scan)}
            overrides = {target: content for target, content in overrides.items() if target in names}
        return {target: content["reject"] for target, content in overrides.items() if "reject" in content}


def open_derivative(study: Path, output: Path | None = None) -> Derivative:
    """Record of the derivative of a study.

    Parameters
    ----------
    study : Path
        Study folder; its derivative may be named in its place where the study itself is not needed.
    output : Path or None
        Derivative; None for STUDY/derivatives/myomag.

    Raises
    ------
    SettingsError
        If there is no derivative.
    """
    study = study.expanduser().resolve()
    if not study.is_dir():
        raise SettingsError(f"{study}: no such folder; name that of a study, or of its results.")
    root = output.expanduser().resolve() if output else default_output(study)
    if not output and not root.is_dir() and (study / "ledger").is_dir():
        root = study
    if not (root / "ledger").is_dir():
        raise SettingsError(f"{root}: no results here; make them with: myomag run {study}, or name their folder.")
    return Derivative(study, root)


def _read(root: Path, path: str) -> Ledger:
    step, record = path.split("/")[1], activity_path(root / path)
    rows, problem = [], ""
    text = record.read_bytes().decode("utf-8", "replace") if record.is_file() else ""
    try:
        rows = read_ledger(root / path)
    except LedgerError as error:
        problem = str(error).removeprefix(f"{root / path}: ")
    return Ledger(path, step, rows, problem, list(io.StringIO(text, newline="\n")))
