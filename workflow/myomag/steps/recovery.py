"""Recovery of PCr after a bout of exercise, the rest it is compared with, and objections to both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from myomag.core.recovery import Recovery, fit_recovery
from myomag.core.series_course import Course
from myomag.core.series_model import PCR
from myomag.io.phase_records import PhaseRecord, Phases
from myomag.settings.series import SeriesSettings
from myomag.steps.series_phases import FEWEST_REST, rest_of

Real = NDArray[np.float64]

ON_CURVE_SDS = 2.5
FASTEST, MUCH_SLOWER, LEAST_PART = 1.5, 3.0, 0.2
"""A recovery has two time constants where the faster one is longer than so many repetitions, less than a first one that
was disturbed would make, the slower one so many times longer, and each brings this share of PCr back; chosen."""
STEADY_SDS = 3.0
"""SDs above the others at which the first repetition of rest is left out."""
ROUNDING = 0.02
"""Fraction of a repetition by which rounding may put the end of exercise after the start of recovery."""


@dataclass(frozen=True)
class Judged:
    """Recovery of a bout, and how far it can be trusted.

    Attributes
    ----------
    recovery : PhaseRecord or None
        Its phase.
    found : Recovery or None
        Its fit; None if it does not describe the recovery.
    rest, depletion, depletion_sd : float or None
        Resting PCr [units of the FID], the fraction consumed by exercise, and its SD.
    problem : str or None
        Why it gives no time constant.
    remark : str or None
        Another doubt about it.
    """

    recovery: PhaseRecord | None
    found: Recovery | None
    rest: float | None
    depletion: float | None
    depletion_sd: float | None
    problem: str | None
    remark: str | None

    @property
    def length_s(self) -> float | None:
        """Duration for which it was followed [s]."""
        return self.recovery.length_s if self.recovery else None


def judged_recovery(number: int, phases: Phases, course: Course, left_out: int, settings: SeriesSettings) -> Judged:
    """Recovery after the exercise that is phase `number`; the first `left_out` repetitions precede the steady state."""
    behind = phases.phases[number + 1] if number + 1 < len(phases.phases) else None
    recovery = behind if behind and behind.kind == "recovery" else None
    rests, no_rest = _rest(phases, number, course, left_out)
    step = _stepped(course, rests, recovery)
    # Values on either side of a step cannot be compared, and unsettled repetitions are not rest.
    remark = step or ("PCr falls during rest: the steady state was not reached" if _above(rests, course) else None)
    try:
        found = _recovery(recovery, phases, course)
    except ValueError as error:
        return Judged(recovery, None, None, None, None, str(error), None)
    rest = depletion = sd = None
    if no_rest is None and remark is None:
        pcr, covariance = course.fit.amplitude(PCR)
        rest, rest_sd = float(np.mean(pcr[rests])), float(np.sqrt(covariance[np.ix_(rests, rests)].mean()))
        left = found.end / rest
        depletion, sd = 1 - left, float(np.hypot(found.end_sd, left * rest_sd) / rest)
    judged = Judged(recovery, found, rest, depletion, sd, None, remark)
    problem = (step if _within(course, recovery) else None) or next(_objections(judged, no_rest, settings), None)
    if found.p_second >= settings.most_p_second:
        return replace(judged, problem=problem)
    fast, slow = found.two_taus_s
    said = f"(p {found.p_second:.1g})"
    if _twofold(found, phases.repetition_s or 0.0):
        problem = problem or f"the recovery has two time constants, about {fast:.0f} and {slow:.0f} s {said}"
        return replace(judged, found=None, depletion=None, depletion_sd=None, problem=problem)
    return replace(judged, problem=problem, remark=f"a second exponential fits the recovery better {said}")


def _rest(phases: Phases, number: int, course: Course, left_out: int) -> tuple[list[int], str | None]:
    """Repetitions of rest before a bout, and why they cannot serve as its reference."""
    stated = rest_of(phases, phases.phases[:number])
    if not stated:
        return [], "no rest before exercise as a reference for depletion and recovery"
    rests = [k for k in stated if not course.spoiled[k] and k >= left_out]
    while len(rests) > FEWEST_REST and _above(rests, course):
        rests = rests[1:]
    if len(rests) < FEWEST_REST:
        return rests, f"{len(rests)} of {len(stated)} repetitions of rest are usable, fewer than {FEWEST_REST}"
    return rests, None


def _above(rests: Sequence[int], course: Course) -> bool:
    """Whether PCr in the first repetition is above that of the others, as before the steady state."""
    if len(rests) < FEWEST_REST:
        return False
    values, covariance = course.fit.amplitude(PCR)
    first, *others = values[rests]
    sd = np.sqrt(covariance[rests[0], rests[0]] * (1 + 1 / len(others)))
    return bool(first - np.mean(others) > STEADY_SDS * sd)


def _recovery(phase: PhaseRecord | None, phases: Phases, course: Course) -> Recovery:
    """Recovery of PCr in the phase after exercise, with time counted from its start [s].

    Raises
    ------
    ValueError
        Where there is none, or it cannot be fitted.
    """
    pcr, covariance = course.fit.amplitude(PCR)
    times, each_s = phases.times(len(pcr)), phases.repetition_s
    if times is None or each_s is None:
        raise ValueError("no RepetitionTime; add it to the sidecar [s]")
    if phase is None or phase.start_s is None:
        raise ValueError("no recovery after exercise")
    middle_s = np.array(times)
    # Judged by PCr alone, the last repetition of exercise may be taken for the first of recovery.
    used = np.arange(phase.first + phases.proposed, phase.end)
    # A repetition excited before the end of exercise does not belong to the recovery.
    excited = middle_s[used] - phases.middle_s > phase.start_s - ROUNDING * each_s
    used = used[~course.spoiled[used] & excited]
    found = fit_recovery(middle_s[used] - phase.start_s, pcr[used], covariance[np.ix_(used, used)])
    if phases.proposed:
        last = phase.first - 1
        return _from_the_end(found, last, phase.start_s - times[last], pcr, np.sqrt(np.diag(covariance)))
    if phases.excitations == 1:
        return found
    # The mean of excitations over an exponential lies above its middle.
    between = phases.middle_s / (phases.excitations - 1) / found.tau_s
    above = float(np.sinh(phases.excitations * between) / (phases.excitations * np.sinh(between)))
    end = found.plateau - (found.plateau - found.end) / above
    return replace(found, end=end, rate=found.rate / above, rate_sd=found.rate_sd / above)


def _from_the_end(found: Recovery, last: int, each_s: float, pcr: Real, sds: Real) -> Recovery:
    """Recovery counted from the last repetition of exercise if that one already lies on its curve."""
    factor = float(np.exp(each_s / found.tau_s))
    end = found.plateau - (found.plateau - found.end) * factor
    if last < 0 or abs(pcr[last] - end) > ON_CURVE_SDS * np.hypot(sds[last], factor * found.end_sd):
        return found
    return replace(
        found, end=end, end_sd=factor * found.end_sd, rate=found.rate * factor, rate_sd=found.rate_sd * factor
    )


def _objections(judged: Judged, no_rest: str | None, settings: SeriesSettings) -> Iterator[str]:
    """Why a recovery gives no time constant."""
    found, length_s = judged.found, judged.length_s
    if found is None or length_s is None:
        return
    # Without rest as a reference, depletion is what the recovery brings back.
    taken = 1 - found.end / found.plateau if judged.depletion is None else judged.depletion
    if no_rest is not None:
        yield no_rest
    elif taken < settings.least_depletion:
        yield f"exercise consumed {taken:.1%} of PCr, less than {settings.least_depletion:.0%}"
    if found.plateau <= found.end:
        yield "PCr does not recover"
    if not np.isfinite(found.tau_high_s) or not np.isfinite(found.tau_low_s):
        yield "the recovery was not followed long enough to determine its time constant"
    elif length_s < settings.least_recovery_taus * found.tau_s:
        yield f"recovery was followed for {length_s:.0f} s, less than {settings.least_recovery_taus:g} time constants"
    elif found.tau_high_s > settings.widest_interval * found.tau_low_s:
        yield f"the time constant is not determined ({found.tau_low_s:.0f} to {found.tau_high_s:.0f} s)"


def _stepped(course: Course, rests: Sequence[int], recovery: PhaseRecord | None) -> str | None:
    """Change other than in the muscle between rest and the end of recovery; None without one."""
    step = course.level.step
    if step is None or recovery is None or not min(rests, default=recovery.first) < step < recovery.end:
        return None
    return (
        f"the ATP signal, which exercise does not change, steps by {course.level.ratio - 1:+.0%} at repetition {step}: "
        "the receiver gain or the position changed"
    )


def _within(course: Course, recovery: PhaseRecord | None) -> bool:
    """Whether the signal of ATP steps within the recovery."""
    return bool(recovery and course.level.step is not None and recovery.first < course.level.step < recovery.end)


def _twofold(found: Recovery, each_s: float) -> bool:
    """Whether two exponentials are so different, and both so large, that one time constant describes neither."""
    (fast, slow), drops = found.two_taus_s, np.array(found.two_drops)
    return bool(fast > FASTEST * each_s and slow > MUCH_SLOWER * fast and np.all(drops > LEAST_PART * abs(drops.sum())))
