"""The log of seals: its place, the Merkle root, and lines that only follow one another."""

import hashlib
from pathlib import Path

import pytest

from myomag.errors import SettingsError
from myomag.io.files import write_atomic
from myomag.ledger.rows import Row, ledger_bytes, ledger_path
from myomag.ledger.seal import anchor_of, append_seal, read_log, seal_run
from myomag.ledger.seal_place import seal_log
from myomag.settings.audit import AuditSettings


def derivative(root: Path, *scans: str) -> Path:
    for scan in scans:
        write_atomic(root, ledger_path("fit", scan), ledger_bytes([Row(scan, "sub-1", "")]))
    return root


def test_root_is_that_of_rfc_6962() -> None:
    """Of three leaves: the node of the first two, and the third by itself."""
    leaf = {name: hashlib.sha256(f"\0{name * 2}  {name}".encode()).digest() for name in "abc"}
    pair = hashlib.sha256(b"\1" + leaf["a"] + leaf["b"]).digest()
    expected = hashlib.sha256(b"\1" + pair + leaf["c"]).hexdigest()
    assert anchor_of({name: name * 2 for name in "cab"}) == expected


def test_seal_holds_what_changed_since_the_one_before(tmp_path: Path) -> None:
    root, log = derivative(tmp_path / "out", "1", "2"), tmp_path / "log"
    assert append_seal(root, log)
    assert append_seal(root, log) is None
    derivative(root, "3")
    second = append_seal(root, log)
    assert second
    assert list(second["leaves"]) == ["ledger/fit/batch-3.tsv"]
    found = read_log(log)
    assert (len(found.seals), len(found.leaves), found.bad_lines) == (2, 3, [])


def test_line_that_a_crash_left_unfinished_is_told_of(tmp_path: Path) -> None:
    root, log = derivative(tmp_path / "out", "1"), tmp_path / "log"
    append_seal(root, log)
    with log.open("a") as file:
        file.write('{"time":"2026')
    append_seal(derivative(root, "2"), log)
    found = read_log(log)
    assert (len(found.seals), found.bad_lines) == (2, [2])


def test_other_files_are_no_log(tmp_path: Path) -> None:
    """A path in settings that came from others adds nothing to a file of the user."""
    root, other = derivative(tmp_path / "out", "1"), tmp_path / "notes.txt"
    other.write_text("keep\n")
    with pytest.raises(SettingsError, match="not a log of seals"):
        append_seal(root, other)
    assert other.read_text() == "keep\n"


def test_run_goes_on_where_nothing_can_be_written(tmp_path: Path) -> None:
    (remark,) = seal_run(derivative(tmp_path / "out", "1"), tmp_path / "none" / "log", None)
    assert remark.startswith("not sealed")
    assert list(seal_run(tmp_path, None, None)) == []


def test_place_of_the_log(tmp_path: Path) -> None:
    study, default, other = tmp_path / "in" / "study", tmp_path / "in" / "study" / "derivatives" / "m", tmp_path / "out"
    default.mkdir(parents=True)
    own = {"audit": {"seal_log": str(tmp_path / "safe")}}
    away = AuditSettings(seal_log=str(tmp_path / "safe"))
    assert seal_log(study, default, AuditSettings(), {}) == tmp_path / "in" / "study.seals.jsonl"
    assert seal_log(study, other, AuditSettings(), {}) == tmp_path / "out.seals.jsonl"
    assert seal_log(study, default, AuditSettings(seal_log=False), {}) is None
    assert seal_log(study, default, AuditSettings(seal_log="../kept.jsonl"), {}) == study / "../kept.jsonl"
    assert seal_log(study, default, away, own) == tmp_path / "safe"
    for settings, message in (
        (away, "command"),
        (AuditSettings(seal_log="../../log"), "command"),
        (AuditSettings(seal_log="derivatives/m/log"), "inside the results"),
    ):
        with pytest.raises(SettingsError, match=message):
            seal_log(study, default, settings, {})


def test_record_that_was_begun_anew_is_told_of(tmp_path: Path) -> None:
    """As where the results were removed: nothing of what was sealed goes on."""
    root, log = derivative(tmp_path / "out", "1"), tmp_path / "log"
    record = root / "ledger" / "fit" / "batch-1.activity.jsonl"
    seals = []
    for lines in ("one\n", "one\ntwo\n", "three\n"):
        record.write_text(lines)
        seals.append(append_seal(root, log) or {})
    assert [seal.get("anew", False) for seal in seals] == [False, False, True]
    assert [len(tips) for tips in read_log(log).tips.values()] == [1]
