"""A random intercept lies between no site and a site as covariate, which are its limits."""

import numpy as np
import pytest

from myomag.cohort.random_intercepts import random_intercepts
from myomag.cohort.regression import NotEstimable, linear_regression

SITES, EACH = 8, 30


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    groups = np.repeat([f"s{i}" for i in range(SITES)], EACH)
    return rng.normal(size=SITES * EACH), rng.normal(size=SITES * EACH), groups, rng.normal(size=SITES).repeat(EACH)


def slope(result):
    return result.coefficients[0].b, result.coefficients[0].b_se


def test_without_difference_between_sites_it_is_the_plain_regression(data):
    x, noise, groups, _ = data
    # Without the means of the sites, the estimated variance between them is 0.
    noise = noise - noise.reshape(SITES, EACH).mean(axis=1).repeat(EACH)
    found = random_intercepts(0.3 * x + noise, {"x": x}, groups, "site")
    # The optimiser stops where the variance is 1e-4 of the scatter or less, which moves the slope by less than that.
    assert slope(found) == pytest.approx(slope(linear_regression(0.3 * x + noise, {"x": x})), rel=1e-3)
    assert found.r2 is None


def test_with_large_differences_it_is_the_site_as_covariate(data):
    x, noise, groups, offsets = data
    y = 0.3 * x + noise + 1000 * offsets
    dummies = {name: (groups == name).astype(float) for name in sorted(set(groups))[1:]}
    found = random_intercepts(y, {"x": x}, groups, "site")
    # The share of the slope that comes from between the sites falls with the ratio of the variances, 1e-6 here.
    assert slope(found) == pytest.approx(slope(linear_regression(y, {"x": x} | dummies)), rel=5e-3)


def test_what_only_differs_between_sites_is_refused(data):
    _, noise, groups, offsets = data
    with pytest.raises(NotEstimable, match="same for all participants of each site"):
        random_intercepts(noise, {"field": offsets}, groups, "site")
    with pytest.raises(NotEstimable, match="are of one site"):
        random_intercepts(noise, {"x": noise**2}, np.full(len(noise), "a"), "site")
