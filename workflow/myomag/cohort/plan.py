"""The models of the settings as they hold for one study: roles are columns, adjusted versions models of their own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from myomag.settings.cohort import CohortModel, CohortSettings

MG = "mg_mmol_l"
ALL = "all"


@dataclass(frozen=True)
class Model:
    """One linear model; all names are columns of the cohort.

    Attributes
    ----------
    name : str
        Name in the settings, with `_adjusted` for the adjusted version.
    outcome : str
        Outcome.
    predictors, covariates : tuple of str
        What the model is about, and what that is adjusted for.
    strata : str or None
        Column whose levels get an estimate each.
    subset : mapping
        Column to a list of levels or to a `Range`.
    standardise, robust, control : bool
        See `settings.cohort.CohortModel`.
    weights : str or None
        `measurement` or none.
    repeated : str
        mean or first.
    notes : tuple of str
        What was left out because the study has no such column.
    """

    name: str
    outcome: str
    predictors: tuple[str, ...]
    covariates: tuple[str, ...] = ()
    strata: str | None = None
    subset: Mapping[str, Any] = field(default_factory=dict)
    standardise: bool = True
    weights: str | None = None
    robust: bool = False
    repeated: str = "mean"
    control: bool = False
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns the model needs."""
        strata = () if self.strata is None else (self.strata,)
        return tuple(dict.fromkeys((self.outcome, *self.predictors, *self.covariates, *strata, *self.subset)))


def roles(settings: CohortSettings) -> dict[str, str]:
    """Column behind each role that models may name; body_size stands for several and is not among them.

    Parameters
    ----------
    settings : CohortSettings
        The section `cohort`.
    """
    return {
        "age": settings.age_column,
        "sex": settings.sex_column,
        "strength": settings.strength_column,
        "serum_mg": settings.serum_mg_column,
        "muscle_mg": MG,
    }


def planned_models(settings: CohortSettings, columns: Sequence[str]) -> list[Model]:
    """Models of the settings in their order, each adjusted version behind its simple one.

    Parameters
    ----------
    settings : CohortSettings
        The section `cohort`.
    columns : sequence of str
        Columns of the cohort, which tell what of body size the study has.
    """
    planned = []
    for entry in settings.models:
        model = _model(entry, settings, columns)
        planned.append(model)
        if entry.adjusted_for:
            covariates, notes = _columns((*entry.covariates, *entry.adjusted_for), settings, columns)
            own = {model.outcome, *model.predictors, model.strata}
            kept = tuple(name for name in covariates if name not in own)
            if kept != model.covariates:
                planned.append(replace(model, name=f"{model.name}_adjusted", covariates=kept, notes=notes))
    return planned


def _model(entry: CohortModel, settings: CohortSettings, columns: Sequence[str]) -> Model:
    named = roles(settings)
    covariates, notes = _columns(entry.covariates, settings, columns)
    predictors, missing = _columns(entry.predictors, settings, columns)
    return Model(
        name=entry.name,
        outcome=named.get(entry.outcome, entry.outcome),
        predictors=predictors or tuple(settings.body_size_columns),
        covariates=covariates,
        strata=named.get(entry.strata, entry.strata) if entry.strata else None,
        subset={named.get(name, name): wanted for name, wanted in entry.subset.items()},
        notes=tuple(dict.fromkeys((*notes, *missing))),
        standardise=entry.standardise,
        weights=entry.weights,
        robust=entry.robust,
        repeated=entry.repeated,
        control=entry.control,
    )


def _columns(
    names: Iterable[str], settings: CohortSettings, columns: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns behind names, body size as far as the study has it, and a note where it has none."""
    named, found, notes = roles(settings), [], []
    for name in names:
        if name != "body_size":
            found.append(named.get(name, name))
            continue
        sizes = [column for column in settings.body_size_columns if column in columns]
        found += sizes
        if not sizes:
            notes.append(f"no column of body size in the study ({', '.join(settings.body_size_columns)})")
    return tuple(dict.fromkeys(found)), tuple(notes)
