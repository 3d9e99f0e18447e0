"""Sum of squares of an AMARES model, its gradient and its Hessian at one set of parameters.

Every derivative of a damped exponential is a polynomial in τ times the exponential itself, so all of them follow from
the moments ⟨u_j, τ^m·u_k⟩ and ⟨r, τ^m·u_k⟩ of the components u and the residual r.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.axes import time_axis
from myomag.core.exponentials import KAPPA, damped_exponentials
from myomag.core.line_shape import ShapeTerms
from myomag.core.newton import Evaluation
from myomag.core.parameters import AMPLITUDE, FREQUENCY, GAUSSIAN, LORENTZIAN, PHASE, ParameterMap

_BEGIN_TIME = 5
# Once the logarithm of a component has fallen this far, it is less than a billionth of what it was.
_SPENT = 21.0
# Rows and columns of the Hankel matrix of moments.
_ORDERS = np.add.outer(np.arange(3), np.arange(3))


@dataclass(frozen=True)
class BeginTimePrior:
    """Prior of the begin time: a normal distribution.

    Attributes
    ----------
    mean_s, sd_s : float
        Expected begin time of the first sample fitted, and its standard deviation [s].
    noise_sd : float
        Noise SD per channel [FID units], which weights this prior against the data.
    """

    mean_s: float
    sd_s: float
    noise_sd: float


class Objective:
    """Least-squares problem of one FID.

    Parameters
    ----------
    fid : ndarray, shape (points,)
        Complex FID, physicist's sign.
    dwell_time_s, begin_time_s : float
        Sampling interval, and time of the first sample if it is not fitted [s].
    layout : ParameterMap
        Free parameters.
    fit_begin_time : bool
        Whether the last parameter is the begin time [s].
    begin_time_prior : BeginTimePrior, optional
        Adds noise_sd²·(t − mean)²/sd² to the sum of squares.
    shape : ShapeTerms, optional
        Line shape common to all lines; its coefficients follow the parameters of the layout in θ.
    """

    def __init__(
        self,
        fid: NDArray[np.complex128],
        dwell_time_s: float,
        begin_time_s: float,
        layout: ParameterMap,
        *,
        fit_begin_time: bool,
        begin_time_prior: BeginTimePrior | None = None,
        shape: ShapeTerms | None = None,
    ) -> None:
        self.fid = fid
        self.layout = layout
        self.shape = shape
        self._count = len(layout.names)
        self.fit_begin_time = fit_begin_time
        self._begin_time_s = begin_time_s
        self._expected_s, self._stiffness = begin_time_s, 0.0
        if fit_begin_time and begin_time_prior:
            self._expected_s = begin_time_prior.mean_s
            self._stiffness = (begin_time_prior.noise_sd / begin_time_prior.sd_s) ** 2
        self._dwell_time_s = dwell_time_s
        matrix = layout.component_matrix()
        self._maps = np.zeros((matrix.shape[1], 6, matrix.shape[2]))
        self._maps[:, :5] = matrix.transpose(1, 0, 2)
        if fit_begin_time:
            self._maps[:, _BEGIN_TIME, -1] = 1.0
        energy = np.cumsum(np.abs(fid[::-1]) ** 2)[::-1]
        self._energy_from = np.append(energy, 0.0)
        self._known: tuple[NDArray[np.float64], _Model] | None = None
        self._evaluated: tuple[NDArray[np.float64], Evaluation] | None = None

    @property
    def size(self) -> int:
        """Number of parameters θ, including those of the line shape."""
        return self._count + (self.shape.count if self.shape else 0)

    def begin_time_s(self, theta: NDArray[np.float64]) -> float:
        """Time of the first sample at θ [s]."""
        return float(theta[self._count - 1]) if self.fit_begin_time else self._begin_time_s

    def model(self, theta: NDArray[np.float64]) -> "_Model":
        """Components at θ and the residual of the FID; the last θ is cached."""
        if self._known is None or not np.array_equal(self._known[0], theta):
            self._known = (theta.copy(), self._new_model(theta))
        return self._known[1]

    def _new_model(self, theta: NDArray[np.float64]) -> "_Model":
        values, begin_time_s = self.layout.components(theta[: self._count]), self.begin_time_s(theta)
        points = self._points_with_signal(values, begin_time_s)
        basis = damped_exponentials(
            2j * np.pi * values[FREQUENCY] - np.pi * values[LORENTZIAN],
            values[GAUSSIAN],
            points,
            self._dwell_time_s,
            begin_time_s,
            phase_rad=values[PHASE],
        )
        if self.shape:
            basis *= self.envelope(theta, points)
        residual = self.fid[:points] - values[AMPLITUDE] @ basis
        cost = float(np.vdot(residual, residual).real + self._energy_from[points])
        return _Model(values, basis, time_axis(points, self._dwell_time_s, begin_time_s), residual, cost)

    def _points_with_signal(self, values: NDArray[np.float64], begin_time_s: float) -> int:
        """Number of samples until the slowest component has decayed: πL·τ + KAPPA·G²·τ² = _SPENT."""
        linear, square = np.pi * values[LORENTZIAN], KAPPA * values[GAUSSIAN]
        with np.errstate(divide="ignore"):
            last = 2 * _SPENT / (linear + np.sqrt(linear**2 + 4 * square * _SPENT))
        wanted = (float(last.max()) - begin_time_s) / self._dwell_time_s
        return int(min(max(wanted, 1.0), len(self.fid)))

    def residual_norm_sq(self, theta: NDArray[np.float64]) -> float:
        """Sum of the squared moduli of the residual at θ."""
        return self.model(theta).residual_norm_sq

    def penalty(self, theta: NDArray[np.float64]) -> float:
        """Penalty from the priors of begin time and line shape at θ."""
        of_begin_time = self._stiffness * (self.begin_time_s(theta) - self._expected_s) ** 2
        return of_begin_time + (self.shape.penalty(theta[self._count :]) if self.shape else 0.0)

    def cost(self, theta: NDArray[np.float64]) -> float:
        """Sum of squares with the penalty at θ."""
        return self.residual_norm_sq(theta) + self.penalty(theta)

    def evaluate(self, theta: NDArray[np.float64]) -> Evaluation:
        """Cost with its first and second derivatives at θ; the last θ is cached."""
        if self._evaluated is None or not np.array_equal(self._evaluated[0], theta):
            self._evaluated = (theta.copy(), self._new_evaluation(theta))
        return self._evaluated[1]

    def _new_evaluation(self, theta: NDArray[np.float64]) -> Evaluation:
        model = self.model(theta)
        values = model.values
        moments, with_residual, powers = _moments(model)
        log_derivatives = self._log_derivatives(values)
        coefficients = self._coefficients(values, log_derivatives)
        gradient = (with_residual[:3].ravel() @ coefficients).real
        information = (coefficients.conj().T @ moments @ coefficients).real
        gradient[-1] -= self._stiffness * (self.begin_time_s(theta) - self._expected_s)
        information[-1, -1] += self._stiffness
        curvature = self._curvature(values, log_derivatives, with_residual)
        lines = Evaluation(self.cost(theta), gradient, information, information - curvature)
        if not self.shape:
            return lines
        fitted = self.fid[: len(model.residual)] - model.residual
        # Nothing follows the residual, which stands behind the components of each power.
        maps = np.zeros((*powers.shape[:2], self._count), dtype=np.complex128)
        maps[:, :-1] = coefficients.reshape(3, -1, self._count)
        derivatives, maps = powers.reshape(-1, powers.shape[2]), maps.reshape(-1, self._count)
        return self.shape.extended(lines, theta[self._count :], model.residual, fitted, derivatives, maps)

    def envelope(self, theta: NDArray[np.float64], points: int) -> NDArray[np.complex128]:
        """Factor common to all lines at θ, shape (points,)."""
        return self.shape.envelope(theta[self._count :], points) if self.shape else np.ones(points, dtype=complex)

    def jacobian(self, theta: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Derivatives ∂s/∂θ of the model over the samples in which it has not decayed, shape (parameters, samples)."""
        model = self.model(theta)
        coefficients = self._coefficients(model.values, self._log_derivatives(model.values))
        powers = (model.time_s ** np.arange(3)[:, None, None] * model.basis).reshape(len(coefficients), -1)
        rows: NDArray[np.complex128] = coefficients.T @ powers
        if self.shape:
            fitted = self.fid[: len(model.residual)] - model.residual
            rows = np.concatenate([rows, self.shape.functions[: len(fitted)].T * fitted])
        return rows

    def _coefficients(
        self, values: NDArray[np.float64], log_derivatives: NDArray[np.complex128]
    ) -> NDArray[np.complex128]:
        """Factors in ∂s/∂θ = Σ_m coefficients[m]·τ^m·u, shape (3·components, parameters), m running slowest."""
        first = values[AMPLITUDE][:, None, None] * log_derivatives
        first[:, AMPLITUDE] = 0.0
        first[:, AMPLITUDE, 0] = 1.0
        coefficients: NDArray[np.complex128] = first.transpose(0, 2, 1) @ self._maps
        return coefficients.transpose(1, 0, 2).reshape(-1, self._count)

    def _log_derivatives(self, values: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Derivative of the exponent by each quantity, as polynomial coefficients in τ: (components, 6, 3)."""
        result = np.zeros((values.shape[1], 6, 3), dtype=np.complex128)
        result[:, FREQUENCY, 1] = 2j * np.pi
        result[:, LORENTZIAN, 1] = -np.pi
        result[:, GAUSSIAN, 2] = -KAPPA
        result[:, PHASE, 0] = 1j
        result[:, _BEGIN_TIME, 0] = 2j * np.pi * values[FREQUENCY] - np.pi * values[LORENTZIAN]
        result[:, _BEGIN_TIME, 1] = -2 * KAPPA * values[GAUSSIAN]
        return result

    def _curvature(
        self,
        values: NDArray[np.float64],
        log_derivatives: NDArray[np.complex128],
        with_residual: NDArray[np.complex128],
    ) -> NDArray[np.float64]:
        """Re ⟨r, ∂²s⟩, shape (parameters, parameters)."""
        amplitude = values[AMPLITUDE]
        # Hankel form of the moments: entry (m, n) belongs to τ^(m+n).
        moments = with_residual[_ORDERS].transpose(2, 0, 1)
        second = log_derivatives @ moments @ log_derivatives.transpose(0, 2, 1)
        first = (log_derivatives @ with_residual[:3].T[:, :, None])[:, :, 0]
        # The derivative of the exponent by the begin time depends on frequency and widths itself.
        for quantity, moment in (
            (FREQUENCY, 2j * np.pi * with_residual[0]),
            (LORENTZIAN, -np.pi * with_residual[0]),
            (GAUSSIAN, -2 * KAPPA * with_residual[1]),
        ):
            second[:, quantity, _BEGIN_TIME] += moment
            second[:, _BEGIN_TIME, quantity] += moment
        second[:, _BEGIN_TIME, _BEGIN_TIME] += -2 * KAPPA * values[GAUSSIAN] * with_residual[0]
        second *= amplitude[:, None, None]
        second[:, AMPLITUDE, :] = first
        second[:, :, AMPLITUDE] = first
        second[:, AMPLITUDE, AMPLITUDE] = 0.0
        parameters = self._maps.shape[2]
        curvature: NDArray[np.float64] = self._maps.reshape(-1, parameters).T @ (second.real @ self._maps).reshape(
            -1, parameters
        )
        return curvature


@dataclass(frozen=True)
class _Model:
    """Components at one θ, over the samples in which they have not decayed.

    Attributes
    ----------
    values : ndarray, shape (5, components)
        Quantities of the components.
    basis : ndarray, shape (components, samples)
        Components of unit amplitude.
    time_s, residual : ndarray, shape (samples,)
        Time [s] and residual.
    residual_norm_sq : float
        Sum of the squared moduli of the residual over the whole FID.
    """

    values: NDArray[np.float64]
    basis: NDArray[np.complex128]
    time_s: NDArray[np.float64]
    residual: NDArray[np.complex128]
    residual_norm_sq: float


def _moments(model: _Model) -> tuple[NDArray[np.complex128], NDArray[np.complex128], NDArray[np.complex128]]:
    """⟨τ^m·u_j, τ^n·u_k⟩ and ⟨r, τ^m·u_k⟩.

    Returns
    -------
    of_components : ndarray, shape (3·components, 3·components)
        m and n running slowest, 0 to 2.
    with_residual : ndarray, shape (5, components)
        m from 0 to 4.
    powers : ndarray, shape (3, components + 1, samples)
        τ^m·u_j, and τ^m·r behind them.
    """
    count, points = model.basis.shape
    # The residual is one more row, so that both kinds of moments come from the same two products.
    powers = np.empty((3, count + 1, points), dtype=np.complex128)
    powers[0, :count], powers[0, count] = model.basis, model.residual
    np.multiply(powers[0], model.time_s, out=powers[1])
    np.multiply(powers[1], model.time_s, out=powers[2])
    stacked = powers.reshape(-1, points).T
    low = (powers[0].conj() @ stacked).reshape(count + 1, 3, count + 1)
    high = (powers[2].conj() @ stacked[:, count + 1 :]).reshape(count + 1, 2, count + 1)
    orders = np.concatenate([low, high], axis=1)[:, :, :count]
    of_components = orders[:count][:, _ORDERS].transpose(1, 0, 2, 3).reshape(3 * count, 3 * count)
    return of_components, orders[count], powers
