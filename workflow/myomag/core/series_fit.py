"""One model over the spectra of a series: what cannot change is shared, amplitudes are free, shifts of Pi and β smooth.

Of repetition k the FID is

    y_k(τ) = exp(iφ_k + i2πf_k·τ − πw_k·τ) · Σ_l a_kl·B_l(τ)·exp(i2πδ_l(t_k)·τ),

with the lines B_l of a reference fit, which hold multiplets, widths, line shape, phase and begin time, and with
amplitudes a_kl, a phase φ_k, a frequency f_k [Hz] and a change of the width w_k [Hz] of each repetition. The shifts δ_l
of some lines against the reference follow the time course by straight pieces between knots. All are found together by
Gauss-Newton: what belongs to one repetition is eliminated from the normal equations of the knots (Schur complement).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

STEPS, SETTLED = 40, 1e-2
"""Most steps of the minimisation, and the step [SDs] after which it has ended: the next would be its square."""
PER_REPETITION = 3
"""Phase, frequency and width come behind the amplitudes of a repetition."""


@dataclass(frozen=True)
class Lines:
    """Lines of a reference.

    Attributes
    ----------
    names : tuple of str
    fids : ndarray, shape (lines, points)
        FID of each at amplitude 1, from the first sample that is fitted on.
    time_s : ndarray, shape (points,)
        Time of the samples from the excitation [s].
    """

    names: tuple[str, ...]
    fids: Complex
    time_s: Real


@dataclass(frozen=True)
class SeriesFit:
    """Fit of a series.

    Attributes
    ----------
    amplitudes, amplitude_sds : ndarray, shape (repetitions, lines)
        Amplitudes [units of the FID] and their SDs.
    amplitude_covariance : ndarray, shape (lines, repetitions, repetitions)
        Covariance of each line's amplitudes over the repetitions.
    phase_rad, frequency_hz, width_hz : ndarray, shape (repetitions,)
        Against the reference.
    shifts_hz : mapping of str to ndarray, shape (repetitions,)
        Change of the shift of each moving line against the reference [Hz].
    shift_covariance : mapping of str to ndarray, shape (repetitions, repetitions)
        Their covariance [Hz²].
    chi2_per_freedom : ndarray, shape (repetitions,)
        Residual of each repetition over the noise.
    converged : bool
    """

    amplitudes: Real
    amplitude_sds: Real
    amplitude_covariance: Real
    phase_rad: Real
    frequency_hz: Real
    width_hz: Real
    shifts_hz: Mapping[str, Real]
    shift_covariance: Mapping[str, Real]
    chi2_per_freedom: Real
    converged: bool


def fit_series(
    fids: Complex,
    lines: Lines,
    *,
    noise_sd: float,
    pieces: Mapping[str, Real],
    start_hz: Mapping[str, Real],
    start_phase_rad: Real,
    start_frequency_hz: Real,
    width_sd_hz: float,
) -> SeriesFit:
    """Fit the repetitions of a series together.

    Parameters
    ----------
    fids : ndarray, shape (points, repetitions)
        From the first sample fitted on.
    lines : Lines
    noise_sd : float
        Noise SD of a repetition per channel [units of the FID].
    pieces : mapping of str to ndarray, shape (repetitions, knots)
        For each moving line the share of each knot in each repetition; rows sum to 1.
    start_hz : mapping of str to ndarray, shape (repetitions,)
        Where the moving lines are to be sought, against the reference [Hz].
    start_phase_rad, start_frequency_hz : ndarray, shape (repetitions,)
    width_sd_hz : float
        SD expected of the change of the width [Hz].
    """
    problem = _Problem(fids, lines, noise_sd, tuple(pieces), width_sd_hz)
    shares = [pieces[name] for name in problem.moving]
    knots = [np.linalg.lstsq(shares[i], start_hz[name], rcond=None)[0] for i, name in enumerate(problem.moving)]
    small = False
    state = problem.started(start_phase_rad, start_frequency_hz, [s @ k for s, k in zip(shares, knots, strict=True)])
    equations = problem.equations(state)
    step, fraction = _solve(equations, shares), 1.0
    for _ in range(STEPS):
        tried = problem.moved(state, step, fraction, shares)
        found = problem.equations(tried)
        if found.cost.sum() > equations.cost.sum() * (1 + 1e-12):
            fraction /= 4
            continue
        small = fraction * step.size <= SETTLED
        state, equations, fraction = tried, found, 1.0
        step = _solve(equations, shares)
        if small:
            break
    return problem.result(state, equations, step, shares, converged=small)


@dataclass(frozen=True)
class _State:
    own: Real
    """Amplitudes, phase, frequency and width of each repetition, shape (repetitions, lines + 3)."""
    moved_hz: Real
    """Shift of each moving line, shape (repetitions, moving)."""


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
    covariance: Real
    size: float


class _Problem:
    def __init__(self, fids: Complex, lines: Lines, noise_sd: float, moving: Sequence[str], width_sd_hz: float) -> None:
        self.fids, self.lines, self.noise_sd, self.moving = fids, lines, noise_sd, tuple(moving)
        self.places = [lines.names.index(name) for name in self.moving]
        self.width_sd_hz = width_sd_hz
        self.repetitions = fids.shape[1]

    def started(self, phase_rad: Real, frequency_hz: Real, moved_hz: Sequence[Real]) -> _State:
        """State with the amplitudes that fit best."""
        count = len(self.lines.names)
        own = np.zeros((self.repetitions, count + PER_REPETITION))
        own[:, count], own[:, count + 1] = phase_rad, frequency_hz
        shifts = np.stack(moved_hz, axis=1) if moved_hz else np.empty((self.repetitions, 0))
        for k in range(self.repetitions):
            basis = self._turned(own[k], shifts[k])
            gram = (basis.conj() @ basis.T).real
            own[k, :count] = np.linalg.solve(gram, (basis.conj() @ self.fids[:, k]).real)
        return _State(own, shifts)

    def _turned(self, own: Real, shifts_hz: Real) -> Complex:
        """Lines of one repetition at amplitude 1, shape (lines, points)."""
        phase, frequency, width = own[-PER_REPETITION:]
        time = self.lines.time_s
        basis: Complex = self.lines.fids * np.exp(1j * phase + (2j * np.pi * frequency - np.pi * width) * time)
        for place, shift in zip(self.places, shifts_hz, strict=True):
            basis[place] *= np.exp(2j * np.pi * shift * time)
        return basis

    def equations(self, state: _State) -> _Equations:
        """Normal equations at a state, the noise SD taken as 1."""
        count, number, moving = len(self.lines.names), self.repetitions, len(self.moving)
        size = count + PER_REPETITION
        own, coupled = np.empty((number, size, size)), np.empty((number, size, moving))
        of_moving, cost = np.empty((number, moving, moving)), np.empty(number)
        own_gradient, moving_gradient = np.empty((number, size)), np.empty((number, moving))
        turn = 2j * np.pi * self.lines.time_s
        for k in range(number):
            basis = self._turned(state.own[k], state.moved_hz[k])
            model = state.own[k, :count] @ basis
            jacobian = np.concatenate(
                [
                    basis,
                    np.stack([1j * model, turn * model, 0.5j * turn * model]),
                    np.stack([state.own[k, place] * turn * basis[place] for place in self.places])
                    if moving
                    else np.empty((0, len(model))),
                ]
            )
            residual = self.fids[:, k] - model
            hessian = (jacobian.conj() @ jacobian.T).real / self.noise_sd**2
            gradient = (jacobian.conj() @ residual).real / self.noise_sd**2
            cost[k] = float(np.vdot(residual, residual).real) / self.noise_sd**2
            hessian[size - 1, size - 1] += 1 / self.width_sd_hz**2
            gradient[size - 1] -= state.own[k, -1] / self.width_sd_hz**2
            cost[k] += (state.own[k, -1] / self.width_sd_hz) ** 2
            own[k], coupled[k], of_moving[k] = hessian[:size, :size], hessian[:size, size:], hessian[size:, size:]
            own_gradient[k], moving_gradient[k] = gradient[:size], gradient[size:]
        return _Equations(own, coupled, of_moving, own_gradient, moving_gradient, cost)

    def moved(self, state: _State, step: _Step, fraction: float, shares: Sequence[Real]) -> _State:
        """State after a part of a step."""
        shifts = np.stack([s @ k for s, k in zip(shares, step.knots, strict=True)], axis=1) if shares else 0.0
        return _State(state.own + fraction * step.own, state.moved_hz + fraction * shifts)

    def result(
        self, state: _State, equations: _Equations, step: _Step, shares: Sequence[Real], *, converged: bool
    ) -> SeriesFit:
        count = len(self.lines.names)
        inverse = np.linalg.inv(equations.own)
        # Cov(own_k, own_l) = δ_kl·H_k⁻¹ + P_k·C·P_lᵀ with P_k = H_k⁻¹·coupling_k·shares_k and C that of the knots.
        spread = (
            np.concatenate(
                [(inverse @ equations.coupled)[:, :, i, None] * shares[i][:, None, :] for i in range(len(shares))],
                axis=2,
            )
            if shares
            else np.zeros((self.repetitions, inverse.shape[1], 0))
        )
        covariance = np.empty((count, self.repetitions, self.repetitions))
        for line in range(count):
            covariance[line] = spread[:, line] @ step.covariance @ spread[:, line].T
            covariance[line] += np.diag(inverse[:, line, line])
        starts = np.cumsum([0, *(share.shape[1] for share in shares)])
        freedom = 2 * len(self.lines.time_s) - count - PER_REPETITION
        return SeriesFit(
            amplitudes=state.own[:, :count],
            amplitude_sds=np.sqrt(np.array([np.diag(each) for each in covariance]).T),
            amplitude_covariance=covariance,
            phase_rad=state.own[:, count],
            frequency_hz=state.own[:, count + 1],
            width_hz=state.own[:, count + 2],
            shifts_hz={name: state.moved_hz[:, i] for i, name in enumerate(self.moving)},
            shift_covariance={
                name: shares[i] @ step.covariance[starts[i] : starts[i + 1], starts[i] : starts[i + 1]] @ shares[i].T
                for i, name in enumerate(self.moving)
            },
            chi2_per_freedom=equations.cost / freedom,
            converged=converged,
        )


def _solve(equations: _Equations, shares: Sequence[Real]) -> _Step:
    """Gauss-Newton step of everything, and the covariance of the knots."""
    inverse = np.linalg.inv(equations.own)
    own_step = (inverse @ equations.own_gradient[:, :, None])[:, :, 0]
    if not shares:
        sds = np.sqrt(np.diagonal(inverse, axis1=1, axis2=2))
        return _Step(own_step, [], np.zeros((0, 0)), float(np.max(np.abs(own_step) / sds)))
    eliminated = inverse @ equations.coupled
    reduced = equations.moving - equations.coupled.transpose(0, 2, 1) @ eliminated
    gradient = equations.moving_gradient - (eliminated.transpose(0, 2, 1) @ equations.own_gradient[:, :, None])[:, :, 0]
    matrix = np.block(
        [[a.T @ (reduced[:, i, j, None] * b) for j, b in enumerate(shares)] for i, a in enumerate(shares)]
    )
    right = np.concatenate([a.T @ gradient[:, i] for i, a in enumerate(shares)])
    covariance = np.linalg.inv(matrix)
    found = covariance @ right
    knots = np.split(found, np.cumsum([share.shape[1] for share in shares])[:-1])
    moved = np.stack([a @ k for a, k in zip(shares, knots, strict=True)], axis=1)
    own_step = own_step - (eliminated @ moved[:, :, None])[:, :, 0]
    sds = np.sqrt(np.diagonal(inverse, axis1=1, axis2=2))
    size = max(np.max(np.abs(found) / np.sqrt(np.diag(covariance))), np.max(np.abs(own_step) / sds))
    return _Step(own_step, list(knots), covariance, float(size))


def straight_pieces(time_s: Real, knots_s: Real) -> Real:
    """Share of each knot in a course of straight pieces, shape (times, knots)."""
    return np.stack([np.interp(time_s, knots_s, unit) for unit in np.eye(len(knots_s))], axis=1)
