"""Width and asymmetry of a fitted line in the spectrum."""

import numpy as np
from numpy.typing import NDArray

from myomag.core.exponentials import damped_exponentials
from myomag.core.fit_result import AmaresFit

_STEPS_PER_WIDTH = 64
_MAX_STEPS = 2**16


def line_figures(fit: AmaresFit, name: str, dwell_time_s: float) -> tuple[float, float] | None:
    """FWHM [Hz] and asymmetry of one component of a line, including the line shape; None if it has no half height.

    The asymmetry is (b − a)/(b + a) with the half widths a towards lower and b towards higher frequency, measured from
    the highest point of the absorption line: 0 for a symmetric line, ±1 for a one-sided one.

    Parameters
    ----------
    fit : AmaresFit
    name : str
        Line of the fit.
    dwell_time_s : float
        Sampling interval [s].
    """
    row = fit.names.index(name)
    width = max(float(fit.linewidths_hz[row]), 1e-3 / dwell_time_s)
    points = min(int(np.ceil(12 / (np.pi * width * dwell_time_s))), _MAX_STEPS)
    rate = np.array([-np.pi * fit.lorentzian_hz[row] + 0j])
    fid = damped_exponentials(rate, fit.gaussian_hz[[row]] ** 2, points, dwell_time_s, 0.0)[0]
    if fit.line_shape:
        fid *= fit.line_shape.envelope(points, dwell_time_s)
    # Half of the first sample: the trapezoidal rule keeps the baseline at zero.
    fid[0] /= 2
    size = min(int(2 ** np.ceil(np.log2(_STEPS_PER_WIDTH / (width * dwell_time_s)))), _MAX_STEPS)
    height = np.fft.fftshift(np.fft.fft(fid, max(size, points)).real)
    sides = _half_widths(height)
    if sides is None:
        return None
    total = sum(sides)
    return total / (dwell_time_s * len(height)), (sides[1] - sides[0]) / total


def _half_widths(height: NDArray[np.float64]) -> tuple[float, float] | None:
    """Distances from the highest point to half its height on either side, in steps of the axis."""
    top = int(height.argmax())
    below = np.flatnonzero(height < height[top] / 2)
    left, right = below[below < top], below[below > top]
    if not left.size or not right.size:
        return None

    def crossing(outer: int, inner: int) -> float:
        share = (height[top] / 2 - height[outer]) / (height[inner] - height[outer])
        return outer + float(share) * (inner - outer)

    peak = top + _vertex(height, top)
    return peak - crossing(int(left[-1]), int(left[-1]) + 1), crossing(int(right[0]), int(right[0]) - 1) - peak


def _vertex(height: NDArray[np.float64], top: int) -> float:
    """Distance of the vertex of the parabola through three points from the middle one, in steps."""
    before, here, after = height[top - 1 : top + 2]
    return float(0.5 * (before - after) / (before - 2 * here + after))
