"""Axes of time and frequency, and the sign convention: a line above the carrier is exp(+i2πΔf·t)."""

import numpy as np
import pytest

from myomag.core.axes import frequency_axis_hz, power, spectrum, time_axis


@pytest.mark.parametrize("points", [256, 255])
@pytest.mark.parametrize("bin_", [-20, 0, 31])
def test_a_line_above_the_carrier_stands_at_its_positive_frequency(points, bin_):
    dwell_s = 1 / 3000
    hz = bin_ / (points * dwell_s)
    height = np.abs(spectrum(np.exp(2j * np.pi * hz * time_axis(points, dwell_s))))
    axis = frequency_axis_hz(points, dwell_s)
    assert axis[height.argmax()] == pytest.approx(hz, abs=1e-9)
    assert height.max() == pytest.approx(points)
    assert (np.diff(axis) > 0).all()


def test_time_starts_at_the_begin_time():
    np.testing.assert_allclose(time_axis(3, 0.5, 0.1), [0.1, 0.6, 1.1])


def test_spectrum_is_taken_along_the_first_axis_and_power_is_the_squared_modulus():
    fids = np.random.default_rng(1).normal(size=(16, 3, 2)) @ [1, 1j]
    np.testing.assert_allclose(spectrum(fids)[:, 1], spectrum(fids[:, 1]))
    np.testing.assert_allclose(power(fids), np.abs(fids) ** 2)
