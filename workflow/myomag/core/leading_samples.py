"""How many of the first samples of an FID to leave out of the fit.

Broad signals of bone and membrane phospholipids live in the first milliseconds only; fitted as they stand they pull
the begin time and with it the β-ATP shift.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

BROAD_WIDTH_PPM = 28.0
"""FWHM of the broad signal under a muscle spectrum [ppm] (science: a hump 28 ppm wide, derived by simulation)."""

DECAY_TIMES = 4.5
"""After this many decay times of the broad signal 1 % of it is left."""


def broad_decay_time_s(spectrometer_frequency_mhz: float) -> float:
    """Decay time 1/(πW) of a Lorentzian of `BROAD_WIDTH_PPM` [s]."""
    return 1 / (np.pi * BROAD_WIDTH_PPM * spectrometer_frequency_mhz)


def samples_to_skip(
    fid: NDArray[np.complexfloating],
    model_from: Callable[[int], NDArray[np.complex128]],
    *,
    dwell_time_s: float,
    spectrometer_frequency_mhz: float,
) -> int:
    """Number of leading samples that hold more than the narrow lines.

    The lines are fitted to the FID after the broad signal has gone and extrapolated back. Where the first samples
    agree with the extrapolation, all of them are kept; where they do not, every sample up to the end of the broad
    signal is left out, because the part of it that hides in the noise still moves the begin time.

    Parameters
    ----------
    fid : ndarray, shape (points,)
        FID [any unit].
    model_from : callable
        Given a number of leading samples, the model of the whole FID fitted without them, shape (points,).
    dwell_time_s : float
        Sampling interval [s].
    spectrometer_frequency_mhz : float
        Turns the width of the broad signal from ppm into Hz.
    """
    longest = int(np.ceil(DECAY_TIMES * broad_decay_time_s(spectrometer_frequency_mhz) / dwell_time_s))
    residual = np.abs(fid - model_from(longest)) ** 2
    # Mean of |r|² over complex white noise; the median is not moved by the tails of badly fitted lines.
    level = np.median(residual[longest:]) / np.log(2)
    excess = residual[:longest].sum() / level - longest
    # The sum over m samples has the variance m; the extrapolation adds a sample's worth for the lines it rests on.
    return longest if excess > 3 * np.sqrt(2 * longest) + 1 else 0
