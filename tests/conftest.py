"""Fixtures shared by all tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

# As in every job: threads of the linear algebra only get in each other's way, twenty-fold on a busy machine.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real scans and vendor files that stay outside the project."""
    path = REPOSITORY.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"real scans not found: {path.name} is expected in ../shared beside the checkout")
    return path


@pytest.fixture
def write_study(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Write files given as path: text, `|` for a tab; return the study folder."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("|", "\t"), encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """Folder with small inputs that once went wrong, which stay outside the project."""
    path = REPOSITORY.parent / "shared" / "cases"
    if not path.is_dir():
        pytest.skip(f"cases not found: {path.name} is expected in ../shared beside the checkout")
    return path
