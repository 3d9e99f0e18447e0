"""Kinetics of one bout of exercise: depletion and recovery of PCr, or why there are none."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from myomag.core.energetics import equilibrium_constants, free_adp_umol_l
from myomag.core.series_course import Course
from myomag.io.phase_records import Phases
from myomag.io.series_records import Bout
from myomag.io.series_records import Course as Values
from myomag.settings.magnesium import MagnesiumSettings
from myomag.settings.series import SeriesSettings
from myomag.steps.recovery import judged_recovery

Real = NDArray[np.float64]

ACID_SHARE = 0.2
"""Fraction of Pi at the end of exercise from which a more acid pool alone rules out kinetics; chosen."""
LATEST, FEWEST_LATEST = 6, 3
"""Last repetitions of exercise whose straight line gives the pH in the last one, and how few are enough."""


def bout_of(
    number: int,
    phases: Phases,
    course: Course,
    values: Values,
    left_out: int,
    settings: SeriesSettings,
    assumed: MagnesiumSettings,
) -> Bout:
    """Bout of the exercise that is phase `number`; `assumed` are the values that ADP depends on."""
    exercise = phases.phases[number]
    judged = judged_recovery(number, phases, course, left_out, settings)
    found, depletion = judged.found, judged.depletion
    last = judged.recovery.end if judged.recovery else exercise.end
    ph = _ph(values, exercise.first, exercise.end, last)
    acid, acid_share = _acid_pool(values, exercise.first, exercise.end)
    problem = judged.problem or _acidosis(ph[0], acid, acid_share, settings.least_ph)
    given = found if problem is None else None
    rest = judged.rest
    rate = given.rate / rest if given and rest else None
    adp = _adp_at_the_end(depletion, ph[0], values, exercise.first, exercise.end, settings, assumed) if given else None
    return Bout(
        status="estimated" if given else "not estimable",
        reason=problem or judged.remark,
        tau_pcr_s=given.tau_s if given else None,
        tau_pcr_ci95_low_s=_finite(given.tau_low_s) if given else None,
        tau_pcr_ci95_high_s=_finite(given.tau_high_s) if given else None,
        k_pcr_per_s=1 / given.tau_s if given else None,
        pcr_rest=rest,
        pcr_end=found.end if found else None,
        pcr_end_sd=found.end_sd if found else None,
        pcr_depletion=depletion,
        pcr_depletion_sd=judged.depletion_sd,
        v_pcr_per_s=rate,
        v_pcr_sd_per_s=given.rate_sd / rest if given and rest else None,
        qmax_linear_mmol_l_s=settings.pcr_mmol_l / given.tau_s if given else None,
        adp_end_umol_l=adp,
        qmax_adp_mmol_l_s=rate * settings.pcr_mmol_l * (1 + settings.km_adp_umol_l / adp) if rate and adp else None,
        ph_end_exercise=ph[0],
        ph_min=ph[1],
        ph_acid_end_exercise=acid,
        acid_share_end_exercise=acid_share,
        p_second=given.p_second if given else None,
        recovery_s=judged.length_s,
    )


def _ph(values: Values, first: int, end: int, last: int) -> tuple[float | None, float | None]:
    """The pH at the end of exercise, and the lowest mean over neighbours until the end of recovery, or that at the end.

    With two pools of Pi it is their mean, weighted by amplitude.
    """
    known = _known(values, values.ph, first, last)
    course, at_the_end = list(known.values()), _at_the_end(known, end)
    means = [float(np.mean(course[max(0, i - 1) : i + 2])) for i in range(len(course))]
    return at_the_end, min([*means, *([] if at_the_end is None else [at_the_end])], default=None)


def _known(values: Values, course: Sequence[float | None], first: int, end: int) -> dict[int, float]:
    """Known values of a course from one repetition up to another."""
    return {k: each for k, each in enumerate(course[:end]) if each is not None and k >= first and not values.spoiled[k]}


def _at_the_end(known: Mapping[int, float], end: int) -> float | None:
    """Value of a course in the last repetition of exercise; a mean over several would lag behind a falling pH."""
    latest = [k for k in known if end - LATEST <= k < end]
    if len(latest) < FEWEST_LATEST:
        return None
    return float(np.polyfit(np.array(latest) - (end - 1), [known[k] for k in latest], 1)[1])


def _acid_pool(values: Values, first: int, end: int) -> tuple[float | None, float | None]:
    """The pH of the more acid pool of Pi at the end of exercise, and its share; None where there is one pool."""
    ph, acid = _at_the_end(_known(values, values.ph_acid, first, end), end), _known(values, values.pi_acid, first, end)
    shares = [acid[k] / pi for k, pi in _known(values, values.pi, max(first, end - LATEST), end).items() if k in acid]
    return (None, None) if ph is None or not shares else (ph, float(np.median(shares)))


def _acidosis(ph: float | None, acid: float | None, share: float | None, least: float) -> str | None:
    """Why the pH rules out kinetics."""
    if ph is not None and ph < least:
        return f"pH {ph:.2f} at the end of exercise, below {least:g}: acidosis slows the recovery"
    if acid is not None and share is not None and acid < least and share >= ACID_SHARE:
        pool = f"pH {acid:.2f} in {share:.0%} of Pi at the end of exercise"
        return f"{pool}, below {least:g}: acidosis slows the recovery"
    return None


def _adp_at_the_end(
    depletion: float | None,
    ph: float | None,
    values: Values,
    first: int,
    end: int,
    settings: SeriesSettings,
    assumed: MagnesiumSettings,
) -> float | None:
    """Free ADP at the end of exercise [µmol/l], with [PCr] and [ATP] assumed for rest; None if something is unknown.

    PCr as a fraction of rest needs no correction for saturation.
    """
    known = [mg for k, mg in enumerate(values.mg_mmol_l) if mg is not None and first <= k < end]
    if depletion is None or ph is None or not known:
        return None
    constants = equilibrium_constants(
        temperature_c=assumed.temperature_c, ionic_strength_mol_l=assumed.ionic_strength_mol_l
    )
    pcr = settings.pcr_mmol_l * (1 - depletion)
    if not 0 < pcr < assumed.total_creatine_mmol_l:
        return None
    return free_adp_umol_l(
        constants,
        ph=ph,
        pmg=3 - float(np.log10(np.median(known))),
        pcr_atp=pcr / assumed.atp_mmol_l,
        atp_mmol_l=assumed.atp_mmol_l,
        total_creatine_mmol_l=assumed.total_creatine_mmol_l,
    ).value


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
