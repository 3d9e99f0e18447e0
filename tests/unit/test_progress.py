"""Progress of long work, and times as a person says them."""

import pytest

from myomag.progress import duration, progress


def test_progress_is_calm_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("scans read", 441) as advance:
        for done in range(442):
            advance(done)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[-1] == "441 of 441 scans read"
    with progress("jobs done", 5) as advance:
        advance(1)
        advance(2, 20)
        advance(20, 20)
    assert capsys.readouterr().err.splitlines() == ["1 of 5 jobs done; about 0 s left", "20 of 20 jobs done"]


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (12000, "3 h 20 min")])
def test_duration_is_told_as_a_person_would(seconds: float, text: str) -> None:
    assert duration(seconds) == text
