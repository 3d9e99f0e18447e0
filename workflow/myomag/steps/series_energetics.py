"""Pi/PCr and free ADP of each repetition of a series."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from myomag.core.energetics import equilibrium_constants, free_adp_umol_l
from myomag.core.series_course import Course
from myomag.core.series_model import PCR, PI
from myomag.settings.magnesium import MagnesiumSettings
from myomag.steps.series_shifts import Answers, amplitude_of

Real = NDArray[np.float64]


def pi_pcr_ratio(
    pi: tuple[Real, Real], pcr: tuple[Real, Real], factors: Mapping[str, float] | None
) -> tuple[Real, Real]:
    """Pi/PCr of each repetition with its SD; NaN where PCr is not above zero.

    Parameters
    ----------
    pi, pcr : tuple of ndarray, shape (repetitions,)
        Amplitudes and their SDs, whose errors are independent: the lines lie some 250 Hz apart.
    factors : mapping of str to float, optional
        Saturation factors, if T1 is set.
    """
    saturation = factors or {}
    correction = saturation.get(PCR, 1.0) / saturation.get(PI, 1.0)
    below = np.where(pcr[0] > 0, pcr[0], np.nan)
    ratio = pi[0] / below * correction
    return ratio, np.hypot(pi[1] / below, pi[0] * pcr[1] / below**2) * correction


def adp_course(
    course: Course,
    ph: tuple[Real, Real],
    pmg: Answers,
    factors: Mapping[str, float] | None,
    settings: MagnesiumSettings,
) -> tuple[Real, Real]:
    """Free ADP [µmol/l] of each repetition with its SD, from the creatine kinase equilibrium.

    ATP is the mean over all repetitions, as exercise does not change it. The errors of pH, pMg and PCr/ATP are taken as
    independent. NaN without T1 of PCr and ATP, where pH, Mg or PCr is missing, where PCr leaves no free creatine, and
    everywhere if the signal of ATP steps.

    Parameters
    ----------
    course : Course
    ph : tuple of ndarray, shape (repetitions,)
        The pH and its SD.
    pmg : sequence of ShiftPosterior or None
    factors : mapping of str to float, optional
        Saturation factors, if T1 is set.
    settings : MagnesiumSettings
        Line of ATP, assumed concentrations, temperature and ionic strength.
    """
    atp, saturation = settings.atp_line, factors or {}
    adp = np.full((2, len(course.spoiled)), np.nan)
    if not {PCR, atp} <= set(saturation) or atp not in course.fit.names or course.level.step is not None:
        return adp[0], adp[1]
    values, sds = amplitude_of(course.fit, atp)
    kept = ~course.spoiled
    level = float(np.mean(values[kept])) / saturation[atp]
    level_sd = float(np.linalg.norm(sds[kept])) / kept.sum() / saturation[atp]
    pcr = [each / saturation[PCR] for each in amplitude_of(course.fit, PCR)]
    for k, found in _each(pcr[0] / level, np.hypot(pcr[1] / pcr[0], level_sd / level), ph, pmg, settings):
        adp[:, k] = found
    return adp[0], adp[1]


def _each(
    pcr_atp: Real, relative_sd: Real, ph: tuple[Real, Real], pmg: Answers, settings: MagnesiumSettings
) -> Iterator[tuple[int, Sequence[float]]]:
    """Repetition, its ADP and SD, if everything needed is known."""
    constants = equilibrium_constants(
        temperature_c=settings.temperature_c, ionic_strength_mol_l=settings.ionic_strength_mol_l
    )
    for k, mg in enumerate(pmg):
        creatine = settings.total_creatine_mmol_l - pcr_atp[k] * settings.atp_mmol_l
        if mg is None or mg.value is None or mg.sd is None or np.isnan(ph[0][k]) or pcr_atp[k] <= 0 or creatine <= 0:
            continue
        found = free_adp_umol_l(
            constants,
            ph=float(ph[0][k]),
            pmg=mg.value,
            pcr_atp=float(pcr_atp[k]),
            atp_mmol_l=settings.atp_mmol_l,
            total_creatine_mmol_l=settings.total_creatine_mmol_l,
        )
        yield k, (found.value, found.sd(np.diag([ph[1][k] ** 2, mg.sd**2, relative_sd[k] ** 2, 0.0])))
