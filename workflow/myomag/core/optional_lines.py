"""Whether an FID requires a line that is optional in the prior knowledge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.exponentials import damped_exponentials
from myomag.core.objective import Objective
from myomag.core.parameters import FREQUENCY, GAUSSIAN, LORENTZIAN, PHASE
from myomag.core.prior_knowledge import PriorKnowledge, Value

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]

_PLACES_PER_WIDTH = 2
_LEAST_OWN = (1e-3, 0.1)
"""Share of its information that must be unique to a line. To first order, the gain of a line beside another is largest
where it nearly duplicates that line; one step farther they are distinguished. Both positions are tried."""


@dataclass(frozen=True)
class Promise:
    """Where a further line would gain most.

    Attributes
    ----------
    gain : float
        Decrease of the sum of squares.
    values : dict of str to float
        Start of its own parameters, by `quantity:line`, in the units of a fit.
    """

    gain: float
    values: dict[str, float]


class Score:
    """Score test of further lines at the minimum of a fit.

    With the gradient g of its amplitude at zero and the Schur complement S of its information (other parameters
    re-optimised), a line of positive amplitude g/S gains g²/S to first order.

    Parameters
    ----------
    objective, theta : Objective and ndarray, shape (parameters,)
        Problem and its minimum.
    lines : tuple of str
        Lines of the problem, the layout's in turn.
    dwell_time_s, spectrometer_frequency_mhz : float
        Sampling interval [s] and frequency of 0 ppm [MHz].
    """

    def __init__(
        self,
        objective: Objective,
        theta: Real,
        lines: tuple[str, ...],
        dwell_time_s: float,
        spectrometer_frequency_mhz: float,
    ) -> None:
        layout = objective.layout
        self._values = dict(zip(lines, layout.lines(theta[: len(layout.names)]).T, strict=True))
        self._mhz, self._dwell_time_s = spectrometer_frequency_mhz, dwell_time_s
        self._begin_time_s = objective.begin_time_s(theta)
        model = objective.model(theta)
        self._residual = model.residual
        self._envelope = objective.envelope(theta, len(model.residual))
        here = objective.evaluate(theta)
        use = np.flatnonzero(np.diag(here.information) > 0)
        scale = 1 / np.sqrt(np.diag(here.information)[use])
        block = here.information[np.ix_(use, use)] * np.outer(scale, scale)
        block[np.diag_indices_from(block)] += 1e-10
        self._jacobian, self._block = objective.jacobian(theta)[use] * scale[:, None], block

    def promises(self, prior: PriorKnowledge, name: str) -> list[Promise]:
        """Largest gain of one optional line within its bounds, for each share of information unique to it."""
        width, gaussian_squared = self._follows(prior, name, LORENTZIAN), self._follows(prior, name, GAUSSIAN)
        places = self._places_hz(prior, name, width + np.sqrt(gaussian_squared))
        templates = self._envelope * damped_exponentials(
            2j * np.pi * places - np.pi * width,
            np.full(len(places), gaussian_squared),
            len(self._residual),
            self._dwell_time_s,
            self._begin_time_s,
            phase_rad=np.full(len(places), self._follows(prior, name, PHASE)),
        )
        across = (self._jacobian.conj() @ templates.T).real
        energy = (np.abs(templates) ** 2).sum(axis=1)
        schur = energy - (across * np.linalg.solve(self._block, across)).sum(axis=0)
        gradient = np.maximum((templates @ self._residual.conj()).real, 0.0)
        found: dict[int, Promise] = {}
        for least in _LEAST_OWN:
            # If the line duplicates another one, the data cannot determine it.
            gain = np.where(schur > least * energy, gradient**2 / np.maximum(schur, least * energy), 0.0)
            best = int(gain.argmax())
            amplitude = float(np.sqrt(gain[best] / max(schur[best], least * energy[best])))
            own = {"amplitude": amplitude, "shift_ppm": float(places[best]), "lorentzian_hz": width}
            own["gaussian_hz"] = gaussian_squared
            values = {f"{quantity}:{name}": value for quantity, value in own.items()}
            found.setdefault(best, Promise(float(gain[best]), values))
        return list(found.values())

    def _follows(self, prior: PriorKnowledge, name: str, quantity: int) -> float:
        """Width, squared Gaussian width or phase of a line; a free one is the geometric mean of its bounds."""
        key = {LORENTZIAN: "lorentzian_hz", GAUSSIAN: "gaussian_hz", PHASE: "phase_deg"}[quantity]
        tie = prior.root(name, key)
        if tie.line != name:
            factor, offset = (tie.scale**2, 0.0) if quantity == GAUSSIAN else (tie.scale, tie.offset)
            return float(
                factor * self._values[tie.line][quantity] + (np.deg2rad(offset) if key == "phase_deg" else offset)
            )
        own = prior.line(name).parameters[key]
        if not isinstance(own, Value):
            raise ValueError(key)
        value = own.start if own.fixed else float(np.sqrt(abs(own.lower * own.upper)))
        return value**2 if quantity == GAUSSIAN else float(np.deg2rad(value)) if quantity == PHASE else value

    def _places_hz(self, prior: PriorKnowledge, name: str, width_hz: float) -> Real:
        """Frequencies at which a line is searched [Hz], shape (places,)."""
        tie = prior.root(name, "shift_ppm")
        if tie.line != name:
            tied = tie.scale * self._values[tie.line][FREQUENCY] + tie.offset + tie.offset_ppm * self._mhz
            return np.array([tied])
        own = prior.line(name).parameters["shift_ppm"]
        if not isinstance(own, Value):
            raise ValueError("shift_ppm")
        low, high = own.lower * self._mhz, own.upper * self._mhz
        return np.linspace(low, high, 1 + int(np.ceil(_PLACES_PER_WIDTH * (high - low) / width_hz)))
