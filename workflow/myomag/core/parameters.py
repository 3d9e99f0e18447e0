"""From prior knowledge to the free parameters of a fit: an affine map with every tie, offset and fixed value."""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from myomag.core.prior_knowledge import PriorKnowledge, Tie, Value

AMPLITUDE, FREQUENCY, LORENTZIAN, GAUSSIAN, PHASE = range(5)
_INDEX = {
    "amplitude": AMPLITUDE,
    "shift_ppm": FREQUENCY,
    "lorentzian_hz": LORENTZIAN,
    "gaussian_hz": GAUSSIAN,
    "phase_deg": PHASE,
}


@dataclass(frozen=True)
class ParameterMap:
    """Layout of a fit: lines and components as affine functions of the free parameters θ.

    Attributes
    ----------
    names : tuple of str
        One `quantity:line` per free parameter; the last may be `begin_time_s`.
    start, lower, upper : ndarray, shape (parameters,)
        Start values and bounds of θ [FID units, Hz, Hz², rad, s].
    line_matrix, line_constant : ndarray, shapes (5, lines, parameters) and (5, lines)
        Amplitude [FID units], frequency [Hz], Lorentzian FWHM [Hz], square of the Gaussian FWHM [Hz²] and phase [rad]
        of each line: line_matrix @ θ + line_constant. The square, because the FID depends on it linearly near zero.
    component_line : ndarray of int, shape (components,)
        Line each component belongs to.
    component_weight : ndarray, shape (components,)
        Share of the line's amplitude.
    offset_matrix, offset_constant : ndarray, shapes (components, parameters) and (components,)
        Distance of each component from the centre of its line [Hz], as an affine function of θ (couplings).
    shift_group : ndarray of int, shape (lines,)
        Free parameter that moves the frequency of the line; −1 if it is fixed.
    """

    names: tuple[str, ...]
    start: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    line_matrix: NDArray[np.float64]
    line_constant: NDArray[np.float64]
    component_line: NDArray[np.intp]
    component_weight: NDArray[np.float64]
    offset_matrix: NDArray[np.float64]
    offset_constant: NDArray[np.float64]
    shift_group: NDArray[np.intp]

    def lines(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantities of each line at θ, shape (5, lines)."""
        return self.line_matrix @ theta + self.line_constant

    def component_offsets_hz(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance of each component from the centre of its line [Hz], shape (components,)."""
        return self.offset_matrix @ theta + self.offset_constant

    def components(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantities of each component at θ, shape (5, components)."""
        values = self.lines(theta)[:, self.component_line]
        values[AMPLITUDE] *= self.component_weight
        values[FREQUENCY] += self.component_offsets_hz(theta)
        return values

    def component_matrix(self) -> NDArray[np.float64]:
        """Derivative of the component quantities with respect to θ, shape (5, components, parameters)."""
        matrix = self.line_matrix[:, self.component_line, :].copy()
        matrix[AMPLITUDE] *= self.component_weight[:, None]
        matrix[FREQUENCY] += self.offset_matrix
        return matrix


def parameter_map(prior: PriorKnowledge, spectrometer_frequency_mhz: float, *, fit_begin_time: bool) -> ParameterMap:
    """Lay out the free parameters of a fit.

    Parameters
    ----------
    prior : PriorKnowledge
        Lines with bounds and ties.
    spectrometer_frequency_mhz : float
        Converts shifts [ppm] into frequencies [Hz].
    fit_begin_time : bool
        Append the begin time [s] as the last free parameter.
    """
    units = {"shift_ppm": spectrometer_frequency_mhz, "phase_deg": np.pi / 180}
    free: dict[tuple[str, str], Value] = {}
    for line in prior.lines:
        for quantity, entry in line.parameters.items():
            used = quantity != "j_hz" or len(line.ratios) > 1
            if used and not isinstance(entry, Tie) and not entry.fixed:
                free[quantity, line.name] = entry
    start, lower, upper = (
        np.array([_fit_unit(quantity, getattr(value, side), units) for (quantity, _), value in free.items()])
        for side in ("start", "lower", "upper")
    )
    names = [f"{quantity}:{line}" for quantity, line in free]
    if fit_begin_time:
        names.append("begin_time_s")
        start, lower, upper = np.append(start, 0.0), np.append(lower, -np.inf), np.append(upper, np.inf)
    column = {key: index for index, key in enumerate(free)}
    line_matrix, line_constant = _line_map(prior, column, units, len(names))
    return ParameterMap(
        tuple(names),
        start,
        lower,
        upper,
        line_matrix,
        line_constant,
        *_component_map(prior, column, len(names)),
        _shift_groups(line_matrix),
    )


def free_parameters(prior: PriorKnowledge) -> int:
    """Number of free parameters of all lines, including optional ones."""
    return sum(
        isinstance(entry, Value) and not entry.fixed and (quantity != "j_hz" or len(line.ratios) > 1)
        for line in prior.lines
        for quantity, entry in line.parameters.items()
    )


def _fit_unit(quantity: str, value: float, units: dict[str, float]) -> float:
    return value**2 if quantity == "gaussian_hz" else value * units.get(quantity, 1.0)


def _affine(
    prior: PriorKnowledge, column: dict[tuple[str, str], int], units: dict[str, float], line: str, quantity: str
) -> tuple[int, float, float]:
    """Free parameter a quantity follows (−1: none), its factor and its constant, in fit units."""
    tie = prior.root(line, quantity)
    scale = tie.scale**2 if quantity == "gaussian_hz" else tie.scale
    # The offset of a tied shift is already in Hz.
    constant = tie.offset if quantity == "shift_ppm" else _fit_unit(quantity, tie.offset, units)
    constant += _fit_unit("shift_ppm", tie.offset_ppm, units)
    if (quantity, tie.line) in column:
        return column[quantity, tie.line], scale, constant
    # Ties end at a free or fixed parameter.
    value = cast("Value", prior.line(tie.line).parameters[quantity])
    return -1, 0.0, scale * _fit_unit(quantity, value.start, units) + constant


def _line_map(
    prior: PriorKnowledge, column: dict[tuple[str, str], int], units: dict[str, float], parameters: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    matrix = np.zeros((5, len(prior.lines), parameters))
    constant = np.zeros((5, len(prior.lines)))
    for quantity, row in _INDEX.items():
        for index, line in enumerate(prior.lines):
            follows, factor, constant[row, index] = _affine(prior, column, units, line.name, quantity)
            if follows >= 0:
                matrix[row, index, follows] = factor
    return matrix, constant


def _component_map(
    prior: PriorKnowledge, column: dict[tuple[str, str], int], parameters: int
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    owner, weight, offset_rows, offset_constant = [], [], [], []
    for index, line in enumerate(prior.lines):
        follows, factor, constant = _affine(prior, column, {}, line.name, "j_hz")
        for position, ratio in enumerate(line.ratios):
            order = position - (len(line.ratios) - 1) / 2
            row = np.zeros(parameters)
            if follows >= 0:
                row[follows] = order * factor
            owner.append(index)
            weight.append(ratio / sum(line.ratios))
            offset_rows.append(row)
            offset_constant.append(order * constant)
    return np.array(owner), np.array(weight), np.array(offset_rows), np.array(offset_constant)


def _shift_groups(line_matrix: NDArray[np.float64]) -> NDArray[np.intp]:
    moved = line_matrix[FREQUENCY] != 0
    return np.where(moved.any(axis=1), moved.argmax(axis=1), -1)
