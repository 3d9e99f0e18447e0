"""Line shape common to all lines: the effect of the field on the envelope of the FID, estimated from the scan.

Shim, eddy currents and drift within a transient multiply all lines by the same factor exp(g(t)) with a smooth complex
g. Time starts at the first fitted sample: a factor common to all lines is the same from the excitation or from the
start of sampling, so it does not affect the search for the begin time. An asymmetric line that is not modelled imitates
a begin time.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from myomag.core.axes import time_axis
from myomag.core.newton import Evaluation

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

STRETCH = 2.0
"""The functions are polynomials of 1 − exp(−t/(STRETCH·decay time)): finest at the start, where eddy currents are."""

SCALE, SHRINKAGE = 0.15, 0.7
"""Prior SD of the first coefficient [rad or neper, rms over the power of a line], and its factor per order: several
times what simulated shim tails, second components and eddy currents need, so that it only excludes what the data do not
determine."""

_END = (2.5, 5.0)

LEAST_ORDER, HIGHEST_ORDER = 4, 12
"""Orders used in the fits: the lowest models shim tails and eddy currents at a cost of 2 % in the SD of β-ATP; the
highest may be needed by a scan of high SNR."""


@dataclass(frozen=True)
class ShapeBasis:
    """Smooth functions of time whose sum is g.

    Attributes
    ----------
    decay_time_s : float
        Decay time of the lines [s].
    end : float
        After this many decay times, g is constant.
    """

    decay_time_s: float
    end: float

    @lru_cache(maxsize=64)  # noqa: B019 (a value that is compared by its two numbers)
    def functions(self, points: int, dwell_time_s: float, order: int) -> Complex:
        """Functions up to an order at the samples, shape (points, 2·order − 3).

        Polynomials of u = 1 − exp(−t/(2·decay time)), imaginary ones of order 2 and more, which skew the lines, and
        real ones of order 3 and more, which change their tails; lower orders are phase, frequency, amplitude, and
        Lorentzian and Gaussian width. They are orthonormal under the power exp(−2t/decay time) of a line, and a higher
        order extends those below it.
        """
        last = max(order + 2, int(self.end * self.decay_time_s / dwell_time_s) + 1)
        time = time_axis(min(points, last), dwell_time_s) / self.decay_time_s
        bent = (1 - np.exp(-time / STRETCH))[:, None] ** np.arange(1.0, order)
        ones = np.ones_like(time)
        imaginary = _orthonormal([ones, time], bent, time)
        real = _orthonormal([ones, time, time**2], bent[:, :-1], time)
        functions = np.empty((len(time), 2 * order - 3), dtype=np.complex128)
        functions[:, 0] = 1j * imaginary[:, 0]
        functions[:, 1::2], functions[:, 2::2] = 1j * imaginary[:, 1:], real
        sampled: Complex = functions[np.minimum(np.arange(points), len(time) - 1)]
        sampled.flags.writeable = False
        return sampled


def _orthonormal(known: list[Real], functions: Real, time: Real) -> Real:
    """Functions made orthonormal to the known ones and to each other, weighted by exp(−2t)."""
    both = np.column_stack([*known, functions])
    weight = np.exp(-time)
    triangle = np.linalg.qr(both * (weight / np.linalg.norm(weight))[:, None])[1]
    triangle *= np.sign(np.diag(triangle))[:, None]
    orthonormal: Real = np.linalg.solve(triangle.T, both.T).T[:, len(known) :]
    return orthonormal


def shape_basis(fid: Complex, width_hz: float) -> ShapeBasis:
    """Basis for an FID, ending where the signal has fallen to the noise of the last quarter.

    Parameters
    ----------
    fid : ndarray, shape (points,)
    width_hz : float
        Lorentzian FWHM that belongs to the decay of the FID [Hz].
    """
    signal_over_noise = float(np.abs(fid).max()) / max(tail_sd(fid), np.finfo(float).tiny)
    return ShapeBasis(1 / (np.pi * width_hz), float(np.clip(np.log(signal_over_noise), *_END)))


def tail_sd(fid: Complex) -> float:
    """Standard deviation per channel of the last quarter of an FID: noise and remaining signal."""
    return float(np.sqrt(np.mean(np.abs(fid[-max(1, len(fid) // 4) :]) ** 2) / 2))


@dataclass(frozen=True)
class LineShape:
    """g(t) of a fit.

    Attributes
    ----------
    basis : ShapeBasis
    coefficients : ndarray, shape (2·order − 3,)
        Factors of the functions.
    """

    basis: ShapeBasis
    coefficients: Real

    @property
    def order(self) -> int:
        """Highest order of the functions."""
        return (len(self.coefficients) + 3) // 2

    def envelope(self, points: int, dwell_time_s: float) -> Complex:
        """exp(g(t)) at the fitted samples, shape (points,)."""
        return np.asarray(np.exp(self.basis.functions(points, dwell_time_s, self.order) @ self.coefficients))


class ShapeTerms:
    """The line shape's part in a least-squares problem.

    Parameters
    ----------
    basis : ShapeBasis
    order : int
        Highest order.
    points, dwell_time_s : int, float
        Sampling.
    noise_sd : float
        Noise SD per channel [FID units], which weights the prior of small coefficients against the data.
    """

    def __init__(self, basis: ShapeBasis, order: int, points: int, dwell_time_s: float, noise_sd: float) -> None:
        self.basis, self.order = basis, order
        self.functions = basis.functions(points, dwell_time_s, order)
        orders = np.r_[2, np.repeat(np.arange(3, order + 1), 2)]
        self._stiffness = (noise_sd / (SCALE * SHRINKAGE ** (orders - 2))) ** 2

    @property
    def count(self) -> int:
        """Number of coefficients."""
        return int(self.functions.shape[1])

    def envelope(self, coefficients: Real, points: int) -> Complex:
        """exp(g(t)) at the first samples, shape (points,)."""
        return np.asarray(np.exp(self.functions[:points] @ coefficients))

    def penalty(self, coefficients: Real) -> float:
        """Penalty of the coefficients."""
        return float(self._stiffness @ coefficients**2)

    def extended(
        self,
        lines: Evaluation,
        coefficients: Real,
        residual: Complex,
        model: Complex,
        derivatives: Complex,
        maps: Complex,
    ) -> Evaluation:
        """Evaluation of the lines' parameters θ with those of the shape appended.

        From ∂s/∂c_k = b_k·s, ∂²s/∂c_k∂c_l = b_k·b_l·s and ∂²s/∂c_k∂θ = b_k·∂s/∂θ.

        Parameters
        ----------
        lines : Evaluation
            Of θ, its cost complete.
        coefficients : ndarray, shape (coefficients,)
            c.
        residual, model : ndarray, shape (samples,)
            Residual and model FID s.
        derivatives : ndarray, shape (terms, samples)
            Signals whose combinations are the ∂s/∂θ.
        maps : ndarray, shape (terms, parameters)
            These combinations: ∂s/∂θ = mapsᵀ·derivatives.
        """
        functions = self.functions[: len(residual)]
        columns, seen = functions * model[:, None], functions * residual.conj()[:, None]
        products = derivatives @ np.concatenate([columns.conj(), seen], axis=1)
        information, curvature = np.split((maps.T @ products).real, 2, axis=1)
        within = (columns.conj().T @ columns).real + np.diag(self._stiffness)
        across = information - curvature
        return Evaluation(
            lines.cost,
            np.append(lines.gradient, (residual.conj() @ columns).real - self._stiffness * coefficients),
            np.block([[lines.information, information], [information.T, within]]),
            np.block([[lines.hessian, across], [across.T, within - (seen.T @ columns).real]]),
        )
