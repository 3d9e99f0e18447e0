"""Which scans repeat one measurement, and when they were taken."""

import math

import numpy as np
import pandas as pd
import pytest

from myomag.cohort.agreement import bland_altman, icc_agreement
from myomag.cohort.repeatability import REPEATABILITY_COLUMNS, build_repeatability
from myomag.cohort.statistics import included
from myomag.cohort.visits import close_sessions, same_session, visits


@pytest.fixture
def scans_of(make_cohort):
    """Cohort of scans given as participant, session, run and any columns."""

    def make(entries, **columns):
        people, sessions, _ = zip(*entries, strict=True)
        names = [f"{p}_{s}_voi-thigh_run-{r}_unloc" for p, s, r in entries]
        return make_cohort(len(entries), **columns).assign(participant_id=people, session_id=sessions, scan=names)

    return make


TWICE = [(f"sub-{k:02d}", "ses-1", run) for k in range(12) for run in (1, 2)]


def test_time_is_that_of_the_first_column_that_varies_within_participants(scans_of, settings):
    entries = [("sub-1", "ses-1", 1), ("sub-1", "ses-2", 1), ("sub-2", "ses-1", 1)]
    for columns, name, expected in (
        ({"years": [0, 2.5, 0], "age": [60, 61, 70]}, "years", [0, 2.5, 0]),
        ({"years": [1, 1, 1], "age": [60, 64.0, 70]}, "age", [0, 4, 0]),
        ({"age": [60, 60, 70], "acq_time": ["2001-03-01T08:00:00", "2003-03-01", None]}, "acq_time", [0, 2.0, None]),
        ({"age": [60, 60, 70]}, None, [None] * 3),
    ):
        found, column = visits(included(scans_of(entries, **columns), settings))
        assert column == name
        assert found["years"].replace({np.nan: None}).tolist() == pytest.approx(expected, abs=0.01)


def test_runs_of_a_session_are_repeats_and_other_places_are_not(scans_of, settings):
    scans = scans_of([("sub-1", "ses-1", 1), ("sub-1", "ses-1", 2), ("sub-2", "ses-1", 1), ("sub-2", "ses-1", 2)])
    scans.loc[3, "scan"] = "sub-2_ses-1_voi-calf_run-2_unloc"
    found, _ = visits(included(scans, settings))
    assert [group.tolist() for group in same_session(found)] == [[0, 1]]


def test_sessions_count_as_repeats_only_when_close_in_time(scans_of, settings):
    entries = [("sub-1", f"ses-{k}", 1) for k in (1, 2, 3)] + [("sub-2", "ses-1", 1), ("sub-2", "ses-2", 1)]
    found, _ = visits(included(scans_of(entries, years=[0, 0.02, 3, 0, 4]), settings))
    assert [group.tolist() for group in close_sessions(found, 0.1)] == [[0, 1]]
    assert same_session(found) == []


def test_agreement_is_that_of_the_repeats_with_the_sd_the_fits_state(scans_of, settings):
    rng = np.random.default_rng(5)
    truth = np.repeat(rng.normal(3.3, 0.06, 12), 2)
    cohort = scans_of(TWICE, pmg=truth + rng.normal(0, 0.03, 24), pmg_sd=[0.03, 0.04] * 12)
    table = build_repeatability(included(cohort, settings)).set_index(["variable", "repeats"])
    row, values = table.loc[("pmg", "within a session")], cohort["pmg"].to_numpy().reshape(12, 2)
    expected, pairs = icc_agreement(values), bland_altman(values[:, 0], values[:, 1])
    assert (row["status"], row["form"], row["participants"], row["scans"]) == ("estimated", "ICC(A,1)", 12, 24)
    assert (row["icc"], row["sem"], row["bias"]) == pytest.approx((expected.icc, expected.sem, pairs.bias))
    assert row["smallest_detectable_change"] == pytest.approx(1.96 * math.sqrt(2) * row["sem"])
    assert row["fit_sd"] == pytest.approx(math.sqrt((0.03**2 + 0.04**2) / 2))
    assert row["lower_limit"] < row["bias"] < row["upper_limit"]


def test_kinetics_of_series_are_compared_where_there_are_any(scans_of, settings):
    rng = np.random.default_rng(6)
    tau = np.repeat(rng.normal(40, 8, 12), 2) + rng.normal(0, 2, 24)
    cohort = scans_of(TWICE, tau_pcr_s=tau, tau_pcr_sd_s=2.0, k_pcr_per_s=np.nan)
    table = build_repeatability(included(cohort, settings)).set_index(["variable", "repeats"])
    row = table.loc[("tau_pcr_s", "within a session")]
    # True ICC 64 / (64 + 4); with 24 scans its SE is about .04.
    assert row["icc"] == pytest.approx(0.94, abs=0.12) and row["fit_sd"] == pytest.approx(2.0)
    assert "k_pcr_per_s" not in table.index.get_level_values(0)


def test_without_repeats_every_row_says_why(full_cohort, settings):
    cohort = full_cohort.assign(scan=[f"{person}_unloc" for person in full_cohort["participant_id"]])
    table = build_repeatability(included(cohort, settings))
    assert tuple(table.columns) == tuple(REPEATABILITY_COLUMNS) and len(table) == 6
    assert set(table["status"]) == {"not estimable"}
    assert set(table["reason"].str.split(":").str[0]) == {
        "no participant has two included scans in a session",
        "no participant has sessions with different times",
    }


def test_excluded_scans_are_no_repeats(scans_of, settings):
    cohort = scans_of(TWICE).assign(status=["included", "excluded"] * 12)
    table = build_repeatability(included(cohort, settings))
    assert isinstance(table, pd.DataFrame) and set(table["participants"]) == {0}
