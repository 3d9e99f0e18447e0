"""Figures of the series of a cohort: mean courses by hand, and none where there are no series."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from myomag.cohort.statistics import included
from myomag.report.series_cohort import series_figures
from myomag.wording.labels import Labels
from report_samples import SETTINGS, cohort_rows

REST, WORK, RECOVERY = 5, 4, 8


def study(count, *, phases=("rest", "exercise", "recovery"), lacking=()):
    """Cohort whose participants k have PCr of 100·k at rest, half of it at the end of exercise, and a course each."""
    cohort = cohort_rows(count)
    series, kinetics = [], []
    for number, row in enumerate(cohort, start=1):
        scan = row["scan"]
        row |= {"tau_pcr_s": 30.0 + number, "tau_pcr_sd_s": 2.0, "pcr_depletion": 0.5, "pcr_depletion_sd": 0.01}
        row |= {"k_pcr_per_s": 1 / row["tau_pcr_s"], "k_pcr_sd_per_s": 0.002, "ph_end_exercise": 6.8 + 0.01 * number}
        # Exercise of another length each: aligned are its ends.
        kinds = np.repeat(phases, (REST, WORK + number, RECOVERY))
        for k, kind in enumerate(kinds):
            since = k - (REST + WORK + number)
            pcr = 100.0 * number * {"rest": 1.0, "exercise": 0.5, "recovery": 0.5 + 0.05 * since}[kind]
            time_s = None if number in lacking else 3.0 * k
            values = {"time_s": time_s, "phase": kind, "pcr": pcr, "ph": 7.0 - 0.01 * number, "spoiled": False}
            series.append({"scan": scan, "repetition": k} | values)
        # Left out, it must not count.
        series[-1] |= {"spoiled": True, "pcr": 1e9}
        kinetics.append({"scan": scan, "bout": 1, "pcr_rest": 100.0 * number})
    return cohort, {"series": series, "kinetics": kinetics}


def figures(cohort, tables):
    sample = included(pd.DataFrame(cohort), SETTINGS.cohort)
    labels = Labels.of(SETTINGS.cohort)
    return {figure.name: figure for figure in series_figures(tables, sample, {}, labels)}


def rows(figure):
    return {float(row["time_s"]): row for row in csv.DictReader(io.StringIO(figure.csv.decode()))}


def test_courses_are_aligned_at_the_end_of_exercise_in_units_of_their_rest():
    found = figures(*study(5))
    course = rows(found["series_course"])
    assert float(course[0.0]["pcr_mean"]) == pytest.approx(0.5) and float(course[6.0]["pcr_mean"]) == pytest.approx(0.6)
    assert float(course[0.0]["pcr_sd"]) == pytest.approx(0) and course[0.0]["pcr_n"] == "5"
    assert float(course[0.0]["ph_mean"]) == pytest.approx(6.97)
    assert float(course[0.0]["ph_sd"]) == pytest.approx(np.std([0.01, 0.02, 0.03, 0.04, 0.05], ddof=1))
    assert {"series_tau_pcr_s_ph_end_exercise", "series_k_pcr_per_s_age"} <= set(found)
    assert "τ of PCr" in found["series_tau_pcr_s_ph_end_exercise"].title


def test_repeated_time_constants_are_compared():
    cohort, tables = study(8)
    changes = [(-1) ** number for number in range(8)]
    second = [
        row | {"scan": row["scan"].replace("run-1", "run-2"), "tau_pcr_s": row["tau_pcr_s"] + change}
        for row, change in zip(cohort, changes, strict=True)
    ]
    figure = figures([*cohort, *second], tables)["bland_altman_within_a_session_tau"]
    plotted = csv.DictReader(io.StringIO(figure.csv.decode()))
    assert [float(row["difference"]) for row in plotted] == pytest.approx(changes)


def test_series_without_times_or_exercise_have_no_place_in_the_mean():
    assert "3 series" in str(figures(*study(5, lacking=(1, 2)))["series_course"].drawing)
    assert "series_course" not in figures(*study(5, lacking=(1, 2, 3)))
    assert "series_course" not in figures(*study(5, phases=("rest", "rest", "rest")))


def test_a_study_without_series_has_no_figure_of_them():
    cohort, tables = study(5)
    assert not figures(cohort, {"kinetics": tables["kinetics"]})
    assert not figures(cohort_rows(5), {})
