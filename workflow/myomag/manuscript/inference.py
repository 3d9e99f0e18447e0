"""The statistical analysis in sentences; each method is told of, and its source cited, where the study used it."""

from collections.abc import Iterator, Sequence

from myomag.cohort.errors_known import FIT
from myomag.cohort.plan import ALL, LOG_MG, Model, factors, planned_models
from myomag.cohort.repeatability import BETWEEN_SESSIONS
from myomag.manuscript.blocks import Block, Listing, Paragraph, counted, listed
from myomag.manuscript.material import Material
from myomag.settings.cohort import Range

UNADJUSTED = "unadjusted"


def inference(material: Material) -> Iterator[Block]:
    """Models, multiplicity, controls, measurement error, repeats, sessions and sensitivity."""
    models = planned_models(material.settings.cohort, list(material.columns))
    estimated = bool(material.estimated("statistics"))
    yield Paragraph.of(*_kinds(material.kinds), *_models(models, estimated))
    yield Listing(tuple(_sentences(models, material)))
    yield Paragraph.of(*_missing(models))
    if not estimated:
        return
    yield Paragraph.of(*_inference(models))
    yield Paragraph.of(*_error(material), *_repeats(material))
    yield Paragraph.of(*_comparisons(material), *_sensitivity(material))


def series(material: Material) -> Iterator[Block]:
    """Paragraph on exercise and recovery; none where no scan is a series."""
    if not (rows := material.rows("kinetics")):
        return
    settings = material.settings.series
    scans, bouts = len({row["scan"] for row in rows}), len(rows)
    known = sum(row["status"] == "estimated" for row in rows)
    yield Paragraph.of(
        f"{counted(scans, 'scan')} followed the muscle through rest, exercise and recovery ({counted(bouts, 'bout')} "
        "of exercise). The repetitions of rest were averaged and fitted as above.",
        "All repetitions were then fitted together: widths, line shape and begin time were those of rest; amplitudes, "
        "phase, frequency and a change of the width were free in each repetition; the shifts of Pi and β-ATP followed "
        "the time course piecewise linearly.",
        "The recovery of PCr was described by PCr(t) = PCr_end + ΔPCr·(1 − exp(−t/τ)), with intervals of τ by profile "
        "likelihood (Venzon and Moolgavkar, 1988).",
        f"Kinetics were given if exercise consumed at least {100 * settings.least_depletion:g} % of resting PCr, "
        f"recovery was followed for at least {settings.least_recovery_taus:g} τ, the ratio of the ends of the interval "
        f"of τ was at most {settings.widest_interval:g} and the pH at the end of exercise was at least "
        f"{settings.least_ph:g}: {known} of {counted(bouts, 'bout')}.",
        "Oxidative capacity was computed as k·[PCr] and as V·(1 + Km/[ADP]), with k = 1/τ, V = k·ΔPCr, "
        f"{settings.pcr_mmol_l:g} mmol/l PCr at rest and a Km of {settings.km_adp_umol_l:g} µmol/l "
        "assumed.",
    )


def _kinds(kinds: Sequence[str]) -> Iterator[str]:
    if len(kinds) > 1:
        yield f"Scans of {len(kinds)} kinds ({', '.join(kinds)}) were analysed separately and never averaged."


def _models(models: Sequence[Model], estimated: bool) -> Iterator[str]:
    if not estimated:
        yield "The participants analysed were too few for any of the models that were planned:"
        return
    if any(model.random is None for model in models):
        yield (
            "Associations were estimated by linear regression with one value per participant; repeated scans of a "
            "participant were averaged, Mg as pMg."
        )
    if any(model.random for model in models):
        yield "Models with a random intercept were linear mixed models, estimated by REML."
    if any(LOG_MG in model.variables for model in models):
        yield "Muscle Mg entered as log₁₀ of its concentration, the error of which does not grow with the value."
    controls = "; negative controls, Table S1" if any(model.control for model in models) else ""
    yield f"These models were estimated (Table 2{controls}):"


def _sentences(models: Sequence[Model], material: Material) -> Iterator[str]:
    """A simple model and its adjusted version in one sentence each."""
    simple = {model.name: model for model in models}
    for model in models:
        base = simple.get(model.name.removesuffix("_adjusted"), model)
        if base is not model:
            continue
        adjusted = simple.get(f"{model.name}_adjusted")
        first, *second = [_adjusted(each, material) for each in (model, adjusted) if each is not None]
        joint = " and " if first == UNADJUSTED else ", and also "
        yield f"{_sentence(model, material)}, {joint.join((first, *second))}"


def _adjusted(model: Model, material: Material) -> str:
    names = [material.labels.column(name) for name in model.covariates]
    return f"adjusted for {listed(names)}" if names else UNADJUSTED


def _sentence(model: Model, material: Material) -> str:
    """One model in words."""
    labels = material.labels
    predictors = [
        f"{labels.column(first)} and its interaction with {listed([labels.column(each) for each in others])}"
        if others
        else labels.column(first)
        for first, *others in map(factors, model.predictors)
    ]
    parts = [f"{labels.title(model.outcome)} on {listed(predictors)}"]
    if model.strata and model.strata != ALL:
        parts.append(f"separately by {labels.column(model.strata)}")
    if model.random:
        of = "participant" if model.random == "participant_id" else labels.column(model.random)
        parts.append(f"with a random intercept of each {of}")
    if model.subset:
        levels = (f"{labels.column(name)} {_wanted(wanted)}" for name, wanted in model.subset.items())
        parts.append(f"restricted to {', '.join(levels)}")
    parts += ["weighted by 1/SD² of the outcome"] * (model.weights is not None)
    parts += ["with HC3 standard errors (MacKinnon and White, 1985)"] * model.robust
    return ", ".join(parts) + (" (negative control)" if model.control else "")


def _wanted(wanted: Range | Sequence[str | float]) -> str:
    """Levels or range of a subset in words."""
    if not isinstance(wanted, Range):
        return " or ".join(map(str, wanted))
    ends = (("from", wanted.min), ("to", wanted.max))
    return " ".join(f"{word} {end:g}" for word, end in ends if end is not None)


def _missing(models: Sequence[Model]) -> Iterator[str]:
    """Placeholders for what the study does not have."""
    for note in dict.fromkeys(note for model in models for note in model.notes):
        yield f"[{note}]"


def _inference(models: Sequence[Model]) -> Iterator[str]:
    yield (
        "Slopes are given in units (b) and in SDs of outcome and predictor (β), with 95 % intervals; p values are "
        "two-sided. p values of all main terms were also adjusted for the false discovery rate (Benjamini and "
        "Hochberg, 1995), those of negative controls separately."
    )
    if any("*" in name for model in models for name in model.predictors):
        yield (
            "A difference between slopes was tested by the product of the two variables, each centred on its mean, "
            "with both in the model."
        )
    if any(model.control for model in models):
        yield (
            "Negative controls regressed Mg on properties of the measurement; for those from the same fit as Mg (begin "
            "time, phase, pH) the slope was tested against what the covariance of the fit predicts."
        )


def _error(material: Material) -> Iterator[str]:
    if not material.estimated("measurement_error"):
        return
    sources = material.row_values("measurement_error", "error_source")
    repeats = [source for source in sources if source != FIT]
    size = f"from repeated scans ({listed(repeats)})" if repeats else "from the SD of each fit"
    yield (
        "Slopes were corrected for measurement error by regression calibration (Carroll et al., 2006). Their intervals "
        "contain the values that the t test of the uncorrected slope does not reject and include the uncertainty of "
        f"the reliability (Fieller, 1954). The size of the error was taken {size}"
        + ("." if any(BETWEEN_SESSIONS in source for source in repeats) else ", without day-to-day variation.")
    )


def _repeats(material: Material) -> Iterator[str]:
    if rows := material.estimated("repeatability"):
        kinds = dict.fromkeys(f"{row['repeats']} (n = {row['participants']})" for row in rows)
        yield (
            f"Repeatability {listed(list(kinds))} was described by the intraclass correlation of single scans (McGraw "
            "and Wong, 1996), the standard error of measurement, the smallest detectable change (1.96·√2 times that "
            "error) and limits of agreement (Bland and Altman, 1986)."
        )
    if material.estimated("longitudinal"):
        yield "Change over years was estimated by mixed models with random intercept and slope (Laird and Ware, 1982)."


def _comparisons(material: Material) -> Iterator[str]:
    if material.estimated("comparisons"):
        yield (
            "Correlations of muscle and of serum Mg with the same outcome were compared by the test of Steiger for "
            "dependent correlations (Steiger, 1980), with an interval of the difference (Zou, 2007)."
        )


def _sensitivity(material: Material) -> Iterator[str]:
    if material.estimated("sensitivity"):
        yield (
            "In a sensitivity analysis each association was estimated again with the other calibrations, with only the "
            "scans of verdict pass, with other limits on the probability of an undefined Mg, and without participants "
            f"whose pMg lay more than {material.settings.cohort.outlier_z:g} robust SDs from the median."
        )
