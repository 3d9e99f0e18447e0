"""Scans for which nothing changed are not made again with their batch."""

from typing import Any

import pytest

from ledger_samples import CONVERT, FID, Small, copy, edit
from myomag.errors import LedgerError
from myomag.ledger import keep
from myomag.ledger.rows import activity_path

ALL = ["sub-1_unloc", "sub-2_unloc", "sub-3_unloc"]


def made(small: Small, **values: Any) -> list[str]:
    """Scans that a further job makes; what it leaves is what a job without earlier results makes."""
    names: list[str] = []

    def noted(scan: str, inputs: Any, settings: Any) -> dict[str, bytes]:
        names.append(scan)
        return copy(scan, inputs, settings)

    noted.__annotations__ = copy.__annotations__
    small.convert(noted, **values)
    assert small.activities(CONVERT)[-1].get("made", ALL) == names
    after = small.tree()
    (small.root / activity_path(CONVERT)).unlink()
    small.convert(**values)
    assert small.tree() == after
    return names


def test_only_what_changed_is_made_again(small: Small) -> None:
    small.convert()
    assert made(small) == []
    small.raw_file(2).write_text("other")
    small.index()
    assert made(small) == ALL[1:2]
    (small.root / FID.format(3)).unlink()
    edit(small.root / FID.format(1))
    assert made(small) == [ALL[0], ALL[2]]
    assert made(small, overrides={"sub-2": {"any": {"gain": 3}}}) == ALL[1:2]
    assert made(small, code="changed") == ALL


def test_nothing_is_kept_from_other_software_or_an_edited_ledger(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    small.convert()
    with monkeypatch.context() as patch:
        patch.setattr(keep, "surroundings", lambda: {"packages": {"numpy": "999"}})
        assert made(small) == ALL
    edit(small.root / CONVERT)
    assert made(small) == ALL


def test_job_finds_the_ledger_that_snakemake_removes_before_it(small: Small) -> None:
    small.convert()
    (small.root / CONVERT).unlink()
    assert made(small) == []


def test_edited_input_is_refused_though_the_results_of_it_are_there(small: Small) -> None:
    small.convert()
    small.run("qc")
    edit(small.root / FID.format(2))
    with pytest.raises(LedgerError, match="changed since step convert wrote it"):
        small.run("qc")
