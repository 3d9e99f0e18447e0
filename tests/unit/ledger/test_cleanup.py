"""What is no longer in the study leaves nothing behind, and nothing else is touched."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger_samples import CONVERT, FID, LABELS, QC, RAW, Small
from myomag.errors import LedgerError
from myomag.io.files import PRIVATE, sha256_bytes, write_atomic
from myomag.ledger.cleanup import remove_unfinished, sweep
from myomag.ledger.harness import record_job
from myomag.ledger.rows import Row, activity_path, batch_of, checked_ledger, ledger_bytes, ledger_path


def write_pages(small: Small) -> None:
    rows = []
    for label in LABELS:
        write_atomic(small.root, f"report/{label}.html", b"page")
        rows.append(Row(label, label, "", outputs={"page": (f"report/{label}.html", sha256_bytes(b"page"))}))
    write_atomic(small.root, ledger_path("pages", 0), ledger_bytes(rows))


@pytest.mark.parametrize("lost", ["none", "convert", "qc"])
def test_removed_participant_leaves_nothing_behind(lost: str, small: Small) -> None:
    small.convert()
    small.run("qc")
    write_pages(small)
    (small.root / "report/index.html").write_text("cohort")
    if lost != "none":
        (small.root / ledger_path(lost, 0)).unlink()
    small.remove(2)
    sweep(small.root, [RAW])
    left = [path for path in small.tree() if not path.startswith("ledger")]
    assert not [path for path in left if "sub-2" in path]
    assert len([path for path in left if path.startswith(("sub-1", "sub-3"))]) == 2 * 5
    assert {path for path in left if path.startswith("report")} == {
        "report/index.html",
        "report/sub-1.html",
        "report/sub-3.html",
    }


def test_scan_moved_to_another_participant_leaves_nothing_behind(small: Small) -> None:
    small.convert()
    small.raw_file(1).rename(small.study / "sub-2/mrs/sub-1_unloc.nii.gz")
    small.index()
    sweep(small.root, [RAW])
    assert not (small.root / "sub-1").exists()


def test_changed_number_of_batches_keeps_results_and_drops_old_ledgers(small: Small) -> None:
    written = {path for row in small.convert() for path, _ in row.outputs.values()}
    number = next(n for n in range(2, 100) if all(batch_of(label, n) for label in LABELS))
    small.index(number)
    batches = sorted({batch_of(label, number) for label in LABELS})
    sweep(small.root, [Path(ledger_path("raw", batch)) for batch in batches])
    assert written <= set(small.tree())
    assert not (small.root / CONVERT).exists()
    assert not (small.root / activity_path(CONVERT)).exists()
    left = sorted(path.name for path in (small.root / "ledger/raw").glob("batch-*"))
    assert left == sorted(f"batch-{batch}.tsv" for batch in batches)


def plant(small: Small, row: Row, *, recorded: bool) -> None:
    """Ledger of the step qc that no step wrote, with or without an activity record that agrees with it."""
    write_atomic(small.root, str(QC), ledger_bytes([row]))
    (small.root / activity_path(QC)).unlink(missing_ok=True)
    if recorded:
        small.convert()
        record_job(small.job("qc"), datetime.now(UTC))


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("name", ["sub-1_svs", "sub-2_unloc"])
def test_edited_name_in_a_ledger_costs_no_file_of_a_present_scan(name: str, recorded: bool, small: Small) -> None:
    """Both names stand for scans that are not in the study, and share files with those that are."""
    small.convert()
    small.run("qc")
    before = {path for path in small.tree() if path.startswith("sub-")}
    plant(small, Row(name, "sub-1" if name == "sub-1_svs" else "sub-2", "."), recorded=recorded)
    sweep(small.root, [RAW])
    assert {path for path in small.tree() if path.startswith("sub-")} == before


def test_sweep_does_not_believe_an_edited_ledger(small: Small) -> None:
    stray = FID.format(9)
    write_atomic(small.root, stray, b"of nobody knows whom")
    for recorded in (False, True):
        plant(small, Row("sub-9_unloc", "sub-9", ""), recorded=recorded)
        sweep(small.root, [RAW])
        assert (small.root / stray).exists() == (not recorded)


def test_sweep_never_touches_anything_outside_the_derivative(small: Small) -> None:
    outside = small.root.parent / "outside"
    (outside / "mrs").mkdir(parents=True)
    victims = [outside / "mrs/evil_unloc.nii.gz", small.root.parent / "report.html"]
    for victim in victims:
        victim.write_text("keep")
    plant(small, Row("evil_unloc", "../outside", ""), recorded=True)
    with pytest.raises(LedgerError, match="is outside the derivative"):
        sweep(small.root, [RAW])
    (small.root / "sub-9").symlink_to(outside, target_is_directory=True)
    plant(small, Row("evil_unloc", "sub-9", ""), recorded=True)
    with pytest.raises(LedgerError, match="is outside the derivative"):
        sweep(small.root, [RAW])
    assert all(victim.read_text() == "keep" for victim in victims)
    assert len(list(small.study.rglob("*.nii.gz"))) == 3


def test_damaged_ledger_does_not_stop_the_sweep(small: Small) -> None:
    small.convert()
    (small.root / CONVERT).write_bytes(b"damaged")
    sweep(small.root, [RAW])
    small.convert()
    assert [row.status for row in checked_ledger(small.root, CONVERT)] == ["ok"] * 3


def test_files_that_a_killed_run_left_unfinished_are_removed(small: Small) -> None:
    left = small.root / PRIVATE / "unfinished" / "half"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b"ha")
    remove_unfinished(small.root)
    assert not left.exists()
