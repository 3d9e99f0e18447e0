"""Residual and begin time scan by scan."""

from myomag.report.over_scans import in_order, over_scans
from report_samples import cohort_rows


def test_scans_stand_in_the_order_of_acquisition_only_where_all_times_are_real():
    rows = cohort_rows(5)
    times = ["2020-03-01T10:00:00", "2019-01-01T08:00:00", "2021-01-01", "2018-05-05T12:00:00Z", "2020-01-01T00:00:00"]
    dated = [row | {"acq_time": time} for row, time in zip(rows, times, strict=True)]
    ordered, order = in_order(dated)
    assert [index for index, _ in ordered] == [3, 1, 4, 0, 2]
    assert order == "in the order of acquisition"
    # Dates that were moved, each participant by another span, tell no order; nor does a time that is missing.
    for moved in ("1900-03-01T10:00:00", None):
        ordered, order = in_order([dated[0] | {"acq_time": moved}, *dated[1:]])
        assert [index for index, _ in ordered] == [0, 1, 2, 3, 4]
        assert "not known" in order


def test_no_date_reaches_a_figure_or_its_data():
    rows = [row | {"acq_time": f"2020-03-0{n + 1}T10:00:00"} for n, row in enumerate(cohort_rows(6))]
    figures = {figure.name: figure for figure in over_scans(rows)}
    assert set(figures) == {"begin_time_us_over_scans"}
    for content in figures["begin_time_us_over_scans"].files().values():
        assert b"2020" not in content


def test_thousands_of_scans_are_pixels_that_do_not_grow_with_the_study():
    (figure,) = over_scans(cohort_rows(1600))
    assert "<a " not in figure.drawing
    assert len(figure.drawing) < 60_000
