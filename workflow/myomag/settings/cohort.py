"""Settings of the cohort step: who is included, which models are estimated, and what they are tested against."""

from itertools import pairwise
from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag, model_validator

from myomag.settings.base import Finite, Fraction, Name, Section, Within

KindPart = Literal["task", "acq", "voi", "rec", "echo", "inv", "suffix"]
"""Parts of a scan's name that may distinguish kinds of scans; the nucleus does not, as only one is analysed."""


class Range(Section):
    """Numbers from `min` to `max`, both included."""

    min: Finite | None = Field(None, description="Smallest value that belongs to the subset.")
    max: Finite | None = Field(None, description="Largest value that belongs to the subset.")

    @model_validator(mode="after")
    def _holds_something(self) -> "Range":
        if self.min is None and self.max is None:
            raise ValueError("a range needs min or max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min ({self.min:g}) must not be above max ({self.max:g})")
        return self


Subset = Annotated[
    Annotated[list[str | float], Tag("levels")] | Annotated[Range, Tag("range")],
    Discriminator(lambda value: "range" if isinstance(value, dict | Range) else "levels"),
]


class CohortModel(Section):
    """One linear model over participants; names are roles or columns of cohort.tsv."""

    name: Name = Field(description="Name of the model, by which `myomag trace STUDY statistics:NAME` finds it.")
    outcome: Name = Field(description="Outcome.")
    predictors: list[Name] = Field(
        min_length=1,
        description="Predictors of interest. `muscle_mg*sex`: how far the slope of one depends on the other "
        "(interaction); both also enter as main effects.",
    )
    covariates: list[Name] = Field(default=[], description="Covariates that the predictors are adjusted for.")
    adjusted_for: list[Name] = Field(
        default=[], description="Also estimate the model with these covariates added, as NAME_adjusted."
    )
    strata: Name | None = Field(None, description="Column whose levels are estimated separately.")
    subset: dict[Name, Subset] = Field(
        default={}, description="Scans to include: column to its levels, or to {min, max}. Never evaluated as code."
    )
    standardise: bool = Field(True, description="Also give the standardised coefficient beta.")
    weights: Literal["measurement"] | None = Field(
        None, description="measurement: weight by 1/SD² of the measured outcome. null: equal weights."
    )
    robust: bool = Field(False, description="Heteroscedasticity-consistent standard errors (HC3).")
    repeated: Literal["mean", "first"] = Field(
        "mean", description="Repeated scans of a participant: use their mean (geometric for Mg), or the first."
    )
    unit: Literal["participant", "session"] = Field(
        "participant",
        description="Unit of observation. session: each session of a participant, with a random intercept per "
        "participant (random: participant_id), as needed for `arm*session_id` in an intervention or "
        "`treatment` in a crossover.",
    )
    control: bool = Field(
        False,
        description="A negative control: it should find nothing beyond what the noise it shares with Mg predicts. "
        "Covariates missing from the study are left out.",
    )
    random: Name | None = Field(
        None,
        description="Column, such as site, whose levels have random intercepts: a linear mixed model (REML). null: "
        "none, or participant_id with unit: session.",
    )

    @model_validator(mode="after")
    def _sessions_of_people(self) -> "CohortModel":
        if self.unit == "session" and self.random not in (None, "participant_id"):
            raise ValueError(f"unit: session needs random: participant_id, not {self.random}")
        return self


def published_models() -> list[CohortModel]:
    """Analysis of Cameron et al. 2019 (Front. Physiol. 10:1454), each model simple and adjusted, and negative controls.

    Whether strength depends on Mg differently in women and men is tested by a model of its own: two p-values on either
    side of .05 do not show it.

    The controls regress Mg on line width, SNR, begin time, phase and pH, adjusted for sex and age: an effect there
    means that the measurement rather than the muscle may explain the other results.
    """
    size = "body_size"
    models: list[dict[str, Any]] = [
        {"name": "mg_age", "outcome": "muscle_mg", "predictors": ["age"], "adjusted_for": ["sex", size]},
        {"name": "mg_sex", "outcome": "muscle_mg", "predictors": ["sex"], "adjusted_for": ["age", size]},
        {"name": "strength_mg", "outcome": "strength", "predictors": ["muscle_mg"], "strata": "sex"},
        {"name": "strength_mg_by_sex", "outcome": "strength", "predictors": ["muscle_mg*sex"]},
        {"name": "serum_mg_age", "outcome": "serum_mg", "predictors": ["age"], "adjusted_for": ["sex", size]},
        {"name": "serum_mg_sex", "outcome": "serum_mg", "predictors": ["sex"], "adjusted_for": ["age", size]},
        {"name": "strength_serum_mg", "outcome": "strength", "predictors": ["serum_mg"], "strata": "sex"},
        {"name": "mg_serum_mg", "outcome": "muscle_mg", "predictors": ["serum_mg"]},
    ]
    for model in models:
        model.setdefault("adjusted_for", ["age", size] if model["outcome"] == "strength" else ["age", "sex", size])
    measurement = {"linewidth": "pcr_fwhm_hz", "snr": "pcr_snr", "begin_time": "begin_time_us", "phase": "phase_deg"}
    control = {"outcome": "muscle_mg", "covariates": ["sex", "age"], "control": True}
    models += [
        control | {"name": f"control_mg_{name}", "predictors": [column]}
        for name, column in (measurement | {"ph": "ph"}).items()
    ]
    return [CohortModel(**model) for model in models]


def plausible_ranges() -> dict[str, Range]:
    """Wide limits; an entry outside them is a slip or a code: age [years], strength [N·m], serum Mg [mmol/l], size."""
    limits: dict[str, tuple[float, float | None]] = {
        "age": (1.0, 120.0),
        "strength": (0.01, None),
        "serum_mg": (0.1, 10.0),
        "bmi": (5.0, 150.0),
        "height_cm": (20.0, 280.0),
        "weight_kg": (1.0, 700.0),
    }
    return {name: Range(min=low, max=high) for name, (low, high) in limits.items()}


class CohortSettings(Section):
    """Joining the results with the participants, exclusions and statistical analysis."""

    include_verdicts: list[Literal["pass", "warn"]] = Field(
        default=["pass", "warn"], min_length=1, description="QC verdicts that enter the statistics."
    )
    max_p_undefined: Fraction = Field(
        0.1, description="Exclude a scan if the probability that its Mg is undefined is above this."
    )
    kind: dict[Literal["task", "acq", "nuc", "voi", "rec", "echo", "inv", "suffix"], Name | None] = Field(
        default={},
        description="Kind of scans to include, by labels in their names, such as {voi: calf}; null for scans "
        "without the entity. {}: all kinds, each with its own statistics. Scans of different kinds are "
        "never averaged.",
    )
    kind_by: list[KindPart] = Field(
        default=list(get_args(KindPart)),
        description="Parts of the name that distinguish kinds of scans. Leave one out, such as acq, if its labels "
        "denote the same measurement: scans that differ only in it are then averaged.",
    )
    allow_same_data: bool = Field(
        False,
        description="Include scans that contain the same data as another scan. false: exclude them, as it is "
        "unknown whose they are; of repeats (run-) in one session, keep the first.",
    )
    age_column: Name = Field("age", description="Column with the age [years]: the role age.")
    sex_column: Name = Field("sex", description="Column with the sex (F/M, female/male): the role sex.")
    strength_column: Name = Field(
        "knee_extension_strength_nm", description="Column with the muscle strength: the role strength."
    )
    serum_mg_column: Name = Field(
        "serum_mg_mmol_l", description="Column with total serum Mg [mmol/l]: the role serum_mg."
    )
    mg_scale: Literal["log10", "mM"] = Field(
        "log10",
        description="Scale of the role muscle_mg in models, comparisons and figures. log10: its logarithm, whose "
        "error, unlike that of Mg, does not grow with the value, and on which equal ratios are equal "
        "steps; a slope is then per tenfold Mg. mM: the concentration itself, as in the published "
        "analysis.",
    )
    body_size_columns: list[Name] = Field(
        default=["bmi", "height_cm", "weight_kg"],
        description="Columns of body size: the role body_size means those that the study has.",
    )
    plausible: dict[Name, Range] = Field(
        default_factory=plausible_ranges,
        description="Plausible range of values, by role or column, in the units of the column; a value outside, "
        "such as a code for missing, is left out and reported. Your own mapping replaces the default.",
    )
    site: Literal["covariate", "random"] | None = Field(
        None,
        description="How the column site, written by `myomag group`, enters every model that does not name it. "
        "covariate: an offset for each site; random: normally distributed offsets (needs about five "
        "sites or more). null: not at all; `myomag group` then uses covariate, unless its own settings "
        "say null.",
    )
    same_participants: bool = Field(
        False,
        description="`myomag group`: whether participants with the same label at two sites are the same people. "
        "false: they are different people, and the site is prefixed to their labels; true: the site is "
        "prefixed to their session labels.",
    )
    time_columns: list[Name] = Field(
        default=["years", "age", "acq_time"],
        min_length=1,
        description="Columns that give the time of a session; the first that varies within participants is used. "
        "Numbers are years, anything else is a date in BIDS format.",
    )
    max_repeat_years: Annotated[
        float, Within(0, 5, "years", "muscle changes over years, so such scans are not repeats; is it in days?")
    ] = Field(
        0.1,
        description="Scans of a participant at most this far apart count as repeats of one measurement [years].",
    )
    age_groups: list[Annotated[float, Within(1, 120, "years", "nobody is older; is it in months or days?")]] = Field(
        default=[40.0, 60.0, 80.0],
        description="Ages at which one age group of Table 1 ends and the next begins [years].",
    )
    outlier_z: Annotated[float, Within(0.01, 1000, "SDs", "no value deviates by more; is it in percent?")] = Field(
        3.5,
        description="The sensitivity analysis leaves out pMg this many robust standard deviations (1.4826 MAD) from "
        "the median of the participants.",
    )
    models: list[CohortModel] = Field(
        default_factory=published_models,
        description="Models to estimate. The default is the analysis of Cameron et al. 2019, simple and adjusted, "
        "with negative controls; your own list replaces it.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> "CohortSettings":
        if any(low >= high for low, high in pairwise(self.age_groups)):
            raise ValueError("age_groups must increase")
        names = [model.name for model in self.models]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"models: the name {twice} is given twice")
        return self
