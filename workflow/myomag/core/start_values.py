"""Start values of an AMARES fit, found in the data: they do not depend on the start values of the prior's shifts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.objective import damped_exponentials
from myomag.core.parameters import AMPLITUDE, FREQUENCY, GAUSSIAN, LORENTZIAN, PHASE, ParameterMap


def start_values(
    fid: NDArray[np.complex128],
    dwell_time_s: float,
    begin_time_s: float,
    layout: ParameterMap,
    *,
    fit_begin_time: bool,
) -> NDArray[np.float64]:
    """Start values θ of the free parameters, shape (parameters,).

    Matching pursuit without regard to phase places each multiplet inside its bounds, the strongest expected first;
    the phases of the multiplets then give the begin time and the common phase, and a linear fit the amplitudes.

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
    theta = layout.start.copy()
    if fit_begin_time:
        theta[-1] = begin_time_s
    pursuit = _Pursuit(fid, dwell_time_s, layout, theta)
    for group in pursuit.groups:
        pursuit.place(group, begin_time_s)
    columns = pursuit.columns(begin_time_s)
    if fit_begin_time:
        amplitudes = _least_squares(columns, fid)
        frequency = layout.lines(theta)[FREQUENCY][[group[0] for group in pursuit.groups]]
        moved = _best_begin_time_s(amplitudes, frequency, layout.lower[-1], layout.upper[-1], begin_time_s)
        theta[-1] = moved
        columns = pursuit.columns(moved)
    _set_phase_and_amplitudes(pursuit, columns, theta)
    return np.clip(theta, layout.lower, layout.upper)


@dataclass
class _Pursuit:
    """Groups of lines that move together, placed on an FID one after the other."""

    fid: NDArray[np.complex128]
    dwell_time_s: float
    layout: ParameterMap
    theta: NDArray[np.float64]

    def __post_init__(self) -> None:
        self.strength = np.abs(
            self.layout.line_matrix[AMPLITUDE] @ self.layout.start + self.layout.line_constant[AMPLITUDE]
        )
        keys = [group if group >= 0 else -index - 1 for index, group in enumerate(self.layout.shift_group)]
        groups = [np.flatnonzero(np.array(keys) == key) for key in dict.fromkeys(keys)]
        self.groups = sorted(groups, key=lambda lines: -self.strength[lines].max())
        self._placed: list[NDArray[np.complex128]] = []
        self._residual = self.fid

    def share(self, lines: NDArray[np.intp]) -> NDArray[np.float64]:
        """Expected ratio of the lines of a group, sum 1."""
        strength = self.strength[lines]
        return strength / strength.sum() if strength.sum() > 0 else np.full(len(lines), 1 / len(lines))

    def column(self, lines: NDArray[np.intp], begin_time_s: float) -> NDArray[np.complex128]:
        """Sum of the lines of a group in their expected ratio, zero phase, shape (points,)."""
        layout = self.layout
        mine = np.isin(layout.component_line, lines)
        values = layout.components(self.theta)[:, mine]
        weight = layout.component_weight[mine] * self.share(lines)[np.searchsorted(lines, layout.component_line[mine])]
        rate = 2j * np.pi * values[FREQUENCY] - np.pi * values[LORENTZIAN]
        basis = damped_exponentials(rate, values[GAUSSIAN], len(self.fid), self.dwell_time_s, begin_time_s)
        return basis @ weight

    def columns(self, begin_time_s: float) -> NDArray[np.complex128]:
        """All groups where they are now, shape (points, groups)."""
        return np.stack([self.column(lines, begin_time_s) for lines in self.groups], axis=1)

    def place(self, lines: NDArray[np.intp], begin_time_s: float) -> None:
        """Move a group to where it explains most of what the groups before it left."""
        parameter = self.layout.shift_group[lines[0]]
        if parameter >= 0:
            self.theta[parameter] = self._best_frequency_hz(self.column(lines, begin_time_s), parameter)
        self._placed.append(self.column(lines, begin_time_s))
        columns = np.stack(self._placed, axis=1)
        self._residual = self.fid - columns @ _least_squares(columns, self.fid)

    def _best_frequency_hz(self, template: NDArray[np.complex128], parameter: np.intp) -> float:
        """Frequency within the bounds of the parameter at which the template fits the residual best [Hz]."""
        low, high = self.layout.lower[parameter], self.layout.upper[parameter]
        size = 1 << (2 * len(self.fid) - 1).bit_length()
        match = np.abs(np.fft.fft(np.conj(template) * self._residual, size))
        frequency = np.fft.fftfreq(size, self.dwell_time_s) + self.theta[parameter]
        allowed = np.flatnonzero((frequency >= low) & (frequency <= high))
        if not len(allowed):
            return float(np.clip(self.theta[parameter], low, high))
        return float(frequency[allowed[match[allowed].argmax()]])


def _least_squares(columns: NDArray[np.complex128], fid: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Complex amplitudes of the columns by the normal equations, with a trace of damping for columns that coincide."""
    gram = columns.conj().T @ columns
    gram[np.diag_indices_from(gram)] *= 1 + 1e-9
    return np.linalg.solve(gram, columns.conj().T @ fid)


def _best_begin_time_s(
    amplitudes: NDArray[np.complex128], frequency_hz: NDArray[np.float64], low: float, high: float, begin_time_s: float
) -> float:
    """Begin time that brings the lines into phase, on a grid over the allowed window [s]."""
    window = np.linspace(low, high, 161) - begin_time_s
    # A line that begins dt later than assumed has gained the phase 2πf·dt.
    coherence = np.abs(np.exp(-2j * np.pi * np.outer(window, frequency_hz)) @ amplitudes)
    return float(begin_time_s + window[coherence.argmax()])


def _set_phase_and_amplitudes(
    pursuit: _Pursuit, columns: NDArray[np.complex128], theta: NDArray[np.float64]
) -> None:
    """Fill the phases and, by a linear fit with them, the amplitudes of θ."""
    layout = pursuit.layout
    free_phase = [index for index, name in enumerate(layout.names) if name.startswith("phase_deg:")]
    theta[free_phase] = np.angle(_least_squares(columns, pursuit.fid).sum())
    first_lines = [group[0] for group in pursuit.groups]
    rotated = columns * np.exp(1j * layout.lines(theta)[PHASE][first_lines])
    gram = (rotated.conj().T @ rotated).real
    gram[np.diag_indices_from(gram)] *= 1 + 1e-9
    amounts = np.linalg.solve(gram, (rotated.conj().T @ pursuit.fid).real)
    # A line that came out negative starts small, not at its bound, where it could not move.
    amounts = np.maximum(amounts, 1e-3 * np.abs(amounts).max())
    for lines, amount in zip(pursuit.groups, amounts, strict=True):
        for line, share in zip(lines, pursuit.share(lines), strict=True):
            column = layout.line_matrix[AMPLITUDE, line]
            follows = int(np.abs(column).argmax())
            if column[follows]:
                theta[follows] = amount * share / column[follows]
