"""Recovery of PCr behind a bout of exercise, the rest it is compared with, and what speaks against them."""

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
"""A first repetition of rest whose PCr lies so far above the others is left out."""
ROUNDING = 0.02
"""Part of a repetition by which the end of exercise may lie behind its first repetition for its rounding."""


@dataclass(frozen=True)
class Judged:
    """Recovery of a bout, and what it is worth.

    Attributes
    ----------
    recovery : PhaseRecord or None
        Its phase.
    found : Recovery or None
        Its fit; None where that describes no recovery.
    rest, depletion, depletion_sd : float or None
        PCr of rest [units of the FID], the share of it that exercise took, and its SD.
    problem : str or None
        Why it gives no time constant.
    remark : str or None
        What else speaks against it.
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
        """How long it was followed [s]."""
        return self.recovery.length_s if self.recovery else None


def judged_recovery(number: int, phases: Phases, course: Course, left_out: int, settings: SeriesSettings) -> Judged:
    """Recovery after the exercise that is phase `number`; the first `left_out` repetitions precede the steady state."""
    behind = phases.phases[number + 1] if number + 1 < len(phases.phases) else None
    recovery = behind if behind and behind.kind == "recovery" else None
    rests, no_rest = _rest(phases, number, course, left_out)
    step = _stepped(course, rests, recovery)
    # What is measured on either side of a step is not compared, and what has not settled is no rest.
    remark = step or ("PCr falls within the rest, before its steady state" if _above(rests, course) else None)
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
    """Repetitions of rest before a bout, and why they are none against which it can be judged."""
    stated = rest_of(phases, phases.phases[:number])
    if not stated:
        return [], "no rest before the exercise, against which depletion and recovery could be judged"
    rests = [k for k in stated if not course.spoiled[k] and k >= left_out]
    while len(rests) > FEWEST_REST and _above(rests, course):
        rests = rests[1:]
    if len(rests) < FEWEST_REST:
        return rests, f"{len(rests)} of {len(stated)} repetitions of rest are usable, fewer than {FEWEST_REST}"
    return rests, None


def _above(rests: Sequence[int], course: Course) -> bool:
    """Whether PCr of the first repetition stands above that of the others, as before the steady state."""
    if len(rests) < FEWEST_REST:
        return False
    values, covariance = course.fit.amplitude(PCR)
    first, *others = values[rests]
    sd = np.sqrt(covariance[rests[0], rests[0]] * (1 + 1 / len(others)))
    return bool(first - np.mean(others) > STEADY_SDS * sd)


def _recovery(phase: PhaseRecord | None, phases: Phases, course: Course) -> Recovery:
    """Recovery of PCr in the phase behind the exercise, time counted from its start [s].

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
        raise ValueError("no recovery behind the exercise")
    middle_s = np.array(times)
    # By PCr alone the last repetition of exercise may pass for the first of recovery.
    used = np.arange(phase.first + phases.proposed, phase.end)
    # One that was excited before the end of exercise is not of recovery.
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
    """Recovery counted from the last repetition of exercise where that one lies on its curve already."""
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
    # Without a rest to compare with it is what recovery brings back.
    taken = 1 - found.end / found.plateau if judged.depletion is None else judged.depletion
    if no_rest is not None:
        yield no_rest
    elif taken < settings.least_depletion:
        yield f"exercise took {taken:.1%} of PCr, less than {settings.least_depletion:g}"
    if found.plateau <= found.end:
        yield "PCr does not recover"
    if not np.isfinite(found.tau_high_s) or not np.isfinite(found.tau_low_s):
        yield "the recovery was not followed long enough to tell its time constant"
    elif length_s < settings.least_recovery_taus * found.tau_s:
        yield f"recovery was followed for {length_s:.0f} s, less than {settings.least_recovery_taus:g} time constants"
    elif found.tau_high_s > settings.widest_interval * found.tau_low_s:
        yield f"the time constant is not determined ({found.tau_low_s:.0f} to {found.tau_high_s:.0f} s)"


def _stepped(course: Course, rests: Sequence[int], recovery: PhaseRecord | None) -> str | None:
    """What has changed between rest and the end of recovery besides the muscle; None where nothing has."""
    step = course.level.step
    if step is None or recovery is None or not min(rests, default=recovery.first) < step < recovery.end:
        return None
    return (
        f"the signal of ATP, which work leaves as it is, steps by {course.level.ratio - 1:+.0%} at repetition {step}: "
        "the gain or the position has changed"
    )


def _within(course: Course, recovery: PhaseRecord | None) -> bool:
    """Whether the signal of ATP steps within the recovery."""
    return bool(recovery and course.level.step is not None and recovery.first < course.level.step < recovery.end)


def _twofold(found: Recovery, each_s: float) -> bool:
    """Whether two exponentials are that different, and each that large, that one time constant stands for neither."""
    (fast, slow), drops = found.two_taus_s, np.array(found.two_drops)
    return bool(fast > FASTEST * each_s and slow > MUCH_SLOWER * fast and np.all(drops > LEAST_PART * abs(drops.sum())))
