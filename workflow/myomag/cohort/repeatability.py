"""Repeated scans: how well one measurement agrees with the next."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from myomag.cohort.agreement import bland_altman, repeat_agreement
from myomag.cohort.participants import Values, numbers_of
from myomag.cohort.regression import NotEstimable
from myomag.cohort.sample import Sample
from myomag.cohort.statistics import ESTIMATED, NOT_ESTIMABLE
from myomag.cohort.visits import Places, close_sessions, same_session, visits

if TYPE_CHECKING:
    import pandas as pd

VARIABLES = {"pmg": "pmg_sd", "mg_mmol_l": None, "ph": "ph_sd"}
"""Measured columns, and the columns with the SD from the fit."""
OF_SERIES = {
    "tau_pcr_s": "tau_pcr_sd_s",
    "k_pcr_per_s": "k_pcr_sd_per_s",
    "pcr_depletion": "pcr_depletion_sd",
    "v_pcr_per_s": "v_pcr_sd_per_s",
    "qmax_linear_mmol_l_s": None,
    "qmax_adp_mmol_l_s": None,
    "ph_end_exercise": None,
}
"""The same for series, if there are any."""
WITHIN_SESSION, BETWEEN_SESSIONS = "within a session", "between sessions"
REPEATABILITY_COLUMNS = {
    "variable": "Measured variable, a column of cohort.tsv; the results below are in its units.",
    "repeats": "within a session: included scans of one session with different runs; between sessions: the first "
    "scans of sessions at most cohort.max_repeat_years apart. Only the first such group of each participant is used.",
    "participants": "Participants with repeats.",
    "scans": "Scans compared.",
    "form": "ICC(A,1), absolute agreement; ICC(1) where participants have different numbers of repeats.",
    "icc": "Intraclass correlation of single scans.",
    "icc_ci95_low": "Lower end of its 95 % interval.",
    "icc_ci95_high": "Upper end of its 95 % interval.",
    "sem": "Standard error of measurement: SD of repeated scans of one participant.",
    "smallest_detectable_change": "1.96 times √2 times the SEM: a smaller change in one person may be error.",
    "fit_sd": "Root mean square of the SDs from the fits of the same scans; a SEM well above it means that "
    "repeats differ by more than noise.",
    "bias": "Bland-Altman: mean difference, second minus first scan.",
    "bias_ci95_low": "Lower end of its 95 % interval.",
    "bias_ci95_high": "Upper end of its 95 % interval.",
    "lower_limit": "Lower limit of agreement, bias - 1.96 SD of the differences.",
    "lower_limit_ci95_low": "Lower end of its 95 % interval.",
    "lower_limit_ci95_high": "Upper end of its 95 % interval.",
    "upper_limit": "Upper limit of agreement.",
    "upper_limit_ci95_low": "Lower end of its 95 % interval.",
    "upper_limit_ci95_high": "Upper end of its 95 % interval.",
    "status": "estimated, or not estimable.",
    "reason": "Why there is no result.",
}
"""Columns of repeatability.tsv and what they contain."""
NUMBERS = tuple(list(REPEATABILITY_COLUMNS)[5:-2])


def build_repeatability(sample: Sample) -> "pd.DataFrame":
    """Build repeatability.tsv: pMg, Mg, pH and kinetics, for repeats within a session and between close sessions.

    Parameters
    ----------
    sample : Sample
        The included scans.
    """
    import pandas as pd

    rows = [
        {"variable": name, "repeats": kind} | _row(sample, name, groups, absent)
        for kind, (groups, absent) in repeat_kinds(sample).items()
        for name in (*VARIABLES, *_of_series(sample))
    ]
    return pd.DataFrame(rows, columns=list(REPEATABILITY_COLUMNS))


def _of_series(sample: Sample) -> list[str]:
    """Kinetics that some scan has."""
    return [name for name in OF_SERIES if name in sample.columns and sample.column(name).notna().any()]


def repeat_kinds(sample: Sample) -> dict[str, tuple[Sequence[Places], str]]:
    """Scans that repeat a measurement, by kind of repeat, and the reason to give where there are none."""
    found, time_column = visits(sample)
    between = f"two sessions at most {sample.settings.max_repeat_years:g} years apart (column {time_column})"
    if time_column is None:
        names = " or ".join(sample.settings.time_columns)
        between = f"sessions with different times: no column {names} varies within a participant"
    return {
        WITHIN_SESSION: (same_session(found), "no participant has two included scans in a session"),
        BETWEEN_SESSIONS: (close_sessions(found, sample.settings.max_repeat_years), f"no participant has {between}"),
    }


def repeated_values(sample: Sample, name: str, groups: Sequence[Places]) -> list[tuple[str, Values]]:
    """Participant and values of a column, for each participant with more than one value."""
    column, people = numbers_of(sample.column(name)), sample.owners.people[sample.owners.places]
    known = ((people[group[0]], _known(column[group])) for group in groups)
    return [(person, values) for person, values in known if len(values) > 1]


def _row(sample: Sample, name: str, groups: Sequence[Places], absent: str) -> dict[str, Any]:
    values = [each for _, each in repeated_values(sample, name, groups)]
    row: dict[str, Any] = {"participants": len(values), "scans": sum(map(len, values))}
    if not values:
        return row | {"status": NOT_ESTIMABLE, "reason": absent}
    try:
        row |= _agreement(values)
    except NotEstimable as error:
        return row | {"status": NOT_ESTIMABLE, "reason": str(error)}
    return row | {"fit_sd": _fit_sd(sample, name, groups), "status": ESTIMATED}


def _agreement(values: Sequence[Values]) -> dict[str, Any]:
    agreement = repeat_agreement(values)
    pairs = bland_altman(np.array([each[0] for each in values]), np.array([each[1] for each in values]))
    found = vars(agreement) | vars(pairs)
    return {key: found[key] for key in ("form", *NUMBERS) if key in found}


def _fit_sd(sample: Sample, name: str, groups: Sequence[Places]) -> float | None:
    if (column := (VARIABLES | OF_SERIES)[name]) is None:
        return None
    known = _known(numbers_of(sample.column(column))[np.concatenate(groups)])
    return math.sqrt(float(np.mean(known**2))) if len(known) else None


def _known(values: Values) -> Values:
    return values[~np.isnan(values)]
