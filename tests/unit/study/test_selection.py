"""Which scans a selection names."""

from pathlib import Path

import pytest

from myomag.errors import SettingsError
from myomag.study.search import Scan, Study
from myomag.study.selection import selected_scans

STUDY = Study(
    Path("study"),
    [
        Scan(f"{person}_{visit}_unloc", person, visit, ())
        for person, visits in (("sub-001", ("ses-1", "ses-2")), ("sub-002", ("ses-1",)), ("sub-sub", ("ses-1",)))
        for visit in visits
    ],
)


@pytest.mark.parametrize(
    ("participants", "sessions", "found"),
    [
        ((), (), 4),
        (("001",), (), 2),
        (("sub-001", "002"), ("1",), 2),
        ((), ("ses-2",), 1),
        (("sub",), (), 1),
    ],
)
def test_labels_are_taken_with_and_without_their_prefix(
    participants: tuple[str, ...], sessions: tuple[str, ...], found: int
) -> None:
    chosen = selected_scans(STUDY, participants, sessions)
    assert len(chosen) == found
    for stem in chosen:
        person, visit, _ = stem.split("_")
        assert not participants or {person, person.removeprefix("sub-")} & set(participants)
        assert not sessions or {visit, visit.removeprefix("ses-")} & set(sessions)


@pytest.mark.parametrize(
    ("participants", "sessions", "message"),
    [
        (("01",), (), "--participant sub-01: the study has no scan of it; did you mean 'sub-001' or 'sub-002'"),
        ((), ("x",), r"--session ses-x: the study has no scan of it; did you mean 'ses-\d'"),
        (("zzzzzzzz",), (), "has no scan of it; the study has sub-001, sub-002, sub-sub"),
        (("002",), ("2",), "--session 2: sub-002 has no scan of this session; its sessions: ses-1"),
    ],
)
def test_unknown_label_is_named_with_near_ones(
    participants: tuple[str, ...], sessions: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        selected_scans(STUDY, participants, sessions)
