"""What a result depends on besides data: a step's code and packages, and the record of who ran it where and when."""

import ast
import getpass
import hashlib
import json
import os
import platform
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

from myomag.files import sha256_bytes, sha256_file, write_atomic

PACKAGE = Path(__file__).resolve().parent
REPOSITORY = PACKAGE.parents[1]
LOCK = REPOSITORY / "envs" / "requirements.lock"
RECORDED_PACKAGES = (
    *("numpy", "scipy", "nibabel", "pandas", "statsmodels", "pydantic", "snakemake"),
    *("pydicom", "pymapvbvd", "pyyaml", "jinja2", "markupsafe"),
)
DISTRIBUTIONS = {"mapvbvd": "pymapvbvd", "yaml": "pyyaml"}
"""Packages that are installed under another name than they are imported by."""

_FAMILY = ("cpu family", "model")
_INSTRUCTIONS = ("avx2", "fma", "avx512f", "avx512_bf16", "asimd", "sve")
"""Facts of /proc/cpuinfo that tell of the instructions in use where the name of the processor does not."""


def canonical(content: Any) -> str:
    """JSON text without spaces: equal content gives equal text.

    The order of keys counts, as that of the lines of a fit does.
    """
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def digest(content: Any) -> str:
    """SHA-256 of the canonical JSON text."""
    return sha256_bytes(canonical(content).encode())


def code_digest(script: Path) -> str:
    """SHA-256 over the syntax trees of a script and of every module of the package it imports, directly or not.

    Comments, docstrings, formatting and time stamps do not count. Templates and other data files in the folder of an
    imported module do.
    """
    total = hashlib.sha256()
    for path in sorted(_closure(script.resolve())):
        total.update(_content_digest(path).encode())
    return total.hexdigest()


def software(script: Path) -> dict[str, str | None]:
    """Versions of Python and of the packages that a script and the modules of this package behind it import."""
    names = {name.partition(".")[0] for path in _closure(script.resolve()) for name in _imported_names(path)}
    packages = {DISTRIBUTIONS.get(name, name) for name in names - sys.stdlib_module_names - {PACKAGE.name}}
    python = ".".join(map(str, sys.version_info[:2]))
    return {"python": python} | {name: _version(name) for name in sorted(packages)}


def _closure(script: Path) -> set[Path]:
    found, waiting = {script}, [script]
    while waiting:
        for path in _imports(waiting.pop()):
            if path not in found:
                found.add(path)
                waiting.append(path)
    packages = {path.parent for path in found if path.is_relative_to(PACKAGE)}
    data = {
        path
        for package in packages
        for folder in (package / "templates",)
        if folder.is_dir()
        for path in folder.rglob("*")
        if path.is_file()
    }
    return found | data


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    """Files of the package's modules that a file imports, packages' __init__ included."""
    return tuple(sorted({file for name in _imported_names(path) for file in _module_files(name)}))


def _imported_names(path: Path) -> frozenset[str]:
    """Dotted names of all that a file imports, inside functions too."""
    return _source(path)[0]


def _module_files(name: str) -> Iterator[Path]:
    parts = name.split(".")
    if parts[0] != PACKAGE.name:
        return
    folder = PACKAGE
    yield folder / "__init__.py"
    for part in parts[1:]:
        if (folder / f"{part}.py").is_file():
            yield folder / f"{part}.py"
            return
        folder = folder / part
        if not (folder / "__init__.py").is_file():
            return
        yield folder / "__init__.py"


def _content_digest(path: Path) -> str:
    return _source(path)[1]


@cache
def _source(path: Path) -> tuple[frozenset[str], str]:
    """Names that a file imports, and the SHA-256 of its syntax tree without docstrings; of other files, of the bytes.

    Both from one look at the tree: reading the code is a good part of starting a run.
    """
    if path.suffix != ".py":
        return frozenset(), sha256_file(path)
    tree, names = ast.parse(path.read_bytes()), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
                node.body = body[1:]
    return frozenset(names), sha256_bytes(ast.dump(tree).encode())


def environment() -> dict[str, Any]:
    """Software that runs this step: Python, packages, lock file, git commit of the checkout."""
    packages = {name: found for name in RECORDED_PACKAGES if (found := _version(name))}
    commit, dirty = _checkout()
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "packages": packages,
        "lock_sha256": sha256_file(LOCK) if LOCK.is_file() else None,
        "git_commit": commit,
        "git_dirty": dirty,
    }


@cache
def processor() -> str:
    """Kind of processor: numpy and BLAS choose their instructions by it, which moves the last digits of results."""
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

    Each line names the SHA-256 of the line before it, so that a changed or removed line breaks the chain, and that of
    its own content, so that a change of the last line shows too.

    Parameters
    ----------
    root, relative
        Derivative folder and the record's place in it.
    started : datetime
        Start of the step, with time zone.
    content : mapping
        What the step says of itself: the digests of its ledger and of what it rests on.
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
        "previous_sha256": sha256_bytes(lines[-1].encode()) if lines else None,
    }
    entry["sha256"] = digest(entry)
    write_atomic(root, relative, ("\n".join([*lines, canonical(entry)]) + "\n").encode())


def user_name() -> str:
    """Who runs this process; an account without a name, as in a container under a bare user id, by its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


@cache
def _version(name: str) -> str | None:
    """Version of an installed package; only that line of its metadata is read, as parsing them is slow."""
    try:
        metadata = distribution(name).read_text("METADATA") or ""
    except PackageNotFoundError:
        return None
    found = re.search(r"^Version: *(\S+)", metadata, re.MULTILINE)
    return found.group(1) if found else version(name)


def _checkout() -> tuple[str | None, bool | None]:
    """Git commit of the checkout, and whether tracked files differ from it; None without a checkout or git."""
    # A checkout that many share is only read.
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
