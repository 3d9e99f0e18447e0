"""What a job reads, what it refuses, and what it leaves behind when it ends well, badly or not at all."""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ledger_samples import CONVERT, FID, QC, RAW, Gain, Small, copy, edit, failing, making
from myomag import pipeline
from myomag.errors import LedgerError, ScanError
from myomag.io.files import PRIVATE, sha256_bytes, sha256_file, write_atomic
from myomag.ledger.harness import (
    Job,
    job,
)
from myomag.ledger.rows import Row, activity_path, ledger_bytes
from myomag.ledger.spec import Spec, resolve
from myomag.settings.load import load_settings
from myomag.settings.models import Settings

SCAN = "sub-2_unloc"


# --- one scan-level step over a batch


def test_step_writes_outputs_and_a_row_that_names_them(small: Small) -> None:
    row = small.convert()[0]
    assert (row.scan, row.status, row.step, row.reason, row.code) == ("sub-1_unloc", "ok", "convert", "", "c0de")
    assert row.inputs == {"raw": (FID.format(1), sha256_file(small.raw_file(1)))}
    assert row.outputs["fid"] == (FID.format(1), sha256_bytes(b"sub-1"))
    assert (small.root / row.outputs["fid"][0]).read_bytes() == b"sub-1"


def test_each_step_gets_the_roles_it_reads_as_the_last_step_before_it_wrote_them(small: Small) -> None:
    small.raw_file(1).with_name("sub-1_unloc.json").write_text("{}")
    small.index()
    for name in pipeline.SCAN_STEPS:
        seen: list[dict[str, bytes]] = []
        rows = small.run(name, making(name, seen), **_pooled(name))
        roles = {file.role for file in pipeline.BY_NAME[name].writes}
        assert all((row.status, set(row.outputs)) == ("ok", roles) for row in rows)
        for found in seen:
            for role in found.keys() - {"raw", "sidecar", "events"}:
                assert json.loads(found[role])["made"] == f"{pipeline.writer(role, name)} {role}"
        read = set(pipeline.BY_NAME[name].reads) - {"events"}
        assert [set(found) for found in seen] == [read, *2 * [read - {"sidecar"} if name == "convert" else read]]


def _pooled(step: str) -> dict[str, Any]:
    values = {"begin_time_us": 240.0, "begin_time_sd_us": 2.0, "spread_us": 1.0, "outlying": []}
    return {"pooled": {"p1": values}} if pipeline.BY_NAME[step].pooled else {}


def test_file_that_the_plan_promises_and_a_ledger_lacks_is_an_error(small: Small) -> None:
    small.convert()
    rows = small.run("qc")
    _plant(small, QC, [rows[0], _without(rows[1], "preproc_sidecar"), rows[2]])
    with pytest.raises(LedgerError, match=r"sub-2_unloc: the ledger of step qc lists no preproc_sidecar.*forcerun qc"):
        small.run("begin_time")
    _plant(small, QC, rows)
    begin_time = small.run("begin_time")
    _plant(small, small.job("begin_time").ledger, begin_time[:2])
    with pytest.raises(LedgerError, match=r"sub-3_unloc: the ledger of step begin_time lists no begintime"):
        small.run("fit")


def _without(row: Row, role: str) -> Row:
    return replace(row, outputs={key: file for key, file in row.outputs.items() if key != role})


def _plant(small: Small, ledger: Path, rows: Iterable[Row]) -> None:
    """Ledger with an activity record that agrees with it."""
    write_atomic(small.root, str(ledger), ledger_bytes(rows))
    record = json.dumps({"ledger_sha256": sha256_file(small.root / ledger)})
    write_atomic(small.root, str(activity_path(ledger)), record.encode())


@pytest.mark.parametrize("where", ["qc", "begin_time"])
def test_scan_that_failed_in_any_of_the_ledgers_a_step_reads_flows_on_with_its_reason(small: Small, where: str) -> None:
    small.convert()
    for step in ("qc", "begin_time", "fit"):
        rows = small.run(step, failing("sub-2", function=making(step)) if step == where else None)
    assert pipeline.ledgers_read("fit") == ("qc", "begin_time")
    assert [(row.status, row.step) for row in rows] == [("ok", "fit"), ("failed", where), ("ok", "fit")]
    assert (rows[1].reason, rows[1].inputs, rows[1].outputs) == ("sub-2_unloc is broken", {}, {})


def test_bad_scan_fails_alone_with_what_it_was_made_from(small: Small) -> None:
    rows = small.convert(failing("sub-2"))
    assert [(row.status, row.reason) for row in rows] == [("ok", ""), ("failed", "sub-2_unloc is broken"), ("ok", "")]
    assert rows[1].outputs == {}
    assert rows[1].inputs != {}
    assert not list(small.root.glob("sub-2"))


@pytest.mark.parametrize("error", [ValueError, KeyError, MemoryError, OSError, KeyboardInterrupt, LedgerError])
def test_bug_fails_the_job_and_leaves_everything_as_it_was(error: type[BaseException], small: Small) -> None:
    small.convert()
    before, activities = small.tree(private=True), small.activities(CONVERT)
    with pytest.raises(error):
        small.convert(failing("sub-3", error=error), gain=2)
    assert small.tree(private=True) == before
    assert small.activities(CONVERT) == activities


@pytest.mark.parametrize("made", [{"fid": b""}, {"other": b""}, {"fid": b"", "sidecar": b"{}", "other": b""}])
def test_step_that_makes_other_files_than_its_plan_says_is_a_bug(small: Small, made: dict[str, bytes]) -> None:
    def function(scan: str, inputs: Mapping[str, Path], settings: Gain) -> dict[str, bytes]:  # noqa: ARG001
        return made

    with pytest.raises(ValueError, match="not what its plan says"):
        small.convert(function)
    assert not (small.root / CONVERT).exists()


def test_step_that_reads_a_setting_it_has_not_declared_fails(small: Small) -> None:
    def function(scan: str, inputs: Mapping[str, Path], settings: Gain) -> dict[str, bytes]:
        return copy(scan, inputs, settings) if settings.offset else {}

    with pytest.raises(AttributeError, match="offset"):
        small.convert(function)
    assert [row.status for row in small.run("convert", copy)] == ["ok"] * 3


@pytest.mark.parametrize("lost", [False, True])
def test_scan_that_turns_bad_leaves_no_result_behind_even_if_the_old_ledger_is_lost(small: Small, lost: bool) -> None:
    small.convert()
    note = small.root / "sub-3/mrs/note.txt"
    note.write_text("mine")
    if lost:
        (small.root / CONVERT).unlink()
    small.convert(failing("sub-2", "sub-3"), code="changed")
    assert (small.root / FID.format(1)).exists()
    assert not (small.root / "sub-2").exists()
    assert [path.name for path in note.parent.iterdir()] == ["note.txt"]


def test_settings_digest_tells_an_override_from_the_rest(small: Small) -> None:
    plain = small.convert()
    rows = small.convert(overrides={"sub-2": {"any": {"gain": 3}}})
    assert rows[0] == plain[0]
    assert rows[1].settings != plain[1].settings
    assert (small.root / FID.format(2)).read_bytes() == b"sub-2" * 3


def test_same_input_gives_the_same_bytes(small: Small) -> None:
    small.convert()
    first = small.tree()
    for path in sorted(small.root.rglob("*"), reverse=True):
        if PRIVATE not in path.parts and "raw" not in path.parts:
            path.rmdir() if path.is_dir() and not list(path.iterdir()) else path.is_file() and path.unlink()
    time.sleep(0.01)
    small.convert()
    assert small.tree() == first


# --- files that are not what a ledger says


def swap(path: Path) -> None:
    other = Path(str(path).replace("sub-1", "sub-2"))
    first, second = path.read_bytes(), other.read_bytes()
    path.write_bytes(second)
    other.write_bytes(first)


TAMPERINGS: dict[str, tuple[Callable[[Path], object], str]] = {
    "edited with its mtime kept": (edit, "changed since step convert wrote it"),
    "removed": (Path.unlink, "can no longer be read"),
    "swapped": (swap, "changed since step convert wrote it"),
    "cut": (lambda path: os.truncate(path, 1), "changed since step convert wrote it"),
    "a folder now": (lambda path: (path.unlink(), path.mkdir()), "can no longer be read"),
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampered_intermediate_is_refused_by_the_next_step_and_repaired_by_the_advice(how: str, small: Small) -> None:
    small.convert()
    small.run("qc")
    before = small.tree()
    tamper, message = TAMPERINGS[how]
    target = small.root / FID.format(1)
    tamper(target)
    with pytest.raises(LedgerError, match=rf"sub-1/mrs/sub-1_unloc\.nii\.gz: .*{message}.*--repair") as caught:
        small.run("qc")
    assert "\n" not in str(caught.value)
    if target.is_dir():
        target.rmdir()
    small.convert()
    small.run("qc")
    assert small.tree() == before


def test_raw_file_that_changes_during_the_run_stops_the_job(small: Small) -> None:
    edit(small.raw_file(1))
    with pytest.raises(LedgerError, match="the raw file changed while the pipeline was running"):
        small.convert()


def test_raw_file_that_vanishes_during_the_run_fails_alone(small: Small) -> None:
    small.raw_file(1).unlink()
    rows = small.convert()
    assert [row.status for row in rows] == ["failed", "ok", "ok"]
    assert rows[0].reason == "sub-1_unloc.nii.gz: cannot be read (No such file or directory)."


# --- the job that Snakemake asks for


def test_study_step_gets_the_sections_it_declares_and_no_others(small: Small) -> None:
    spec = resolve("report", load_settings().model_dump())
    found = Job(spec, (), CONVERT, small.root, small.study).settings(Settings)
    assert found.report == load_settings().report
    with pytest.raises(AttributeError, match="fit"):
        _ = found.fit


def handed(small: Small, prefix: str) -> Any:
    """What Snakemake hands to a script."""
    return SimpleNamespace(
        log=[f"{prefix}logs/convert.log"],
        output=SimpleNamespace(ledger=f"{prefix}{CONVERT}"),
        input=SimpleNamespace(ledgers=[f"{prefix}{RAW}"]),
        params=SimpleNamespace(spec=Spec("convert", {"convert": {"conjugate": True}}).text()),
        config={"study": str(small.study)},
    )


@pytest.mark.parametrize("prefix", ["", "within/a/module/"])
def test_derivative_is_where_the_ledger_lies_with_or_without_the_prefix_of_a_module(
    small: Small, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.chdir(small.root)
    with job(handed(small, prefix)) as task:
        assert (task.root, task.study) == (small.root / prefix, small.study)
        assert (task.ledgers, task.ledger, task.step) == ((RAW,), CONVERT, pipeline.BY_NAME["convert"])
        assert task.spec.settings == {"convert": {"conjugate": True}}
    assert (small.root / prefix / "logs").is_dir()


@pytest.mark.parametrize(
    "error", [LedgerError("a.tsv: changed"), ScanError("broken"), OSError(28, "full", "a"), KeyError]
)
def test_job_that_fails_ends_as_one_line(
    small: Small, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    monkeypatch.chdir(small.root)
    with pytest.raises(SystemExit), job(handed(small, "")):
        raise error
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ERROR: ")
