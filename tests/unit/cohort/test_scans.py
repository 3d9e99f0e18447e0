"""Results of all scans as one table: in order, each once, with the answers of all calibrations."""

import pytest

from myomag.cohort.scans import Scans
from myomag.errors import StudyError


def test_scans_come_by_participant_session_and_scan(make_row, settings):
    failed = make_row(9, status="failed", quality=None, fit=None, magnesium=None)
    rows = [make_row(person, session) for person in range(1, 6) for session in (None, "ses-1", "ses-2")]
    table = Scans.of([failed, *rows[::-2], *rows[-2::-2]], settings).table
    assert table["scan"].tolist() == [row["scan"] for row in (*rows, failed)]
    assert table["complete"].tolist() == [True] * len(rows) + [False]


def test_one_scan_cannot_enter_twice(make_row, settings):
    with pytest.raises(StudyError, match="the scan appears twice"):
        Scans.of([make_row(1), make_row(1)], settings)


def test_answers_of_other_calibrations_are_kept(make_row, settings):
    entries = [
        {"calibration": "iotti1996", "mg_mmol_l": 0.4, "mg_p_undefined": 0.0},
        {"calibration": "half", "mg_mmol_l": 0.2, "mg_p_undefined": 0.1}
        | {"mg_ci95_low_mmol_l": 0.1, "mg_ci95_high_mmol_l": 0.4},
    ]
    scans = Scans.of([make_row(1, magnesium__mg_by_calibration=entries), make_row(2)], settings)
    assert scans.calibrations == {"mg": ["half"], "ph": []}
    assert scans.answer("pmg", "half").tolist() == pytest.approx([3.69897, float("nan")], abs=1e-5, nan_ok=True)
    # The interval is 1.96 SD of pMg to either side.
    assert scans.answer("pmg_sd", "half")[0] == pytest.approx(0.1536, abs=1e-4)
