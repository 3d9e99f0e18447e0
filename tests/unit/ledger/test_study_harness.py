"""Steps that see many scans: what they read, and the tables and pages they leave behind."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ledger_samples import CONVERT, FID, LABELS, RAW, Small, edit, failing, making
from myomag import pipeline
from myomag.errors import LedgerError
from myomag.io.files import sha256_bytes, sha256_file, write_atomic
from myomag.ledger.harness import ledger_files
from myomag.ledger.results import ScanResult
from myomag.ledger.rows import checked_ledger, checked_outputs, read_ledger
from myomag.ledger.study_harness import (
    check_summaries,
    checked_tables,
    made,
    results,
    write_participants,
    write_study,
)


def test_table_of_the_study_that_changes_during_the_run_stops_the_job(small: Small) -> None:
    (small.study / "phenotype").mkdir()
    table = small.study / "phenotype/serum.tsv"
    table.write_text("participant_id\nsub-1\n")
    small.index()
    task = small.job("cohort", read=(RAW.with_name("tables.tsv"), CONVERT))
    checked_tables(task)
    for change in (lambda: table.write_text("participant_id\nsub-2\n"), table.unlink):
        change()
        with pytest.raises(LedgerError, match=r"phenotype/serum\.tsv: the table changed"):
            checked_tables(task)


def test_study_step_writes_outputs_ledger_and_activity(small: Small) -> None:
    for step in ("convert", "qc", "begin_time"):
        small.run(step, making(step))
    task = small.job("protocols")
    write_study(task, [("protocols.tsv", iter([b"x", b"\n"])), ("protocols.json", b"{}")], origins={"a": "b"})
    row = checked_outputs(small.root, task.ledger)
    assert row.outputs["protocols.tsv"] == ("protocols.tsv", sha256_bytes(b"x\n"))
    (read,) = map(str, task.ledgers)
    assert row.inputs == {read: (read, sha256_file(small.root / read))} == ledger_files(small.root, task.ledgers)
    assert small.activities(task.ledger)[0]["origins"] == {"a": "b"}
    (small.root / "protocols.tsv").write_bytes(b"y\n")
    with pytest.raises(LedgerError, match=r"protocols\.tsv: changed since step protocols wrote.*--repair"):
        check_summaries(small.root)


def test_study_step_that_fails_leaves_everything_as_it_was(small: Small) -> None:
    task = small.job("report", read=())
    write_study(task, [("report/index.html", b"old")])
    before = small.tree(private=True)

    def broken() -> Iterator[tuple[str, bytes]]:
        yield "report/index.html", b"new"
        raise ValueError

    with pytest.raises(ValueError):
        write_study(task, broken())
    assert small.tree(private=True) == before


def test_files_of_a_pattern_that_are_not_made_any_more_are_removed(small: Small) -> None:
    task = small.job("report", read=())
    for name in ("report/figures/old.svg", "report/figures/kept.svg", "report/note.txt", "report/sub-1.html"):
        write_atomic(small.root, name, b"before")
    made = {"report/index.html": b"now", "report/figures/kept.svg": b"now", "report/figures/new.svg": b"now"}
    write_study(task, made.items())
    found = {path: content for path, content in small.tree().items() if path.startswith("report/")}
    assert found == made | {"report/note.txt": b"before", "report/sub-1.html": b"before"}


def test_results_are_those_of_the_scans_in_the_ledgers_of_batches(small: Small) -> None:
    small.convert()
    found = list(results(small.job("cohort", read=(RAW.with_name("tables.tsv"), CONVERT))))
    assert [result.last.participant_id for result in found] == list(LABELS)


def test_page_of_a_participant_names_the_files_it_was_made_from(small: Small) -> None:
    for step in pipeline.SCAN_STEPS:
        small.run(step, failing("sub-2", function=making(step)) if step == "convert" else making(step))

    def pages(results: Mapping[str, list[ScanResult]]) -> Iterator[tuple[str, bytes]]:
        for participant, (scan,) in results.items():
            path = scan.path("fid")
            yield participant, path.read_bytes() if path else b"no FID"

    task = small.job("pages")
    write_participants(task, pages)
    rows = read_ledger(small.root / task.ledger)
    assert [row.outputs["page"][0] for row in rows] == [f"report/{label}.html" for label in LABELS]
    assert (small.root / "report/sub-1.html").read_bytes() == (small.root / FID.format(1)).read_bytes()
    assert [list(row.inputs) for row in rows] == [["fid:sub-1_unloc"], [], ["fid:sub-3_unloc"]]
    assert checked_ledger(small.root, task.ledger) == rows


def test_summaries_are_checked_and_files_of_scans_are_not(small: Small) -> None:
    small.convert()
    write_study(small.job("report", read=()), [("report/index.html", b"page")])
    edit(small.root / FID.format(1))
    check_summaries(small.root)
    for path, step in ((CONVERT, "convert"), (Path("report/index.html"), "report")):
        edit(small.root / path)
        with pytest.raises(LedgerError, match=f"{step}.*--repair"):
            check_summaries(small.root)
        edit(small.root / path)
    check_summaries(small.root)


def test_study_step_reads_the_files_of_another_after_checking_them(small: Small) -> None:
    task = small.job("protocols", read=())
    write_study(task, [("protocols.tsv", b"x\n"), ("protocols.json", b"{}")])
    (row,) = made(small.job("report", read=(task.ledger,)))
    assert list(row.outputs) == ["protocols.json", "protocols.tsv"]
    edit(small.root / "protocols.tsv")
    with pytest.raises(LedgerError, match=r"protocols\.tsv: changed"):
        made(small.job("report", read=(task.ledger,)))
