"""Running the command line and the workflow in tests, in a process of their own."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "rules", "workflow", "config", "envs")
"""What a checkout needs to run."""

CHANGING = (".snakemake", ".myomag", "logs", "benchmarks")
"""Folders of a derivative that hold no results."""


def checkout(target: Path) -> Path:
    """Copy of the repository, free to be edited."""
    target.mkdir(parents=True)
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__", ".mypy_cache"))
        else:
            shutil.copy2(source, target / part)
    return target


def command(*arguments: str | Path) -> list[str]:
    """The `myomag` command of whichever checkout PYTHONPATH names."""
    call = "import sys; sys.argv[0] = 'myomag'; from myomag.cli import main; main()"
    return [sys.executable, "-c", call, *map(str, arguments)]


def environment(repository: Path = REPOSITORY, **variables: str) -> dict[str, str]:
    """Environment in which `command` uses that checkout."""
    return os.environ | {"PYTHONPATH": str(repository / "workflow")} | variables


def myomag(
    *arguments: str | Path,
    repository: Path = REPOSITORY,
    cwd: Path | None = None,
    timeout: float = 300,
    prefix: Sequence[str] = (),
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, by way of another one if `prefix` names it; an error never shows a traceback."""
    done = subprocess.run(
        [*prefix, *command(*arguments)],
        cwd=cwd,
        env=environment(repository, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


def snakemake(
    *arguments: str | Path, repository: Path = REPOSITORY, cwd: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run plain Snakemake on the Snakefile of a checkout, which finds its package by itself."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", str(repository / "Snakefile"), *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": ""} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def jobs(text: str) -> dict[str, int]:
    """Number of jobs per rule that Snakemake did or would do, from the last job table of its output."""
    tables = re.findall(r"^Job stats:\njob +count\n[- ]+\n((?:\w+ +\d+\n)+)", text, re.MULTILINE)
    rows = (line.split() for line in tables[-1].splitlines()) if tables else ()
    return {rule: int(count) for rule, count in rows if rule not in ("total", "all")}


def finished(derivative: Path) -> Counter[str]:
    """Number of jobs per rule that the last `myomag run` finished, from its log."""
    text = (derivative / "logs" / "snakemake.log").read_text(encoding="utf-8")
    return Counter(
        rule for rule in re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", text, re.MULTILINE) if rule != "all"
    )


def results(derivative: Path) -> dict[str, str]:
    """SHA-256 of every file that is a result, by its path."""
    return {
        str(path.relative_to(derivative)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(derivative.rglob("*"))
        if path.is_file() and not path.name.endswith(".activity.jsonl") and not set(CHANGING) & set(path.parts)
    }


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Files that are not the same in both, sorted."""
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))
