"""Parts of the drawings."""

import re

import numpy as np

from myomag.report.charts import element, path_data, robust_range, thin, ticks


def coordinates(d: str) -> np.ndarray:
    start, _, steps = d[1:].partition("l")
    moves = [float(value) for value in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", steps)]
    first = [float(value) for value in start.split()]
    return np.cumsum([first, *np.reshape(moves, (-1, 2))], axis=0)


def test_a_path_keeps_every_point_to_half_a_hundredth_of_a_pixel():
    x = np.linspace(0, 900, 500)
    y = 200 - 150 * np.sin(x / 30)
    points = coordinates(path_data(x, y))
    assert np.abs(points - np.column_stack([x, y])).max() <= 0.005 + 1e-9


def test_thinning_a_lorentzian_saves_points_but_not_accuracy():
    x = np.linspace(0, 1000, 4001)
    y = 400 / (1 + ((x - 500) / 4) ** 2)
    keep = thin(y, tolerance=0.05)
    assert len(keep) < len(x) / 5
    # A chord is at most one sample too long, and a sample no longer than the chord: up to 2² times the tolerance.
    assert np.abs(np.interp(x, x[keep], y[keep]) - y).max() < 4 * 0.05


def test_thinning_keeps_noise_whole():
    y = np.random.default_rng(0).normal(0, 5, 2000)
    assert len(thin(y)) > 0.95 * len(y)


def test_ticks_are_round_and_inside():
    values, decimals = ticks(-20, 10, 15)
    assert decimals == 0
    assert values == [float(value) for value in range(-20, 11, 2)]
    values, decimals = ticks(0.31, 0.68, 5)
    assert decimals == 1
    np.testing.assert_allclose(values, [0.4, 0.5, 0.6])


def test_one_outlier_does_not_flatten_the_axis_but_thresholds_stay_in_view():
    values = [0.3 + 0.001 * index for index in range(200)]
    low, high = robust_range([*values, 14.0])
    assert low < 0.3
    assert high < 1.0
    assert robust_range(values, [2.0])[1] > 2.0
    assert np.diff(robust_range([0.4, 0.4, 0.4, 0.4]))[0] > 0


def test_elements_escape_what_they_are_given():
    made = str(element("text", "<script>", x=1.0, aria_label='a"><script>', y=None))
    assert made == '<text x="1" aria-label="a&#34;&gt;&lt;script&gt;">&lt;script&gt;</text>'
