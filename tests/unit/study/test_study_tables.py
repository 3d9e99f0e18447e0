"""Tables of a study: where they are looked for, and what makes one unusable."""

import pytest

from myomag.errors import StudyError
from myomag.study.remarks import other_tables
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


def test_tables_in_another_form_are_told_of(write_study):
    names = ("participants.csv", "phenotype/knee.xlsx", "phenotype/serum.csv", "phenotype/serum.tsv", "notes.txt")
    remarks = list(other_tables(write_study(dict.fromkeys(names, ""))))
    assert remarks == [
        "participants.csv: not read; save it as participants.tsv, tab-separated.",
        "phenotype/knee.xlsx: not read; save it as knee.tsv, tab-separated.",
    ]


@pytest.mark.parametrize("name", ["participants.tsv", "participants.json", "phenotype/knee.tsv"])
@pytest.mark.parametrize("pointer", [True, False])
def test_table_that_was_not_fetched_is_called_that(write_study, name, pointer):
    """git-annex leaves a link to nothing, or a pointer; neither is taken for no table."""
    study = write_study({"participants.tsv": PARTICIPANTS, "phenotype/other.tsv": PARTICIPANTS})
    (study / name).unlink(missing_ok=True)
    if pointer:
        (study / name).write_text("/annex/objects/MD5E-s1--x\n")
    else:
        (study / name).symlink_to(".git/annex/objects/a/b/x/x")
    with pytest.raises(StudyError, match=f"{name}: its content is not here; fetch it"):
        read_tables(study)
