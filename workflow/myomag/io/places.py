"""Location of the package, its workflow and the shipped settings, in a checkout or an installed wheel.

A wheel contains the other files of a checkout in one folder of the package, at the same relative paths; pyproject.toml
lists them.
"""

from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
IN_WHEEL = (PACKAGE / "checkout").is_dir()
REPOSITORY = PACKAGE / "checkout" if IN_WHEEL else PACKAGE.parents[1]
SNAKEFILE = REPOSITORY / "Snakefile"
CONFIG_DIR = REPOSITORY / "config"
PROFILES = CONFIG_DIR / "profiles"
SCRIPTS = REPOSITORY / "workflow" / "scripts"
PACKAGES = ("myomag", "snakemake_logger_plugin_myomag")
"""Packages, which a checkout has in workflow/."""

_WORKFLOW = (
    *("Snakefile", "rules/*.smk", "workflow/**/*", "config/**/*", "envs/*"),
    *("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"),
)


def workflow_files() -> Iterator[tuple[str, Path]]:
    """Every file of the workflow: its name in a checkout, and its path."""
    for pattern in _WORKFLOW:
        for path in sorted(REPOSITORY.glob(pattern)):
            yield from _named(path, REPOSITORY, "")
    if IN_WHEEL:
        for package in PACKAGES:
            for path in sorted((PACKAGE.parent / package).rglob("*")):
                if not path.is_relative_to(REPOSITORY):
                    yield from _named(path, PACKAGE.parent, "workflow/")


def _named(path: Path, folder: Path, below: str) -> Iterator[tuple[str, Path]]:
    if path.is_file() and path.suffix != ".pyc":
        yield below + path.relative_to(folder).as_posix(), path
