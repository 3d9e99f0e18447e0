"""Results of all scans as steps of the study read them."""

import pytest

from ledger_samples import CONVERT, FID, LABELS, QC, RAW, Small, edit, failing
from myomag.errors import LedgerError
from myomag.io.files import sha256_bytes
from myomag.ledger.results import by_participant, read_results


def test_scans_of_several_ledgers_are_joined_and_end_where_they_failed(small: Small) -> None:
    small.convert(failing("sub-2"))
    small.run("qc")
    results = list(read_results(small.root, [QC, CONVERT]))
    assert [(result.last.scan, result.last.status, result.last.step) for result in results] == [
        ("sub-1_unloc", "ok", "qc"),
        ("sub-2_unloc", "failed", "convert"),
        ("sub-3_unloc", "ok", "qc"),
    ]
    assert all(list(result.rows) == ["convert", "qc"] for result in results)
    assert list(by_participant(reversed(results))) == list(LABELS)


def test_file_of_a_scan_is_found_by_its_role_noted_and_checked(small: Small) -> None:
    small.convert()
    small.run("qc")
    first = next(read_results(small.root, [CONVERT, QC]))
    assert first.path("fid") == small.root / FID.format(1)
    assert first.path("fit") is None
    assert first.read == {"fid": (FID.format(1), sha256_bytes(b"sub-1"))}
    edit(small.root / FID.format(1))
    with pytest.raises(LedgerError, match="changed since step convert"):
        first.path("fid")


def test_provenance_lists_the_files_in_the_order_they_came_about(small: Small) -> None:
    small.convert()
    small.run("qc")
    listed = next(read_results(small.root, [QC, RAW, CONVERT])).provenance()
    assert [(entry["step"], entry["role"]) for entry in listed] == [
        ("raw", "raw"),
        ("convert", "fid"),
        ("convert", "sidecar"),
        ("qc", "measures"),
        ("qc", "preproc"),
        ("qc", "preproc_sidecar"),
    ]
    assert listed[0] | {"sha256": sha256_bytes(b"sub-1")} == listed[0]
    assert (listed[0]["source_digest"], listed[1]["source_digest"]) == (None, "c0de")
