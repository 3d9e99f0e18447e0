"""Specification curve: each conclusion under other calibrations and quality thresholds, and without outliers."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.design import build_design
from myomag.cohort.kinds import UNNAMED, by_size, kinds_of
from myomag.cohort.plan import LOG_MG, MG, Model, planned_models
from myomag.cohort.regression import NotEstimable
from myomag.cohort.sample import Sample
from myomag.cohort.scans import Scans
from myomag.cohort.statistics import ESTIMATED, NOT_ESTIMABLE, estimate, row_name
from myomag.core.robust import robust_sd
from myomag.settings.cohort import CohortSettings

if TYPE_CHECKING:
    import pandas as pd

SENSITIVITY_COLUMNS = {
    "model": "Model and stratum, as in statistics.tsv; negative controls are left out.",
    "outcome": "Outcome, a column of cohort.tsv.",
    "predictor": "Main term, as in statistics.tsv.",
    "stratum": "Participants in the model.",
    "covariates": "What the model is adjusted for.",
    "mg_calibration": "Calibration of Mg; where the model contains Mg, also those in magnesium.compare_calibrations.",
    "ph_calibration": "Calibration of pH; where the model contains pH, also those in magnesium.compare_calibrations.",
    "verdicts": "Quality verdicts included.",
    "max_p_undefined": "Largest allowed probability of an undefined Mg.",
    "outliers": "kept, or excluded: participants whose pMg is more than cohort.outlier_z robust SDs from the median.",
    "reference": "true for the settings of the study, whose result is the one in statistics.tsv.",
    "n": "Participants with complete values.",
    "b": "Slope, in the units given in statistics.tsv.",
    "beta": "Standardised slope.",
    "ci95_low": "Lower end of the 95 % interval of beta.",
    "ci95_high": "Upper end of the 95 % interval of beta.",
    "p": "Two-sided p of the slope, not corrected for multiplicity.",
    "status": "estimated, or not estimable.",
    "reason": "Why there is no result.",
}
"""Columns of sensitivity.tsv and what they contain."""
VERDICTS = (("pass",), ("pass", "warn"))
P_UNDEFINED = (0.01, 0.5)
"""Thresholds tried in addition to the one in the settings."""


@dataclass(frozen=True)
class Specification:
    """One choice of calibrations and scans; a calibration of None means the one in the settings."""

    mg: str | None
    ph: str | None
    verdicts: tuple[str, ...]
    max_p_undefined: float
    outliers: str


def build_sensitivity(scans: Scans, cohort: "pd.DataFrame", settings: CohortSettings) -> "pd.DataFrame":
    """Build sensitivity.tsv: each main term of each model except controls, under each specification.

    Parameters
    ----------
    scans : Scans
        Results of all scans, including those from the other calibrations.
    cohort : DataFrame
        From `tables.build_cohort`.
    settings : CohortSettings
        Which scans are included, and the models.
    """
    import pandas as pd

    rows = []
    kinds = kinds_of(cohort["scan"], settings.kind_by)
    entering = (cohort["status"] == "included").to_numpy(dtype=bool)
    chosen = entering if entering.any() else np.full(len(cohort), True)
    for kind in by_size(kinds[chosen], cohort["participant_id"][chosen]) or [UNNAMED]:
        members = kinds == kind
        rows += [row | {"kind": kind} for row in _of_kind(scans, cohort, settings, members)]
    return pd.DataFrame(rows, columns=[*SENSITIVITY_COLUMNS, "kind"])


def _of_kind(
    scans: Scans, cohort: "pd.DataFrame", settings: CohortSettings, members: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Rows of the scans of one kind, marked by `members`."""
    models = [model for model in planned_models(settings, list(cohort.columns)) if not model.control]
    found = []
    for _, group in groupby(_specifications(scans, settings), key=lambda each: (each.mg, each.ph)):
        # Specifications with the same scans and calibration share their results.
        known: dict[tuple[bytes, int], list[dict[str, Any]]] = {}
        for specification in group:
            sample = _sample(scans, cohort, settings, specification, members)
            same = sample.entering.tobytes()
            for number, model in enumerate(models):
                if _concerns(model, specification):
                    if (same, number) not in known:
                        known[same, number] = [row for s in sample.strata(model) for row in _results(sample, model, s)]
                    labels = _labels(specification, cohort, settings)
                    found += [row | labels for row in known[same, number]]
    return found


def _specifications(scans: Scans, settings: CohortSettings) -> Iterator[Specification]:
    """All choices of scans, first with the calibrations in the settings, then with each of the others."""
    calibrations: list[tuple[str | None, str | None]] = [(None, None)]
    calibrations += [(name, None) for name in scans.calibrations["mg"]]
    calibrations += [(None, name) for name in scans.calibrations["ph"]]
    verdicts = dict.fromkeys((tuple(settings.include_verdicts), *VERDICTS))
    allowed = dict.fromkeys((settings.max_p_undefined, *P_UNDEFINED))
    for (mg, ph), verdict, p, outliers in product(calibrations, verdicts, allowed, ("kept", "excluded")):
        yield Specification(mg, ph, verdict, p, outliers)


def _concerns(model: Model, specification: Specification) -> bool:
    """Whether a change of calibration affects a model."""
    if specification.mg is not None:
        return not {MG, LOG_MG, "pmg"}.isdisjoint(model.columns)
    return specification.ph is None or "ph" in model.columns


def _sample(
    scans: Scans,
    cohort: "pd.DataFrame",
    settings: CohortSettings,
    specification: Specification,
    members: NDArray[np.bool_],
) -> Sample:
    """Scans of a kind included under a specification, with the values from its calibrations."""
    p_undefined = cohort["mg_p_undefined"]
    if (mg := specification.mg) is not None:
        p_undefined = scans.answer("mg_p_undefined", mg)
        cohort = cohort.assign(**{name: scans.answer(name, mg) for name in ("pmg", "pmg_sd", MG)})
    if (ph := specification.ph) is not None:
        cohort = cohort.assign(ph=scans.answer("ph", ph))
    # As `exclusions.decide` has it.
    judged = scans.table["complete"] & members & cohort["verdict"].isin(specification.verdicts)
    entering = judged & cohort[MG].notna() & (p_undefined <= specification.max_p_undefined)
    sample = Sample(cohort, entering.to_numpy(dtype=bool), settings)
    return _without_outliers(sample) if specification.outliers == "excluded" else sample


def _without_outliers(sample: Sample) -> Sample:
    """Scans without those of participants whose mean pMg is an outlier."""
    means = sample.variable("pmg").numbers
    known = means[~np.isnan(means)]
    if len(known) == 0:
        return sample
    centre = np.median(known)
    spread = robust_sd(known - centre)
    limit = sample.settings.outlier_z * spread if spread > 0 else np.inf
    outlying = np.abs(means - centre) > limit
    return sample.only(~outlying[sample.owners.places])


def _results(sample: Sample, model: Model, stratum: str) -> Iterator[dict[str, Any]]:
    design = build_design(sample, model, stratum)
    row: dict[str, Any] = {"model": row_name(model, stratum), "outcome": model.outcome, "stratum": stratum}
    row |= {"covariates": ", ".join(model.covariates) or None, "n": len(design.people)}
    try:
        terms = {term.name: term for term in estimate(model, design).coefficients}
    except NotEstimable as error:
        for name in design.main:
            yield row | {"predictor": name, "status": NOT_ESTIMABLE, "reason": str(error)}
        return
    for name in design.main:
        term = terms[name]
        numbers = {"b": term.b, "beta": term.beta, "ci95_low": term.beta_ci95_low, "ci95_high": term.beta_ci95_high}
        yield row | {"predictor": name, "status": ESTIMATED, "p": term.p} | numbers


def _labels(specification: Specification, cohort: "pd.DataFrame", settings: CohortSettings) -> dict[str, Any]:
    """Columns that identify a specification."""
    used = {key: cohort[f"{key}_calibration"].dropna() for key in ("mg", "ph")}
    names = {key: str(found.iloc[0]) if len(found) else None for key, found in used.items()}
    own = (None, None, tuple(settings.include_verdicts), settings.max_p_undefined, "kept")
    return {
        "mg_calibration": specification.mg or names["mg"],
        "ph_calibration": specification.ph or names["ph"],
        "verdicts": ", ".join(specification.verdicts),
        "max_p_undefined": specification.max_p_undefined,
        "outliers": specification.outliers,
        "reference": own == tuple(vars(specification).values()),
    }
