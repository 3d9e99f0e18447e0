"""Estimates of pH and pMg from a fit, by any calibration."""

from collections.abc import Iterable, Mapping
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from myomag.core.calibration import ShiftCalibration, ShiftPosterior, weakest
from myomag.core.energetics import Constants
from myomag.core.families import mg_calibration, shift_calibration
from myomag.core.joint_solution import Solution, solve_shifts
from myomag.core.speciation import ShiftModel, SpeciationCalibration
from myomag.io.scan_records import Calibration
from myomag.steps.measured import Array, Measured, Quantity

SYMBOLS = {"alpha-ATP": "α-ATP", "beta-ATP": "β-ATP", "gamma-ATP": "γ-ATP"}
NOTHING = ShiftPosterior(None, None, None, None, 1.0)


class Estimate(NamedTuple):
    """The pH or the pMg of one scan.

    Attributes
    ----------
    posterior : ShiftPosterior
        Value, SD, 95 % interval and P(undefined); all None if not available.
    reason : str or None
        Why there is no value.
    gradient : ndarray or None
        Slopes with respect to the fitted parameters.
    calibration : Calibration
        Calibration that converts shifts into the value.
    lines : tuple of str
        Lines whose shifts were used.
    chi2, degrees_of_freedom : float and int, or None
        Residual of a solution from several shifts.
    """

    posterior: ShiftPosterior
    reason: str | None
    gradient: Array | None
    calibration: Calibration
    lines: tuple[str, ...]
    p_undefined: float | None
    chi2: float | None = None
    degrees_of_freedom: int | None = None
    sd_noise: float | None = None

    @property
    def sd_model(self) -> float | None:
        """Part of the SD due to the choice of model."""
        if self.posterior.sd is None or self.sd_noise is None:
            return None
        return sqrt(max(self.posterior.sd**2 - self.sd_noise**2, 0.0))


def estimate_ph(measured: Measured, document: Mapping[str, Any]) -> Estimate:
    """Intracellular pH from the shift of Pi."""
    return _by_one_shift(measured, shift_calibration(document, "ph"))


def estimate_mg(
    measured: Measured, document: Mapping[str, Any], ph_document: Mapping[str, Any], constants: Constants
) -> tuple[Estimate | None, Estimate]:
    """Intracellular pH, if solved together with pMg, and pMg.

    Parameters
    ----------
    ph_document : mapping
        Calibration of the pH, whose limiting shifts of Pi are used by a speciation.
    constants : mapping of str to float
        Equilibrium constants at the temperature and ionic strength of the muscle.
    """
    calibration = mg_calibration(document)
    if not isinstance(calibration, SpeciationCalibration):
        return None, _by_one_shift(measured, calibration)
    return _jointly(measured, calibration, shift_calibration(ph_document, "ph"), constants)


def _by_one_shift(measured: Measured, calibration: ShiftCalibration) -> Estimate:
    shift, lines = measured.shift(calibration.lines), tuple(calibration.lines)
    source = Calibration(name=calibration.name, source=calibration.source, standing=calibration.standing)
    if shift.value is None or shift.sd is None:
        return Estimate(NOTHING, shift.reason, None, source, lines, None)
    posterior = calibration.posterior(shift.value, shift.sd)
    defined = posterior.value is not None
    reason = None if defined else _outside(lines, shift.value, calibration)
    gradient = calibration.slope(shift.value) * shift.gradient if defined else None
    by_noise = calibration.posterior(shift.value, shift.sd if shift.sd_noise is None else shift.sd_noise).sd
    return Estimate(posterior, reason, gradient, source, lines, posterior.p_undefined, sd_noise=by_noise)


def _outside(lines: tuple[str, ...], shift_ppm: float, calibration: ShiftCalibration) -> str:
    return (
        f"{' − '.join(SYMBOLS.get(line, line) for line in lines)} at {shift_ppm:.3f} ppm is outside "
        f"{calibration.lower_ppm:g}…{calibration.upper_ppm:g} ppm, where {calibration.name} is defined"
    )


def _jointly(
    measured: Measured, calibration: SpeciationCalibration, ph: ShiftCalibration, constants: Constants
) -> tuple[Estimate | None, Estimate]:
    candidates = {line: measured.shift({line: 1.0}) for line in ("Pi", *calibration.limits_ppm)}
    shifts = {line: shift for line, shift in candidates.items() if shift.sd is not None}
    lines = tuple(shifts)
    gradients = [shift.gradient for shift in shifts.values()]
    source = Calibration(name=calibration.name, source=calibration.source, standing=calibration.standing)
    try:
        solution = solve_shifts(
            ShiftModel(calibration, ph, constants, lines),
            [shift.value for shift in shifts.values() if shift.value is not None],
            _with_model(measured.covariance(gradients), shifts.values()) if gradients else np.empty((0, 0)),
        )
    except ValueError as error:
        reasons = [shift.reason for shift in candidates.values() if shift.reason]
        return None, Estimate(NOTHING, "; ".join([str(error), *dict.fromkeys(reasons)]), None, source, lines, None)
    source = both = source.model_copy(update={"standing": solution.standing})
    if "Pi" in lines:
        both = Calibration(
            name=f"{calibration.name}+{ph.name}",
            source=f"{calibration.source}; Pi: {ph.source}",
            standing=weakest((calibration.standing, ph.standing)),
        )
    return (
        _joint_estimate(solution, 0, "pH", gradients, both, lines, calibration),
        _joint_estimate(solution, 1, "pMg", gradients, source, lines, calibration),
    )


def _with_model(covariance: Array, shifts: Iterable[Quantity]) -> Array:
    """Covariance of shifts including the contribution of the choice of model."""
    added = [(shift.sd or 0.0) ** 2 - (shift.sd_noise or 0.0) ** 2 for shift in shifts]
    return np.asarray(covariance + np.diag(added))


def _joint_estimate(
    solution: Solution,
    axis: int,
    name: str,
    gradients: list[Array],
    source: Calibration,
    lines: tuple[str, ...],
    calibration: SpeciationCalibration,
) -> Estimate:
    posterior = (solution.ph, solution.pmg)[axis]
    reason = None
    if posterior.value is None:
        reason = (
            f"the shifts of {', '.join(SYMBOLS.get(line, line) for line in lines)} fit best at the end of the {name} "
            f"range {calibration.lower[axis]:g}…{calibration.upper[axis]:g} of {calibration.name}"
        )
    return Estimate(
        posterior,
        reason,
        solution.slopes[axis] @ np.array(gradients),
        source,
        lines,
        posterior.p_undefined,
        solution.chi2,
        solution.degrees_of_freedom,
    )
