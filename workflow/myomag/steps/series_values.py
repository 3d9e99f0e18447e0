"""Values of each repetition of a series."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.core.calibration import ShiftCalibration, mg_mmol_l
from myomag.core.energetics import equilibrium_constants
from myomag.core.families import mg_calibration, shift_calibration
from myomag.core.series_course import SHARE, Course
from myomag.core.series_model import PCR, PI
from myomag.core.speciation import SpeciationCalibration
from myomag.io.phase_records import Phases
from myomag.io.scan_records import Fit
from myomag.io.series_records import Course as CourseRecord
from myomag.settings.base import content
from myomag.settings.magnesium import MagnesiumSettings
from myomag.steps.series_energetics import adp_course, pi_pcr_ratio
from myomag.steps.series_shifts import (
    Answers,
    Pools,
    acid_amplitude,
    amplitude_of,
    by_all_shifts,
    mixed,
    pmg_by_one_shift,
    pools_ph,
    shifts_of,
)

Real = NDArray[np.float64]


def calibrations(settings: MagnesiumSettings) -> tuple[ShiftCalibration, ShiftCalibration | SpeciationCalibration]:
    """Calibrations of the pH and of pMg."""
    mg = mg_calibration(content(settings.mg_calibration))
    return shift_calibration(content(settings.ph_calibration), "ph"), mg


def course_values(
    course: Course, phases: Phases, fit: Fit, settings: MagnesiumSettings, factors: Mapping[str, float] | None
) -> CourseRecord:
    """Values of each repetition, from the fit of all; `factors` are those of saturation, if T1 is set."""
    count = len(course.spoiled)
    times: Sequence[float | None] = phases.times(count) or [None] * count
    kinds: list[str | None] = [None] * count
    for phase in phases.phases:
        kinds[phase.first : phase.end] = [phase.kind] * (phase.end - phase.first)
    pi, acid = _of_pi(course), _of_acid(course)
    atp, atp_sd = _amplitude(course, settings.atp_line)
    pcr, pcr_sd = _amplitude(course, PCR)
    ph, pools, pmg = _ph_and_mg(course, fit, settings)
    mg = [[each and _mmol_l(getattr(each, key)) for each in pmg] for key in ("value", "ci95_high", "ci95_low")]
    kept = ~course.spoiled
    ratio = pi_pcr_ratio(_floats_of(pi), _floats_of((pcr, pcr_sd)), factors)
    adp = adp_course(course, ph, pmg, factors, settings)
    return CourseRecord(
        time_s=list(times),
        phase=kinds,
        spoiled=course.spoiled.tolist(),
        pcr=pcr,
        pcr_sd=pcr_sd,
        pi=pi[0],
        pi_sd=pi[1],
        atp=atp,
        atp_sd=atp_sd,
        ph=_listed(ph[0], kept),
        ph_sd=_listed(ph[1], kept),
        pi_acid=acid[0],
        pi_acid_sd=acid[1],
        ph_acid=_listed(pools.acid, kept & course.pooled),
        ph_acid_sd=_listed(pools.acid_sd, kept & course.pooled),
        ph_neutral=_listed(pools.neutral, kept & course.pooled),
        ph_neutral_sd=_listed(pools.neutral_sd, kept & course.pooled),
        mg_mmol_l=mg[0],
        mg_ci95_low_mmol_l=mg[1],
        mg_ci95_high_mmol_l=mg[2],
        pi_pcr_ratio=_listed(ratio[0], kept),
        pi_pcr_ratio_sd=_listed(ratio[1], kept),
        adp_umol_l=_listed(adp[0], kept),
        adp_sd_umol_l=_listed(adp[1], kept),
    )


def _mmol_l(pmg: float | None) -> float | None:
    return None if pmg is None else mg_mmol_l(pmg)


def _floats_of(pair: tuple[list[Any], list[Any]]) -> tuple[Real, Real]:
    value, sd = (np.array(each, dtype=np.float64) for each in pair)
    return value, sd


def _listed(values: Real, kept: NDArray[np.bool_]) -> list[float | None]:
    return [float(each) if good and np.isfinite(each) else None for each, good in zip(values, kept, strict=True)]


def _amplitude(course: Course, name: str) -> tuple[list[Any], list[Any]]:
    if name not in course.fit.names:
        return [None] * len(course.spoiled), [None] * len(course.spoiled)
    values, sds = amplitude_of(course.fit, name)
    return values.tolist(), sds.tolist()


def _of_pi(course: Course) -> tuple[list[Any], list[Any]]:
    """Amplitude of Pi, averaged over one and two pools."""
    if PI not in course.fit.names or course.other is None:
        return _amplitude(course, PI)
    found = mixed(course, *amplitude_of(course.fit, PI), *amplitude_of(course.other, PI))
    return found[0].tolist(), found[1].tolist()


def _of_acid(course: Course) -> tuple[list[Any], list[Any]]:
    """Amplitude of the acid pool of Pi where there are two."""
    if not course.fit.has(SHARE):
        return [None] * len(course.spoiled), [None] * len(course.spoiled)
    values, sds = acid_amplitude(course.fit)
    return _listed(values, course.pooled), _listed(sds, course.pooled)


def _ph_and_mg(course: Course, fit: Fit, settings: MagnesiumSettings) -> tuple[tuple[Real, Real], Pools, Answers]:
    """The pH with its SD, the pH of the pools, and posteriors of pMg, in each repetition."""
    nothing = np.full(len(course.spoiled), np.nan)
    calibration, mg = calibrations(settings)
    shifts = shifts_of(course.fit, fit)
    if not set(calibration.lines) <= set(shifts.names):
        pools = Pools(*[nothing] * 6)
    else:
        pools = pools_ph(shifts, calibration)
    ph, ph_sd = pools.ph, pools.ph_sd
    if course.other is not None:
        other = pools_ph(shifts_of(course.other, fit), calibration)
        ph, ph_sd = mixed(course, ph, ph_sd, other.ph, other.ph_sd)
    if isinstance(mg, ShiftCalibration):
        pmg = pmg_by_one_shift(shifts, mg)
    else:
        constants = equilibrium_constants(
            temperature_c=settings.temperature_c,
            ionic_strength_mol_l=settings.ionic_strength_mol_l,
        )
        joint, pmg = by_all_shifts(shifts, (ph, ph_sd), mg, calibration, constants)
        ph, ph_sd = (_floats(joint, key) for key in ("value", "sd"))
    return (ph, ph_sd), pools, [None if lost else each for each, lost in zip(pmg, course.spoiled, strict=True)]


def _floats(answers: Answers, key: str) -> Real:
    return np.array([getattr(each, key, None) for each in answers], dtype=np.float64)
