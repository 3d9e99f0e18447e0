"""The simulated study: the same for the same seed, of the size asked for, never over what is there."""

import pytest

from myomag.errors import MyomagError
from myomag.io.tables import read_tsv
from myomag.simulate.demo import PRESETS, write_demo
from myomag.simulate.simulated_scan import DEFECTS
from myomag.study.tables import read_tables


def content(study):
    return {path.relative_to(study): path.read_bytes() for path in study.rglob("*") if path.is_file()}


def test_each_defect_occurs_once_among_twelve_participants(truth):
    assert sorted(truth["defect"].dropna()) == sorted(DEFECTS)


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_demo(tmp_path / name, participants=2, seed=seed)
    first, again, other = (content(tmp_path / name) for name in "abc")
    assert first == again
    assert first.keys() == other.keys()
    assert {path for path in first if first[path] == other[path] and path.suffix in (".gz", ".tsv")} == set()


def test_participants_do_not_depend_on_how_many_there_are(tmp_path, study):
    write_demo(tmp_path / "small", participants=3, seed=3)
    small, large = content(tmp_path / "small"), content(study)
    for path, data in small.items():
        if path.parts[0].startswith("sub-"):
            assert data == large[path]
        elif path.suffix == ".tsv":
            assert large[path].startswith(data)


def test_folder_with_content_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(MyomagError, match="the folder is not empty; name a new or empty one"):
        write_demo(tmp_path, participants=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("request_", "message"), [({"participants": 0}, "participants = 0"), ({"seed": -1}, "seed = -1")]
)
def test_impossible_requests_are_refused(tmp_path, request_, message):
    with pytest.raises(MyomagError, match=message):
        write_demo(tmp_path / "new", **request_)
    assert not (tmp_path / "new").exists()


def test_progress_counts_the_participants(tmp_path):
    seen = []
    write_demo(tmp_path, participants=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_blsa_preset_repeats_scans_of_the_same_muscle(tmp_path):
    write_demo(tmp_path / "study", preset=PRESETS["blsa"], participants=12, seed=3)
    truth = read_tsv(tmp_path / "study" / "truth.tsv")
    repeats = truth[truth["scan"].str.contains("_run-")].groupby("participant_id")
    assert {name: rows["scan"].str.extract(r"_run-(\d)")[0].tolist() for name, rows in repeats} == {
        "sub-005": ["1", "2"],
        "sub-010": ["1", "2"],
    }
    for _, rows in repeats:
        assert rows["mg_mmol_l"].nunique() == rows["ph"].nunique() == 1
        assert rows["phase_deg"].nunique() == rows["pcr_snr"].nunique() == 2
    low, high = PRESETS["blsa"].pcr_snr
    assert truth.loc[truth["defect"] != "low_snr", "pcr_snr"].between(low, high).all()
    (participants,) = (table for table in read_tables(tmp_path / "study") if table.name == "participants.tsv")
    assert len(participants.rows) == 12
