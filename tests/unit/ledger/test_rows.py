"""The text of a ledger, and the files it names: what is read back, and what is refused."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ledger_samples import CONVERT, Small, failing
from myomag import pipeline
from myomag.errors import LedgerError
from myomag.io.files import sha256_bytes, sha256_file
from myomag.ledger.results import read_results
from myomag.ledger.rows import (
    COLUMNS,
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
)


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
    with pytest.raises(LedgerError, match=r"fit/batch-0\.tsv: not a readable ledger.*--repair"):
        read_ledger(path)


def test_missing_ledger_is_refused() -> None:
    with pytest.raises(LedgerError, match="No such file"):
        read_ledger(Path("nowhere") / "batch-0.tsv")


def test_edited_ledger_is_refused_by_the_next_step_and_by_readers_of_results(small: Small) -> None:
    rows = small.convert(failing("sub-2"))
    assert checked_ledger(small.root, CONVERT) == rows
    place = small.root / CONVERT
    place.write_text(place.read_text().replace("broken", "harmless"))
    with pytest.raises(LedgerError, match=r"ledger/convert/batch-0\.tsv: changed.*--repair"):
        small.run("qc")
    with pytest.raises(LedgerError, match="changed since"):
        list(read_results(small.root, [CONVERT]))


@pytest.mark.parametrize("content", [None, b"", b"not json\n", b"[]\n", b"{}\n", b"\xff"])
def test_ledger_without_its_activity_record_is_refused(small: Small, content: bytes | None) -> None:
    small.convert()
    record = small.root / activity_path(CONVERT)
    record.unlink()
    if content is not None:
        record.write_bytes(content)
    with pytest.raises(LedgerError, match="not a readable activity record"):
        checked_ledger(small.root, CONVERT)


def test_file_as_recorded_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"content")
    assert checked_path(tmp_path, "a.json", sha256_bytes(b"content"), "qc") == tmp_path / "a.json"


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b"other"), Path.unlink])
def test_file_that_is_not_as_recorded_is_refused(small: Small, change: Callable[[Path], object]) -> None:
    (small.root / "cohort.tsv").write_bytes(b"x\n")
    row = Row("cohort", "", "", step="cohort", outputs={"cohort.tsv": ("cohort.tsv", sha256_bytes(b"x\n"))})
    place = Path(ledger_path("raw"))
    (small.root / place).write_bytes(ledger_bytes([row]))
    assert checked_outputs(small.root, place) == row
    change(small.root / "cohort.tsv")
    with pytest.raises(LedgerError, match=r"cohort\.tsv: .*step cohort.*--repair"):
        checked_outputs(small.root, place)


def test_path_outside_the_derivative_is_refused(small: Small) -> None:
    secret = small.root.parent / "secret"
    secret.write_text("s")
    (small.root / "link").symlink_to(secret)
    for path in ("../secret", str(secret), "link"):
        with pytest.raises(LedgerError, match="outside the derivative"):
            checked_path(small.root, path, sha256_file(secret), "qc")


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


def test_files_of_a_scan_lie_in_its_folder_and_those_of_a_participant_where_the_plan_says() -> None:
    row = Row("sub-1_ses-2_acq-fid_unloc", "sub-1", "ses-2")
    for step in (pipeline.BY_NAME[name] for name in pipeline.SCAN_STEPS):
        for file in step.writes:
            assert output_path(file, row).startswith("sub-1/ses-2/mrs/sub-1_ses-2_acq-fid_")
    (page,) = pipeline.BY_NAME["pages"].writes
    assert output_path(page, Row("sub-1", "sub-1", "")) == "report/sub-1.html"
