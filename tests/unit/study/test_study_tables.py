"""Tables of a study: where they are looked for, and what makes one unusable."""

import pytest

from myomag.errors import StudyError
from myomag.study.tables import read_tables, table_paths

PARTICIPANTS = "participant_id|age|sex\nsub-001|61|F\nsub-002|n/a|M\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("participants.tsv", "id|age\nsub-001|61\n", "no column 'participant_id'"),
        ("phenotype/knee.tsv", "id|age\nsub-001|61\n", "no column 'participant_id'"),
        ("sub-001/sub-001_sessions.tsv", "date|age\n1|61\n", "no column 'session_id'"),
        ("participants.tsv", "participant_id\nsub-001\nsub-001\n", "sub-001 appears twice"),
        ("phenotype/knee.tsv", "participant_id|x\nsub-001|1\nsub-001|2\n", "belong in sub-\\*/sub-\\*_sessions.tsv"),
        ("sub-001/sub-001_sessions.tsv", "session_id|x\nses-1|1\n1|2\n", "ses-1 appears twice"),
        ("participants.tsv", "participant_id|age\nn/a|61\n", "line 2: participant_id is missing"),
        ("participants.tsv", "participant_id|age\nsub-001\n", "line 2: 1 values for 2 columns"),
    ],
)
def test_unusable_tables_are_named_with_the_remedy(write_study, name, content, message):
    study = write_study({name: content})
    with pytest.raises(StudyError, match=message) as error:
        read_tables(study)
    assert name in str(error.value)


def test_broken_description_is_named(write_study):
    study = write_study({"participants.tsv": PARTICIPANTS, "participants.json": "{"})
    with pytest.raises(StudyError, match=r"participants.json: not a readable JSON file"):
        read_tables(study)


def test_tables_are_looked_for_in_their_places(write_study):
    files = {
        "participants.tsv": PARTICIPANTS,
        "participants.json": "{}",
        "phenotype/knee.tsv": "participant_id\n",
        "sub-001/sub-001_sessions.tsv": "session_id\nses-1\n",
        "sub-001/sub-001_sessions.json": "{}",
        "truth.tsv": "x\n",
    }
    study = write_study(files)
    read = (name for name in files if name.endswith(".tsv") and name != "truth.tsv")
    assert table_paths(study) == sorted(study / name for name in read)
