"""Whether the ledgers are those their steps wrote, and rest on one another: checked by the activity records."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.audit.record import Derivative, Ledger
from myomag.errors import LedgerError
from myomag.io.files import sha256_bytes, sha256_file
from myomag.io.records import canonical, digest
from myomag.ledger.harness import ledger_files
from myomag.ledger.raw import TABLES
from myomag.ledger.rows import activity_path, ledger_path


@dataclass(frozen=True)
class Problem:
    """One finding.

    Attributes
    ----------
    kind : str
        changed, missing, swapped, added (a file); edited (a ledger, an activity record or the settings); stale (made
        from an earlier state); anchor.
    path : str
        The file, relative to the study or the derivative.
    message : str
        What is wrong, and the remedy.
    """

    kind: str
    path: str
    message: str


def again(step: str) -> str:
    """Remedy that repeats a step."""
    return f"compute it again: myomag run STUDY -- --forcerun {step}"


def ledger_problems(derivative: Derivative) -> Iterator[Problem]:
    """Ledgers that are missing, unreadable, edited or out of date, and activity records that do not hold together."""
    yield from _missing(derivative)
    for ledger in derivative.ledgers.values():
        if ledger.problem:
            yield Problem("edited", ledger.path, ledger.problem)
        elif ledger.step != "raw":
            yield from _edited(derivative, ledger)
    yield from _stale(derivative)


def _missing(derivative: Derivative) -> Iterator[Problem]:
    # A group has pages that lead to those of its sites, and nothing of a study.
    expected = {ledger_path("pages") if derivative.sites else TABLES}
    expected |= {ledger_path(step) for step in pipeline.named("study")}
    for raw in derivative.of_step("raw"):
        if raw.batch:
            expected |= {ledger_path(step.name, raw.batch) for step in pipeline.STEPS if step.kind != "study"}
    for path in sorted(expected - set(derivative.ledgers)):
        yield Problem("missing", path, f"ledger missing, or its step never ended; {again(path.split('/')[1])}")


def _edited(derivative: Derivative, ledger: Ledger) -> Iterator[Problem]:
    path, record = derivative.root / ledger.path, activity_path(derivative.root / ledger.path)
    name = record.relative_to(derivative.root).as_posix()
    if not ledger.lines:
        yield Problem("missing", name, f"activity record of {ledger.path} missing; {again(ledger.step)}")
        return
    bad = [str(number) for number in _bad_lines(ledger.lines)]
    if bad:
        yield Problem(
            "edited",
            name,
            f"line{'s'[: len(bad) - 1]} {', '.join(bad)} changed, or one before; restore the record, or delete it, "
            f"which loses what it says of earlier runs, and {again(ledger.step)}",
        )
    elif ledger.activity.get("ledger_sha256") != sha256_file(path):
        yield Problem("edited", ledger.path, f"changed since step {ledger.step} wrote it; {again(ledger.step)}")


def _bad_lines(lines: list[str]) -> Iterator[int]:
    """Lines, counted from 1, that are not what was written, or do not follow the line before them."""
    before = None
    for number, line in enumerate(lines, start=1):
        entry = _entry(line)
        if not entry or entry.get("previous_sha256") != before:
            yield number
        before = sha256_bytes(line.removesuffix("\n").encode())


def _entry(line: str) -> dict[str, Any] | None:
    """Content of a line, if it states its own digest and is, byte for byte, what was written of it."""
    try:
        entry: dict[str, Any] = json.loads(line)
        stated = entry.pop("sha256")
        whole = entry | {"sha256": stated}
        return whole if digest(entry) == stated and f"{canonical(whole)}\n" == line else None
    except (ValueError, LookupError, AttributeError, TypeError):
        return None


def _stale(derivative: Derivative) -> Iterator[Problem]:
    """Steps that read other ledgers than those present now."""
    for ledger in derivative.ledgers.values():
        if derivative.sites and ledger.step != "report":
            # What it read of the sites is compared file by file.
            continue
        stated = ledger.activity.get("inputs_sha256")
        paths = ledgers_behind(derivative, ledger)
        if stated and stated != digest(ledger_files(derivative.root, paths)):
            names = " or ".join(str(path) for path in paths[:3])
            yield Problem(
                "stale",
                ledger.path,
                f"step {ledger.step} read another {names} than the present one; one of both was changed, or a run was "
                f"not finished: myomag run STUDY, or {again(ledger.step)}",
            )


def ledgers_behind(derivative: Derivative, ledger: Ledger) -> list[Path]:
    """Present ledgers that a step reads."""
    steps = pipeline.ledgers_read(ledger.step)
    found = [each.path for each in derivative.of_step(*steps) if ledger.batch in ("", each.batch)]
    tables = "table" in pipeline.BY_NAME[ledger.step].reads
    raw = [TABLES] if tables else [path for path in found if path != TABLES]
    return [Path(path) for path in found if not path.startswith("ledger/raw/") or path in raw]


def settings_problems(derivative: Derivative) -> Iterator[Problem]:
    """Steps whose settings are not those that config.yaml holds."""
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
                f"{rows[0].scan}{more}: made with other settings than config.yaml holds; {again(ledger.step)}",
            )
