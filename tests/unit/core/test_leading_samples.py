"""Samples left out at the beginning of an FID."""

import numpy as np
import pytest

from myomag.core.leading_samples import BROAD_WIDTH_PPM, DECAY_TIMES, broad_decay_time_s, samples_to_skip


@pytest.mark.parametrize("mhz", [25.8, 51.7, 120.3])
@pytest.mark.parametrize("dwell_s", [5e-5, 1 / 3000, 5e-4])
def test_one_percent_of_a_broad_signal_is_left_and_no_sample_more_is_given_away(mhz, dwell_s):
    skipped = samples_to_skip(dwell_s, mhz)

    def left(samples):
        return np.exp(-np.pi * BROAD_WIDTH_PPM * mhz * samples * dwell_s)

    assert left(skipped) <= np.exp(-DECAY_TIMES) < 0.012
    assert left(skipped - 1) > np.exp(-DECAY_TIMES)


def test_the_time_follows_the_field():
    # A width in ppm is a width in Hz that grows with the field.
    assert broad_decay_time_s(120.3) * 120.3 == pytest.approx(broad_decay_time_s(51.7) * 51.7)
    assert broad_decay_time_s(51.7) == pytest.approx(220e-6, rel=0.01)
