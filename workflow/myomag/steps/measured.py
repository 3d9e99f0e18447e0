"""Shifts and amplitude ratios of one fit, with their slopes in the fitted parameters and hence their covariance."""

from collections.abc import Mapping, Sequence
from math import hypot, sqrt
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myomag.io.scan_records import Fit

Array = NDArray[np.float64]

REFERENCE = "PCr"


class Quantity(NamedTuple):
    """A value derived from the fit, its SD and slopes, and why one is missing (reason None: none is).

    `sd_noise` is the part of the SD due to noise; the rest is due to the choice of model.
    """

    value: float | None
    sd: float | None
    gradient: Array
    reason: str | None
    sd_noise: float | None = None


class Measured:
    """Fit as a source of shifts from PCr and of amplitude ratios.

    Parameters
    ----------
    fit : Fit
    undetected : mapping of str to str
        Undetected lines, with the reason.
    withheld : str, optional
        Why nothing can be derived from this fit.
    """

    def __init__(self, fit: Fit, undetected: Mapping[str, str] | None = None, withheld: str | None = None) -> None:
        self._undetected, self._withheld = undetected or {}, withheld
        self._failure = None if fit.converged else f"the fit did not converge ({fit.message})"
        self._lines = {line.name: line for line in fit.lines}
        self._model_sd_ppm = fit.model_sd_ppm
        self._common_sd_us = fit.begin_time_prior.common_sd_us
        self._shift_per_begin_time = fit.shift_per_begin_time
        self._shared_noise = {"begin_time": fit.shift_begin_time_covariance, "phase": fit.shift_phase_covariance}
        self._index = {name: row for row, name in enumerate(fit.covariance.parameters)}
        # What the data do not determine is None there and becomes NaN.
        self._covariance = np.array(fit.covariance.matrix, dtype=np.float64)

    def shift(self, weights: Mapping[str, float]) -> Quantity:
        """Weighted sum of shifts from the fitted PCr line [ppm], by line."""
        total = {REFERENCE: -sum(weights.values())} | dict(weights)
        used = {line: weight for line, weight in total.items() if weight}
        if missing := self._missing(used):
            return self._nothing(missing)
        value = sum(weight * self._lines[line].shift_ppm for line, weight in used.items())
        gradient = self._gradient({f"shift_ppm:{line}": weight for line, weight in used.items()})
        for line in used:
            if "shift_ppm" in self._lines[line].at_bound:
                return Quantity(value, None, gradient, f"the shift of {line} is at its bound")
        noise = self._with_sd(value, gradient, f"the shift of {' and '.join(weights)}")
        if noise.sd is None:
            return noise
        # Errors from the choice of model are not known to be correlated and are added as independent.
        chosen = (weight * self._model_sd_ppm.get(line, 0.0) for line, weight in weights.items())
        return noise._replace(sd=hypot(noise.sd, *chosen), sd_noise=noise.sd)

    def amplitude(self, line: str) -> Quantity:
        """Amplitude of a line at time zero [units of the FID], not corrected for saturation."""
        if missing := self._missing((line,)):
            return self._nothing(missing)
        if "amplitude" in self._lines[line].at_bound:
            return self._nothing(f"the amplitude of {line} lies at its bound")
        gradient = self._gradient({f"amplitude:{line}": 1.0})
        return self._with_sd(self._lines[line].amplitude, gradient, f"the amplitude of {line}")

    def log_ratio(self, line: str, to: str, factors: Mapping[str, float]) -> Quantity:
        """Natural logarithm of the ratio of two lines' amplitudes.

        Parameters
        ----------
        factors : mapping of str to float
            Saturation factor by which each amplitude is divided; a line without one is used as fitted.
        """
        if missing := self._missing((line, to)):
            return self._nothing(missing)
        for name in (line, to):
            if "amplitude" in self._lines[name].at_bound or self._lines[name].amplitude <= 0:
                return self._nothing(f"the amplitude of {name} is at its bound")
        amplitudes = [self._lines[name].amplitude for name in (line, to)]
        value = float(np.log(amplitudes[0] / amplitudes[1] * factors.get(to, 1.0) / factors.get(line, 1.0)))
        gradient = self._gradient({f"amplitude:{line}": 1 / amplitudes[0], f"amplitude:{to}": -1 / amplitudes[1]})
        return self._with_sd(value, gradient, f"the ratio of {line} to {to}")

    def covariance(self, gradients: Sequence[Array]) -> Array:
        """Covariance of quantities given by their slopes, G·C·Gᵀ; NaN if the fit does not determine it."""
        slopes = np.array(gradients)
        used = np.flatnonzero(np.any(slopes != 0, axis=0))
        covariance: Array = slopes[:, used] @ self._covariance[np.ix_(used, used)] @ slopes[:, used].T
        return covariance

    def systematic_sd(self, gradient: Array | None) -> float | None:
        """SD of a quantity due to the error of the expected begin time, which is common to the scans of a protocol.

        Parameters
        ----------
        gradient : ndarray, shape (parameters,), or None
            Slopes of the quantity with respect to the fitted parameters; None if it has no value.
        """
        if gradient is None:
            return None
        return abs(self._sum_of_shifts(gradient, self._shift_per_begin_time)) * self._common_sd_us

    def noise_shared_with(self, what: Literal["begin_time", "phase"], gradient: Array | None) -> float | None:
        """Covariance due to noise of a quantity with the begin time [µs] or the phase [degrees] of the fit."""
        known = self._shared_noise[what]
        return None if gradient is None or not known else self._sum_of_shifts(gradient, known)

    def _sum_of_shifts(self, gradient: Array, of_each: Mapping[str, float]) -> float:
        """Sum of contributions of each shift, weighted by the slopes of a quantity."""
        return sum(float(gradient[self._index[f"shift_ppm:{line}"]]) * each for line, each in of_each.items())

    def _missing(self, lines: Sequence[str] | Mapping[str, float]) -> str | None:
        absent = (f"the fit has no line {line!r}" for line in lines if line not in self._lines)
        undetected = (self._undetected[line] for line in lines if line in self._undetected)
        return self._failure or next(absent, None) or next(undetected, None) or self._withheld

    def _nothing(self, reason: str) -> Quantity:
        return Quantity(None, None, self._gradient({}), reason)

    def _gradient(self, slopes: Mapping[str, float]) -> Array:
        gradient = np.zeros(len(self._index))
        for name, slope in slopes.items():
            gradient[self._index[name]] = slope
        return gradient

    def _with_sd(self, value: float, gradient: Array, what: str) -> Quantity:
        variance = float(self.covariance([gradient])[0, 0])
        if not np.isfinite(variance):
            return Quantity(value, None, gradient, f"the fit gives no SD for {what}")
        return Quantity(value, sqrt(max(variance, 0.0)), gradient, None)
