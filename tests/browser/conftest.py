"""One browser for all tests of this folder."""

from collections.abc import Iterator

import pytest
from chromium import Page, browser_page, find_chromium


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium found: set CHROMIUM or install chromium")
    with browser_page(executable, tmp_path_factory.mktemp("profile")) as page:
        yield page
