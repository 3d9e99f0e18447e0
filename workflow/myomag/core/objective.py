"""Sum of squares of an AMARES model, its gradient and its Hessian at one set of parameters.

Every derivative of a damped exponential is a polynomial in τ times the exponential itself, so all of them follow from
the moments ⟨u_j, τ^m·u_k⟩ and ⟨r, τ^m·u_k⟩ of the components u and the residual r.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.parameters import AMPLITUDE, FREQUENCY, GAUSSIAN, LORENTZIAN, PHASE, ParameterMap

KAPPA = np.pi**2 / (4 * np.log(2))
"""Decay of a Gaussian line of FWHM G: exp(−KAPPA·G²·τ²)."""

_BEGIN_TIME = 5


@dataclass(frozen=True)
class BeginTimePrior:
    """What is known of the begin time before the fit: a normal distribution.

    Attributes
    ----------
    mean_s, sd_s : float
        Expected begin time of the first sample fitted, and its standard deviation [s].
    noise_sd : float
        Noise SD per channel [FID units], which weighs this knowledge against the data.
    """

    mean_s: float
    sd_s: float
    noise_sd: float


@dataclass(frozen=True)
class Evaluation:
    """Fit at one θ.

    Attributes
    ----------
    cost : float
        Sum of the squared moduli of the residual, plus the penalty of the begin time's prior.
    gradient : ndarray, shape (parameters,)
        Jᵀr, half the negative gradient of the cost.
    information : ndarray, shape (parameters, parameters)
        JᵀJ over real and imaginary parts.
    hessian : ndarray, shape (parameters, parameters)
        Half the Hessian of the cost: JᵀJ less the curvature that the residual sees.
    """

    cost: float
    gradient: NDArray[np.float64]
    information: NDArray[np.float64]
    hessian: NDArray[np.float64]


class Objective:
    """Least-squares problem of one FID.

    Parameters
    ----------
    fid : ndarray, shape (points,)
        Complex FID, physicist's sign.
    dwell_time_s, begin_time_s : float
        Sampling interval, and time of the first sample where it is not fitted [s].
    layout : ParameterMap
        Free parameters.
    fit_begin_time : bool
        Whether the last parameter is the begin time [s].
    begin_time_prior : BeginTimePrior, optional
        Adds noise_sd²·(t − mean)²/sd² to the sum of squares.
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
    ) -> None:
        self.fid = fid
        self.layout = layout
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

    def begin_time_s(self, theta: NDArray[np.float64]) -> float:
        """Time of the first sample at θ [s]."""
        return float(theta[-1]) if self.fit_begin_time else self._begin_time_s

    def components(self, theta: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
        """Quantities of the components, shape (5, components), and the components of unit amplitude at θ."""
        values = self.layout.components(theta)
        rate = 2j * np.pi * values[FREQUENCY] - np.pi * values[LORENTZIAN]
        basis = damped_exponentials(
            rate, values[GAUSSIAN], len(self.fid), self._dwell_time_s, self.begin_time_s(theta)
        )
        return values, basis * np.exp(1j * values[PHASE])

    def residual_norm_sq(self, theta: NDArray[np.float64]) -> float:
        """Sum of the squared moduli of the residual at θ."""
        values, basis = self.components(theta)
        residual = self.fid - basis @ values[AMPLITUDE]
        return float(np.vdot(residual, residual).real)

    def penalty(self, theta: NDArray[np.float64]) -> float:
        """Penalty of the begin time's prior at θ."""
        return self._stiffness * (self.begin_time_s(theta) - self._expected_s) ** 2

    def cost(self, theta: NDArray[np.float64]) -> float:
        """Sum of squares with the penalty at θ."""
        return self.residual_norm_sq(theta) + self.penalty(theta)

    def evaluate(self, theta: NDArray[np.float64]) -> Evaluation:
        """Cost with its first and second derivatives at θ."""
        values, basis = self.components(theta)
        residual = self.fid - basis @ values[AMPLITUDE]
        time = self.begin_time_s(theta) + self._dwell_time_s * np.arange(len(self.fid))
        powers = time ** np.arange(5)[:, None]
        with_residual = (residual.conj() * powers) @ basis
        log_derivatives = self._log_derivatives(values)
        first = values[AMPLITUDE][:, None, None] * log_derivatives
        first[:, AMPLITUDE] = 0.0
        first[:, AMPLITUDE, 0] = 1.0
        coefficients = np.einsum("cqm,cqp->mcp", first, self._maps)
        gradient = np.einsum("mcp,mc->p", coefficients, with_residual[:3]).real
        information = _information(basis, time, coefficients)
        gradient[-1] -= self._stiffness * (self.begin_time_s(theta) - self._expected_s)
        information[-1, -1] += self._stiffness
        curvature = self._curvature(values, log_derivatives, with_residual)
        cost = float(np.vdot(residual, residual).real) + self.penalty(theta)
        return Evaluation(cost, gradient, information, information - curvature)

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
        self, values: NDArray[np.float64], log_derivatives: NDArray[np.complex128], with_residual: NDArray[np.complex128]
    ) -> NDArray[np.float64]:
        """Re ⟨r, ∂²s⟩, shape (parameters, parameters)."""
        amplitude = values[AMPLITUDE]
        # Hankel form of the moments: entry (m, n) belongs to τ^(m+n).
        moments = with_residual[np.add.outer(np.arange(3), np.arange(3))]
        second = np.einsum("cpm,mnc,cqn->cpq", log_derivatives, moments, log_derivatives, optimize=True)
        first = np.einsum("cqm,mc->cq", log_derivatives, with_residual[:3])
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
        return np.einsum("cpi,cpq,cqj->ij", self._maps, second.real, self._maps, optimize=True)


def damped_exponentials(
    rate: NDArray[np.complex128],
    gaussian_squared: NDArray[np.float64],
    points: int,
    dwell_time_s: float,
    begin_time_s: float,
) -> NDArray[np.complex128]:
    """exp(rate·τ − KAPPA·G²·τ²) at τ = begin time + n·dwell time, shape (points, components).

    Powers of exp(rate·dwell) are products of two short tables, which costs a twentieth of as many exponentials.

    Parameters
    ----------
    rate : ndarray, shape (components,)
        i2πf − πL [1/s].
    gaussian_squared : ndarray, shape (components,)
        Squared Gaussian FWHM [Hz²].
    """
    block = int(np.ceil(np.sqrt(points)))
    fine = np.exp(np.outer(np.arange(block) * dwell_time_s, rate))
    coarse = np.exp(np.outer(begin_time_s + np.arange(-(-points // block)) * block * dwell_time_s, rate))
    table = (coarse[:, None, :] * fine[None, :, :]).reshape(-1, len(rate))[:points]
    for width in np.unique(gaussian_squared[gaussian_squared > 0]):
        time = begin_time_s + dwell_time_s * np.arange(points)
        table[:, gaussian_squared == width] *= np.exp(-KAPPA * width * time**2)[:, None]
    return table


def _information(
    basis: NDArray[np.complex128], time: NDArray[np.float64], coefficients: NDArray[np.complex128]
) -> NDArray[np.float64]:
    """JᵀJ from the moments of the components: ∂s/∂θ = Σ_m coefficients[m]·τ^m·u."""
    conjugate = basis.conj().T
    once = basis * time[:, None]
    twice = once * time[:, None]
    moments = [conjugate @ basis, conjugate @ once, conjugate @ twice, once.conj().T @ twice, twice.conj().T @ twice]
    total = np.zeros(coefficients.shape[2:] * 2)
    for m in range(3):
        for n in range(3):
            total += (coefficients[m].conj().T @ moments[m + n] @ coefficients[n]).real
    return total
