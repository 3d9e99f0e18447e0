"""The entry of the pipeline: digests of raw files and tables, and how many batches there are."""

import os
from pathlib import Path

import pytest

from ledger_samples import RAW, Small, edit
from myomag.errors import LedgerError
from myomag.io.files import sha256_file
from myomag.ledger.raw import BATCHES, CACHE, TABLES, chosen_batches, keep_batches, outgrown, study_tables
from myomag.ledger.rows import batch_of, read_ledger
from myomag.study.search import find_scans
from myomag.study.tables import table_paths


def test_tables_that_are_watched_are_those_the_cohort_reads(small: Small) -> None:
    (small.study / "phenotype").mkdir()
    for name in ("participants", "sessions", "phenotype/serum", "sub-1/sub-1_sessions"):
        for end in ("tsv", "json"):
            (small.study / f"{name}.{end}").write_text("", encoding="utf-8")
    read = [path.relative_to(small.study) for path in table_paths(small.study)]
    described = [*(path.with_suffix(".json") for path in read), Path("sessions.json")]
    assert study_tables(find_scans(small.study)) == sorted(path.as_posix() for path in (*read, *described))


def test_tables_have_a_ledger_of_their_own_and_no_part_in_those_of_the_scans(small: Small) -> None:
    before = small.index()
    names = ["participants.tsv", "phenotype/serum.tsv", "sub-1/sub-1_sessions.tsv"]
    (small.study / "phenotype").mkdir()
    for name in names:
        (small.study / name).write_text("participant_id\nsub-1\n")
    assert small.index() == before
    assert [row.scan for row in read_ledger(small.root / TABLES)] == names


def test_new_participant_changes_one_batch(small: Small) -> None:
    before = small.index(8)
    small.raw_file(4).parent.mkdir(parents=True)
    small.raw_file(4).write_text("sub-4")
    after = small.index(8)
    changed = {name for name, content in after.items() if before.get(name) != content}
    assert changed == {f"batch-{batch_of('sub-4', 8)}.tsv"}


def test_index_is_left_alone_when_nothing_changed(small: Small) -> None:
    small.index(4)
    files = list((small.root / "ledger/raw").iterdir())
    for path in files:
        os.utime(path, ns=(1, 1))
    for path in small.study.rglob("*.nii.gz"):
        path.touch()
    small.index(4)
    assert {path.stat().st_mtime_ns for path in files} == {1}


def test_raw_file_replaced_with_its_mtime_kept_is_noticed(small: Small) -> None:
    before = small.index()
    edit(small.raw_file(1))
    assert small.index() != before


def test_digests_are_kept_only_for_files_that_have_settled(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    small.index()
    assert (small.root / CACHE).read_text().strip() == ""
    monkeypatch.setattr("myomag.ledger.raw.SETTLED_NS", -1)
    small.index()
    assert len((small.root / CACHE).read_text().splitlines()) == 3
    hashed: list[Path] = []
    monkeypatch.setattr("myomag.ledger.raw.sha256_file", lambda path: hashed.append(path) or sha256_file(path))
    before = small.index()
    assert hashed == []
    edit(small.raw_file(2))
    assert small.index() != before
    assert [path.name for path in hashed] == ["sub-2_unloc.nii.gz"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a\tb\n", b"x" * 1000, b"sub-1\t1\t1\t1\t1\tbad\n"])
def test_damaged_digest_cache_is_no_obstacle(small: Small, content: bytes) -> None:
    before = small.index()
    (small.root / CACHE).write_bytes(content)
    assert small.index() == before


def test_scan_with_a_problem_and_unreadable_raw_file_become_failed_rows(small: Small) -> None:
    (small.study / "sub-1/mrs/bad name_unloc.nii.gz").touch()
    small.raw_file(2).unlink()
    small.raw_file(2).symlink_to("gone")
    small.index()
    rows = {row.scan: row for row in read_ledger(small.root / RAW)}
    assert {name: row.status for name, row in rows.items()} == {
        "bad name_unloc (in sub-1)": "failed",
        "sub-1_unloc": "ok",
        "sub-2_unloc": "failed",
        "sub-3_unloc": "ok",
    }
    assert "not a BIDS name" in rows["bad name_unloc (in sub-1)"].reason
    assert rows["sub-2_unloc"].reason.startswith("sub-2_unloc.nii.gz: cannot be read")


@pytest.mark.parametrize(("scans", "batches"), [(0, 1), (1, 1), (24, 2), (441, 4), (10_000, 16), (100_000, 64)])
def test_batches_are_chosen_by_the_size_of_the_study(tmp_path: Path, scans: int, batches: int) -> None:
    assert chosen_batches(tmp_path, "auto", scans) == batches
    assert chosen_batches(tmp_path, 7, scans) == 7


def test_batches_chosen_are_kept_while_the_study_grows_and_a_study_that_outgrows_them_is_told_so(
    tmp_path: Path,
) -> None:
    assert outgrown(tmp_path, 10_000) == ""
    keep_batches(tmp_path, 2, 24)
    keep_batches(tmp_path, 32, 10_000)
    assert chosen_batches(tmp_path, "auto", 10_000) == 2
    assert chosen_batches(tmp_path, 7, 10_000) == 7
    assert outgrown(tmp_path, 399) == ""
    remark = outgrown(tmp_path, 400)
    assert "its 2 batches were chosen for 24" in remark
    assert f"remove {BATCHES}" in remark
    (tmp_path / BATCHES).unlink()
    assert chosen_batches(tmp_path, "auto", 10_000) == 16


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"batches": null, "scans": 1}', "not JSON"])
def test_damaged_record_of_the_batches_is_refused_with_the_remedy(tmp_path: Path, content: str) -> None:
    (tmp_path / BATCHES).parent.mkdir(parents=True)
    (tmp_path / BATCHES).write_text(content)
    with pytest.raises(LedgerError, match=r"batches\.json: not readable; remove it"):
        chosen_batches(tmp_path, "auto", 24)
