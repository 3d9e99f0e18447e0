"""Damped exponentials, the components of every model of an FID."""

import numpy as np
from numpy.typing import NDArray

from myomag.core.axes import time_axis

KAPPA = np.pi**2 / (4 * np.log(2))
"""Decay of a Gaussian line of FWHM G: exp(−KAPPA·G²·τ²)."""


def damped_exponentials(
    rate: NDArray[np.complexfloating],
    gaussian_squared: NDArray[np.float64],
    points: int,
    dwell_time_s: float,
    begin_time_s: float,
    phase_rad: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.complex128]:
    """exp(iφ + rate·τ − KAPPA·G²·τ²) at τ = begin time + n·dwell time, shape (components, points).

    Powers of exp(rate·dwell) are products of two short tables, which costs a twentieth of as many exponentials.

    Parameters
    ----------
    rate : ndarray, shape (components,)
        i2πf − πL [1/s].
    gaussian_squared : ndarray, shape (components,)
        Squared Gaussian FWHM [Hz²].
    phase_rad : ndarray, shape (components,), or float
        Phase φ [rad].
    """
    block = int(np.ceil(np.sqrt(points)))
    blocks = -(-points // block)
    fine = np.exp(np.multiply.outer(rate, np.arange(block) * dwell_time_s))
    start = rate * begin_time_s + 1j * np.asarray(phase_rad)
    coarse = np.exp(np.multiply.outer(rate, np.arange(blocks) * block * dwell_time_s) + start[:, None])
    both = (coarse[:, :, None] * fine[:, None, :]).reshape(len(rate), block * blocks)
    table: NDArray[np.complex128] = both[:, :points]
    squared_time = time_axis(points, dwell_time_s, begin_time_s) ** 2
    for width in set(gaussian_squared[gaussian_squared > 0].tolist()):
        mine = gaussian_squared == width
        table[slice(None) if mine.all() else mine] *= np.exp(-KAPPA * width * squared_time)
    return table
