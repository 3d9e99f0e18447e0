"""Whether a record is the sealed one, and what has changed since; who signed, and when it was stamped."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from myomag.audit.chain import Problem
from myomag.audit.record import Derivative, Ledger
from myomag.errors import LedgerError, SettingsError
from myomag.io.files import printable
from myomag.ledger.chained import line_digest
from myomag.ledger.inputs import INPUTS
from myomag.ledger.rows import activity_path
from myomag.ledger.seal import ACTIVITY, MARK, Log, leaves_of, named_marks, read_log
from myomag.ledger.seal_place import seal_log
from myomag.ledger.signing import signer, stamp_holds, stamped
from myomag.settings.audit import AuditSettings
from myomag.settings.load import study_settings
from myomag.wording.text import plural

MOST = 5
"""Largest number of rows listed singly before the rest is counted."""


@dataclass
class SealCheck:
    """A derivative compared with a log of seals.

    Attributes
    ----------
    log : Log
        The log.
    signers, authority : Path or None
        File of allowed signers (ssh-keygen), and certificates of the time-stamping authority (PEM).
    asked : bool
        Whether the user named the log. Otherwise a later unsealed step is only noted.
    problems : list of Problem
        Disagreements.
    notes : list of str
        Other findings.
    """

    log: Log
    signers: Path | None = None
    authority: Path | None = None
    asked: bool = False
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def compare(self, derivative: Derivative) -> None:
        """Fill problems and notes."""
        last = self.log.last
        if last is None:
            self.notes.append(f"No seals: {self.log.path} contains none; the next run adds one, or: myomag seal STUDY")
            return
        accepted = max((seal["line"] for seal in self.log.seals if "accepted" in seal), default=0)
        bad = [number for number in self.log.bad_lines if number > accepted]
        if bad:
            lines = ", ".join(map(str, bad))
            self._problem(f"line {lines} of the log changed, is incomplete, or follows a removed line", "seals")
        self.problems += rewritten(derivative, self.log)
        self._check_beginnings(accepted)
        changes = list(_changes(derivative, self.log, last["time"]))
        for made_again, problem in changes:
            if made_again and not self.asked:
                self.notes.append(f"{problem.path}: {problem.message}")
            else:
                self.problems.append(problem)
        agrees = "the record is the one sealed last" if not changes else "the record is not the one sealed last"
        self.notes.append(
            f"{plural(len(self.log.seals), 'seal')} in {self.log.path}, the last of {last['time']}: {agrees}."
        )
        self.notes += (
            f"Seal of {seal['time']} accepted a record that was started anew: {seal['accepted']}"
            for seal in self.log.seals
            if "accepted" in seal
        )
        self._check_added(last)

    def _check_beginnings(self, accepted: int) -> None:
        """Seals that found nothing of the previous record, as when the results were removed."""
        for seal in self.log.seals:
            if seal.get("anew") and seal["line"] > accepted:
                said = f"the seal of {seal['time']} is for a record that was started anew; if you removed the results, "
                said += "say so: myomag seal STUDY --accept REASON"
                if self.asked:
                    self._problem(said, "sealed")
                else:
                    self.notes.append(f"{said[0].upper()}{said[1:]}")

    def _problem(self, message: str, kind: str) -> None:
        self.problems.append(Problem(kind, self.log.path.name, message))

    def _check_added(self, last: dict[str, Any]) -> None:
        """Signatures and time stamps of the log."""
        lines = {line_digest(line): line.removesuffix("\n") for line in self.log.lines}
        sealed = {line_digest(self.log.lines[seal["line"] - 1]): seal for seal in self.log.seals}
        newest = line_digest(self.log.lines[last["line"] - 1])
        signed: dict[str, str] = {}
        for entry in self.log.added:
            seal = sealed.get(entry["of"])
            if seal is None:
                self._problem("a signature or time stamp is for a seal that the log does not contain", "signature")
            elif "signature" in entry:
                if name := signer(lines[entry["of"]], entry["signature"], self.signers):
                    signed[entry["of"]] = name
                else:
                    self._problem(f"seal of {seal['time']}: not signed by an allowed signer", "signature")
            else:
                self._check_stamp(seal, base64.b64decode(entry["token"]))
        if name := signed.get(newest):
            self.notes.append(
                f"Signed by {printable(name)}" + ("." if self.signers else "; to check whose key it is: --signers.")
            )
        elif self.signers:
            self._problem(f"seal of {last['time']}, the last one: not signed by an allowed signer", "signature")

    def _check_stamp(self, seal: dict[str, Any], token: bytes) -> None:
        try:
            holds = stamped(token) == seal["anchor"]
        except SettingsError as error:
            self._problem(f"seal of {seal['time']}: {error}", "signature")
            return
        if not holds or (self.authority and not stamp_holds(token, seal["anchor"], self.authority)):
            self._problem(f"seal of {seal['time']}: its time stamp is invalid", "signature")
        else:
            tail = "." if self.authority else "; to check whether it is genuine: --authority."
            self.notes.append(f"The seal of {seal['time']} has a time stamp{tail}")


def rewritten(derivative: Derivative, log: Log) -> Iterator[Problem]:
    """Activity records that do not continue from the lines sealed at any seal."""
    for path, tips in log.tips.items():
        lines = _lines(derivative, path)
        if lines:
            present = {line_digest(line) for line in lines}
            lost = [time for time, tip in tips if tip not in present]
            if lost:
                yield Problem(
                    "sealed",
                    path,
                    f"rewritten: does not continue from the line sealed on {lost[0]}; if it was deleted on purpose: "
                    "myomag seal STUDY --accept REASON",
                )


def _lines(derivative: Derivative, path: str) -> list[str]:
    ledger = _owner(derivative, path)
    return ledger.lines if ledger else derivative.inputs if path == INPUTS else []


def _changes(derivative: Derivative, log: Log, time: str) -> Iterator[tuple[bool, Problem]]:
    """Ledgers and records that differ from the last seal, and whether a later step explains it."""
    now = leaves_of(derivative.root)
    for path in sorted(log.leaves.keys() | now.keys()):
        if log.leaves.get(path) == now.get(path):
            continue
        if path.endswith(ACTIVITY):
            # It is reported with its ledger, which names the rows; alone it means that a step gave the same results.
            continue
        if path not in now:
            yield False, Problem("sealed", path, f"sealed on {time}, and gone")
        else:
            again = _made_again(derivative, path, log)
            how = "by a step that has run since and was not sealed" if again else "but no step has recorded doing so"
            yield (
                again,
                Problem("sealed", path, f"not as sealed on {time}: {_named(derivative, path, log)} changed, {how}"),
            )


def _named(derivative: Derivative, path: str, log: Log) -> str:
    """Rows of a ledger that were not sealed, and the number of sealed rows that are gone."""
    marks = log.marks.get(path, "")
    sealed = {marks[place : place + MARK] for place in range(0, len(marks), MARK)}
    try:
        present = dict(named_marks(derivative.root / path))
    except (OSError, ValueError):
        return "the whole ledger"
    other = [printable(name) for name, mark in present.items() if mark not in sealed]
    gone = len(sealed - set(present.values())) - len(other)
    more = f" and {len(other) - MOST} more" if len(other) > MOST else ""
    lost = f"{', and' if other else ''} {gone} row{'s' if gone != 1 else ''} fewer" if gone > 0 else ""
    return f"{', '.join(other[:MOST])}{more}{lost}".strip() or "the order of rows"


def _made_again(derivative: Derivative, path: str, log: Log) -> bool:
    """Whether a ledger was written by a step whose record continues from what was sealed."""
    record = INPUTS if path.startswith("ledger/raw/") else activity_path(Path(path)).as_posix()
    sealed, digests = log.leaves.get(record), [line_digest(line) for line in _lines(derivative, record)]
    return bool(digests) and digests[-1] != sealed and (sealed is None or sealed in digests)


def _owner(derivative: Derivative, record: str) -> Ledger | None:
    """Ledger that an activity record belongs to."""
    return derivative.ledgers.get(f"{record.removesuffix(ACTIVITY)}.tsv")


def log_of(derivative: Derivative, named: Path | None, *, reading: bool = False) -> Path | None:
    """Log of seals of a derivative: the given one, else that in the settings; None for none.

    Parameters
    ----------
    derivative : Derivative
        The record.
    named : Path or None
        Log given by the user.
    reading : bool
        Whether it is only read: it may then be where the record says the last run put it.

    Raises
    ------
    SettingsError
        If the settings name a place that is not allowed, or the last run was given one.
    """
    if named is not None:
        return named.expanduser().absolute()
    if not derivative.has_study or derivative.crate:
        return None
    given = derivative.given
    own = given.get("audit")
    if not reading and isinstance(own, Mapping) and own.get("seal_log"):
        # A record may come from others: nothing is written to the places it names unless requested.
        raise SettingsError(f"the last run added its seal to {own['seal_log']}; give this log: --log {own['seal_log']}")
    try:
        settings = study_settings(derivative.study, given).audit
    except SettingsError:
        settings = AuditSettings()
    return seal_log(derivative.study, derivative.root, settings, given)


def check_of(
    derivative: Derivative, named: Path | None, signers: Path | None, authority: Path | None
) -> SealCheck | None:
    """The log that verify compares with; None if there is none.

    Raises
    ------
    LedgerError
        If the log given by the user does not exist.
    """
    path = log_of(derivative, named, reading=True)
    if path is None:
        return None
    if named and not path.is_file():
        raise LedgerError(f"{path}: no such log of seals; name the one used by runs of this study.")
    return SealCheck(read_log(path), signers, authority, asked=named is not None)
