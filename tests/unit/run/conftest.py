"""A derivative in which nothing has run."""

from pathlib import Path

import pytest

from myomag.io.files import PRIVATE


@pytest.fixture
def derivative(tmp_path: Path) -> Path:
    (tmp_path / PRIVATE).mkdir()
    return tmp_path
