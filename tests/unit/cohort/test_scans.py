"""Results of all scans as one table: in order, each once, with the answers of all calibrations."""

import pytest

from myomag.cohort.scans import Scans
from myomag.errors import StudyError
from record_samples import mg_answer


def test_scans_come_by_participant_session_and_scan(make_scan, settings):
    failed = make_scan(9, status="failed", quality=None, fit=None, magnesium=None)
    rows = [make_scan(person, session) for person in range(1, 6) for session in (None, "ses-1", "ses-2")]
    table = Scans.of([failed, *rows[::-2], *rows[-2::-2]], settings).table
    assert table["scan"].tolist() == [row.scan for row in (*rows, failed)]
    assert table["complete"].tolist() == [True] * len(rows) + [False]


def test_one_scan_cannot_enter_twice(make_scan, settings):
    with pytest.raises(StudyError, match="the scan appears twice"):
        Scans.of([make_scan(1), make_scan(1)], settings)


def test_answers_of_other_calibrations_are_kept(make_scan, settings):
    answers = [mg_answer("iotti1996", 0.4, 0.35, 0.45), mg_answer("half", 0.2, 0.1, 0.4)]
    scans = Scans.of([make_scan(1, magnesium__mg_by_calibration=answers), make_scan(2)], settings)
    assert scans.calibrations == {"mg": ["half"], "ph": []}
    assert scans.answer("pmg", "half").tolist() == pytest.approx([3.69897, float("nan")], abs=1e-5, nan_ok=True)
    # The interval is 1.96 SD of pMg to either side.
    assert scans.answer("pmg_sd", "half")[0] == pytest.approx(0.1536, abs=1e-4)
