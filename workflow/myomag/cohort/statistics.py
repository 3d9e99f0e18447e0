"""Standardised single-predictor regressions of Cameron et al. 2019, and demographics, over participants."""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.participants import Variable, participant_sex, participant_values
from myomag.core.magnesium import mg_mmol_l

if TYPE_CHECKING:
    import pandas as pd

Values = NDArray[np.float64]
STATISTICS_COLUMNS = (
    "model", "outcome", "predictor", "stratum", "n", "beta", "ci95_low", "ci95_high", "p", "r2", "status", "reason",
)  # fmt: skip
DEMOGRAPHICS_COLUMNS = ("stratum", "participants", "variable", "n", "mean", "sd", "min", "max")
MIN_PARTICIPANTS = 4
MG = "mg_mmol_l"


@dataclass(frozen=True)
class Model:
    """One regression: outcome and predictor are columns of the cohort, stratum is all, women or men."""

    name: str
    outcome: str
    predictor: str
    stratum: str = "all"


@dataclass(frozen=True)
class Estimate:
    """Standardised slope β of a single-predictor regression with 95 % interval, two-sided p and R²."""

    n: int
    beta: float
    ci95_low: float
    ci95_high: float
    p: float
    r2: float


def cameron_models(settings: Mapping[str, Any]) -> tuple[Model, ...]:
    """Regressions of Cameron et al. 2019 (Front. Physiol. 10:1454) and negative controls.

    The controls regress Mg on line width, SNR, begin time and phase: an effect there means that the measurement rather
    than the muscle may explain the others.
    """
    age, sex = settings["age_column"], settings["sex_column"]
    strength, serum = settings["strength_column"], settings["serum_mg_column"]
    return (
        Model("mg_age", MG, age),
        Model("mg_strength_women", MG, strength, "women"),
        Model("mg_strength_men", MG, strength, "men"),
        Model("mg_sex", MG, sex),
        Model("serum_mg_age", serum, age),
        Model("serum_mg_strength", serum, strength),
        Model("control_mg_linewidth", MG, "pcr_fwhm_hz"),
        Model("control_mg_snr", MG, "pcr_snr"),
        Model("control_mg_begin_time", MG, "begin_time_us"),
        Model("control_mg_phase", MG, "phase_deg"),
    )


def standardised_regression(predictor: Values, outcome: Values) -> Estimate:
    """Standardised slope of outcome on predictor, both shape (n,), n ≥ 4, neither constant.

    With one predictor β is Pearson's r and R² = β². p is that of the t test with n − 2 degrees of freedom; the interval
    is Fisher's, tanh(artanh β ± 1.96/√(n − 3)) (Fisher 1921, Metron 1:3), which stays within −1…1.
    """
    from scipy.special import ndtri, stdtr

    n = len(outcome)
    x, y = (values - values.mean() for values in (predictor, outcome))
    beta = float(np.clip((x / np.linalg.norm(x)) @ (y / np.linalg.norm(y)), -1.0, 1.0))
    if abs(beta) == 1.0:
        return Estimate(n, beta, beta, beta, 0.0, 1.0)
    half_width = float(ndtri(0.975)) / math.sqrt(n - 3)
    low, high = (math.tanh(math.atanh(beta) + sign * half_width) for sign in (-1, 1))
    t = abs(beta) * math.sqrt((n - 2) / (1 - beta**2))
    return Estimate(n, beta, low, high, 2 * float(stdtr(n - 2, -t)), beta**2)


def build_statistics(cohort: "pd.DataFrame", settings: Mapping[str, Any]) -> "pd.DataFrame":
    """Build statistics.tsv: one row per model, also for those that could not be estimated, with the reason.

    Parameters
    ----------
    cohort : DataFrame
        From `tables.build_cohort`; only included scans are used, and those of one participant are averaged.
    settings : mapping
        The section `cohort`.
    """
    import pandas as pd

    included = cohort[cohort["status"] == "included"]
    rows = [_model_row(included, model, settings) for model in cameron_models(settings)]
    frame = pd.DataFrame(rows, columns=list(STATISTICS_COLUMNS))
    return frame.astype({"n": "Int64"} | dict.fromkeys(("beta", "ci95_low", "ci95_high", "p", "r2"), "float64"))


def build_demographics(cohort: "pd.DataFrame", settings: Mapping[str, Any]) -> "pd.DataFrame":
    """Build demographics.tsv: mean, SD and range over the included participants, by sex and in total."""
    import pandas as pd

    included = cohort[cohort["status"] == "included"]
    everyone = list(dict.fromkeys(included["participant_id"].tolist()))
    names = (settings["age_column"], MG, "ph", settings["strength_column"], settings["serum_mg_column"])
    rows = []
    for stratum in ("women", "men", "all"):
        members = _members(included, stratum, settings)
        people = [person for person in everyone if members is None or person in members]
        for name in dict.fromkeys(names):
            if name in included.columns:
                values = _variable(included, name, settings).values
                summary = _summary(np.array([values[person] for person in people if person in values]))
                rows.append({"stratum": stratum, "participants": len(people), "variable": name} | summary)
    frame = pd.DataFrame(rows, columns=list(DEMOGRAPHICS_COLUMNS))
    return frame.astype({"participants": "Int64", "n": "Int64"})


def _model_row(included: "pd.DataFrame", model: Model, settings: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(STATISTICS_COLUMNS)
    row |= {"model": model.name, "outcome": model.outcome, "predictor": model.predictor, "stratum": model.stratum}
    needed = [model.outcome, model.predictor, *([] if model.stratum == "all" else [settings["sex_column"]])]
    if absent := [name for name in needed if name not in included.columns]:
        return row | {"status": "skipped", "reason": _absent(absent[0], list(included.columns))}
    outcome, predictor, people = model_variables(included, model, settings)
    x, y = (np.array([variable.values[p] for p in people]) for variable in (predictor, outcome))
    notes = list(dict.fromkeys(note for variable in (outcome, predictor) for note in variable.notes))
    if problem := outcome.problem or predictor.problem or _not_estimable(model, x, y):
        return row | {"n": len(people), "status": "not estimable", "reason": "; ".join([problem, *notes])}
    estimate = standardised_regression(x, y)
    return row | vars(estimate) | {"status": "estimated", "reason": "; ".join(notes) or None}


def model_variables(
    included: "pd.DataFrame", model: Model, settings: Mapping[str, Any]
) -> tuple[Variable, Variable, list[str]]:
    """Outcome, predictor, and the participants of the stratum who have both.

    Parameters
    ----------
    included : DataFrame
        Rows of the cohort with status included; they have the columns that the model needs.
    model : Model
        The regression.
    settings : mapping
        The section `cohort`.
    """
    outcome, predictor = (_variable(included, name, settings) for name in (model.outcome, model.predictor))
    members = _members(included, model.stratum, settings)
    people = [p for p in outcome.values if p in predictor.values and (members is None or p in members)]
    return outcome, predictor, people


def _variable(included: "pd.DataFrame", name: str, settings: Mapping[str, Any]) -> Variable:
    """Variable of the participants: sex as women 1, men 0; Mg as the mean of pMg over repeated scans."""
    if name == settings["sex_column"]:
        return participant_sex(included, name)
    if name == MG:
        pmg = participant_values(included, "pmg")
        return Variable({person: mg_mmol_l(value) for person, value in pmg.values.items()}, pmg.problem, pmg.notes)
    return participant_values(included, name)


def _members(included: "pd.DataFrame", stratum: str, settings: Mapping[str, Any]) -> set[str] | None:
    """Participants of a stratum; None stands for all."""
    if stratum == "all":
        return None
    if settings["sex_column"] not in included.columns:
        return set()
    sex = participant_sex(included, settings["sex_column"])
    return {person for person, woman in sex.values.items() if woman == (stratum == "women")}


def _not_estimable(model: Model, predictor: Values, outcome: Values) -> str | None:
    if len(outcome) < MIN_PARTICIPANTS:
        return f"{len(outcome)} participants with both values; at least {MIN_PARTICIPANTS} are needed"
    for name, values in ((model.predictor, predictor), (model.outcome, outcome)):
        if np.ptp(values) <= 1e-12 * np.max(np.abs(values)):
            return f"{name} is the same for all {len(values)} participants"
    return None


def _absent(name: str, columns: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, columns, n=1)
    return f"no column {name!r} in the tables of the study" + (f"; did you mean {near[0]!r}?" if near else "")


def _summary(values: Values) -> dict[str, Any]:
    if len(values) == 0:
        return {"n": 0, "mean": math.nan, "sd": math.nan, "min": math.nan, "max": math.nan}
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return {
        "n": len(values),
        "mean": float(values.mean()),
        "sd": spread,
        "min": float(values.min()),
        "max": float(values.max()),
    }
