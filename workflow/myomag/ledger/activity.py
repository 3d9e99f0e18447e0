"""The activity records: when, where, by whom and with which software a step ran."""

import base64
import csv
import getpass
import json
import os
import platform
import re
import socket
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from myomag import __version__
from myomag.io.files import sha256_bytes, sha256_file, write_atomic
from myomag.io.places import IN_WHEEL, PACKAGE, PACKAGES, REPOSITORY
from myomag.ledger.chained import chained, line_digest
from myomag.ledger.code import installed_version

LOCK = REPOSITORY / "envs" / "requirements.lock"
RECORDED_PACKAGES = (
    *("numpy", "scipy", "nibabel", "pandas", "statsmodels", "pydantic", "snakemake"),
    *("pydicom", "brukerapi", "pyyaml", "jinja2", "markupsafe", "python-docx", "lxml"),
)

ENVIRONMENT = ("python", "platform", "processor", "packages", "lock_sha256")
CODE = ("version", "git_commit", "git_dirty", "wheel_sha256", "wheel_changed")
RUN = ("host", "user", "job", "started", "ended")
"""Keys of an activity record: software and machine, the checkout, and who ran a step, when and where."""

_FAMILY = ("cpu family", "model")
_INSTRUCTIONS = ("avx2", "fma", "avx512f", "avx512_bf16", "asimd", "sve")
"""Entries of /proc/cpuinfo that identify the instruction set if the name of the processor does not."""


def environment() -> dict[str, Any]:
    """Software that runs this step: Python, packages, lock file, git commit of the checkout or content of the wheel."""
    commit, dirty = (None, None) if IN_WHEEL else _checkout()
    wheel, changed = _wheel() if IN_WHEEL else (None, None)
    code = (__version__, commit, dirty, wheel, changed)
    return surroundings() | dict(zip(CODE, code, strict=True))


def surroundings() -> dict[str, Any]:
    """The software without the code of this package, whose digest is in every row."""
    packages = {name: found for name in RECORDED_PACKAGES if (found := installed_version(name))}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "packages": packages,
        "lock_sha256": sha256_file(LOCK) if LOCK.is_file() else None,
    }


@cache
def processor() -> str:
    """Kind of processor: numpy and BLAS choose their instructions by it, which changes the last digits of results."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
    flags = set(facts.get("flags", facts.get("Features", "")).split())
    parts = [facts.get("model name", platform.machine()), *(f"{key} {facts[key]}" for key in _FAMILY if key in facts)]
    return ", ".join([*parts, *(flag for flag in _INSTRUCTIONS if flag in flags)])


def record_activity(root: Path, relative: str, *, started: datetime, step: str, content: Mapping[str, Any]) -> None:
    """Append a line to an activity record: when, where, by whom and with what a step ran.

    Parameters
    ----------
    root, relative
        Derivative folder and the record's place in it.
    started : datetime
        Start of the step, with time zone.
    content : mapping
        Entries of the step: the digests of its ledger and its inputs.
    """
    path = root / relative
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    entry = {
        "step": step,
        "started": started.isoformat(timespec="milliseconds"),
        "ended": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "host": socket.gethostname(),
        "user": user_name(),
        "job": os.environ.get("SLURM_JOB_ID", str(os.getpid())),
        **content,
        **environment(),
    }
    line = chained(entry, line_digest(lines[-1]) if lines else None)
    write_atomic(root, relative, ("\n".join([*lines, line]) + "\n").encode())


def last_entry(path: Path) -> dict[str, Any]:
    """Last line of an activity record: the job that wrote its ledger; empty if there is no readable one."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    except (OSError, ValueError, IndexError):
        return {}
    return entry if isinstance(entry, dict) else {}


def user_name() -> str:
    """User of this process; an account without a name, as in a container with a bare user id, by its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def _checkout() -> tuple[str | None, bool | None]:
    """Git commit of the checkout, and whether tracked files differ from it; None without a checkout or git."""
    # A shared checkout is only read.
    status = ("--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(REPOSITORY), *status],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None, None
    found = re.search(r"^# branch.oid ([0-9a-f]+)$", done.stdout, re.MULTILINE)
    if done.returncode or not found:
        return None, None
    return found.group(1), any(not line.startswith("#") for line in done.stdout.splitlines())


def _wheel() -> tuple[str | None, bool | None]:
    """SHA-256 of the list of the wheel's files with their digests, and whether any file differs from the list.

    The list is the part of RECORD that every installer copies unchanged from the wheel. None without it.
    """
    folder = PACKAGE.parent
    (found, *_) = [*distributions(name=PACKAGE.name, path=[str(folder)]), None]
    lines = csv.reader((found.read_text("RECORD") or "").splitlines() if found else ())
    listed = {path: stated for path, stated, _ in lines if path.split("/")[0] in PACKAGES and stated}
    if not listed:
        return None, None
    changed = any(_record_digest(folder / path) != stated for path, stated in listed.items())
    return sha256_bytes("\n".join(f"{path},{listed[path]}" for path in sorted(listed)).encode()), changed


def _record_digest(path: Path) -> str | None:
    """Digest of a file in the notation of RECORD; None if the file is missing."""
    if not path.is_file():
        return None
    return "sha256=" + base64.urlsafe_b64encode(bytes.fromhex(sha256_file(path))).decode().rstrip("=")
