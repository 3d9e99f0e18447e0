"""The arguments of a BIDS App, and what of the pipeline each level runs."""

from pathlib import Path

import pytest

from myomag.errors import SettingsError
from myomag.run import bids_app
from myomag.run.runner import Wish


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What the pipeline is run with."""
    calls: list[tuple[object, ...]] = []

    def run(wish: object) -> int:
        calls.append(wish)
        return 0

    monkeypatch.setattr(bids_app, "run_pipeline", run)
    return calls


@pytest.mark.parametrize(
    ("arguments", "participants", "sessions", "options"),
    [
        (["participant"], [], [], ["--omit-from", "cohort"]),
        (["participant", "--participant-label", "01", "sub-02"], ["01", "sub-02"], [], ["--omit-from", "cohort"]),
        (
            ["participant", "--session_label", "1", "--participant_label", "01"],
            ["01"],
            ["1"],
            ["--omit-from", "cohort"],
        ),
        (["group", "--n_cpus", "3", "--skip-bids-validator"], [], [], ["--cores", "3"]),
        (["group", "--nprocs", "2"], [], [], ["--cores", "2"]),
    ],
)
def test_levels_and_labels(asked, arguments, participants, sessions, options) -> None:
    assert bids_app.run_bids_app(["study", "out", *arguments]) == 0
    assert asked == [Wish(Path("study"), Path("out"), options=options, participants=participants, sessions=sessions)]


def test_group_of_some_participants_is_refused(asked) -> None:
    with pytest.raises(SettingsError, match="omit --participant-label"):
        bids_app.run_bids_app(["study", "out", "group", "--participant-label", "01"])
    assert asked == []


@pytest.mark.parametrize("wrong", [["everything"], ["group", "--n-cpus", "0"], ["group", "--work", "w"]])
@pytest.mark.usefixtures("asked")
def test_wrong_arguments_are_wrong_usage(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        bids_app.run_bids_app(["study", "out", *wrong])
    assert stopped.value.code == 2
    assert "myomag bids: error" in capsys.readouterr().err
