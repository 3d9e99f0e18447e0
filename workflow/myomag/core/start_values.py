"""Start values of an AMARES fit, estimated from the data, independent of those of the prior knowledge.

Only bounds, ties and couplings are taken from it, so that a fit ends in the same minimum whatever its start values.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from myomag.core.axes import power
from myomag.core.exponentials import damped_exponentials
from myomag.core.parameters import AMPLITUDE, FREQUENCY, GAUSSIAN, LORENTZIAN, PHASE, ParameterMap

DECAY_TIMES = 4.0
"""A template is matched over this many of its decay times; later samples are noise."""

STEPS_PER_WIDTH = 3
"""Candidate frequencies per line width."""

MAX_WIDTH = 0.05
"""Largest width searched, as a fraction of the bandwidth."""

_SMALL = 1e-3
"""Start of an amplitude estimated as negative, as a fraction of the largest: at zero the line could not move."""


def start_values(
    fid: NDArray[np.complex128],
    dwell_time_s: float,
    begin_time_s: float,
    layout: ParameterMap,
    *,
    fit_begin_time: bool,
) -> NDArray[np.float64]:
    """Start values θ of the free parameters, shape (parameters,).

    The decay of the FID gives one width for all lines. Matching pursuit, ignoring phase, places the multiplets inside
    their bounds, the strongest first; the phases of the multiplets then give the begin time and the phase parameters,
    and a linear fit the amplitudes.

    Parameters
    ----------
    fid : ndarray, shape (points,)
        Complex FID, physicist's sign.
    dwell_time_s, begin_time_s : float
        Sampling interval and time of the first sample [s].
    layout : ParameterMap
        Free parameters with bounds.
    fit_begin_time : bool
        Whether the last parameter is the begin time.
    """
    width = width_hz(fid, dwell_time_s)
    points = min(len(fid), int(np.ceil(DECAY_TIMES / (np.pi * width * dwell_time_s))))
    theta = _with_widths(layout, width)
    atoms = _atoms(layout)
    pursuit = _Pursuit(fid[:points], dwell_time_s, begin_time_s, width, layout, theta, atoms)
    amplitudes = pursuit.run()
    if fit_begin_time:
        frequency = layout.lines(theta)[FREQUENCY][[atom.lines[0] for atom in atoms]]
        weight = (np.abs(pursuit.columns) ** 2).sum(axis=0) * np.abs(amplitudes)
        delay = _delay_s(
            weight * amplitudes, frequency, layout.lower[-1] - begin_time_s, layout.upper[-1] - begin_time_s
        )
        theta[-1] = begin_time_s + delay
        # A line that starts later than assumed has acquired the phase 2πf·delay.
        turn = np.exp(2j * np.pi * frequency * delay)
        amplitudes, pursuit.columns = amplitudes / turn, pursuit.columns * turn
    phases = _set_phases(layout, atoms, amplitudes, theta)
    _set_amplitudes(layout, atoms, pursuit.columns * np.exp(1j * phases), pursuit.fid, theta)
    return np.clip(theta, layout.lower, layout.upper)


def width_hz(fid: NDArray[np.complex128], dwell_time_s: float) -> float:
    """Lorentzian FWHM that belongs to the decay of an FID [Hz].

    Half of the energy of a line of FWHM L is reached at the time ln 2/(2πL). The noise floor is that of the last
    eighth; if nothing decays, the width is the resolution of the FID.
    """
    energy = np.abs(fid) ** 2
    energy = np.cumsum(energy - energy[-max(1, len(fid) // 8) :].mean())
    half = int(np.argmax(energy >= energy.max() / 2)) + 1 if energy.max() > 0 else len(fid)
    decay = np.log(2) / (2 * np.pi * half * dwell_time_s)
    return float(np.clip(decay, 1 / (len(fid) * dwell_time_s), MAX_WIDTH / dwell_time_s))


@dataclass(frozen=True)
class _Atom:
    """Lines of one amplitude parameter that move together, in the ratio their ties fix.

    Attributes
    ----------
    lines, ratio : ndarray, shape (lines,)
        Lines and their ratio to the amplitude parameter.
    shift, amplitude : int
        Free parameters of frequency and amplitude; a fixed frequency has its own negative number.
    """

    lines: NDArray[np.intp]
    ratio: NDArray[np.float64]
    shift: int
    amplitude: int


def _atoms(layout: ParameterMap) -> list[_Atom]:
    matrix = layout.line_matrix[AMPLITUDE]
    free = (matrix != 0).any(axis=1)
    amplitude = np.where(free, np.abs(matrix).argmax(axis=1), -1)
    ratio = np.where(free, matrix.sum(axis=1), layout.line_constant[AMPLITUDE])
    shift = np.where(layout.shift_group >= 0, layout.shift_group, -1 - np.arange(len(matrix)))
    keys = list(zip(shift.tolist(), amplitude.tolist(), strict=True))
    members = [np.array([line for line, other in enumerate(keys) if other == key]) for key in dict.fromkeys(keys)]
    return [_Atom(lines, ratio[lines], int(shift[lines[0]]), int(amplitude[lines[0]])) for lines in members]


@dataclass
class _Pursuit:
    """Atoms of a common width, placed on the beginning of an FID, the strongest first.

    Attributes
    ----------
    theta : ndarray, shape (parameters,)
        Its frequencies are set by `run`.
    columns : ndarray, shape (points, atoms)
        Atoms of unit amplitude and zero phase where they were placed.
    """

    fid: NDArray[np.complex128]
    dwell_time_s: float
    begin_time_s: float
    width_hz: float
    layout: ParameterMap
    theta: NDArray[np.float64]
    atoms: list[_Atom]
    columns: NDArray[np.complex128] = field(init=False)

    def run(self) -> NDArray[np.complex128]:
        """Place all atoms; returns their complex amplitudes, shape (atoms,)."""
        templates = self._templates()
        members: dict[int, list[int]] = {}
        for index, atom in enumerate(self.atoms):
            members.setdefault(atom.shift, []).append(index)
        candidates = {group: self._candidates(group, templates[:, atoms]) for group, atoms in members.items()}
        self.columns = np.zeros_like(templates)
        placed: list[int] = []
        amplitudes = np.zeros(len(self.atoms), dtype=np.complex128)
        residual = self.fid
        while candidates:
            scores = {group: options.explained(residual) for group, options in candidates.items()}
            group = max(scores, key=lambda key: scores[key].max())
            best, options = int(scores[group].argmax()), candidates.pop(group)
            if group >= 0:
                self.theta[group] = options.frequency_hz[best]
            self.columns[:, members[group]] = options.atoms(best)
            placed += members[group]
            amplitudes[placed] = _least_squares(self.columns[:, placed], self.fid)
            residual = self.fid - self.columns @ amplitudes
        return amplitudes

    def _templates(self) -> NDArray[np.complex128]:
        """Atoms at the frequencies of θ, shape (points, atoms)."""
        layout = self.layout
        offsets = layout.lines(self.theta)[FREQUENCY][layout.component_line] + layout.component_offsets_hz(self.theta)
        basis = self._exponentials(offsets, self.width_hz)
        weights = np.zeros((len(offsets), len(self.atoms)))
        for index, atom in enumerate(self.atoms):
            for line, ratio in zip(atom.lines, atom.ratio, strict=True):
                mine = layout.component_line == line
                weights[mine, index] = layout.component_weight[mine] * ratio
        return basis.T @ weights

    def _candidates(self, group: int, templates: NDArray[np.complex128]) -> "_Candidates":
        """Possible positions of a group within its bounds."""
        if group < 0:
            return _Candidates(np.zeros(1), np.ones((1, len(templates)), dtype=np.complex128), templates)
        low, high = self.layout.lower[group], self.layout.upper[group]
        half_band = 0.5 / self.dwell_time_s
        low, high = max(low, min(high, -half_band)), min(high, max(low, half_band))
        count = 1 + int(np.ceil((high - low) * STEPS_PER_WIDTH / self.width_hz))
        frequencies = np.linspace(low, high, count)
        moved = self._exponentials(frequencies - self.theta[group], 0.0)
        return _Candidates(frequencies, moved, templates)

    def _exponentials(self, frequency_hz: NDArray[np.float64], width_hz: float) -> NDArray[np.complex128]:
        rate = np.asarray(2j * np.pi * frequency_hz - np.pi * width_hz, dtype=np.complex128)
        return damped_exponentials(rate, np.zeros(len(rate)), len(self.fid), self.dwell_time_s, self.begin_time_s)


@dataclass(frozen=True)
class _Candidates:
    """Possible positions of a group of atoms.

    Attributes
    ----------
    frequency_hz : ndarray, shape (places,)
        Frequency of each place [Hz].
    turns : ndarray, shape (places, points)
        Of unit modulus: what moves the templates to each place.
    templates : ndarray, shape (points, atoms)
        Atoms of the group before they are moved.
    """

    frequency_hz: NDArray[np.float64]
    turns: NDArray[np.complex128]
    templates: NDArray[np.complex128]

    def atoms(self, place: int) -> NDArray[np.complex128]:
        """Atoms at one place, shape (points, atoms)."""
        moved: NDArray[np.complex128] = self.turns[place][:, None] * self.templates
        return moved

    def explained(self, residual: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Energy of the residual that the atoms explain at each place, shape (places,)."""
        energy = np.maximum(power(self.templates).sum(axis=0), np.finfo(float).tiny)
        matched = power(self.turns @ (self.templates * residual.conj()[:, None]))
        explained: NDArray[np.float64] = (matched / energy).sum(axis=1)
        return explained


def _with_widths(layout: ParameterMap, width: float) -> NDArray[np.float64]:
    """Widths that follow from the data, and couplings in the middle of their bounds; shape (parameters,)."""
    theta = layout.start.copy()
    bounded = np.isfinite(layout.upper - layout.lower)
    middle = theta.copy()
    middle[bounded] = (layout.lower[bounded] + layout.upper[bounded]) / 2
    gaussian = (layout.line_matrix[GAUSSIAN] != 0).any(axis=1) | (layout.line_constant[GAUSSIAN] > 0)
    for index, name in enumerate(layout.names):
        if name.startswith("j_hz:"):
            theta[index] = middle[index]
        if name.startswith("lorentzian_hz:"):
            shared = gaussian[layout.line_matrix[LORENTZIAN][:, index] != 0].any()
            theta[index] = width / 2 if shared else width
        if name.startswith("gaussian_hz:"):
            pure = (layout.line_matrix[LORENTZIAN] == 0).all(axis=1)[layout.line_matrix[GAUSSIAN][:, index] != 0].all()
            theta[index] = (width if pure else width / 2) ** 2
    return theta


def _least_squares(columns: NDArray[np.complex128], fid: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Complex amplitudes of the columns by the normal equations, with slight damping for coinciding columns."""
    gram = columns.conj().T @ columns
    gram[np.diag_indices_from(gram)] *= 1 + 1e-9
    return np.asarray(np.linalg.solve(gram, columns.conj().T @ fid), dtype=np.complex128)


def _delay_s(weighted: NDArray[np.complex128], frequency_hz: NDArray[np.float64], low: float, high: float) -> float:
    """Delay within its window that brings the atoms into phase [s]."""
    window = np.linspace(low, high, 161)
    coherence = np.abs(np.exp(-2j * np.pi * np.outer(window, frequency_hz)) @ weighted)
    return float(window[coherence.argmax()])


def _set_phases(
    layout: ParameterMap, atoms: list[_Atom], amplitudes: NDArray[np.complex128], theta: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Set the phase parameters of θ; returns the phase of each atom [rad]."""
    first = [atom.lines[0] for atom in atoms]
    matrix, constant = layout.line_matrix[PHASE][first], layout.line_constant[PHASE][first]
    for index, name in enumerate(layout.names):
        if name.startswith("phase_deg:"):
            mine = matrix[:, index] != 0
            angle = float(np.angle((amplitudes[mine] * np.exp(-1j * constant[mine])).sum()))
            low, high = layout.lower[index], layout.upper[index]
            turned = low + (angle - low) % (2 * np.pi) if np.isfinite(low) else angle
            theta[index] = np.clip(turned, low, high)
    phases: NDArray[np.float64] = matrix @ theta + constant
    return phases


def _set_amplitudes(
    layout: ParameterMap,
    atoms: list[_Atom],
    columns: NDArray[np.complex128],
    fid: NDArray[np.complex128],
    theta: NDArray[np.float64],
) -> None:
    """Set the amplitude parameters of θ by a linear fit of the phased atoms."""
    gram = (columns.conj().T @ columns).real
    gram[np.diag_indices_from(gram)] *= 1 + 1e-9
    amounts = np.linalg.solve(gram, (columns.conj().T @ fid).real)
    small = _SMALL * np.abs(amounts).max()
    for atom, amount in zip(atoms, amounts, strict=True):
        if atom.amplitude >= 0:
            bounded = layout.lower[atom.amplitude] >= 0
            theta[atom.amplitude] = max(amount, small) if bounded else amount
