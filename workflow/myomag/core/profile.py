"""Profile of the fit over the position of one line: alternative positions, and deviation from a normal error.

At low SNR a multiplet one coupling away explains nearly as much of the FID as the right position, and the curvature at
the minimum does not show it. The profile is the minimum χ² with the line held at each position and everything else
fitted.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.newton import Minimum
from myomag.core.objective import Objective
from myomag.core.parameters import AMPLITUDE, FREQUENCY, GAUSSIAN, LORENTZIAN

Real = NDArray[np.float64]
Held = Callable[[Real, int, float], Minimum]
"""Minimum from a start with one parameter fixed."""

CERTAIN_CHI2 = 600.0
"""A line that explains this χ² has one minimum and a normal error. Its SD is no criterion: at a wrong position a
multiplet may fit a spike of noise, narrowly."""

KNOTS, REACH = 6, 1.3
"""Positions on either side at which the fit is repeated, and the distance of the last one [couplings or widths]."""

_FINE = 2001
_NORMAL_95 = 1.96


@dataclass(frozen=True)
class ShiftProfile:
    """Profile of one line.

    Attributes
    ----------
    line : str
        Name of the line.
    distances_ppm : ndarray, shape (places,)
        Shift of the line from the reference line, the first of the prior [ppm], rising.
    delta_chi2 : ndarray, shape (places,)
        χ² above its minimum, including penalties of prior knowledge.
    """

    line: str
    distances_ppm: Real
    delta_chi2: Real

    def posterior(self) -> tuple[Real, Real]:
        """Positions [ppm], evenly spaced, and their probabilities ∝ exp(−Δχ²/2).

        Between the knots the root of Δχ², signed by the side of the minimum, is interpolated: it is straight where the
        error is normal.
        """
        best = int(self.delta_chi2.argmin())
        side = np.sign(np.arange(len(self.delta_chi2)) - best)
        places = np.linspace(self.distances_ppm[0], self.distances_ppm[-1], _FINE)
        root = np.interp(places, self.distances_ppm, side * np.sqrt(self.delta_chi2))
        density = np.exp(-0.5 * root**2)
        return places, density / density.sum()

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Central interval of the posterior [ppm]."""
        places, probability = self.posterior()
        low, high = np.searchsorted(np.cumsum(probability), [(1 - level) / 2, (1 + level) / 2])
        return float(places[low]), float(places[min(high, _FINE - 1)])

    def spread_ppm(self) -> float:
        """SD of a normal error about the best position that is as wide as the posterior [ppm].

        Its root mean square distance, and no less than what reaches the farther end of the 95 % interval.
        """
        places, probability = self.posterior()
        best = float(self.distances_ppm[self.delta_chi2.argmin()])
        farthest = max(abs(end - best) for end in self.interval())
        return max(float(np.sqrt(probability @ (places - best) ** 2)), farthest / _NORMAL_95)

    def minima(self) -> tuple[tuple[float, float], ...]:
        """Position [ppm] and Δχ² of every minimum, best first."""
        padded = np.concatenate([[np.inf], self.delta_chi2, [np.inf]])
        inside = np.flatnonzero((padded[1:-1] < padded[:-2]) & (padded[1:-1] <= padded[2:]))
        inside = inside[(inside > 0) & (inside < len(self.delta_chi2) - 1)]
        found = [(float(self.distances_ppm[index]), float(self.delta_chi2[index])) for index in inside]
        return tuple(sorted(found, key=lambda each: each[1]))


def is_uncertain(objective: Objective, theta: Real, line: int, variance: float) -> bool:
    """Whether a line explains too little of the FID for its position to be certain.

    Parameters
    ----------
    variance : float
        Noise variance per channel [FID units²].
    """
    model = objective.model(theta)
    mine = objective.layout.component_line == line
    template = objective.layout.component_weight[mine] @ model.basis[mine]
    without = model.residual + model.values[AMPLITUDE][mine] @ model.basis[mine]
    explained = float(np.vdot(template, without).real) ** 2 / float(np.vdot(template, template).real)
    return bool(explained < CERTAIN_CHI2 * variance)


def scale_hz(objective: Objective, theta: Real, line: int) -> float:
    """Coupling of a multiplet, or width of a single line [Hz]: possible distance of its minima."""
    layout = objective.layout
    own = theta[: len(layout.names)]
    mine = layout.component_line == line
    if mine.sum() > 1:
        return float(np.ptp(layout.component_offsets_hz(own)[mine]) / (mine.sum() - 1))
    values = layout.lines(own)[:, line]
    return float(values[LORENTZIAN] + np.sqrt(values[GAUSSIAN]))


def shift_profile(
    objective: Objective, minimum: Minimum, line: int, name: str, *, mhz: float, variance: float, held: Held
) -> tuple[ShiftProfile, Minimum]:
    """Profile over the position of one line, and the best minimum found on the way.

    Parameters
    ----------
    objective : Objective
    minimum : Minimum
        Minimum to start from.
    line, name : int, str
        The line; its shift must be a free parameter.
    mhz : float
        Frequency of 0 ppm [MHz].
    variance : float
        Noise variance per channel [FID units²].
    held : callable
        Minimises with one parameter held.
    """
    layout = objective.layout
    shift = int(layout.shift_group[line])
    reach = REACH * scale_hz(objective, minimum.theta, line) / abs(layout.line_matrix[FREQUENCY, line, shift])
    steps = np.linspace(0, reach, KNOTS + 1)[1:]
    found = [minimum]
    for side in (-1, 1):
        theta = minimum.theta
        for value in minimum.theta[shift] + side * steps:
            if layout.lower[shift] <= value <= layout.upper[shift]:
                found.append(held(theta, shift, float(value)))
                theta = found[-1].theta
    costs = np.array([objective.cost(each.theta) for each in found])
    lines = np.array([layout.lines(each.theta[: len(layout.names)])[FREQUENCY] for each in found])
    distances = (lines[:, line] - lines[:, 0]) / mhz
    order = distances.argsort()
    profile = ShiftProfile(name, distances[order], (costs[order] - costs.min()) / variance)
    return profile, found[int(costs.argmin())]
