"""Change of Mg and pH over years, from sessions."""

from typing import TYPE_CHECKING, Any

import numpy as np

from myomag.cohort.longitudinal import MixedModel, mixed_model
from myomag.cohort.participants import Values, numbers_of
from myomag.cohort.regression import NotEstimable
from myomag.cohort.sample import Sample
from myomag.cohort.statistics import ESTIMATED, NOT_ESTIMABLE
from myomag.cohort.visits import visits

if TYPE_CHECKING:
    import pandas as pd

VARIABLES = ("mg_mmol_l", "pmg", "ph")
LONGITUDINAL_COLUMNS = {
    "variable": "Outcome, a column of cohort.tsv; the results are in its units.",
    "term": "intercept: value at the first session; years: change per year within participants; age at the first "
    "session: difference per year of age between participants.",
    "time_column": "Column with the time of the sessions.",
    "participants": "Participants in the model.",
    "sessions": "Scans in the model.",
    "b": "Effect, mean over participants, with random intercept and slope of each (restricted maximum likelihood).",
    "b_se": "Standard error of b.",
    "b_ci95_low": "Lower end of the 95 % interval of b.",
    "b_ci95_high": "Upper end of the 95 % interval of b.",
    "p": "Two-sided p of b = 0.",
    "sd_between": "Standard deviation of the intercept, or of the slope, between participants; n/a where it is assumed "
    "to be the same for all.",
    "correlation": "Correlation of intercept and slope between participants.",
    "sd_residual": "Standard deviation of a session about its participant's line.",
    "status": "estimated, or not estimable.",
    "reason": "Why there is no result, or what was simplified.",
}
"""Columns of longitudinal.tsv and what they contain."""
AGE = "age at the first session"


def build_longitudinal(sample: Sample) -> "pd.DataFrame":
    """Build longitudinal.tsv: a mixed model of each variable on the years since the first session.

    Parameters
    ----------
    sample : Sample
        The included scans.
    """
    import pandas as pd

    rows = [row for name in VARIABLES for row in _rows(sample, name)]
    return pd.DataFrame(rows, columns=list(LONGITUDINAL_COLUMNS))


def _rows(sample: Sample, name: str) -> list[dict[str, Any]]:
    found, column = visits(sample)
    row: dict[str, Any] = {"variable": name, "time_column": column}
    if column is None:
        names = " or ".join(sample.settings.time_columns)
        reason = f"no sessions with different times: no column {names} varies within a participant"
        return [row | {"term": "years", "status": NOT_ESTIMABLE, "reason": reason}]
    try:
        model = _model(sample, name, found)
    except NotEstimable as error:
        return [row | {"term": "years", "status": NOT_ESTIMABLE, "reason": str(error)}]
    return [row | each for each in _effects(model)]


def _model(sample: Sample, name: str, found: "pd.DataFrame") -> MixedModel:
    """Mixed model of one variable, with the age at the first session where it is known."""
    outcomes, years = numbers_of(sample.column(name)), found["years"].to_numpy()
    used = ~np.isnan(outcomes) & ~np.isnan(years)
    ages = _first_ages(sample)[used]
    return mixed_model(
        outcomes[used],
        years[used],
        found["participant_id"][used].tolist(),
        {AGE: ages} if len(ages) and not np.isnan(ages).any() else {},
    )


def _first_ages(sample: Sample) -> Values:
    """Age of the participant of each scan at the first session [years], NaN where unknown."""
    if (name := sample.settings.age_column) not in sample.columns:
        return np.full(len(sample.owners.places), np.nan)
    return sample.owners.group(numbers_of(sample.column(name))).transform("min").to_numpy()


def _effects(model: MixedModel) -> list[dict[str, Any]]:
    between = {"intercept": model.sd_intercept, "years": model.sd_slope}
    shared: dict[str, Any] = {
        "participants": model.participants,
        "sessions": model.sessions,
        "sd_residual": model.sd_residual,
    }
    shared |= {"correlation": model.correlation, "status": ESTIMATED, "reason": "; ".join(model.notes) or None}
    keys = ("b", "b_se", "b_ci95_low", "b_ci95_high", "p")
    return [
        {"term": effect.name, "sd_between": between.get(effect.name)}
        | {key: getattr(effect, key) for key in keys}
        | shared
        for effect in model.effects
    ]
