"""Number of initial samples of an FID to leave out of the fit.

Broad signals of bone and membrane phospholipids last only for the first milliseconds; if fitted, they bias the begin
time and with it the β-ATP shift.
"""

import numpy as np

BROAD_WIDTH_PPM = 28.0
"""FWHM of the broad signal under a muscle spectrum [ppm], for which the bias was derived by simulation."""

DECAY_TIMES = 4.5
"""After this many decay times, 1 % of the broad signal is left."""


def broad_decay_time_s(spectrometer_frequency_mhz: float) -> float:
    """Decay time 1/(πW) of a Lorentzian of `BROAD_WIDTH_PPM` [s]."""
    return 1 / (np.pi * BROAD_WIDTH_PPM * spectrometer_frequency_mhz)


def samples_to_skip(dwell_time_s: float, spectrometer_frequency_mhz: float) -> int:
    """Number of initial samples that may contain a broad signal.

    They are left out of every fit, whether a broad signal is visible or not: without one this costs 3 % of precision at
    3 T, while a broad signal too weak to detect would still bias the begin time.

    Parameters
    ----------
    dwell_time_s : float
        Sampling interval [s].
    spectrometer_frequency_mhz : float
        Converts the width of the broad signal from ppm to Hz.
    """
    return int(np.ceil(DECAY_TIMES * broad_decay_time_s(spectrometer_frequency_mhz) / dwell_time_s))
