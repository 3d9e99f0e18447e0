"""Where the package, its checkout and the shipped settings lie."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
REPOSITORY = PACKAGE.parents[1]
CONFIG_DIR = REPOSITORY / "config"
SCRIPTS = PACKAGE.parent / "scripts"
