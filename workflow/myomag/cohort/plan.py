"""The models from the settings applied to one study: roles become columns, adjusted versions separate models."""

from collections.abc import Iterable, Sequence
from itertools import combinations

from pydantic import Field

from myomag.settings.cohort import CohortModel, CohortSettings

MG = "mg_mmol_l"
LOG_MG = "log10_mg_mmol_l"
"""Decadic logarithm of Mg in mmol/l, 3 - pMg; not in cohort.tsv, as it is equivalent to pmg."""
SITE = "site"
"""Column of the site that a scan is from, in a cohort of several."""
ALL = "all"


class Model(CohortModel):
    """One linear model applied to a study: all names are columns of the cohort."""

    notes: list[str] = Field([], description="What was left out because the study has no such column.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns the model needs."""
        single = (name for name in (self.strata, self.random) if name is not None)
        return tuple(dict.fromkeys((*self.variables, *single, *self.subset)))

    @property
    def variables(self) -> tuple[str, ...]:
        """Columns of the outcome and the terms; a product such as `a*b` needs a and b."""
        terms = (factor for name in (*self.predictors, *self.covariates) for factor in factors(name))
        return tuple(dict.fromkeys((self.outcome, *terms)))


def factors(term: str) -> list[str]:
    """Columns that a term is the product of; a plain one is its own."""
    return [name.strip() for name in term.split("*")]


def lower_terms(term: str) -> list[str]:
    """Factors of a product and their products with each other, without which it means nothing; none of a plain term."""
    names = factors(term)
    return ["*".join(part) for size in range(1, len(names)) for part in combinations(names, size)]


def roles(settings: CohortSettings) -> dict[str, str]:
    """Column of each role that models may name; body_size stands for several columns and is not included.

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
        "muscle_mg": LOG_MG if settings.mg_scale == "log10" else MG,
    }


def planned_models(settings: CohortSettings, columns: Sequence[str]) -> list[Model]:
    """Models from the settings in their order, each simple version followed by its adjusted one.

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
            kept = [name for name in covariates if name not in own]
            if kept != model.covariates:
                changes = {"name": f"{model.name}_adjusted", "covariates": kept, "notes": notes}
                planned.append(model.model_copy(update=changes))
    return [_with_site(model, settings) for model in planned] if SITE in columns else planned


def _with_site(model: Model, settings: CohortSettings) -> Model:
    """Model in which the site enters as the settings say; as it is where it names the site itself."""
    if settings.site is None or SITE in model.columns or (settings.site == "random" and model.random):
        return model
    covariate = {"covariates": [*model.covariates, SITE]}
    return model.model_copy(update=covariate if settings.site == "covariate" else {"random": SITE})


def _model(entry: CohortModel, settings: CohortSettings, columns: Sequence[str]) -> Model:
    named = roles(settings)
    covariates, notes = _columns(entry.covariates, settings, columns)
    if entry.control:
        absent = [name for name in covariates if name not in columns]
        notes += [f"not adjusted for {name}, which the study lacks" for name in absent]
        covariates = [name for name in covariates if name not in absent]
    predictors, missing = _columns(entry.predictors, settings, columns)
    changes = {
        "outcome": named.get(entry.outcome, entry.outcome),
        "predictors": predictors or settings.body_size_columns,
        "covariates": covariates,
        "strata": named.get(entry.strata, entry.strata) if entry.strata else None,
        "random": "participant_id" if entry.unit == "session" else entry.random,
        "subset": {named.get(name, name): wanted for name, wanted in entry.subset.items()},
        "notes": list(dict.fromkeys((*notes, *missing))),
    }
    return Model(**(dict(entry) | changes))


def _columns(names: Iterable[str], settings: CohortSettings, columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Columns behind names, body size as far as the study has it, and a note where it has none."""
    named = roles(settings)
    found, notes = list[str](), list[str]()
    for name in names:
        if name != "body_size":
            found.append("*".join(named.get(factor, factor) for factor in factors(name)))
            continue
        sizes = [column for column in settings.body_size_columns if column in columns]
        found += sizes
        if not sizes:
            notes.append(f"the study has no column for body size ({', '.join(settings.body_size_columns)})")
    return list(dict.fromkeys(found)), notes
