"""The same data under two names never count twice."""

import pytest

from myomag.cohort.flow import build_flow
from myomag.cohort.scans import Scans
from myomag.cohort.tables import build_exclusions
from myomag.settings.cohort import CohortSettings

COPY = "c0" * 32


@pytest.fixture
def fates():
    """Status and reason of scans that share their data with others or not, by name."""

    def of(*scans, settings=None):
        table = Scans.of(scans, settings or CohortSettings()).table.set_index("scan")
        return {name: (row["status"], row["reason"]) for name, row in table.iterrows()}

    return of


def test_data_of_two_participants_are_nobodys(fates, make_scan):
    one, other = make_scan(1, quality__fid_sha256=COPY), make_scan(99, quality__fid_sha256=COPY)
    found = fates(one, other, make_scan(2, quality__fid_sha256="0a" * 32), make_scan(3))
    assert found[one.scan][0] == found[other.scan][0] == "excluded"
    assert found[one.scan][1].startswith(f"the same data as {other.scan}: remove the wrong one, or reject it")
    assert found["sub-002_ses-1_run-1_unloc"][0] == found["sub-003_ses-1_run-1_unloc"][0] == "included"


def test_repeat_with_the_same_data_counts_once(fates, make_scan):
    first, second = (make_scan(1, run=run, quality__fid_sha256=COPY) for run in (1, 2))
    found = fates(second, first)
    assert found[first.scan][0] == "included"
    assert found[second.scan] == ("excluded", f"the same data as {first.scan}: a repeat counts once")


def test_other_session_with_the_same_data_is_no_repeat(fates, make_scan):
    found = fates(*(make_scan(1, session=f"ses-{n}", quality__fid_sha256=COPY) for n in (1, 2)))
    assert {status for status, _ in found.values()} == {"excluded"}


def test_copy_that_was_rejected_by_hand_leaves_the_original(fates, make_scan):
    copy = make_scan(99, quality__fid_sha256=COPY, status="rejected", step="overrides", reason="a copy")
    original = make_scan(1, quality__fid_sha256=COPY)
    found = fates(original, copy)
    assert found[original.scan][0] == "included" and found[copy.scan] == ("excluded", "a copy")


def test_settings_can_let_copies_in(fates, make_scan):
    found = fates(
        *(make_scan(k, quality__fid_sha256=COPY) for k in (1, 2)), settings=CohortSettings(allow_same_data=True)
    )
    assert {status for status, _ in found.values()} == {"included"}


def test_copies_are_counted_together_in_the_flow(make_scan):
    scans = [make_scan(k, quality__fid_sha256=f"{k // 2:064x}") for k in range(2, 10)]
    flow = build_flow(build_exclusions(Scans.of(scans, CohortSettings())))
    (row,) = flow[flow["stage"] == "excluded"].to_dict("records")
    assert (row["scans"], row["step"]) == (8, "cohort") and row["reason"].startswith("the same data as another scan")
