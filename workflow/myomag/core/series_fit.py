"""One model over the spectra of a series: what cannot change is shared, amplitudes are free, shifts of Pi and β smooth.

Of repetition k the FID is

    y_k(τ) = exp(iφ_k + i2πf_k·τ − πw_k·τ) · Σ_l a_kl·B_l(τ)·P_l(τ)·exp(i2πδ_l(t_k)·τ − b_l(t_k)),

with the lines B_l of a reference fit, which hold multiplets, widths, line shape, phase and begin time, and with
amplitudes a_kl, a phase φ_k, a frequency f_k [Hz] and a change of the width w_k [Hz] of each repetition. The shifts δ_l
of some lines against the reference and their broadening, b = πw·τ or 2π²v·τ², follow the time course by straight pieces
between knots, and so do the share s and the distance d [Hz] of two pools of a line, of which δ is the mean shift:

    P(τ) = (1 − s)·exp(i2πs·d·τ) + s·exp(−i2π(1 − s)·d·τ).

All are found together by Gauss-Newton: what belongs to one repetition is eliminated from the normal equations of the
knots (Schur complement).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.series_model import PER_REPETITION, Lines, Motion, repetition_lines

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

STEPS, SETTLED, LEAST_GAIN = 40, 1e-2, 1e-3
"""Most steps of the minimisation, and the step [SDs] after which it has ended: the next would be its square; or the
gain [χ²] of a whole step, as of what the data do not determine."""


@dataclass(frozen=True)
class SeriesFit:
    """Fit of a series.

    Attributes
    ----------
    names : tuple of str
        Lines.
    amplitudes : ndarray, shape (repetitions, lines)
        Amplitudes [units of the FID].
    amplitude_covariance : ndarray, shape (lines, repetitions, repetitions)
        Covariance of each line's amplitudes over the repetitions.
    phase_rad, frequency_hz, width_hz : ndarray, shape (repetitions,)
        Against the reference.
    motions : tuple of Motion
        What changes smoothly.
    changes : ndarray, shape (repetitions, motions)
        Value of each.
    covariance : ndarray, shape (repetitions, lines + motions, lines + motions)
        Covariance of the amplitudes and of the changes of each repetition.
    cost : ndarray, shape (repetitions,)
        χ² of each repetition, what was expected of its parameters included.
    chi2_per_freedom : ndarray, shape (repetitions,)
        Residual of each repetition over the noise.
    converged : bool
    """

    names: tuple[str, ...]
    amplitudes: Real
    amplitude_covariance: Real
    phase_rad: Real
    frequency_hz: Real
    width_hz: Real
    motions: tuple[Motion, ...]
    changes: Real
    covariance: Real
    cost: Real
    chi2_per_freedom: Real
    converged: bool

    @property
    def amplitude_sds(self) -> Real:
        """SDs of the amplitudes, shape (repetitions, lines)."""
        return np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2)[:, : len(self.names)])

    def amplitude(self, name: str) -> tuple[Real, Real]:
        """Amplitude of a line in each repetition, and its covariance over the repetitions."""
        place = self.names.index(name)
        return self.amplitudes[:, place], self.amplitude_covariance[place]

    def has(self, motion: str) -> bool:
        """Whether something changes smoothly."""
        return any(each.name == motion for each in self.motions)

    def motion(self, name: str) -> Motion:
        """What changes smoothly, by its name."""
        return next(each for each in self.motions if each.name == name)

    def place(self, motion: str) -> int:
        """Place of a change in `covariance`."""
        return len(self.names) + [each.name for each in self.motions].index(motion)

    def moved(self, motion: str) -> Real:
        """Course of a change, shape (repetitions,)."""
        return self.changes[:, self.place(motion) - len(self.names)]

    def variance(self, motion: str) -> Real:
        """Its variance, shape (repetitions,)."""
        place = self.place(motion)
        return self.covariance[:, place, place]


def fit_series(
    fids: Complex,
    lines: Lines,
    *,
    noise_sd: float,
    motions: Sequence[Motion],
    start_phase_rad: Real,
    start_frequency_hz: Real,
    width_sd_hz: float,
    least_gain: float = LEAST_GAIN,
) -> SeriesFit:
    """Fit the repetitions of a series together.

    Parameters
    ----------
    fids : ndarray, shape (points, repetitions)
        From the first sample fitted on.
    lines : Lines
    noise_sd : float
        Noise SD of a repetition per channel [units of the FID].
    motions : sequence of Motion
        What changes smoothly.
    start_phase_rad, start_frequency_hz : ndarray, shape (repetitions,)
    width_sd_hz : float
        SD expected of the change of the width [Hz].
    least_gain : float
        Gain of a whole step [χ²] after which the minimisation has ended.
    """
    problem = _Problem(fids, lines, noise_sd, tuple(motions), width_sd_hz)
    state = problem.started(start_phase_rad, start_frequency_hz)
    equations = problem.equations(state)
    step, fraction, small = problem.step(equations), 1.0, False
    for _ in range(STEPS):
        tried = problem.moved(state, step, fraction)
        found = problem.equations(tried)
        if not found.cost.sum() <= equations.cost.sum() * (1 + 1e-12):
            fraction /= 4
            continue
        gain = float(equations.cost.sum() - found.cost.sum())
        small = fraction == 1 and (step.size <= SETTLED or gain <= least_gain)
        state, equations, fraction = tried, found, 1.0
        step = problem.step(equations)
        if small:
            break
    return problem.result(state, equations, step, converged=small)


@dataclass(frozen=True)
class _State:
    own: Real
    """Amplitudes, phase, frequency and width of each repetition, shape (repetitions, lines + 3)."""
    knots: list[Real]
    """Knots of each motion."""


@dataclass(frozen=True)
class _Equations:
    """Normal equations: own and coupled blocks, gradients (of −½χ²), and the cost of each repetition."""

    own: Real
    coupled: Real
    moving: Real
    own_gradient: Real
    moving_gradient: Real
    cost: Real


@dataclass(frozen=True)
class _Step:
    own: Real
    knots: list[Real]
    information: Real
    """Inverse of the covariance of all knots."""
    size: float


@dataclass(frozen=True)
class _Problem:
    fids: Complex
    lines: Lines
    noise_sd: float
    motions: tuple[Motion, ...]
    width_sd_hz: float

    def started(self, phase_rad: Real, frequency_hz: Real) -> _State:
        """State with the amplitudes that fit best."""
        count = len(self.lines.names)
        own = np.zeros((self.fids.shape[1], count + PER_REPETITION))
        own[:, count], own[:, count + 1] = phase_rad, frequency_hz
        knots = [np.asarray(np.linalg.lstsq(each.pieces, each.start, rcond=None)[0]) for each in self.motions]
        state = _State(own, knots)
        moved = self.courses(knots)
        for k in range(len(own)):
            basis, _ = repetition_lines(self.lines, self.motions, own[k], moved[k])
            gram = (basis.conj() @ basis.T).real
            own[k, :count] = np.linalg.solve(gram, (basis.conj() @ self.fids[:, k]).real)
        return state

    def courses(self, knots: Sequence[Real]) -> Real:
        """Change of each motion in each repetition, shape (repetitions, motions)."""
        found = [np.asarray(each.pieces @ values) for each, values in zip(self.motions, knots, strict=True)]
        return np.stack(found, axis=1) if found else np.empty((self.fids.shape[1], 0))

    def equations(self, state: _State) -> _Equations:
        """Normal equations at a state, the noise SD taken as 1."""
        count, number, moving = len(self.lines.names), len(state.own), len(self.motions)
        size = count + PER_REPETITION
        own, coupled = np.empty((number, size, size)), np.empty((number, size, moving))
        of_moving, cost = np.empty((number, moving, moving)), np.empty(number)
        own_gradient, moving_gradient = np.empty((number, size)), np.empty((number, moving))
        turn = 2j * np.pi * self.lines.time_s
        moved = self.courses(state.knots)
        for k in range(number):
            basis, changes = repetition_lines(self.lines, self.motions, state.own[k], moved[k])
            model = state.own[k, :count] @ basis
            jacobian = np.vstack([basis, 1j * model, turn * model, 0.5j * turn * model, changes])
            residual = self.fids[:, k] - model
            # Re(a*·b) is the product of the real and imaginary parts side by side.
            parts = jacobian.view(np.float64)
            hessian = parts @ parts.T / self.noise_sd**2
            gradient = parts @ residual.view(np.float64) / self.noise_sd**2
            cost[k] = float(np.vdot(residual, residual).real) / self.noise_sd**2
            hessian[size - 1, size - 1] += 1 / self.width_sd_hz**2
            gradient[size - 1] -= state.own[k, -1] / self.width_sd_hz**2
            cost[k] += (state.own[k, -1] / self.width_sd_hz) ** 2
            for i, motion in enumerate(self.motions):
                beside = moved[k, i] - motion.start[k]
                hessian[size + i, size + i] += 1 / motion.sd[k] ** 2
                gradient[size + i] -= beside / motion.sd[k] ** 2
                cost[k] += (beside / motion.sd[k]) ** 2 * motion.pieces[k].any()
            own[k], coupled[k], of_moving[k] = hessian[:size, :size], hessian[:size, size:], hessian[size:, size:]
            own_gradient[k], moving_gradient[k] = gradient[:size], gradient[size:]
        return _Equations(own, coupled, of_moving, own_gradient, moving_gradient, cost)

    def step(self, equations: _Equations) -> _Step:
        """Gauss-Newton step of everything, and the covariance of the knots."""
        inverse = np.linalg.inv(equations.own)
        own_step = (inverse @ equations.own_gradient[:, :, None])[:, :, 0]
        sds = np.sqrt(np.diagonal(inverse, axis1=1, axis2=2))
        if not self.motions:
            return _Step(own_step, [], np.zeros((0, 0)), float(np.max(np.abs(own_step) / sds)))
        shares = [motion.pieces for motion in self.motions]
        eliminated = inverse @ equations.coupled
        across = eliminated.transpose(0, 2, 1)
        reduced = equations.moving - equations.coupled.transpose(0, 2, 1) @ eliminated
        gradient = equations.moving_gradient - (across @ equations.own_gradient[:, :, None])[:, :, 0]
        matrix = np.block(
            [[a.T @ (reduced[:, i, j, None] * b) for j, b in enumerate(shares)] for i, a in enumerate(shares)]
        )
        found = np.linalg.solve(matrix, np.concatenate([a.T @ gradient[:, i] for i, a in enumerate(shares)]))
        knots = np.split(found, np.cumsum([share.shape[1] for share in shares])[:-1])
        own_step = own_step - (eliminated @ self.courses(knots)[:, :, None])[:, :, 0]
        size = max(np.max(np.abs(found) * np.sqrt(np.diag(matrix))), np.max(np.abs(own_step) / sds))
        return _Step(own_step, list(knots), matrix, float(size))

    def moved(self, state: _State, step: _Step, fraction: float) -> _State:
        """State after a part of a step."""
        knots = [at + fraction * change for at, change in zip(state.knots, step.knots, strict=True)]
        return _State(state.own + fraction * step.own, knots)

    def result(self, state: _State, equations: _Equations, step: _Step, *, converged: bool) -> SeriesFit:
        count, number = len(self.lines.names), len(state.own)
        inverse = np.linalg.inv(equations.own)
        # Of a repetition (own, motions) = (H⁻¹·noise, 0) + (−H⁻¹·coupling, 1)·shares·knots.
        widths = [motion.pieces.shape[1] for motion in self.motions]
        shares = np.zeros((number, len(widths), sum(widths)))
        for i, start in enumerate(np.cumsum([0, *widths])[:-1]):
            shares[:, i, start : start + widths[i]] = self.motions[i].pieces
        spread = np.concatenate([-(inverse @ equations.coupled)[:, :count] @ shares, shares], axis=1)
        of_knots = np.linalg.inv(step.information)
        across = np.empty((count, number, number))
        for line in range(count):
            across[line] = spread[:, line] @ of_knots @ spread[:, line].T + np.diag(inverse[:, line, line])
        covariance = spread @ of_knots @ spread.transpose(0, 2, 1)
        covariance[:, :count, :count] += inverse[:, :count, :count]
        return SeriesFit(
            names=self.lines.names,
            amplitudes=state.own[:, :count],
            amplitude_covariance=across,
            phase_rad=state.own[:, count],
            frequency_hz=state.own[:, count + 1],
            width_hz=state.own[:, count + 2],
            motions=self.motions,
            changes=self.courses(state.knots),
            covariance=covariance,
            cost=equations.cost,
            chi2_per_freedom=equations.cost / (2 * len(self.lines.time_s) - count - PER_REPETITION),
            converged=converged,
        )
