"""The ledger: what it says, what it refuses, what a job leaves behind when it ends well, badly or not at all."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from myomag.ledger.study_step import checked_tables, finish_study_step, ledger_files

from myomag.errors import LedgerError, ScanError
from myomag.io.files import PRIVATE, sha256_bytes, sha256_file, together, write_atomic, write_if_changed
from myomag.io.records import canonical
from myomag.ledger.cleanup import sweep
from myomag.ledger.raw import CACHE, TABLES, study_tables, write_index
from myomag.ledger.results import by_participant, read_results
from myomag.ledger.rows import (
    COLUMNS,
    OUTPUT_NAMES,
    READS,
    Row,
    activity_path,
    batch_of,
    checked_ledger,
    checked_outputs,
    checked_path,
    ledger_bytes,
    ledger_path,
    output_path,
    read_ledger,
    record_step,
    run_step,
)
from myomag.study.search import find_scans
from myomag.study.tables import table_paths

SPEC = canonical({"settings": {"gain": 1}, "overrides": {}, "code": "c0de"})
RAW, CONVERT, QC = (Path(ledger_path(step, 0)) for step in ("raw", "convert", "qc"))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of three participants whose raw files hold their labels."""
    root = tmp_path / "study"
    for label in ("sub-1", "sub-2", "sub-3"):
        folder = root / label / "mrs"
        folder.mkdir(parents=True)
        (folder / f"{label}_unloc.nii.gz").write_text(label)
    return root


@pytest.fixture
def derivative(tmp_path: Path, study: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The derivative, as working directory, with the raw ledger of the study in one batch."""
    root = tmp_path / "derivative"
    root.mkdir()
    monkeypatch.chdir(root)
    write_index(find_scans(study), root, 1)
    return root


def copy(_scan: str, inputs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, bytes]:
    """A step convert that repeats what it reads as often as its setting says."""
    return {"fid": inputs["raw"].read_bytes() * settings["gain"], "sidecar": b"{}"}


def failing(*labels: str, error: type[Exception] = ScanError) -> Any:
    def function(scan: str, inputs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, bytes]:
        if scan.startswith(labels):
            raise error(f"{scan} is\nbroken")
        return copy(scan, inputs, settings)

    return function


def convert(study: Path, function: Any = copy, spec: str = SPEC) -> list[Row]:
    run_step("convert", function, previous=RAW, ledger=CONVERT, spec=spec, study=study)
    return read_ledger(CONVERT)


def qc(study: Path) -> list[Row]:
    def function(_scan: str, inputs: Mapping[str, Path], _settings: Mapping[str, Any]) -> dict[str, bytes]:
        return {"preproc": inputs["fid"].read_bytes(), "preproc_sidecar": b"{}", "quality": b"{}"}

    run_step("qc", function, previous=CONVERT, ledger=QC, spec=SPEC, study=study)
    return read_ledger(QC)


def tree(root: Path, *, private: bool = False) -> dict[str, bytes]:
    """Content of every file, without activity records and, unless asked for, without the private folder."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".jsonl" and (private or PRIVATE not in path.parts)
    }


# --- text of a ledger


@pytest.mark.parametrize(
    "reason",
    [
        "plain",
        "quote \" and ' and \\",
        "PCr at −0.02 ppm, β-ATP",
        "ends with space ",
        "a,b;c",
        "\u200b",
        "percent %s {brace}",
    ],
)
def test_rows_survive_writing_and_reading(tmp_path: Path, reason: str) -> None:
    files = {"raw": ('sub-1/mrs/a "b"\t\n\\.dat', "0" * 64), "sidecar": ("\udcff.json", "1" * 64)}
    rows = [
        Row("sub-1_unloc", "sub-1", "ses-1", "failed", "qc", reason, "s", "c", files, {}),
        Row("sub-2_unloc", "sub-2", ""),
    ]
    path = tmp_path / "batch-0.tsv"
    path.write_bytes(ledger_bytes(rows))
    read = read_ledger(path)
    assert read[0] == replace(rows[0], reason=reason if reason.isprintable() else "\\u200b")
    assert read[1] == rows[1]


@pytest.mark.parametrize(
    "character", ["\t", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\x00", "\x1b", "\udcff"]
)
def test_control_characters_never_break_a_row(tmp_path: Path, character: str) -> None:
    rows = [Row(f"sub-{i}{character}_unloc", f"sub-{i}", "", "failed", "raw", f"a{character}b") for i in (1, 2)]
    path = tmp_path / "batch-0.tsv"
    path.write_bytes(ledger_bytes(rows))
    assert len(path.read_text("utf-8").splitlines()) == 3
    assert [row.participant_id for row in read_ledger(path)] == ["sub-1", "sub-2"]
    assert all(row.reason.isprintable() and len(row.reason) > 3 for row in read_ledger(path))


def test_bytes_do_not_depend_on_the_order_of_rows_or_roles() -> None:
    one = [Row("b", "sub-1", "", inputs={"x": ("p", "1"), "y": ("q", "2")}), Row("a", "sub-2", "")]
    other = [Row("a", "sub-2", ""), Row("b", "sub-1", "", inputs={"y": ("q", "2"), "x": ("p", "1")})]
    assert ledger_bytes(one) == ledger_bytes(other)


@pytest.mark.parametrize(
    "content",
    [b"", b"other\tcolumns\n1\t2\n", b"\xff", "\t".join(COLUMNS).encode() + b"\nonly\ttwo\n", b"\x00" * 50]
    + [
        "\n".join("\t".join(values) for values in (COLUMNS, [cell] * len(COLUMNS))).encode()
        for cell in ("[]", "{", "3")
    ],
)
def test_damaged_ledger_is_refused_with_its_name_and_a_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fit" / "batch-0.tsv"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"fit/batch-0\.tsv: not a readable ledger.*--forcerun fit"):
        read_ledger(path)


def test_missing_ledger_is_refused() -> None:
    with pytest.raises(LedgerError, match="No such file"):
        read_ledger(Path("nowhere") / "batch-0.tsv")


# --- digests


def test_file_as_recorded_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"content")
    assert checked_path(tmp_path, "a.json", sha256_bytes(b"content"), "qc") == tmp_path / "a.json"


def edit(path: Path) -> None:
    """Flip one bit and keep size and mtime."""
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    stat = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def swap(path: Path) -> None:
    other = Path(str(path).replace("sub-1", "sub-2"))
    first, second = path.read_bytes(), other.read_bytes()
    path.write_bytes(second)
    other.write_bytes(first)


TAMPERINGS = {
    "edited with its mtime kept": (edit, "changed since step convert wrote it"),
    "removed": (Path.unlink, "cannot be read now"),
    "swapped": (swap, "changed since step convert wrote it"),
    "cut": (lambda path: os.truncate(path, 1), "changed since step convert wrote it"),
    "a folder now": (lambda path: (path.unlink(), path.mkdir()), "cannot be read now"),
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampered_intermediate_is_refused_by_the_next_step_and_repaired_by_the_advice(
    how: str, study: Path, derivative: Path
) -> None:
    convert(study)
    qc(study)
    before = tree(derivative)
    tamper, message = TAMPERINGS[how]
    target = derivative / "sub-1/mrs/sub-1_unloc.nii.gz"
    tamper(target)
    with pytest.raises(
        LedgerError, match=rf"sub-1/mrs/sub-1_unloc\.nii\.gz: .*{message}.*--forcerun convert"
    ) as caught:
        qc(study)
    assert "\n" not in str(caught.value)
    if target.is_dir():
        target.rmdir()
    convert(study)
    qc(study)
    assert tree(derivative) == before


@pytest.mark.usefixtures("study")
def test_path_outside_the_derivative_is_refused(derivative: Path) -> None:
    secret = derivative.parent / "secret"
    secret.write_text("s")
    (derivative / "link").symlink_to(secret)
    for path in ("../secret", str(secret), "link"):
        with pytest.raises(LedgerError, match="outside the derivative"):
            checked_path(derivative, path, sha256_file(secret), "qc")


@pytest.mark.usefixtures("derivative")
def test_edited_ledger_is_refused_by_the_next_step(study: Path) -> None:
    convert(study, failing("sub-2"))
    assert checked_ledger(CONVERT) == read_ledger(CONVERT)
    CONVERT.write_text(CONVERT.read_text().replace("broken", "harmless"))
    with pytest.raises(LedgerError, match=r"ledger/convert/batch-0\.tsv: changed.*--forcerun convert"):
        qc(study)
    with pytest.raises(LedgerError, match="changed since"):
        list(read_results([CONVERT]))


@pytest.mark.parametrize("content", [None, b"", b"not json\n", b"[]\n", b"{}\n", b"\xff"])
@pytest.mark.usefixtures("derivative")
def test_ledger_without_its_activity_record_is_refused(study: Path, content: bytes | None) -> None:
    convert(study)
    activity_path(CONVERT).unlink()
    if content is not None:
        activity_path(CONVERT).write_bytes(content)
    with pytest.raises(LedgerError, match="not a readable activity record"):
        checked_ledger(CONVERT)


@pytest.mark.usefixtures("derivative")
def test_raw_file_that_changes_during_the_run_stops_the_job(study: Path) -> None:
    edit(study / "sub-1/mrs/sub-1_unloc.nii.gz")
    with pytest.raises(LedgerError, match="the raw file changed while the pipeline ran"):
        convert(study)


@pytest.mark.usefixtures("derivative")
def test_raw_file_that_vanishes_during_the_run_fails_alone(study: Path) -> None:
    (study / "sub-1/mrs/sub-1_unloc.nii.gz").unlink()
    assert [row.status for row in convert(study)] == ["failed", "ok", "ok"]


# --- one step over a batch


def test_step_writes_outputs_and_a_row_that_names_them(study: Path, derivative: Path) -> None:
    row = convert(study)[0]
    raw = study / "sub-1/mrs/sub-1_unloc.nii.gz"
    assert (row.scan, row.status, row.step, row.reason, row.code) == ("sub-1_unloc", "ok", "convert", "", "c0de")
    assert row.inputs == {"raw": ("sub-1/mrs/sub-1_unloc.nii.gz", sha256_file(raw))}
    assert row.outputs["fid"] == ("sub-1/mrs/sub-1_unloc.nii.gz", sha256_bytes(b"sub-1"))
    assert (derivative / row.outputs["fid"][0]).read_bytes() == b"sub-1"


@pytest.mark.usefixtures("derivative")
def test_steps_get_exactly_the_roles_they_read(study: Path) -> None:
    seen: dict[str, set[str]] = {}
    previous = RAW
    for step, roles in OUTPUT_NAMES.items():

        def function(
            _scan: str, inputs: Mapping[str, Path], _settings: Mapping[str, Any], step: str = step, roles: Any = roles
        ) -> dict[str, bytes]:
            seen[step] = set(inputs)
            assert all(path.is_file() for path in inputs.values())
            return dict.fromkeys(roles, b"{}")

        ledger = Path(ledger_path(step, 0))
        run_step(step, function, previous=previous, ledger=ledger, spec=SPEC, study=study)
        assert all(set(row.outputs) == set(roles) for row in read_ledger(ledger))
        previous = ledger
        if step == "qc":
            break
    assert seen == {"convert": {"raw"}, "qc": set(READS["qc"])}


def test_bad_scan_fails_alone_and_flows_on_with_its_reason(study: Path, derivative: Path) -> None:
    rows = convert(study, failing("sub-2"))
    assert [(row.status, row.reason) for row in rows] == [("ok", ""), ("failed", "sub-2_unloc is broken"), ("ok", "")]
    assert rows[1].outputs == {}
    assert rows[1].inputs != {}
    flowed = qc(study)
    assert [row.step for row in flowed] == ["qc", "convert", "qc"]
    assert (flowed[1].status, flowed[1].reason, flowed[1].outputs) == ("failed", "sub-2_unloc is broken", {})
    assert not list(derivative.glob("sub-2"))
    assert [result.last.status for result in read_results([CONVERT, QC])] == ["ok", "failed", "ok"]
    assert list(by_participant(read_results([QC]))) == ["sub-1", "sub-2", "sub-3"]


@pytest.mark.parametrize("error", [ValueError, KeyError, MemoryError, OSError, KeyboardInterrupt, LedgerError])
def test_bug_fails_the_job_and_leaves_everything_as_it_was(
    error: type[Exception], study: Path, derivative: Path
) -> None:
    convert(study)
    before, activity = tree(derivative, private=True), activity_path(CONVERT).read_bytes()
    spec = SPEC.replace('"gain":1', '"gain":2')
    with pytest.raises(error):
        convert(study, failing("sub-3", error=error), spec)
    assert tree(derivative, private=True) == before
    assert activity_path(CONVERT).read_bytes() == activity


@pytest.mark.usefixtures("derivative")
def test_unknown_role_is_a_bug(study: Path) -> None:
    with pytest.raises(KeyError):
        convert(study, lambda *_: {"other": b""})
    assert not CONVERT.exists()


def test_scan_that_turns_bad_leaves_no_result_behind(study: Path, derivative: Path) -> None:
    convert(study)
    convert(study, failing("sub-2"))
    assert not (derivative / "sub-2").exists()
    assert (derivative / "sub-1/mrs/sub-1_unloc.nii.gz").exists()


def test_scan_that_turns_bad_leaves_no_result_behind_even_if_the_old_ledger_is_lost(
    study: Path, derivative: Path
) -> None:
    convert(study)
    CONVERT.unlink()
    convert(study, failing("sub-2"))
    assert not (derivative / "sub-2").exists()


def test_foreign_files_in_the_derivative_are_left_alone(study: Path, derivative: Path) -> None:
    convert(study)
    note = derivative / "sub-2/mrs/note.txt"
    note.write_text("mine")
    convert(study, failing("sub-2"))
    assert [path.name for path in note.parent.iterdir()] == ["note.txt"]


def test_settings_digest_tells_an_override_from_the_rest(study: Path, derivative: Path) -> None:
    plain = convert(study)
    spec = canonical({"settings": {"gain": 1}, "overrides": {"sub-2": {"gain": 3}}, "code": "c0de"})
    rows = convert(study, spec=spec)
    assert rows[0] == plain[0]
    assert rows[1].settings != plain[1].settings
    assert (derivative / "sub-2/mrs/sub-2_unloc.nii.gz").read_bytes() == b"sub-2" * 3


def test_override_of_a_scan_wins_over_that_of_its_participant(study: Path, derivative: Path) -> None:
    overrides = {"sub-2_unloc": {"gain": 5}, "sub-2": {"gain": 3}}
    convert(study, spec=canonical({"settings": {"gain": 1}, "overrides": overrides, "code": ""}))
    assert (derivative / "sub-2/mrs/sub-2_unloc.nii.gz").read_bytes() == b"sub-2" * 5


def test_same_input_gives_the_same_bytes(study: Path, derivative: Path) -> None:
    convert(study)
    first = tree(derivative)
    for path in sorted(derivative.rglob("*"), reverse=True):
        if PRIVATE not in path.parts and "raw" not in path.parts:
            path.rmdir() if path.is_dir() and not list(path.iterdir()) else path.is_file() and path.unlink()
    time.sleep(0.01)
    convert(study)
    assert tree(derivative) == first


# --- files appear whole or not at all


def test_kill_between_writing_and_renaming_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomic(tmp_path, "a/b.json", b"old")

    def killed(*_: object) -> None:
        raise SystemExit(137)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(SystemExit):
        write_atomic(tmp_path, "a/b.json", b"new")
    assert (tmp_path / "a/b.json").read_bytes() == b"old"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]


def test_files_appear_together_at_the_end_and_in_order(tmp_path: Path) -> None:
    with together(tmp_path) as write:
        write("first", b"1")
        write("folder/second", b"2")
        assert tree(tmp_path) == {}
    assert tree(tmp_path, private=True) == {"first": b"1", "folder/second": b"2"}


def test_a_file_in_pieces_has_the_digest_of_the_whole_and_half_of_one_never_appears(tmp_path: Path) -> None:
    pieces = [b"a\tb\n", b"1\t2\n"]
    with together(tmp_path) as write:
        assert write("whole", b"".join(pieces)) == write("pieces", iter(pieces)) == sha256_bytes(b"".join(pieces))
    expected = {"whole": b"".join(pieces), "pieces": b"".join(pieces)}
    assert tree(tmp_path, private=True) == expected

    def broken() -> Iterator[bytes]:
        yield pieces[0]
        raise ValueError("not finite")

    with pytest.raises(ValueError, match="not finite"), together(tmp_path) as write:
        write("pieces", broken())
    assert tree(tmp_path, private=True) == expected


def test_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").write_bytes(b"theirs")
    (tmp_path / "root" / "a").symlink_to(tmp_path / "outside")
    write_atomic(tmp_path / "root", "a", b"ours")
    assert (tmp_path / "outside").read_bytes() == b"theirs"
    assert not (tmp_path / "root" / "a").is_symlink()


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_files_follow_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_atomic(tmp_path, "shared", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "shared").stat().st_mode & 0o777 == mode


def test_unchanged_content_keeps_its_time_stamp(tmp_path: Path) -> None:
    write_if_changed(tmp_path, "a", b"1")
    os.utime(tmp_path / "a", ns=(1, 1))
    write_if_changed(tmp_path, "a", b"1")
    assert (tmp_path / "a").stat().st_mtime_ns == 1
    write_if_changed(tmp_path, "a", b"2")
    assert (tmp_path / "a").read_bytes() == b"2"


KILLED = """
import sys
from pathlib import Path
from myomag.io.files import write_atomic
print("ready", flush=True)
while True:
    write_atomic(Path(sys.argv[1]), "big.bin", b"new" * 20_000_000)
"""


def test_kill_in_the_middle_of_a_big_write_leaves_a_whole_file(tmp_path: Path) -> None:
    old, new = b"old" * 20_000_000, b"new" * 20_000_000
    write_atomic(tmp_path, "big.bin", old)
    parts = []
    for pause in (0.0, 0.01, 0.03, 0.06):
        with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            unfinished = tmp_path / PRIVATE / "unfinished"
            while not any(unfinished.iterdir()):
                pass
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
        parts += [path.stat().st_size for path in unfinished.iterdir()]
        assert (tmp_path / "big.bin").read_bytes() in (old, new)
        sweep(tmp_path, [])
        assert list(unfinished.iterdir()) == []
    assert any(0 <= size < len(new) for size in parts), "no kill came in the middle of a write"


# --- activity records


def activities(ledger: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in activity_path(ledger).read_text("utf-8").splitlines()]


def broken_links(lines: list[str]) -> list[int]:
    """Numbers of the lines that do not name the digest of the line before."""
    before: list[str | None] = [None, *(sha256_bytes(line.encode()) for line in lines)]
    return [n for n, line in enumerate(lines) if json.loads(line)["previous_sha256"] != before[n]]


@pytest.mark.usefixtures("derivative")
def test_activity_record_is_a_chain_in_which_tampering_shows(study: Path) -> None:
    for gain in (1, 2, 3):
        convert(study, spec=SPEC.replace('"gain":1', f'"gain":{gain}'))
    lines = activity_path(CONVERT).read_text("utf-8").splitlines()
    assert len(lines) == 3
    assert broken_links(lines) == []
    assert broken_links([lines[0].replace('"convert"', '"konvert"'), *lines[1:]]) == [1]
    assert broken_links([lines[0], lines[2]]) == [1]
    assert broken_links(lines[1:]) == [0]
    assert broken_links([lines[1], lines[0], lines[2]]) == [0, 1, 2]


@pytest.mark.usefixtures("derivative")
def test_activity_record_says_when_where_by_whom_and_with_what(study: Path) -> None:
    convert(study)
    (entry,) = activities(CONVERT)
    assert entry["step"] == "convert"
    assert entry["started"] <= entry["ended"]
    assert entry["started"].endswith("+00:00")
    assert entry["ledger_sha256"] == sha256_file(CONVERT)
    assert entry["previous_ledger_sha256"] == sha256_file(RAW)
    assert {"host", "user", "job", "python", "packages", "lock_sha256", "git_commit", "git_dirty"} <= set(entry)
    assert {"numpy", "scipy", "nibabel"} <= set(entry["packages"])


@pytest.mark.usefixtures("derivative")
def test_account_without_a_name_is_recorded_by_its_number(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(_: int) -> None:
        raise KeyError("uid not found")

    monkeypatch.setattr("pwd.getpwuid", nobody)
    convert(study)
    assert activities(CONVERT)[0]["user"] == f"uid-{os.getuid()}"


# --- batches and the index


def index(study: Path, root: Path, batches: int) -> dict[str, bytes]:
    write_index(find_scans(study), root, batches)
    return {path.name: path.read_bytes() for path in (root / "ledger/raw").glob("batch-*.tsv")}


def test_tables_that_are_watched_are_those_the_cohort_reads(study: Path) -> None:
    (study / "phenotype").mkdir(exist_ok=True)
    for name in ("participants", "sessions", "phenotype/serum", "sub-1/sub-1_sessions"):
        for end in ("tsv", "json"):
            (study / f"{name}.{end}").write_text("", encoding="utf-8")
    read = [path.relative_to(study) for path in table_paths(study)]
    described = [*(path.with_suffix(".json") for path in read), Path("sessions.json")]
    assert study_tables(find_scans(study)) == sorted(path.as_posix() for path in (*read, *described))


def test_batches_depend_on_the_label_alone() -> None:
    for label in ("sub-001", "sub-Ä", "sub-\udcff"):
        digest = hashlib.sha256(label.encode("utf-8", "surrogateescape")).hexdigest()
        assert batch_of(label, 16) == int(digest[:16], 16) % 16
    counts = [0] * 16
    for number in range(1600):
        counts[batch_of(f"sub-{number:04d}", 16)] += 1
    # Binomial with mean 100 and SD 9.7: five SD.
    assert min(counts) > 50
    assert max(counts) < 150


def test_new_participant_changes_one_batch(study: Path, derivative: Path) -> None:
    before = index(study, derivative, 8)
    (study / "sub-4/mrs").mkdir(parents=True)
    (study / "sub-4/mrs/sub-4_unloc.nii.gz").write_text("sub-4")
    after = index(study, derivative, 8)
    changed = {name for name, content in after.items() if before.get(name) != content}
    assert changed == {f"batch-{batch_of('sub-4', 8)}.tsv"}


def test_index_is_left_alone_when_nothing_changed(study: Path, derivative: Path) -> None:
    index(study, derivative, 4)
    files = list((derivative / "ledger/raw").iterdir())
    for path in files:
        os.utime(path, ns=(1, 1))
    for path in study.rglob("*.nii.gz"):
        path.touch()
    index(study, derivative, 4)
    assert {path.stat().st_mtime_ns for path in files} == {1}


def test_raw_file_replaced_with_its_mtime_kept_is_noticed(study: Path, derivative: Path) -> None:
    raw = study / "sub-1/mrs/sub-1_unloc.nii.gz"
    before = index(study, derivative, 1)
    edit(raw)
    assert index(study, derivative, 1) != before


def test_digests_are_kept_only_for_files_that_have_settled(
    study: Path, derivative: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(study, derivative, 1)
    assert (derivative / CACHE).read_text().strip() == ""
    monkeypatch.setattr("myomag.ledger.raw.SETTLED_NS", -1)
    index(study, derivative, 1)
    assert len((derivative / CACHE).read_text().splitlines()) == 3
    hashed: list[Path] = []
    monkeypatch.setattr("myomag.ledger.raw.sha256_file", lambda path: hashed.append(path) or sha256_file(path))
    before = index(study, derivative, 1)
    assert hashed == []
    edit(study / "sub-2/mrs/sub-2_unloc.nii.gz")
    assert index(study, derivative, 1) != before
    assert [path.name for path in hashed] == ["sub-2_unloc.nii.gz"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a\tb\n", b"x" * 1000, b"sub-1\t1\t1\t1\t1\tbad\n"])
def test_damaged_digest_cache_is_no_obstacle(study: Path, derivative: Path, content: bytes) -> None:
    before = index(study, derivative, 1)
    (derivative / CACHE).write_bytes(content)
    assert index(study, derivative, 1) == before


def test_scan_with_a_problem_and_unreadable_raw_file_become_failed_rows(study: Path, derivative: Path) -> None:
    (study / "sub-1/mrs/bad name_unloc.nii.gz").touch()
    (study / "sub-2/mrs/sub-2_unloc.nii.gz").unlink()
    (study / "sub-2/mrs/sub-2_unloc.nii.gz").symlink_to("gone")
    index(study, derivative, 1)
    rows = {row.scan: row for row in read_ledger(RAW)}
    assert {name: row.status for name, row in rows.items()} == {
        "bad name_unloc (in sub-1)": "failed",
        "sub-1_unloc": "ok",
        "sub-2_unloc": "failed",
        "sub-3_unloc": "ok",
    }
    assert "not a BIDS name" in rows["bad name_unloc (in sub-1)"].reason
    assert rows["sub-2_unloc"].reason.startswith("sub-2_unloc.nii.gz: cannot be read")


def test_tables_have_a_ledger_of_their_own_and_may_not_change_meanwhile(study: Path, derivative: Path) -> None:
    (study / "participants.tsv").write_text("participant_id\nsub-1\n")
    (study / "phenotype").mkdir()
    (study / "phenotype/serum.tsv").write_text("participant_id\nsub-1\n")
    (study / "sub-1/sub-1_sessions.tsv").write_text("session_id\n")
    before = index(study, derivative, 1)
    assert [row.scan for row in read_ledger(Path(TABLES))] == [
        "participants.tsv",
        "phenotype/serum.tsv",
        "sub-1/sub-1_sessions.tsv",
    ]
    checked_tables(study, Path(TABLES))
    (study / "phenotype/serum.tsv").write_text("participant_id\nsub-2\n")
    with pytest.raises(LedgerError, match=r"phenotype/serum\.tsv: the table changed"):
        checked_tables(study, Path(TABLES))
    assert index(study, derivative, 1) == before


# --- what is no longer in the study


def paths(rows: Iterable[Row]) -> set[str]:
    return {path for row in rows for path, _ in row.outputs.values()}


def page(derivative: Path, *labels: str) -> None:
    rows = []
    for label in labels:
        write_atomic(derivative, f"report/{label}.html", b"page")
        rows.append(Row(label, label, "", outputs={"page": (f"report/{label}.html", sha256_bytes(b"page"))}))
    write_atomic(derivative, ledger_path("pages", 0), ledger_bytes(rows))


@pytest.mark.parametrize("lost", ["none", "convert", "qc"])
def test_removed_participant_leaves_nothing_behind(lost: str, study: Path, derivative: Path) -> None:
    convert(study)
    qc(study)
    page(derivative, "sub-1", "sub-2", "sub-3")
    (derivative / "report/index.html").write_text("cohort")
    if lost != "none":
        Path(ledger_path(lost, 0)).unlink()
    (study / "sub-2/mrs/sub-2_unloc.nii.gz").unlink()
    index(study, derivative, 1)
    sweep(derivative, [0])
    assert not [path for path in tree(derivative) if "sub-2" in path]
    assert len([path for path in tree(derivative) if path.startswith(("sub-1", "sub-3"))]) == 2 * 5
    assert {path for path in tree(derivative) if path.startswith("report")} == {
        "report/index.html",
        "report/sub-1.html",
        "report/sub-3.html",
    }


def test_scan_moved_to_another_participant_leaves_nothing_behind(study: Path, derivative: Path) -> None:
    convert(study)
    (study / "sub-1/mrs/sub-1_unloc.nii.gz").rename(study / "sub-2/mrs/sub-1_unloc.nii.gz")
    index(study, derivative, 1)
    sweep(derivative, [0])
    assert not (derivative / "sub-1").exists()


def test_changed_number_of_batches_keeps_results_and_drops_old_ledgers(study: Path, derivative: Path) -> None:
    rows = convert(study)
    number = next(n for n in range(2, 100) if all(batch_of(label, n) for label in ("sub-1", "sub-2", "sub-3")))
    index(study, derivative, number)
    batches = sorted({batch_of(label, number) for label in ("sub-1", "sub-2", "sub-3")})
    sweep(derivative, batches)
    assert paths(rows) <= set(tree(derivative))
    assert not CONVERT.exists()
    assert not activity_path(CONVERT).exists()
    assert sorted(path.name for path in (derivative / "ledger/raw").glob("batch*")) == [
        f"batch-{b}.tsv" for b in batches
    ]


def planted_ledger(row: Row, *, recorded: bool) -> None:
    """Ledger of the step qc that no step wrote, with or without an activity record that agrees with it."""
    write_atomic(Path.cwd(), str(QC), ledger_bytes([row]))
    activity_path(QC).unlink(missing_ok=True)
    if recorded:
        record_step("qc", QC, started=datetime.now(UTC), chain={})


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("name", ["sub-1_svs", "sub-2_unloc"])
def test_edited_name_in_a_ledger_costs_no_file_of_a_present_scan(
    name: str, recorded: bool, study: Path, derivative: Path
) -> None:
    """Both names stand for scans that are not in the study, and share files with those that are."""
    convert(study)
    qc(study)
    before = {path for path in tree(derivative) if path.startswith("sub-")}
    planted_ledger(Row(name, "sub-1" if name == "sub-1_svs" else "sub-2", "."), recorded=recorded)
    sweep(derivative, [0])
    assert {path for path in tree(derivative) if path.startswith("sub-")} == before


def test_sweep_does_not_believe_an_edited_ledger(study: Path, derivative: Path) -> None:
    convert(study)
    stray = "sub-9/mrs/sub-9_unloc.nii.gz"
    write_atomic(derivative, stray, b"of nobody knows whom")
    for recorded in (False, True):
        planted_ledger(Row("sub-9_unloc", "sub-9", ""), recorded=recorded)
        sweep(derivative, [0])
        assert (derivative / stray).exists() == (not recorded)


def test_sweep_never_touches_anything_outside_the_derivative(study: Path, derivative: Path) -> None:
    convert(study)
    outside = derivative.parent / "outside"
    (outside / "mrs").mkdir(parents=True)
    victims = [outside / "mrs/evil_unloc.nii.gz", derivative.parent / "report.html"]
    for victim in victims:
        victim.write_text("keep")
    planted_ledger(Row("evil_unloc", "../outside", ""), recorded=True)
    with pytest.raises(LedgerError, match="leads out of the derivative"):
        sweep(derivative, [0])
    (derivative / "sub-9").symlink_to(outside, target_is_directory=True)
    planted_ledger(Row("evil_unloc", "sub-9", ""), recorded=True)
    with pytest.raises(LedgerError, match="leads out of the derivative"):
        sweep(derivative, [0])
    assert all(victim.read_text() == "keep" for victim in victims)
    assert len(list(study.rglob("*.nii.gz"))) == 3


def test_damaged_ledger_does_not_stop_the_sweep(study: Path, derivative: Path) -> None:
    convert(study)
    CONVERT.write_bytes(b"damaged")
    sweep(derivative, [0])
    convert(study)
    assert [row.status for row in checked_ledger(CONVERT)] == ["ok"] * 3


@pytest.mark.usefixtures("derivative")
def test_ledgers_made_by_hand_for_all_output_names() -> None:
    row = Row("sub-1_ses-2_acq-fid_unloc", "sub-1", "ses-2")
    names = {output_path(step, role, row) for step, roles in OUTPUT_NAMES.items() for role in roles}
    assert len(names) == sum(len(roles) for roles in OUTPUT_NAMES.values())
    assert all(name.startswith("sub-1/ses-2/mrs/sub-1_ses-2_acq-fid_") for name in names)


# --- steps that see the whole study


def test_study_step_writes_outputs_ledger_and_activity(study: Path, derivative: Path) -> None:
    convert(study)
    ledger = Path("ledger/cohort/all.tsv")
    spec = canonical({"settings": {"a": 1}, "reject": {}, "code": "c"})
    started = datetime.now(UTC)
    inputs = ledger_files([CONVERT])
    finish_study_step("cohort", [("cohort.tsv", b"x\n")], inputs, ledger=ledger, spec=spec, started=started)
    row = checked_outputs(derivative, ledger)
    assert row.outputs == {"cohort.tsv": ("cohort.tsv", sha256_bytes(b"x\n"))}
    assert row.inputs == {str(CONVERT): (str(CONVERT), sha256_file(CONVERT))}
    (derivative / "cohort.tsv").write_bytes(b"y\n")
    with pytest.raises(LedgerError, match=r"cohort\.tsv: changed since step cohort wrote it.*--forcerun cohort"):
        checked_outputs(derivative, ledger)
