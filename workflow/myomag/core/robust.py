"""Robust spread, and the number of standard deviations that contain 95 % of a normal distribution."""

import numpy as np
from numpy.typing import NDArray

MAD_TO_SD = 1.4826
"""SD of a normal distribution divided by its median absolute deviation, 1/Φ⁻¹(.75)."""
Z95 = 1.959963984540054
"""Half the central 95 % interval of a normal distribution [SD], Φ⁻¹(.975)."""


def robust_sd(deviations: NDArray[np.float64]) -> float:
    """SD of normal deviations from their centre by 1.4826 MAD, in their unit (Hampel 1974, J. Am. Stat. Assoc. 69:383).

    Parameters
    ----------
    deviations : ndarray
        Deviations from a centre, such as the median.
    """
    return MAD_TO_SD * float(np.median(np.abs(deviations)))
