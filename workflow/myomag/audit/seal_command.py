"""`myomag seal`: a manual seal, its signature and its time stamp."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myomag.audit.chain import ledger_problems
from myomag.audit.record import Derivative
from myomag.audit.seal import log_of, rewritten
from myomag.errors import LedgerError, SettingsError
from myomag.ledger.seal import add_signature, add_token, append_seal, read_log
from myomag.wording.text import plural


@dataclass(frozen=True)
class Sealed:
    """State of a log: its place, the anchor of the last seal, and what was added.

    Attributes
    ----------
    log : Path
        The log.
    anchor, time : str
        Anchor and time of its last seal.
    seals : int
        Number of seals in it.
    added : tuple of str
        What was added: seal, signature, time stamp.
    """

    log: Path
    anchor: str
    time: str
    seals: int
    added: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Content for a script."""
        content = {"log": str(self.log), "anchor_sha256": self.anchor, "time": self.time}
        return content | {"seals": self.seals, "added": list(self.added)}

    def lines(self) -> Iterator[str]:
        """Lines for a terminal."""
        added = f"added: {', '.join(self.added)}" if self.added else "nothing to add: the record is the one sealed last"
        yield f"{self.log}: {added}. It contains {plural(self.seals, 'seal')}, the last of {self.time}."
        yield f"anchor {self.anchor}"


def add_seal(
    derivative: Derivative, named: Path | None, *, key: Path | None, token: Path | None, accept: str | None
) -> Sealed:
    """Add the requested entries to the log of seals.

    Parameters
    ----------
    derivative : Derivative
        The record.
    named : Path or None
        Log given by the user; None for that in the settings.
    key : Path or None
        SSH key that signs the last seal.
    token : Path or None
        Time stamp of the last seal; no new seal is then made, as its anchor would differ.
    accept : str or None
        Why records that do not continue from what was sealed are accepted.

    Raises
    ------
    SettingsError
        If there is no log, the key does not sign, or the time stamp is not for the last seal.
    LedgerError
        If the record is inconsistent, or does not continue from what was sealed and no reason is given.
    """
    path = log_of(derivative, named)
    if derivative.crate or path is None:
        raise SettingsError("no log of seals for these results; name the study, or a log: --log FILE")
    added = []
    if not token:
        _check(derivative, path, accept)
        said = {"accepted": accept} if accept else {}
        added += ["seal"] if append_seal(derivative.root, path, **said) else []
    if key:
        add_signature(path, key.expanduser(), ask=sys.stdin.isatty())
        added.append("signature")
    if token:
        add_token(path, token.read_bytes())
        added.append("time stamp")
    log = read_log(path)
    last = log.seals[-1]
    return Sealed(path, last["anchor"], last["time"], len(log.seals), tuple(added))


def _check(derivative: Derivative, path: Path, accept: str | None) -> None:
    """Refuse to seal an inconsistent record."""
    problems = [*ledger_problems(derivative), *([] if accept else rewritten(derivative, read_log(path)))]
    if problems:
        more = f" (and {len(problems) - 1} more: myomag verify STUDY)" if len(problems) > 1 else ""
        raise LedgerError(f"not sealed: {problems[0].path}: {problems[0].message}{more}")
