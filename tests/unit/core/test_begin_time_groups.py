"""Begin times of one protocol and of two."""

import numpy as np
import pytest

from myomag.core.begin_time_groups import step_between, step_in_order, two_groups


def _one(rng, count):
    sds = rng.uniform(2, 8, count)
    return 335 + rng.normal(0, np.hypot(sds, rng.choice([0.0, 3.0, 10.0]))), sds


@pytest.mark.parametrize("count", [6, 20, 60])
def test_one_group_is_seldom_called_two(count):
    rng = np.random.default_rng((1, count))
    found = np.zeros(3)
    for _ in range(150):
        values, sds = _one(rng, count)
        found[0] += step_between(values, sds, np.arange(count) % 2 == 0) is not None
        found[1] += step_in_order(values, sds) is not None
        found[2] += two_groups(values, sds) is not None
    # Each with a chance of some thousandths: more than two of 150 come by chance once in a hundred.
    assert (found <= 2).all()


@pytest.mark.parametrize("count", [30, 100])
def test_step_of_ten_microseconds_is_found_where_it_is(count):
    rng = np.random.default_rng((2, count))
    late = np.arange(count) >= count // 2
    sds = rng.uniform(2, 6, count)
    values = 335 + 10.0 * late + rng.normal(0, sds)
    named, placed = step_between(values, sds, late), step_in_order(values, sds)
    assert named is not None
    assert placed is not None
    assert named.means_us == pytest.approx((335, 345), abs=5)
    assert np.mean(placed.second != late) < 0.15


def test_two_groups_are_told_apart_without_a_name():
    rng = np.random.default_rng(3)
    late = rng.random(60) < 0.3
    sds = rng.uniform(2, 6, 60)
    found = two_groups(335 + 40.0 * late + rng.normal(0, sds), sds)
    assert found is not None
    assert (found.second == late).all()
    assert found.means_us == pytest.approx((335, 375), abs=4)


def test_few_scans_tell_nothing():
    values, sds = np.array([300.0, 300.0, 400.0, 400.0]), np.full(4, 2.0)
    assert two_groups(values, sds) is None
    assert step_in_order(values, sds) is None
    assert step_between(values, sds, values > 350) is None
