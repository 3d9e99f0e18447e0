"""The pH and free magnesium of each repetition of a series, from the shifts of its fit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.calibration import ShiftCalibration, ShiftPosterior
from myomag.core.energetics import Constants
from myomag.core.joint_solution import solve_shifts
from myomag.core.series_course import APART, SHARE, Course
from myomag.core.series_fit import SeriesFit
from myomag.core.series_model import PI
from myomag.core.speciation import ShiftModel, SpeciationCalibration
from myomag.io.scan_records import Fit
from myomag.steps.measured import Measured

Real = NDArray[np.float64]
Answers = list[ShiftPosterior | None]
LEAST_SDS = 3.0
"""SDs below which the shift of a line is not used."""
UNLIKELY = 1e-6
"""Probability below which the other number of pools is ignored."""


@dataclass(frozen=True)
class Pools:
    """The pH from Pi in each repetition, NaN where there is none.

    Attributes
    ----------
    ph, ph_sd : ndarray, shape (repetitions,)
        From all Pi: the mean of its pools, weighted by amplitude.
    acid, acid_sd, neutral, neutral_sd : ndarray, shape (repetitions,)
        From each of two pools.
    """

    ph: Real
    ph_sd: Real
    acid: Real
    acid_sd: Real
    neutral: Real
    neutral_sd: Real


@dataclass(frozen=True)
class Shifts:
    """Shifts of lines from PCr in each repetition [ppm].

    Attributes
    ----------
    fit : SeriesFit
    at_rest : mapping of str to float
        Shifts of the reference [ppm].
    names : tuple of str
        Lines that move.
    common : ndarray, shape (names, names)
        Covariance shared by all repetitions [ppm²]: the error of the averaged rest beyond noise.
    mhz : float
    """

    fit: SeriesFit
    at_rest: Mapping[str, float]
    names: tuple[str, ...]
    common: Real
    mhz: float

    def values(self, names: Sequence[str]) -> tuple[Real, Real]:
        """Shifts of some lines, shape (repetitions, names), and their covariance, shape (repetitions, names, names)."""
        shifts = np.stack([self.at_rest[name] + self.fit.moved(name) / self.mhz for name in names], axis=1)
        places = [self.fit.place(name) for name in names]
        mine = [self.names.index(name) for name in names]
        covariance = self.fit.covariance[:, places][:, :, places] / self.mhz**2
        return shifts, covariance + self.common[np.ix_(mine, mine)]

    def there(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """Whether all of the given lines stand out, in each repetition."""
        found = np.ones(len(self.fit.amplitudes), dtype=bool)
        for name in names:
            value, sd = amplitude_of(self.fit, name)
            found &= value > LEAST_SDS * sd
        return found


def shifts_of(fit: SeriesFit, reference: Fit) -> Shifts:
    """Shifts from the fit of a series, with the errors that the reference adds."""
    lines = {line.name: line.shift_ppm for line in reference.lines}
    names = tuple(name for name in lines if fit.has(name))
    measured = Measured(reference)
    rest = [measured.shift({name: 1.0}) for name in names]
    mhz = reference.spectrometer_frequency_mhz
    # The noise of the reference is that of its repetitions, which a course counts already.
    noise = np.array([1 / float(np.sum(mhz**2 / fit.variance(name))) for name in names])
    covariance = np.asarray(measured.covariance([each.gradient for each in rest]) if rest else np.zeros((0, 0)))
    sds = np.sqrt(np.diag(covariance))
    # Errors by the choice of the model come on top.
    beyond = np.sqrt(np.maximum(np.array([each.sd or 0.0 for each in rest]) ** 2 - noise, 0.0))
    with np.errstate(invalid="ignore"):
        common = np.nan_to_num(covariance / np.outer(sds, sds)) * np.outer(beyond, beyond)
    at_rest = {name: lines[name] - lines["PCr"] for name in names}
    return Shifts(fit, at_rest, names, common, mhz)


def amplitude_of(fit: SeriesFit, name: str) -> tuple[Real, Real]:
    """Amplitude of a line in each repetition and its SD."""
    place = fit.names.index(name)
    return fit.amplitudes[:, place], np.sqrt(fit.covariance[:, place, place])


def acid_amplitude(fit: SeriesFit) -> tuple[Real, Real]:
    """Amplitude of the more acid pool of Pi in each repetition and its SD."""
    pi, share = fit.amplitude(PI)[0], fit.moved(SHARE)
    return share * pi, _sd(fit, (fit.names.index(PI), fit.place(SHARE)), np.stack([share, pi], axis=1))


def _sd(fit: SeriesFit, places: Sequence[int], slopes: Real) -> Real:
    """SD in each repetition of a quantity with these slopes, shape (repetitions, places), by the fitted values."""
    part = fit.covariance[:, places][:, :, places]
    return np.asarray(np.sqrt(np.maximum(np.einsum("ki,kij,kj->k", slopes, part, slopes), 0.0)))


def mixed(course: Course, of: Real, of_sd: Real, other: Real, other_sd: Real) -> tuple[Real, Real]:
    """Mean and SD of a quantity over one and two Pi pools, weighted by their probabilities."""
    chance = np.where(course.p_other > UNLIKELY, course.p_other, 0.0)
    weighed = (chance > 0) & np.isfinite(other) & np.isfinite(of)
    chance, other, other_sd = (np.where(weighed, each, 0.0) for each in (chance, other, other_sd))
    between = np.where(weighed, other - of, 0.0)
    variance = (1 - chance) * of_sd**2 + chance * other_sd**2 + chance * (1 - chance) * between**2
    return of + chance * between, np.sqrt(variance)


def pools_ph(shifts: Shifts, calibration: ShiftCalibration) -> Pools:
    """The pH from the shift of Pi, or of its two pools: (1 − s)·pH(δ + s·d) + s·pH(δ − (1 − s)·d)."""
    fit, mhz = shifts.fit, shifts.mhz
    mean, two = shifts.values((PI,))[0][:, 0], fit.has(SHARE)
    nothing = np.zeros(len(mean))
    share, apart = (fit.moved(name) for name in (SHARE, APART)) if two else (nothing, nothing)
    ends = mean + share * apart / mhz, mean - (1 - share) * apart / mhz
    (neutral, acid), (up, down) = ([of(each) for each in ends] for of in (calibration.value, calibration.slope))
    missing = ~shifts.there((PI,))
    # Slopes against the mean shift [1/Hz], the share and the distance.
    ones = np.ones_like(mean)
    of_neutral = np.stack([up, up * apart, up * share], axis=1) / mhz
    of_acid = np.stack([down, down * apart, -down * (1 - share)], axis=1) / mhz
    together = (1 - share)[:, None] * of_neutral + share[:, None] * of_acid
    together[:, 1] += acid - neutral
    places = [fit.place(name) for name in (PI, *((SHARE, APART) if two else ()))]
    common = np.sqrt(shifts.common[shifts.names.index(PI), shifts.names.index(PI)]) * mhz * ones
    sds = [
        np.hypot(_sd(fit, places, slopes[:, : len(places)]), common * slopes[:, 0])
        for slopes in (together, of_acid, of_neutral)
    ]
    ph = np.where(apart == 0, neutral, (1 - share) * neutral + share * acid)
    return Pools(*(np.where(missing, np.nan, each) for each in (ph, sds[0], acid, sds[1], neutral, sds[2])))


def pmg_by_one_shift(shifts: Shifts, calibration: ShiftCalibration) -> Answers:
    """Posterior of pMg in each repetition; None where a line is not there."""
    used = tuple(calibration.lines)
    if not set(used) <= set(shifts.names):
        return [None] * len(shifts.fit.amplitudes)
    weights = np.array([calibration.lines[name] for name in used])
    values, covariance = shifts.values(used)
    sds = np.sqrt(np.einsum("i,kij,j->k", weights, covariance, weights))
    there = shifts.there(used)
    return [
        calibration.posterior(float(shift), float(sd)) if here else None
        for shift, sd, here in zip(values @ weights, sds, there, strict=True)
    ]


def by_all_shifts(
    shifts: Shifts,
    of_pi: tuple[Real, Real],
    calibration: SpeciationCalibration,
    ph: ShiftCalibration,
    constants: Constants,
) -> tuple[Answers, Answers]:
    """Posteriors of pH and pMg in each repetition, from the shifts of Pi and ATP together.

    Parameters
    ----------
    of_pi : (ndarray, ndarray)
        The pH by Pi alone and its SD. Of two pools the shift that stands for their mean enters, with its error: ATP is
        that of all fibres.
    """
    count = len(shifts.fit.amplitudes)
    names = tuple(name for name in (PI, *calibration.limits_ppm) if name in shifts.names)
    if len(names) < 2 or names == (PI,):
        return [None] * count, [None] * count
    model = ShiftModel(calibration, ph, constants, names)
    values, covariance = shifts.values(names)
    there = shifts.there(names)
    if names[0] == PI:
        there &= np.isfinite(of_pi[0])
        values[:, 0] = ph.shift_ppm(of_pi[0])
        grown = of_pi[1] / np.abs(ph.slope(values[:, 0])) / np.sqrt(covariance[:, 0, 0])
        covariance[:, 0] *= grown[:, None]
        covariance[:, :, 0] *= grown[:, None]
    # Where the reference gives no SD for a shift nothing follows from it.
    there &= np.isfinite(covariance).all(axis=(1, 2)) & (np.linalg.det(covariance) > 0)
    found = [solve_shifts(model, values[k].tolist(), covariance[k]) if there[k] else None for k in range(count)]
    return [each and each.ph for each in found], [each and each.pmg for each in found]
