"""What a result depends on apart from data: the code of a step and the packages it imports."""

import ast
import hashlib
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from myomag.io.files import sha256_bytes, sha256_file
from myomag.io.places import PACKAGE

DISTRIBUTIONS = {"docx": "python-docx", "yaml": "pyyaml"}
"""Packages whose installed name differs from their import name."""


def code_digest(script: Path) -> str:
    """SHA-256 of the syntax trees of a script and of every module of the package it imports, directly or indirectly.

    Comments, docstrings, formatting and time stamps do not count. Templates and other data files in the folder of an
    imported module do.
    """
    total = hashlib.sha256()
    script = script.resolve()
    # The script last, so that the digest is the same beside the package and, in a wheel, below it.
    for path in (*sorted(_closure(script) - {script}), script):
        total.update(_content_digest(path).encode())
    return total.hexdigest()


def software(script: Path) -> dict[str, str | None]:
    """Versions of Python and of the packages imported by a script and the modules it uses."""
    names = {name.partition(".")[0] for path in _closure(script.resolve()) for name in _imported_names(path)}
    packages = {DISTRIBUTIONS.get(name, name) for name in names - sys.stdlib_module_names - {PACKAGE.name}}
    python = ".".join(map(str, sys.version_info[:2]))
    return {"python": python} | {name: installed_version(name) for name in sorted(packages)}


def _closure(script: Path) -> set[Path]:
    """Script, modules and data files included in the digest."""
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
    # All steps import the plan, but an entry concerns only its own step, whose digest includes it (spec.step_code).
    return (found | data) - {PACKAGE / "pipeline.py"}


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    """Files of the package's modules that a file imports, including __init__ files."""
    return tuple(sorted({file for name in _imported_names(path) for file in _module_files(name)}))


def _imported_names(path: Path) -> frozenset[str]:
    """Dotted names of all imports of a file, including those inside functions."""
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

    Both from a single parse: reading the code takes a good part of the start of a run.
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


@cache
def installed_version(name: str) -> str | None:
    """Version of an installed package; only that line of its metadata is read, because full parsing is slow."""
    try:
        metadata = distribution(name).read_text("METADATA") or ""
    except PackageNotFoundError:
        return None
    found = re.search(r"^Version: *(\S+)", metadata, re.MULTILINE)
    return found.group(1) if found else version(name)
