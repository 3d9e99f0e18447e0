"""Seals: after each run the anchor of the whole record is added to an append-only log outside the derivative.

The anchor is a Merkle root. Its leaves are the ledgers, which list every result and raw file by digest, and the last
lines of the activity records, which are chained to the lines before them. The log contains the leaves changed since the
previous seal, and a short mark of each ledger row, so that later changes can be named.
"""

import base64
import fcntl
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from myomag import __version__
from myomag.errors import SettingsError
from myomag.io.files import sha256_bytes
from myomag.ledger.chained import bad_lines, chained, entry_of, line_digest
from myomag.ledger.signing import sign, stamped

ACTIVITY = ".activity.jsonl"
MARK_BYTES = 6
"""Length of a row's digest: enough to distinguish rows, as a forged row would also have to match the leaf."""
MARK = 4 * MARK_BYTES // 3


@dataclass
class Log:
    """Content of a log of seals.

    Attributes
    ----------
    path : Path
        The file.
    lines : list of str
        Its lines with line ends.
    seals : list of dict
        The seals among them, with the number of their line as `line`.
    leaves : dict of str to str
        Leaves stated in the last seal, by path.
    marks : dict of str to str
        Marks of the rows of each ledger.
    tips : dict of str to list of (str, str)
        Time and last line of each activity record at every seal since the record was started anew, as found or as
        accepted.
    added : list of dict
        Signatures and time stamps.
    """

    path: Path
    lines: list[str] = field(default_factory=list)
    seals: list[dict[str, Any]] = field(default_factory=list)
    leaves: dict[str, str] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    tips: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    added: list[dict[str, Any]] = field(default_factory=list)

    @property
    def bad_lines(self) -> list[int]:
        """Lines, counted from 1, that were changed, or follow a missing line."""
        return list(bad_lines(self.lines))

    @property
    def last(self) -> dict[str, Any] | None:
        """The last seal."""
        return self.seals[-1] if self.seals else None


def read_log(path: Path) -> Log:
    """Read a log of seals; empty if there is no file yet.

    Raises
    ------
    SettingsError
        If the file is something else.
    """
    log = Log(path)
    if not os.path.lexists(path):
        return log
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise SettingsError(f"{path}: the log of seals cannot be read ({error.strerror}).") from error
    log.lines = list(io.StringIO(text, newline="\n"))
    with suppress(LookupError, TypeError, ValueError, AttributeError):
        for number, line in enumerate(log.lines, start=1):
            if entry := entry_of(line):
                _add(log, entry, number)
        if log.seals or not log.lines:
            return log
    raise SettingsError(f"{path}: not a log of seals; name another file: --log FILE, or audit.seal_log.")


def _add(log: Log, entry: Mapping[str, Any], number: int) -> None:
    if "anchor" not in entry:
        log.added.append(dict(entry))
        return
    log.seals.append({**entry, "line": number})
    for path in entry["gone"]:
        for each in (log.leaves, log.marks, log.tips):
            each.pop(path, None)
    for path, (leaf, marks) in entry["leaves"].items():
        log.leaves[path] = leaf
        if path.endswith(ACTIVITY):
            log.tips.setdefault(path, []).append((entry["time"], leaf))
        else:
            log.marks[path] = marks
    if "accepted" in entry or entry.get("anew"):
        known = (item for item in log.leaves.items() if item[0].endswith(ACTIVITY))
        log.tips = {path: [(entry["time"], leaf)] for path, leaf in known}


def leaves_of(root: Path) -> dict[str, str]:
    """SHA-256 of each ledger, and of the last line of each activity record, by path."""
    found = {}
    for path in sorted(root.glob("ledger/*/*")):
        name = path.relative_to(root).as_posix()
        if name.endswith(ACTIVITY):
            found[name] = line_digest(_last_line(path))
        elif name.endswith(".tsv"):
            found[name] = sha256_bytes(path.read_bytes())
    return found


def _last_line(path: Path) -> str:
    """Last line of a text; only the end of a long file is read."""
    with path.open("rb") as file:
        size, tail = file.seek(0, os.SEEK_END), 1 << 14
        while True:
            file.seek(max(0, size - tail))
            lines = file.read().splitlines(keepends=True)
            if len(lines) > 1 or tail >= size:
                return lines[-1].decode("utf-8", "replace") if lines else ""
            tail *= 4


def anchor_of(leaves: Mapping[str, str]) -> str:
    """Merkle root of leaves, hashed as in RFC 6962, so that a leaf cannot be mistaken for a node."""

    def root(hashes: list[bytes]) -> bytes:
        if len(hashes) == 1:
            return hashes[0]
        half = 1 << (len(hashes) - 1).bit_length() - 1
        return sha256(b"\x01" + root(hashes[:half]) + root(hashes[half:])).digest()

    hashes = [sha256(f"\0{leaf}  {path}".encode()).digest() for path, leaf in sorted(leaves.items())]
    return root(hashes).hex() if hashes else sha256_bytes(b"")


def named_marks(path: Path) -> Iterator[tuple[str, str]]:
    """Name and mark of each row of a ledger; for a ledger with a single row, of each file it lists."""
    _, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    for line in lines:
        name, *_, inputs, outputs = line.split("\t")
        if path.stem != "all":
            yield name, _mark(line)
            continue
        for file, sha in (*json.loads(inputs).values(), *json.loads(outputs).values()):
            yield file, _mark(f"{file} {sha}")


def _mark(text: str) -> str:
    return base64.urlsafe_b64encode(sha256(text.encode()).digest()[:MARK_BYTES]).decode()


def append_seal(root: Path, path: Path, **said: Any) -> dict[str, Any] | None:
    """Add a seal of the present record to a log; None if the last seal already covers it.

    Parameters
    ----------
    root : Path
        The derivative.
    path : Path
        The log.
    **said
        Additional entries of the seal.

    Raises
    ------
    SettingsError
        If the file is not a log of seals.
    OSError
        If it cannot be written.
    """
    leaves = leaves_of(root)
    with locked(path):
        log = read_log(path)
        anchor = anchor_of(leaves)
        if log.last and log.last["anchor"] == anchor and not said:
            return None
        new = {name: leaf for name, leaf in leaves.items() if log.leaves.get(name) != leaf}
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "myomag": __version__,
            "anchor": anchor,
            **({"anew": True} if log.last and not _goes_on(root, log) else {}),
            **said,
            "leaves": {name: [leaf, _marks(root / name)] for name, leaf in new.items()},
            "gone": sorted(log.leaves.keys() - leaves.keys()),
        }
        append_line(log, entry)
    return entry


def _goes_on(root: Path, log: Log) -> bool:
    """Whether any activity record still contains the line sealed last: none does if the results were removed."""
    sealed = {name: leaf for name, leaf in log.leaves.items() if name.endswith(ACTIVITY)}
    return not sealed or any(
        leaf in map(line_digest, (root / name).read_text("utf-8", "replace").splitlines())
        for name, leaf in sealed.items()
        if (root / name).is_file()
    )


def seal_run(root: Path, path: Path | None, key: Path | None) -> Iterator[str]:
    """Seal the record at the end of a run; if that fails, yields the reason, and the results remain valid."""
    if path is None:
        return
    try:
        if append_seal(root, path) and key:
            add_signature(path, key)
    except OSError as error:
        yield f"not sealed: {path} cannot be written ({error.strerror}); name another log: audit.seal_log"
    except SettingsError as error:
        yield f"not sealed: {error}" if not key else f"not sealed or not signed: {error}"


def add_signature(path: Path, key: Path, *, ask: bool = False) -> None:
    """Sign the line of the last seal of a log.

    Raises
    ------
    SettingsError
        If it cannot be signed.
    """
    line = _last_seal(read_log(path))
    signature = sign(line, key, ask=ask)
    with locked(path):
        append_line(read_log(path), {"of": line_digest(line), "signature": signature})


def add_token(path: Path, token: bytes) -> None:
    """Add a time stamp of the last seal to a log, after comparing its message imprint with the anchor.

    Raises
    ------
    SettingsError
        If it is not for this anchor.
    """
    log = read_log(path)
    line, anchor = _last_seal(log), str(log.seals[-1]["anchor"])
    if (imprint := stamped(token)) != anchor:
        raise SettingsError(f"the time stamp is for {imprint}, not for the anchor of the last seal, {anchor}.")
    with locked(path):
        append_line(read_log(path), {"of": line_digest(line), "token": base64.b64encode(token).decode()})


def _last_seal(log: Log) -> str:
    if not log.last:
        raise SettingsError(f"{log.path}: contains no seal yet; add one: myomag seal STUDY")
    return log.lines[int(log.last["line"]) - 1].removesuffix("\n")


def _marks(path: Path) -> str:
    if path.name.endswith(ACTIVITY):
        return ""
    try:
        return "".join(mark for _, mark in named_marks(path))
    except ValueError:
        # Damaged, as verify reports: its digest is sealed all the same.
        return ""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock a log against additions by others, if the file system has locks."""
    with path.open("ab") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def append_line(log: Log, entry: Mapping[str, Any]) -> str:
    """Append a line to a log in one write, after ending a line left unfinished by a crash."""
    line = chained(entry, line_digest(log.lines[-1]) if log.lines else None)
    unfinished = bool(log.lines) and not log.lines[-1].endswith("\n")
    with log.path.open("ab") as file:
        file.write(f"{chr(10) * unfinished}{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    log.lines.append(f"{line}\n")
    return line
