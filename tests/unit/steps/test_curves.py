"""Phasing of the displayed spectrum."""

import numpy as np
import pytest

from myomag.core.axes import time_axis
from myomag.core.lineshapes import multiplet_fid
from myomag.steps.curves import displayed_curves
from record_samples import DWELL_S, MHZ, fit_record, model_fid

RANGE = (-20.0, 10.0)


def curves_of(fit):
    fid = model_fid(fit).astype(np.complex64)
    return displayed_curves(fid, DWELL_S, MHZ, fit, range_ppm=RANGE)


def lorentzian(name):
    """Line of the sample without its Gaussian part."""
    line = next(line for line in fit_record().lines if line.name == name)
    return line.model_copy(update={"gaussian_hz": 0.0})


def test_data_made_of_the_model_leave_no_residual():
    curves = curves_of(fit_record())
    # complex64 keeps 24 bits; the sum over 2048 samples adds their rounding.
    assert np.abs(curves.data - curves.fit).max() < 2048 * 2.0**-24 * 40


@pytest.mark.parametrize("begin_us", [0.0, 265.0, 1200.0])
@pytest.mark.parametrize("phase_deg", [0.0, 38.0, -120.0])
def test_every_line_is_absorptive_whatever_phase_and_begin_time(begin_us, phase_deg):
    lines = [line.model_copy(update={"phase_deg": phase_deg}) for line in fit_record().lines]
    for component in curves_of(fit_record(begin_time_us=begin_us, phase_deg=phase_deg, lines=lines)).components:
        # A phase error φ turns the lowest point of a Lorentzian of height 1 into −(1 − cos φ)/2: 0.02 is 16 degrees.
        assert component.values.min() > -0.02 * component.values.max(), component.name


@pytest.mark.parametrize("begin_us", [0.0, 100.0, 265.0, 700.0])
def test_the_height_of_a_lorentzian_is_that_of_the_whole_fid(begin_us):
    line = lorentzian("Pi")
    fit = fit_record(begin_time_us=begin_us, lines=[line])
    height = line.amplitude / (np.pi * line.lorentzian_hz * DWELL_S)
    # The first sample's weight is right to first order in the decay over a dwell time, πL·dwell = 0.8 %; the grid of
    # .0125 ppm = 0.65 Hz misses the top by at most (0.32/4)² = 0.7 %.
    assert curves_of(fit).data.max() == pytest.approx(height, rel=0.016)


def test_the_plotted_range_and_line_positions():
    curves = curves_of(fit_record())
    assert RANGE[0] <= curves.ppm[0] < RANGE[0] + 0.02
    assert RANGE[1] - 0.02 < curves.ppm[-1] <= RANGE[1]
    for component in curves.components:
        if component.name in {"PCr", "Pi", "beta-ATP"}:
            top = curves.ppm[np.argmax(component.values)]
            assert top == pytest.approx(component.shift_ppm, abs=0.0125)


def test_without_a_fit_the_phase_of_quality_control_is_used():
    fid = multiplet_fid(
        time_axis(2048, DWELL_S), amplitude=1.0, frequency_hz=0.0, lorentzian_fwhm_hz=8.0, phase_deg=70.0
    )
    curves = displayed_curves(fid.astype(np.complex64), DWELL_S, MHZ, None, range_ppm=RANGE, phase_deg=70.0)
    assert not curves.components
    assert curves.data.min() > -0.02 * curves.data.max()


@pytest.mark.parametrize("begin_us", [0.0, 100.0, 265.0, 700.0])
def test_the_baseline_beside_a_line_is_its_tail_alone(begin_us):
    line = lorentzian("PCr")
    curves = curves_of(fit_record(begin_time_us=begin_us, lines=[line]))
    beside = (np.abs(curves.ppm) > 2) & (np.abs(curves.ppm) < 4)
    width, offset_hz = line.lorentzian_hz, (curves.ppm[beside] - line.shift_ppm) * MHZ
    tail = line.amplitude / (np.pi * width * DWELL_S) / (1 + (2 * offset_hz / width) ** 2)
    # With r = begin time/dwell < 1 and θ = 2π·offset·dwell < 0.44 the first sample's weight leaves r(1/12 − r²/3)θ² of
    # one sample, at most .05; a weight of 1/2 for all begin times would leave r, a weight of 1 leaves 1/2 − r.
    assert np.abs(curves.data[beside] - tail).max() < 0.06 * line.amplitude
