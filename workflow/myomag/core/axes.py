"""Time and frequency axes of an FID.

Sign convention of the whole package: a line Δf Hz above the carrier (higher ppm) is exp(+i2πΔf·t), the physicist's
sign. NIfTI-MRS files store the complex conjugate; only `myomag.io.nifti_mrs` knows about that.
"""

import numpy as np
from numpy.typing import NDArray


def time_axis(points: int, dwell_time_s: float, begin_time_s: float = 0.0) -> NDArray[np.float64]:
    """Time since the magnetisation was in phase [s], shape (points,).

    Parameters
    ----------
    points : int
        Number of complex samples.
    dwell_time_s : float
        Sampling interval [s].
    begin_time_s : float
        Time of the first sample [s].
    """
    return begin_time_s + dwell_time_s * np.arange(points, dtype=np.float64)


def frequency_axis_hz(points: int, dwell_time_s: float) -> NDArray[np.float64]:
    """Frequency offset from the carrier [Hz], rising, shape (points,), matching `spectrum`."""
    return np.fft.fftshift(np.fft.fftfreq(points, dwell_time_s))


def spectrum(fid: NDArray[np.complexfloating]) -> NDArray[np.complex128]:
    """Spectrum of an FID, zero frequency in the middle, shape as `fid` (transform along the first axis)."""
    return np.fft.fftshift(np.fft.fft(np.asarray(fid, dtype=np.complex128), axis=0), axes=0)


def power(values: NDArray[np.complexfloating]) -> NDArray[np.float64]:
    """Squared moduli, without the square roots of `abs`, shape as `values`."""
    return np.asarray(values.real**2 + values.imag**2, dtype=np.float64)
