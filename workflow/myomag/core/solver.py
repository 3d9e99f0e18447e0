"""Solution of an AMARES fit: the best minimum over orders of the line shape, optional lines and positions of lines."""

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from myomag.core.fit_start import FitStart
from myomag.core.line_shape import ShapeBasis, ShapeTerms, shape_basis, tail_sd
from myomag.core.minimum import bounds, minimised
from myomag.core.newton import Minimum, unbounded
from myomag.core.noise_decay import noise_variance
from myomag.core.objective import BeginTimePrior, Objective
from myomag.core.optional_lines import Promise, Score
from myomag.core.parameters import AMPLITUDE, ParameterMap, parameter_map
from myomag.core.prior_knowledge import PriorKnowledge, Value
from myomag.core.profile import ShiftProfile, is_uncertain, shift_profile
from myomag.core.shape_order import wanted_order
from myomag.core.start_values import start_values, width_hz

Real = NDArray[np.float64]

_ROUNDING = 1e-8
"""A residual this small, relative to the FID, needs no further step."""


@dataclass(frozen=True)
class Solution:
    """Minimum of one set of lines.

    Attributes
    ----------
    prior : PriorKnowledge
        The lines.
    objective : Objective
        Their sum of squares.
    found : Minimum
        Its minimum.
    """

    prior: PriorKnowledge
    objective: Objective
    found: Minimum

    @property
    def free(self) -> NDArray[np.bool_]:
        """Parameters away from their bounds."""
        theta = self.found.theta
        return unbounded(theta, self.objective.evaluate(theta).gradient, *bounds(self.objective))

    @property
    def variance(self) -> float:
        """Variance of the residual per channel [FID units²]."""
        norm_sq = self.objective.residual_norm_sq(self.found.theta)
        return norm_sq / (2 * len(self.objective.fid) - int(self.free.sum()))


@dataclass(frozen=True)
class Problem:
    """Data and options of a fit, independent of its lines.

    Attributes
    ----------
    fid : ndarray, shape (points,)
        FID in units of `scale`.
    scale : float
        Unit of the FID.
    dwell_time_s, spectrometer_frequency_mhz, begin_time_s : float
        Sampling interval [s], frequency of 0 ppm [MHz], time of the first sample or its start value [s].
    fit_begin_time, begin_time_window_s, begin_time_prior
        As in `myomag.core.amares.fit_amares`, the prior's noise in units of `scale`.
    shape_order, max_shape_order : int
        Least and highest order of the line shape; 0 for none.
    steps : int, optional
        Largest number of Newton steps from the start of an earlier fit, or for the lines always fitted.
    """

    fid: NDArray[np.complex128]
    scale: float
    dwell_time_s: float
    spectrometer_frequency_mhz: float
    begin_time_s: float
    fit_begin_time: bool
    begin_time_window_s: float
    begin_time_prior: BeginTimePrior | None
    shape_order: int
    max_shape_order: int
    steps: int | None = None

    def solved(self, prior: PriorKnowledge, start: FitStart | None = None) -> Solution:
        """Best fit with the lines always fitted and the optional ones that the data require.

        An optional line must lower χ² by ln(2·points) for each of its parameters (Schwarz 1978, Ann Statist 6:461).
        With the start of an earlier fit that had a line shape, its lines and its order are kept; that of a fit with
        Voigt lines is only a starting point.
        """
        if start and (start.coefficients or not self.shape_order):
            return self._resumed(prior, start)
        solution = self._solution(prior.required, start)
        score = self._score(solution)
        for line in prior.lines:
            if line.optional and (larger := self._larger(solution, prior, line.name, score)):
                solution = larger
                score = self._score(solution)
        return solution

    def _score(self, solution: Solution) -> Score:
        names = tuple(line.name for line in solution.prior.lines)
        theta = solution.found.theta
        return Score(solution.objective, theta, names, self.dwell_time_s, self.spectrometer_frequency_mhz)

    def _larger(self, solution: Solution, prior: PriorKnowledge, name: str, score: Score) -> Solution | None:
        """Solution with a further line, if the data require it."""
        own = sum(isinstance(entry, Value) and not entry.fixed for entry in prior.line(name).parameters.values())
        variance = noise_variance(solution.objective, solution.found.theta)
        least = own * np.log(2 * len(self.fid)) * max(variance, _ROUNDING**2)
        chosen = {line.name for line in solution.prior.lines} | {name}
        more = replace(prior, lines=tuple(line for line in prior.lines if line.name in chosen))
        for promise in score.promises(prior, name):
            if promise.gain >= least:
                larger = self._with(solution, more, name, promise)
                gain = solution.objective.cost(solution.found.theta) - larger.objective.cost(larger.found.theta)
                if larger.found.converged and gain > least:
                    return larger
        return None

    def _with(self, solution: Solution, more: PriorKnowledge, name: str, promise: Promise) -> Solution:
        """Minimum with a further line, from its most promising start."""
        together = self._objective(self.layout(more), solution.objective.shape)
        known = dict(zip(solution.objective.layout.names, solution.found.theta.tolist(), strict=False))
        theta = np.array([(known | promise.values)[each] for each in together.layout.names])
        theta = np.append(theta, solution.found.theta[len(solution.objective.layout.names) :])
        return _in_order(Solution(more, *self._grown(together, minimised(together, theta))), name)

    def _resumed(self, whole: PriorKnowledge, start: FitStart) -> Solution:
        """Minimum starting from an earlier fit, with its lines and its order."""
        prior = whole.required
        if set(start.lines) != {line.name for line in prior.lines}:
            prior = replace(whole, lines=tuple(line for line in whole.lines if line.name in start.lines))
        layout = self.layout(prior)
        shape = self._shape((len(start.coefficients) + 3) // 2) if start.coefficients else None
        objective = self._objective(layout, shape)
        theta = np.append(self._theta(layout, start), start.coefficients)
        return Solution(prior, objective, minimised(objective, theta, steps=self.steps))

    def _theta(self, layout: ParameterMap, start: FitStart) -> Real:
        """Parameters of an earlier fit in the units of this one."""
        theta = layout.start.copy()
        for index, name in enumerate(layout.names):
            # A line that had overgrown another one is missing in the start.
            if name in start.parameters:
                theta[index] = start.parameters[name] / (self.scale if name.startswith("amplitude:") else 1.0)
        return np.clip(theta, layout.lower, layout.upper)

    def start(self, solution: Solution) -> FitStart:
        """End point of a solution."""
        names, theta = solution.objective.layout.names, solution.found.theta.tolist()
        return FitStart(
            tuple(line.name for line in solution.prior.lines),
            {
                name: value * (self.scale if name.startswith("amplitude:") else 1.0)
                for name, value in zip(names, theta, strict=False)
            },
            tuple(theta[len(names) :]),
        )

    def layout(self, prior: PriorKnowledge) -> ParameterMap:
        """Free parameters of some lines."""
        layout = parameter_map(prior, self.spectrometer_frequency_mhz, fit_begin_time=self.fit_begin_time)
        layout = _scaled(layout, self.scale)
        if self.fit_begin_time:
            layout.lower[-1] = self.begin_time_s - self.begin_time_window_s
            layout.upper[-1] = self.begin_time_s + self.begin_time_window_s
        return layout

    def _solution(self, prior: PriorKnowledge, start: FitStart | None) -> Solution:
        """Minimum starting from an earlier fit, or from start values given by the data."""
        layout, when = self.layout(prior), self.begin_time_s
        if start:
            theta = self._theta(layout, start)
        else:
            theta = start_values(self.fid, self.dwell_time_s, when, layout, fit_begin_time=self.fit_begin_time)
        objective = self._objective(layout, self._shape(self.shape_order))
        return Solution(prior, *self._grown(objective, minimised(objective, theta, steps=self.steps)))

    def _grown(self, objective: Objective, found: Minimum) -> tuple[Objective, Minimum]:
        """Problem and minimum with as many orders of the line shape as the data support."""
        while objective.shape and objective.shape.order < self.max_shape_order:
            layout, order = objective.layout, objective.shape.order
            more = wanted_order(self._objective(layout, self._shape(self.max_shape_order)), found.theta, order)
            if more == order:
                break
            objective = self._objective(layout, self._shape(more))
            again = minimised(objective, found.theta)
            found = replace(again, iterations=found.iterations + again.iterations)
        return objective, found

    @cached_property
    def _basis(self) -> ShapeBasis:
        return shape_basis(self.fid, width_hz(self.fid, self.dwell_time_s))

    def _shape(self, order: int) -> ShapeTerms | None:
        if not order:
            return None
        return ShapeTerms(self._basis, order, len(self.fid), self.dwell_time_s, tail_sd(self.fid))

    def _objective(self, layout: ParameterMap, shape: ShapeTerms | None) -> Objective:
        return Objective(
            self.fid,
            self.dwell_time_s,
            self.begin_time_s,
            layout,
            fit_begin_time=self.fit_begin_time,
            begin_time_prior=self.begin_time_prior,
            shape=shape,
        )


def _in_order(solution: Solution, name: str) -> Solution:
    """Solution in which a further line tied to another one's width replaces it if it is stronger.

    So that the main pool has the name, wherever the search started.
    """
    layout, theta = solution.objective.layout, solution.found.theta.copy()
    root = solution.prior.root(name, "lorentzian_hz").line
    pairs = []
    for quantity in ("amplitude", "shift_ppm"):
        names = (f"{quantity}:{root}", f"{quantity}:{name}")
        if root == name or not all(each in layout.names for each in names):
            return solution
        pairs.append([layout.names.index(each) for each in names])
    swapped = theta.copy()
    for here, there in pairs:
        swapped[[here, there]] = theta[[there, here]]
    inside = np.all((swapped[: len(layout.names)] >= layout.lower) & (swapped[: len(layout.names)] <= layout.upper))
    if theta[pairs[0][0]] >= theta[pairs[0][1]] or not inside:
        return solution
    return replace(solution, found=minimised(solution.objective, swapped))


def profile_lines(
    solution: Solution, lines: tuple[str, ...], spectrometer_frequency_mhz: float
) -> tuple[Solution, tuple[ShiftProfile, ...]]:
    """Best solution, and the profiles of the lines with uncertain positions."""
    profiles = []
    for line, name in enumerate(each.name for each in solution.prior.lines):
        objective, found = solution.objective, solution.found
        shift = int(objective.layout.shift_group[line])
        if name not in lines or shift < 0 or not solution.free[shift]:
            continue
        if not is_uncertain(objective, found.theta, line, solution.variance):
            continue
        profile, best = shift_profile(
            objective,
            found,
            line,
            name,
            mhz=spectrometer_frequency_mhz,
            variance=solution.variance,
            held=partial(_held, objective),
        )
        profiles.append(profile)
        if best is not found:
            solution = replace(solution, found=minimised(objective, best.theta))
    return solution, tuple(profiles)


def _held(objective: Objective, theta: Real, index: int, value: float) -> Minimum:
    """Minimum with one parameter held at a value."""
    start = theta.copy()
    start[index] = value
    return minimised(objective, start, held=index)


def _scaled(layout: ParameterMap, scale: float) -> ParameterMap:
    """Layout with the amplitudes of the prior in units of `scale`; its arrays may be changed freely."""
    amplitude = np.array([name.startswith("amplitude:") for name in layout.names])
    factor = np.where(amplitude, 1 / scale, 1.0)
    constant = layout.line_constant.copy()
    constant[AMPLITUDE] /= scale
    fields = {"start": layout.start * factor, "lower": layout.lower * factor, "upper": layout.upper * factor}
    return ParameterMap(**{**vars(layout), **fields, "line_constant": constant})
