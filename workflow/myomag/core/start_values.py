"""Start values of an AMARES fit, found in the data: they do not depend on the start values of the prior's shifts."""

import numpy as np
from numpy.typing import NDArray

from myomag.core.axes import time_axis
from myomag.core.parameters import AMPLITUDE, FREQUENCY, GAUSSIAN, LORENTZIAN, PHASE, ParameterMap

KAPPA = np.pi**2 / (4 * np.log(2))


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
    time = time_axis(len(fid), dwell_time_s, begin_time_s)
    complex_amplitude = _pursue(fid, time, layout, theta)
    if fit_begin_time:
        theta[-1] = _best_begin_time_s(complex_amplitude, layout, theta, begin_time_s)
        time = time_axis(len(fid), dwell_time_s, theta[-1])
    _set_phase_and_amplitudes(fid, time, layout, theta)
    return np.clip(theta, layout.lower, layout.upper)


def _line_basis(
    time: NDArray[np.float64], layout: ParameterMap, theta: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Each line with unit amplitude and zero phase, shape (points, lines)."""
    values = layout.components(theta)
    exponent = np.outer(time, 2j * np.pi * values[FREQUENCY] - np.pi * values[LORENTZIAN])
    exponent -= KAPPA * np.outer(time**2, values[GAUSSIAN])
    components = np.exp(exponent) * layout.component_weight
    owner = np.eye(layout.line_matrix.shape[1])[layout.component_line]
    return components @ owner


def _groups(layout: ParameterMap) -> list[NDArray[np.intp]]:
    """Lines that move together, strongest expected first; lines of fixed frequency each on their own."""
    strength = np.abs(layout.line_matrix[AMPLITUDE] @ layout.start + layout.line_constant[AMPLITUDE])
    keys = [(group if group >= 0 else -index - 1) for index, group in enumerate(layout.shift_group)]
    groups = [np.flatnonzero(np.array(keys) == key) for key in dict.fromkeys(keys)]
    return sorted(groups, key=lambda lines: -strength[lines].max())


def _pursue(
    fid: NDArray[np.complex128], time: NDArray[np.float64], layout: ParameterMap, theta: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Place the groups one after the other on the residual; complex amplitude of each line, shape (lines,)."""
    residual = fid
    placed: list[NDArray[np.intp]] = []
    amplitudes = np.zeros(layout.line_matrix.shape[1], dtype=np.complex128)
    for lines in _groups(layout):
        parameter = layout.shift_group[lines[0]]
        if parameter >= 0:
            theta[parameter] = _best_frequency_hz(residual, time, layout, theta, lines, parameter)
        placed.append(lines)
        basis = _line_basis(time, layout, theta)
        columns = np.stack([_group_column(basis, layout, theta, group) for group in placed], axis=1)
        solution = np.linalg.lstsq(columns, fid, rcond=None)[0]
        residual = fid - columns @ solution
        for group, value in zip(placed, solution, strict=True):
            amplitudes[group] = value
    return amplitudes


def _group_column(
    basis: NDArray[np.complex128], layout: ParameterMap, theta: NDArray[np.float64], lines: NDArray[np.intp]
) -> NDArray[np.complex128]:
    """Sum of the lines of a group in their expected ratio, shape (points,)."""
    amplitude = np.abs(layout.line_matrix[AMPLITUDE] @ layout.start + layout.line_constant[AMPLITUDE])[lines]
    total = amplitude.sum()
    share = amplitude / total if total > 0 else np.full(len(lines), 1 / len(lines))
    return basis[:, lines] @ share


def _best_frequency_hz(
    residual: NDArray[np.complex128],
    time: NDArray[np.float64],
    layout: ParameterMap,
    theta: NDArray[np.float64],
    lines: NDArray[np.intp],
    parameter: np.intp,
) -> float:
    """Frequency of the group within its bounds that explains most of the residual [Hz]."""
    low, high = layout.lower[parameter], layout.upper[parameter]
    template = _group_column(_line_basis(time, layout, theta), layout, theta, lines)
    size = 4 * len(time)
    dwell = time[1] - time[0]
    match = np.abs(np.fft.fft(np.conj(template) * residual, size))
    moves = np.fft.fftfreq(size, dwell) + theta[parameter]
    allowed = np.flatnonzero((moves >= low) & (moves <= high))
    if not len(allowed):
        return float(np.clip(theta[parameter], low, high))
    return float(moves[allowed[match[allowed].argmax()]])


def _best_begin_time_s(
    amplitudes: NDArray[np.complex128], layout: ParameterMap, theta: NDArray[np.float64], begin_time_s: float
) -> float:
    """Begin time that brings the lines into phase, on a grid over the allowed window [s]."""
    frequency = layout.lines(theta)[FREQUENCY]
    window = np.linspace(layout.lower[-1], layout.upper[-1], 161) - begin_time_s
    # A line that begins dt later than assumed has gained the phase 2πf·dt.
    coherence = np.abs(np.exp(-2j * np.pi * np.outer(window, frequency)) @ amplitudes)
    return float(begin_time_s + window[coherence.argmax()])


def _set_phase_and_amplitudes(
    fid: NDArray[np.complex128], time: NDArray[np.float64], layout: ParameterMap, theta: NDArray[np.float64]
) -> None:
    """Fill the phases and, by a linear fit with them, the amplitudes of θ."""
    basis = _line_basis(time, layout, theta)
    groups = _groups(layout)
    columns = np.stack([_group_column(basis, layout, theta, group) for group in groups], axis=1)
    solution = np.linalg.lstsq(columns, fid, rcond=None)[0]
    phase = np.angle(solution.sum())
    free_phase = [index for index, name in enumerate(layout.names) if name.startswith("phase_deg:")]
    theta[free_phase] = phase
    rotated = np.exp(1j * layout.lines(theta)[PHASE])
    owner = np.stack([_group_column(basis * rotated, layout, theta, group) for group in groups], axis=1)
    stacked = np.concatenate([owner.real, owner.imag])
    amounts = np.linalg.lstsq(stacked, np.concatenate([fid.real, fid.imag]), rcond=None)[0]
    start = np.abs(layout.line_matrix[AMPLITUDE] @ layout.start + layout.line_constant[AMPLITUDE])
    for lines, amount in zip(groups, amounts, strict=True):
        share = start[lines] / start[lines].sum() if start[lines].sum() > 0 else np.full(len(lines), 1 / len(lines))
        for line, part in zip(lines, share, strict=True):
            column = layout.line_matrix[AMPLITUDE, line]
            follows = int(np.abs(column).argmax())
            if column[follows]:
                # A line that came out negative starts small, not at its bound, where it could not move.
                theta[follows] = max(amount * part, 1e-3 * np.abs(amounts).max()) / column[follows]
