"""Figures of the cohort: what is plotted is what the tables say, and each file stands alone."""

import csv
import io
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from myomag.cohort.flow import build_flow
from myomag.cohort.repeatability import build_repeatability
from myomag.cohort.statistics import included
from myomag.report.age_trend import group_means
from myomag.report.bland_altman import bland_altman_figures
from myomag.report.charts import Scale
from myomag.report.cohort_figures import cohort_figures
from myomag.report.figures import Figure
from myomag.report.flow import participant_flow
from myomag.report.flow_figure import flow_figure
from myomag.report.forest import forest
from myomag.report.scatter import dots, within
from myomag.report.series import Series, fitted_line
from myomag.report.specification import specification_curve
from myomag.wording.labels import Labels
from myomag.wording.text import number
from report_samples import SETTINGS, cohort_rows, tables_of

LABELS = Labels.of(SETTINGS.cohort)


def figures_of(count: int) -> dict[str, Figure]:
    cohort = cohort_rows(count)
    tables = tables_of(cohort)
    found = cohort_figures(tables, pd.DataFrame(cohort), participant_flow(tables["flow"]), SETTINGS.cohort, LABELS)
    return {figure.name: figure for figure in found}


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    return figures_of(120)


def svg_of(figure: Figure) -> ElementTree.Element:
    return ElementTree.fromstring(figure.files()[f"report/figures/{figure.name}.svg"])  # noqa: S314 (made here)


def rows_of(figure: Figure) -> list[dict[str, str]]:
    text = figure.files()[f"report/figures/{figure.name}.csv"].decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_the_interval_of_a_line_is_that_of_its_height():
    rng = np.random.default_rng(5)
    x = rng.uniform(20, 90, 30)
    y = 0.5 - 0.002 * x + rng.normal(0, 0.05, 30)
    line = fitted_line(x, y)
    (slope, intercept), covariance = np.polyfit(x, y, 1, cov=True)
    # numpy scales the covariance by the residual over n − 2, as the t interval needs.
    height_sd = np.sqrt(covariance[0, 0] * line.x**2 + 2 * covariance[0, 1] * line.x + covariance[1, 1])
    np.testing.assert_allclose(line.y, intercept + slope * line.x, rtol=1e-9)
    np.testing.assert_allclose(line.high - line.y, stats.t.ppf(0.975, 28) * height_sd, rtol=1e-7)
    np.testing.assert_allclose(line.y - line.low, line.high - line.y, rtol=1e-7)


def test_a_line_ends_where_it_leaves_the_frame():
    x = np.linspace(0, 10, 30)
    line = fitted_line(x, 2 * x + np.sin(x))
    assert line is not None
    part = within(line, Scale((2.03, 7.77), (0.0, 574.0)))
    assert (part.x.min(), part.x.max()) == (2.03, 7.77)
    slope = np.polyfit(line.x, line.y, 1)
    assert part.y == pytest.approx(np.polyval(slope, part.x))
    assert np.all((part.low < part.y) & (part.y < part.high))


def test_no_line_through_too_few_points_or_one_place():
    assert fitted_line(np.arange(3.0), np.arange(3.0)) is None
    assert fitted_line(np.ones(9), np.arange(9.0)) is None


def test_means_of_age_groups_hold_everyone_once_with_the_t_interval():
    ages, values = np.array([25.0, 39.9, 40.0, 61.0, 62.0, 85.0]), np.array([0.5, 0.4, 0.45, 0.41, 0.43, 0.3])
    means = group_means(ages, values, [40, 60, 80], "mg_mmol_l")
    assert [(mean.group, mean.n) for mean in means] == [
        ("under 40", 2),
        ("40 to <60", 1),
        ("60 to <80", 2),
        ("80 and over", 1),
    ]
    assert means[0].mean == pytest.approx(0.45)
    half = stats.t.ppf(0.975, 1) * np.std(values[:2], ddof=1) / np.sqrt(2)
    assert (means[0].low, means[0].high) == pytest.approx((0.45 - half, 0.45 + half))
    assert means[1].low is None
    # Of logarithms, the geometric mean.
    assert group_means(ages, np.log10(values), [40], "log10_mg_mmol_l")[0].mean == pytest.approx(np.sqrt(0.5 * 0.4))


def test_every_figure_is_wellformed_alone_and_beside_its_data(figures):
    assert set(figures) >= {"forest", "specification_curve", "participants_flow", "mg_age", "strength_mg", "age_trend"}
    for figure in figures.values():
        root = svg_of(figure)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.find("{http://www.w3.org/2000/svg}title").text == figure.title
        style = root.find("{http://www.w3.org/2000/svg}style").text
        assert "var(" not in style
        assert "url(" not in style
        assert not [node for node in root.iter() if "href" in node.attrib]
        assert rows_of(figure)


def test_the_scatter_plots_the_values_of_the_participants(figures):
    points = [row for row in rows_of(figures["mg_age"]) if row["kind"] == "point"]
    included = {row["participant_id"]: row for row in cohort_rows(120) if row["status"] == "included"}
    assert {row["participant_id"] for row in points} == set(included)
    for row in points:
        scan = included[row["participant_id"]]
        assert float(row["age"]) == scan["age"]
        mg = 10 ** (3 - scan["pmg"])
        assert float(row["mg_mmol_l"]) == pytest.approx(mg)
        # 95 % of a normal error of pMg, carried to Mg.
        assert float(row["mg_mmol_l_ci95_high"]) == pytest.approx(mg * 10 ** (1.96 * scan["pmg_sd"]), rel=1e-4)
        assert row["age_ci95_low"] == ""
    assert {row["group"] for row in points} == {"women", "men"}


def test_the_line_of_a_scatter_has_the_slope_of_the_model(figures):
    model = next(row for row in tables_of(cohort_rows(120))["statistics"] if row["model"] == "strength_mg_men")
    line = [row for row in rows_of(figures["strength_mg"]) if row["kind"] == "line" and row["group"] == "men"]
    rise = float(line[-1]["knee_extension_strength_nm"]) - float(line[0]["knee_extension_strength_nm"])
    tenfold = np.log10(float(line[-1]["mg_mmol_l"]) / float(line[0]["mg_mmol_l"]))
    assert rise / tenfold == pytest.approx(model["b"], rel=1e-6)


def test_the_captions_tell_how_far_the_slopes_of_women_and_men_differ(figures):
    rows = tables_of(cohort_rows(120))["statistics"]
    found = next(row for row in rows if (row["model"], row["role"]) == ("strength_mg_by_sex", "main"))
    ends = [number(found[key], 0) for key in ("b", "b_ci95_low", "b_ci95_high")]
    assert "Slopes, women less men: {} [{} to {}]".format(*ends) in figures["strength_mg"].note
    assert figures["strength_mg"].note.count("per tenfold Mg, p ") == 1
    assert "Slopes, women less men" in figures["age_trend"].note


def test_the_forest_has_each_estimate_naive_and_corrected():
    statistics = tables_of(cohort_rows(60))["statistics"]
    corrected = [
        {**row, "method": method, "beta_ci95_low": row["ci95_low"] - 0.1, "beta_ci95_high": row["ci95_high"]}
        for row in statistics
        if row["model"] == "mg_age"
        for method in ("naive", "corrected")
    ]
    rows = rows_of(forest(statistics, corrected, LABELS))
    main = [row for row in statistics if row["role"] == "main" and row["status"] == "estimated"]
    assert len(rows) == len(main) + 1
    assert [(row["model"], row["method"]) for row in rows[:3]] == [
        ("mg_age", "naive"),
        ("mg_age", "corrected"),
        ("mg_age_adjusted", "naive"),
    ]
    assert float(rows[1]["ci95_low"]) == pytest.approx(main[0]["ci95_low"] - 0.1)


def test_the_specification_curve_rises_and_marks_the_settings_of_the_study():
    sensitivity = tables_of(cohort_rows(60))["sensitivity"]
    figure = specification_curve(sensitivity, LABELS)
    first = [float(row["beta"]) for row in rows_of(figure) if row["model"].startswith("mg_age")]
    assert first == sorted(first)
    with_mg = [row for row in sensitivity if "log10_mg_mmol_l" in (row["outcome"], *row["predictor"].split("*"))]
    drawing = str(figure.drawing)
    assert drawing.count("<circle") == len(with_mg)
    assert drawing.count("reference") == sum(row["reference"] for row in with_mg)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_handful_of_scans_leaves_out_what_cannot_be_drawn(count):
    found = figures_of(count)
    assert "participants_flow" in found
    for figure in found.values():
        assert "nan" not in str(figure.drawing)
        svg_of(figure)
    assert count > 2 or set(found) == {"participants_flow"}


def test_the_flow_figure_wraps_long_reasons_and_adds_up():
    rows = [
        {
            "participant_id": f"sub-{i}",
            "scan": f"sub-{i}_unloc",
            "status": status,
            "step": "qc",
            "reason": reason,
            "category": status,
        }
        for i, (status, reason) in enumerate([("included", None), ("failed", "long " * 60), ("excluded", "short")])
    ]
    flow = build_flow(pd.DataFrame(rows)).to_dict("records")
    counted = participant_flow(flow)
    texts = [node.text for node in svg_of(flow_figure(counted, flow)).iter("{http://www.w3.org/2000/svg}text")]
    assert max(map(len, texts)) < 70
    assert " ".join(texts).count("long") == 60
    assert counted.entered == counted.failed_scans + counted.excluded_scans + counted.included == 3


def twice_each(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as those of half as many participants, each with two runs in a session."""
    for index, row in enumerate(rows):
        person, run = f"sub-{index // 2:03d}", index % 2 + 1
        row |= {"participant_id": person, "session_id": "ses-1", "scan": f"{person}_ses-1_run-{run}_unloc"}
    return rows


def test_repeats_are_drawn_with_the_limits_of_their_table():
    rows = twice_each(cohort_rows(12))
    sample = included(pd.DataFrame(rows), SETTINGS.cohort)
    (figure,) = bland_altman_figures(sample)
    plotted = rows_of(figure)
    assert [row["participant_id"] for row in plotted] == [f"sub-{k:03d}" for k in range(6)]
    differences = [rows[2 * k + 1]["pmg"] - rows[2 * k]["pmg"] for k in range(6)]
    assert [float(row["difference"]) for row in plotted] == pytest.approx(differences)
    table = build_repeatability(sample).set_index(["variable", "repeats"]).loc["pmg"].iloc[0]
    text = " ".join(svg_of(figure).itertext())
    for key in ("bias", "lower_limit", "upper_limit"):
        assert number(table[key], 3) in text


def test_of_many_participants_each_pixel_is_marked_once():
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(2, 4000))
    group = Series("women", ("sub-1",) * 4000, x, y, None, None, None)
    scales = Scale((-2.0, 2.0), (62.0, 708.0)), Scale((-2.0, 2.0), (330.0, 34.0))
    path = re.search(r' d="([^"]+)"', dots(group, *scales))[1]
    marks = [tuple(map(int, mark)) for mark in re.findall(r"M(\d+) (\d+)h(\d+)", path)]
    drawn = [(left + step, row) for left, row, run in marks for step in range(run + 1)]
    inside = [scale(np.clip(values, -2.0, 2.0)) for scale, values in zip(scales, (x, y), strict=True)]
    assert sorted(drawn) == sorted({(round(at), round(height)) for at, height in zip(*inside, strict=True)})
    # Ten times as many participants at the same places are the same drawing.
    again = Series("women", group.people * 10, np.tile(x, 10), np.tile(y, 10), None, None, None)
    assert dots(again, *scales) == dots(group, *scales)


def test_many_repeats_are_drawn_as_dots(monkeypatch):
    sample = included(pd.DataFrame(twice_each(cohort_rows(12))), SETTINGS.cohort)
    drawings = []
    for most in (6, 5):
        monkeypatch.setattr("myomag.report.bland_altman.MOST_LINKED", most)
        (figure,) = bland_altman_figures(sample)
        drawings.append(figure.drawing)
    assert ["dots" in drawing for drawing in drawings] == [False, True]
    assert ["href" in drawing for drawing in drawings] == [True, False]


def test_without_three_pairs_no_repeats_are_drawn():
    sample = included(pd.DataFrame(cohort_rows(8)), SETTINGS.cohort)
    assert list(bland_altman_figures(sample)) == []
