"""Line shapes: widths measured on the spectrum, multiplets, begin time and phase."""

import numpy as np
import pytest
from scipy.optimize import brentq

from myomag.core.axes import frequency_axis_hz, spectrum, time_axis
from myomag.core.lineshapes import line_fid, multiplet_fid, voigt_fwhm_hz


def measured_fwhm_hz(lorentzian_hz, gaussian_hz):
    """Width at half height of Re∫s(t)·exp(−i2πft)dt, by bisection on an integral fine enough for 1e-6."""
    time = np.linspace(0, 40 / (np.pi * (lorentzian_hz + gaussian_hz)), 200_001)
    fid = line_fid(time, frequency_hz=0.0, lorentzian_fwhm_hz=lorentzian_hz, gaussian_fwhm_hz=gaussian_hz)

    def height(frequency):
        return np.trapezoid((fid * np.exp(-2j * np.pi * frequency * time)).real, time)

    half = height(0.0) / 2
    return 2 * brentq(lambda f: height(f) - half, 0.0, 3 * (lorentzian_hz + gaussian_hz))


@pytest.mark.parametrize(("lorentzian_hz", "gaussian_hz"), [(10, 0), (0, 10), (10, 10), (2, 15), (15, 2)])
def test_voigt_width_is_that_of_the_spectrum(lorentzian_hz, gaussian_hz):
    # The formula is good to .02 % by its authors; pure shapes are exact but for .5346 + √.2166 = 1.000003.
    assert measured_fwhm_hz(lorentzian_hz, gaussian_hz) == pytest.approx(
        voigt_fwhm_hz(lorentzian_hz, gaussian_hz), rel=2.5e-4
    )


@pytest.mark.parametrize("frequency_hz", [-820.0, 250.0])
def test_a_line_of_higher_ppm_stands_at_a_positive_frequency(frequency_hz):
    time = time_axis(4096, 1 / 4096)
    fid = line_fid(time, frequency_hz=frequency_hz, lorentzian_fwhm_hz=5.0)
    axis = frequency_axis_hz(4096, 1 / 4096)
    assert axis[np.abs(spectrum(fid)).argmax()] == pytest.approx(frequency_hz, abs=0.5)
    assert (np.diff(axis) > 0).all()


def test_a_multiplet_is_the_sum_of_its_components():
    time = time_axis(500, 1e-3, 2e-4)
    triplet = multiplet_fid(
        time,
        amplitude=4.0,
        frequency_hz=30.0,
        lorentzian_fwhm_hz=6.0,
        gaussian_fwhm_hz=3.0,
        phase_deg=90.0,
        offsets_hz=(-16.0, 0.0, 16.0),
        weights=(0.25, 0.5, 0.25),
    )
    parts = sum(
        share * line_fid(time, frequency_hz=at, lorentzian_fwhm_hz=6.0, gaussian_fwhm_hz=3.0)
        for at, share in ((14.0, 1), (30.0, 2), (46.0, 1))
    )
    np.testing.assert_allclose(triplet, 1j * parts, atol=1e-13)


def test_a_late_first_sample_turns_lines_by_their_frequency():
    late = line_fid(time_axis(10, 1e-3, 250e-6), frequency_hz=-800.0, lorentzian_fwhm_hz=0.0)
    # 2π·(−800 Hz)·250 µs = −72°
    assert np.rad2deg(np.angle(late[0])) == pytest.approx(-72.0)
