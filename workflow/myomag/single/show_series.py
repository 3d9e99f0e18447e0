"""A series for a person: its phases and kinetics in a few lines, and its course in the terminal."""

from collections.abc import Iterator

import numpy as np

from myomag.io.series_records import Bout, Series
from myomag.wording import text


def series_rows(series: Series) -> Iterator[tuple[str, str]]:
    """Name and value of the results of a series, separately for each bout."""
    uneven = " about" * (len(set(np.round(np.diff(_known(series)), 3))) > 1)
    each = "" if series.repetition_s is None else f" of{uneven} {series.repetition_s:g} s"
    yield "series", f"{text.plural(series.repetitions, 'repetition')}{each}; pH and Mg above are from its rest"
    phases = ", ".join(f"{phase.kind} {phase.first + 1}–{phase.end}" for phase in series.phases)
    yield "phases", phases + (" (inferred from PCr; an events file can state them)" if series.phases_proposed else "")
    for number, bout in enumerate(series.bouts, start=1):
        yield f"bout {number}" if len(series.bouts) > 1 else "exercise", _work(bout)
        yield "recovery", _recovery(bout)
    if not series.bouts:
        yield "", series.reason or ""
    if spoiled := sum(series.course.spoiled):
        yield "", f"{text.plural(spoiled, 'repetition')} left out: moved, or disturbed"


def recovery_lines(series: Series) -> Iterator[str]:
    """One line on the recovery of each bout."""
    for number, bout in enumerate(series.bouts, start=1):
        yield f"Recovery{f' {number}' * (len(series.bouts) > 1)}: {_recovery(bout)}"


def _known(series: Series) -> list[float]:
    return [time for time in series.course.time_s if time is not None]


def _work(bout: Bout) -> str:
    depletion = None if bout.pcr_depletion is None else 100 * bout.pcr_depletion
    sd = None if bout.pcr_depletion_sd is None else 100 * bout.pcr_depletion_sd
    used = f"PCr depleted by {text.with_sd(depletion, sd)} %" if depletion is not None else "depletion unknown"
    return f"{used}, pH {text.number(bout.ph_end_exercise, 2)} at its end, {text.number(bout.ph_min, 2)} at the lowest"


def _recovery(bout: Bout) -> str:
    if bout.tau_pcr_s is None:
        return f"no time constant: {bout.reason}"
    ends = text.interval(bout.tau_pcr_ci95_low_s, bout.tau_pcr_ci95_high_s, 1)
    tau = (
        f"τ {text.number(bout.tau_pcr_s, 1)} s (95 % interval {ends}), k {text.significant(bout.k_pcr_per_s, 3)} per s"
    )
    return f"{tau}; {bout.reason}" if bout.reason else tau
