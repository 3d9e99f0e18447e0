"""The test of dependent correlations errs as often as it should; its interval covers."""

import math

import numpy as np
import pytest

from myomag.cohort.correlations import steiger
from myomag.cohort.regression import NotEstimable


def simulated(r_xy, r_zy, r_xz, n, replicates, seed):
    """Test results of replicates of n participants with the given true correlations."""
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(np.array([[1, r_xz, r_xy], [r_xz, 1, r_zy], [r_xy, r_zy, 1]]))
    found = []
    for _ in range(replicates):
        r = np.corrcoef(rng.normal(size=(n, 3)) @ root.T, rowvar=False)
        found.append(steiger(r[0, 2], r[1, 2], r[0, 1], n))
    return found


@pytest.mark.parametrize(
    ("r", "r_xz", "n"), [(0.0, 0.0, 441), (0.3, 0.5, 441), (0.3, 0.0, 60), (0.5, 0.8, 60), (-0.2, -0.4, 60)]
)
def test_errs_as_often_as_stated(r, r_xz, n):
    replicates = 2000
    found = simulated(r, r, r_xz, n, replicates, seed=n)
    error = math.sqrt(0.05 * 0.95 / replicates)
    assert np.mean([one.p < 0.05 for one in found]) == pytest.approx(0.05, abs=3.5 * error)


@pytest.mark.parametrize(
    ("r_xy", "r_zy", "r_xz", "n"), [(0.3, 0.08, 0.1, 441), (0.5, 0.1, 0.3, 60), (-0.29, 0.05, 0.0, 441)]
)
def test_interval_covers(r_xy, r_zy, r_xz, n):
    replicates = 2000
    found = simulated(r_xy, r_zy, r_xz, n, replicates, seed=7)
    error = math.sqrt(0.05 * 0.95 / replicates)
    covered = [one.ci95_low < r_xy - r_zy < one.ci95_high for one in found]
    assert np.mean(covered) == pytest.approx(0.95, abs=3.5 * error)


def test_power_is_that_of_the_normal_law():
    """With the effects of the published study the noncentral z gives the power."""
    r_xy, r_zy, r_xz, n = 0.31, 0.08, 0.0, 236
    power = np.mean([one.p < 0.05 for one in simulated(r_xy, r_zy, r_xz, n, 1000, seed=3)])
    expected = steiger(r_xy, r_zy, r_xz, n).z
    theory = 0.5 * math.erfc((1.959964 - expected) / math.sqrt(2))
    assert power == pytest.approx(theory, abs=4 * math.sqrt(theory * (1 - theory) / 1000))


def test_z_of_published_examples():
    """Values quoted in the tests of the R package cocor: the program DEPCOR (Silver et al. 2006), Steiger's case A.

    Steiger printed −.8913, from a covariance rounded to .0042; unrounded it is −.8887.
    """
    found = steiger(0.3, 0.4, 0.5, 100)
    assert (round(found.z, 4), round(found.p, 4)) == (-1.0718, 0.2838)
    assert steiger(0.4, 0.5, 0.1, 103).z == pytest.approx(-0.8887185, abs=5e-8)


def test_interval_of_zou_example_2():
    """Zou 2007, Psychol. Methods 12:409, as the R package cocor quotes it: −.093 to .517."""
    found = steiger(0.396, 0.179, 0.088, 66)
    assert (round(found.ci95_low, 3), round(found.ci95_high, 3)) == (-0.093, 0.517)


def test_uncorrelated_at_zero_is_the_test_of_independent_correlations():
    """Where x and z are uncorrelated and mean r is 0, c = 0 and the variance is the sum of the two."""
    found = steiger(0.1, -0.1, 0.0, 103)
    assert found.z == pytest.approx(2 * math.atanh(0.1) * math.sqrt(100 / 2))
    assert steiger(-0.1, 0.1, 0.0, 103).z == pytest.approx(-found.z)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((0.3, 0.1, 0.0, 3), "at least 4"),
        ((1.0, 0.1, 0.1, 50), "±1"),
        ((math.nan, 0.1, 0.1, 50), "undefined"),
        ((0.9, -0.9, 0.9, 50), "no data"),
    ],
)
def test_not_estimable_says_why(arguments, reason):
    with pytest.raises(NotEstimable, match=reason):
        steiger(*arguments)
