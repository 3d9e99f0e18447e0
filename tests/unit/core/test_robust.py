"""Robust spread: that of a normal distribution, whatever a few outliers do."""

import numpy as np
import pytest
from scipy.special import ndtri

from myomag.core.robust import MAD_TO_SD, Z95, robust_sd


def test_factors_are_those_of_the_normal_distribution():
    assert pytest.approx(1 / ndtri(0.75), abs=5e-5) == MAD_TO_SD
    assert pytest.approx(ndtri(0.975), rel=1e-15) == Z95


def test_outliers_do_not_move_the_spread():
    deviations = 2.5 * ndtri((np.arange(1001) + 0.5) / 1001)
    spoilt = np.where(np.arange(1001) % 100 == 0, 1e6, deviations)
    assert robust_sd(deviations) == pytest.approx(2.5, rel=0.01)
    assert robust_sd(spoilt) == pytest.approx(2.5, rel=0.03)
