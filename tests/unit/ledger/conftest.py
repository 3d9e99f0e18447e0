"""The small study that the tests of the ledger work on."""

from pathlib import Path

import pytest

from ledger_samples import Small, small_study


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """A study of three participants with its derivative."""
    return small_study(tmp_path)
