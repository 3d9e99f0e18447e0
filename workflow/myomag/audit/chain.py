"""Whether the ledgers are as their steps wrote them and consistent with one another, by the activity records."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from myomag import pipeline
from myomag.audit.record import Derivative, Ledger
from myomag.errors import LedgerError
from myomag.io.files import sha256_file
from myomag.io.records import digest
from myomag.ledger.chained import bad_lines
from myomag.ledger.harness import ledger_files
from myomag.ledger.inputs import INPUTS, files_of, last_inputs
from myomag.ledger.raw import TABLES
from myomag.ledger.rows import activity_path, ledger_path


@dataclass(frozen=True)
class Problem:
    """One finding.

    Attributes
    ----------
    kind : str
        changed, missing, swapped, added (a file); edited (a ledger, an activity record or the settings); stale (made
        from an earlier state); sealed, signature (not as in the log of seals); anchor.
    path : str
        The file, relative to the study or the derivative.
    message : str
        What is wrong, and the remedy.
    """

    kind: str
    path: str
    message: str


AGAIN = "remake it: myomag run STUDY --repair"
"""Remedy that repeats only what made a file."""


def _forced(ledger: Ledger) -> str:
    """Remedy if a ledger agrees with its activity record but is inconsistent with others."""
    return f"recompute it: myomag run STUDY -- --forcerun {ledger.path}"


def ledger_problems(derivative: Derivative) -> Iterator[Problem]:
    """Ledgers that are missing, unreadable, edited or out of date, and inconsistent activity records."""
    yield from _missing(derivative)
    for ledger in derivative.ledgers.values():
        if ledger.problem:
            yield Problem("edited", ledger.path, ledger.problem)
        elif ledger.lines or not (ledger.step == "raw" or derivative.crate):
            yield from _edited(derivative, ledger)
    yield from _inputs_problems(derivative)
    yield from _stale(derivative)


def _inputs_problems(derivative: Derivative) -> Iterator[Problem]:
    """The record of what every run found must end with the content of the raw ledgers."""
    lines = derivative.inputs
    present = {ledger.path: files for ledger in derivative.of_step("raw") if (files := files_of(ledger.rows))}
    if not lines:
        # A group has no raw data of its own.
        if not derivative.crate and derivative.of_step("raw"):
            yield Problem(
                "missing", INPUTS, "record of the inputs of every run is missing; start it again: myomag run STUDY"
            )
    elif bad := [str(number) for number in bad_lines(lines)]:
        yield Problem("edited", INPUTS, f"{_numbered(bad)} changed, or one before; restore the record")
    elif (last := last_inputs(lines)) != present:
        other = sorted(path for path in last.keys() | present.keys() if last.get(path) != present.get(path))
        yield Problem(
            "edited",
            INPUTS,
            (f"ends with different files from those named by {other[0]}; one of the two was edited: restore it"),
        )


def _numbered(lines: list[str]) -> str:
    return f"line{'s'[: len(lines) - 1]} {', '.join(lines)}"


def _missing(derivative: Derivative) -> Iterator[Problem]:
    # A group has pages that link to those of its sites, and nothing from a study.
    expected = {ledger_path("pages") if derivative.sites else TABLES}
    expected |= {ledger_path(step) for step in pipeline.named("study")}
    for raw in derivative.of_step("raw"):
        if raw.batch:
            expected |= {ledger_path(step.name, raw.batch) for step in pipeline.STEPS if step.kind != "study"}
    for path in sorted(expected - set(derivative.ledgers)):
        yield Problem("missing", path, f"ledger missing, or its step never finished; {AGAIN}")


def _edited(derivative: Derivative, ledger: Ledger) -> Iterator[Problem]:
    path, record = derivative.root / ledger.path, activity_path(derivative.root / ledger.path)
    name = record.relative_to(derivative.root).as_posix()
    if not ledger.lines:
        yield Problem("missing", name, f"activity record of {ledger.path} missing; {AGAIN}")
        return
    bad = [str(number) for number in bad_lines(ledger.lines)]
    if bad:
        yield Problem(
            "edited",
            name,
            f"{_numbered(bad)} changed, or one before; restore the record, or delete it, which loses the information "
            f"on earlier runs, and {AGAIN}",
        )
    elif ledger.activity.get("ledger_sha256") != sha256_file(path):
        yield Problem("edited", ledger.path, f"changed since step {ledger.step} wrote it; {AGAIN}")


def _stale(derivative: Derivative) -> Iterator[Problem]:
    """Steps that read ledgers different from those present now."""
    for ledger in derivative.ledgers.values():
        if derivative.sites and ledger.step != "report":
            # Its inputs from the sites are compared file by file.
            continue
        stated = ledger.activity.get("inputs_sha256")
        paths = ledgers_behind(derivative, ledger)
        if stated and stated != digest(ledger_files(derivative.root, paths)):
            names = " or ".join(str(path) for path in paths[:3])
            yield Problem(
                "stale",
                ledger.path,
                f"step {ledger.step} read a different {names} from the present one; one of the two was changed, or a "
                f"run was not finished: myomag run STUDY, or {_forced(ledger)}",
            )


def ledgers_behind(derivative: Derivative, ledger: Ledger) -> list[Path]:
    """Present ledgers that a step reads."""
    steps = pipeline.ledgers_read(ledger.step)
    found = [each.path for each in derivative.of_step(*steps) if ledger.batch in ("", each.batch)]
    tables = "table" in pipeline.BY_NAME[ledger.step].reads
    raw = [TABLES] if tables else [path for path in found if path != TABLES]
    return [Path(path) for path in found if not path.startswith("ledger/raw/") or path in raw]


def settings_problems(derivative: Derivative) -> Iterator[Problem]:
    """Steps whose settings are not those in config.yaml."""
    try:
        _ = derivative.document
    except LedgerError as error:
        yield Problem("edited", "config.yaml", str(error).removeprefix(f"{derivative.root / 'config.yaml'}: "))
        return
    for ledger in derivative.ledgers.values():
        rows = [row for row in ledger.rows if row.settings and not derivative.settings_hold(ledger, row)]
        if rows:
            more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
            yield Problem(
                "stale",
                ledger.path,
                f"{rows[0].scan}{more}: made with different settings from those in config.yaml; {_forced(ledger)}",
            )
