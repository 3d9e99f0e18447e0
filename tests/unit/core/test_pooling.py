"""Begin time pooled over the scans of a protocol."""

import numpy as np
import pytest

from myomag.core.pooling import pool, without

SD_US = 6.0


def _estimates(rng: np.random.Generator, scans: int, spread_us: float = 0.0) -> np.ndarray:
    return 240.0 + rng.normal(0, np.hypot(SD_US, spread_us), scans)


def test_equal_scans_give_mean_and_its_standard_error() -> None:
    values = np.array([236.0, 238.0, 240.0, 242.0, 244.0])
    pooled = pool(values, np.full(5, SD_US))
    assert pooled.mean == pytest.approx(240.0)
    assert pooled.sd == pytest.approx(SD_US / np.sqrt(5))
    assert pooled.spread == 0.0


def test_order_does_not_matter_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    values, sds = _estimates(rng, 50, 10.0), rng.uniform(4, 8, 50)
    order = rng.permutation(50)
    one, two = pool(values, sds), pool(values[order], sds[order])
    assert (one.mean, one.sd, one.spread) == (two.mean, two.sd, two.spread)


@pytest.mark.parametrize("spread_us", [0.0, 5.0, 20.0])
def test_mean_spread_and_sd_are_right_on_average(spread_us: float) -> None:
    rng = np.random.default_rng(1)
    runs, scans = 400, 40
    found = [pool(_estimates(rng, scans, spread_us), np.full(scans, SD_US)) for _ in range(runs)]
    z = np.array([(p.mean - 240.0) / p.sd for p in found])
    # Mean and SD of 400 standard normal values: 5 standard errors.
    assert abs(z.mean()) < 5 / np.sqrt(runs)
    assert abs(z.std() - 1) < 5 / np.sqrt(2 * runs)
    variance = np.mean([p.spread**2 for p in found])
    # The squared spread is estimated with SD √(2/(n−1))·(sd² + spread²) per run; clipping at 0 raises its mean by less.
    error = np.sqrt(2 / (scans - 1)) * (SD_US**2 + spread_us**2)
    assert variance == pytest.approx(spread_us**2, abs=5 * error / np.sqrt(runs) + 0.4 * error * (spread_us < SD_US))


def test_scan_of_another_begin_time_is_named_and_left_out() -> None:
    values = _estimates(np.random.default_rng(2), 20)
    moved = values.copy()
    moved[7] += 300.0
    pooled = pool(moved, np.full(20, SD_US))
    assert np.flatnonzero(pooled.outlying).tolist() == [7]
    rest = pool(np.delete(values, 7), np.full(19, SD_US))
    assert (pooled.mean, pooled.sd) == (rest.mean, rest.sd)


def test_taking_a_scan_out_equals_pooling_the_others() -> None:
    rng = np.random.default_rng(3)
    # Scans closer together than their errors: no spread, in the pool of all and of the others alike.
    values, sds = 240 + rng.normal(0, 1, 12), rng.uniform(4, 8, 12)
    pooled = pool(values, sds)
    assert pooled.spread == 0.0
    others = pool(values[1:], sds[1:])
    mean, sd = without(pooled.mean, pooled.sd, values[0], sds[0], pooled.spread) or (None, None)
    assert mean == pytest.approx(others.mean)
    assert sd == pytest.approx(others.sd)


def test_single_scan_leaves_nothing_to_learn_from() -> None:
    pooled = pool(np.array([250.0]), np.array([SD_US]))
    assert (pooled.mean, pooled.sd) == (250.0, SD_US)
    assert without(pooled.mean, pooled.sd, 250.0, SD_US, 0.0) is None


@pytest.mark.parametrize("sds", [[], [0.0], [np.nan]])
def test_estimates_without_sd_are_refused(sds: list[float]) -> None:
    with pytest.raises(ValueError, match="positive SD"):
        pool(np.full(len(sds), 240.0), np.array(sds))
