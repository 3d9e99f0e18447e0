"""Specification curve: each conclusion again under other calibrations, quality thresholds and without outliers."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from typing import TYPE_CHECKING, Any

import numpy as np

from myomag.cohort.design import Sample, build_design
from myomag.cohort.exclusions import decide
from myomag.cohort.plan import MG, Model, planned_models
from myomag.cohort.regression import NotEstimable
from myomag.cohort.statistics import ESTIMATED, NOT_ESTIMABLE, estimate, row_name
from myomag.core.robust import Z95, robust_sd

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
NUMBERS = ("b", "beta", "ci95_low", "ci95_high", "p")
SENSITIVITY_COLUMNS = {
    "model": "Model and stratum, as in statistics.tsv; negative controls are left out.",
    "outcome": "Outcome, a column of cohort.tsv.",
    "predictor": "Main term, as in statistics.tsv.",
    "stratum": "Participants in the model.",
    "covariates": "What the model is adjusted for.",
    "mg_calibration": "Calibration of Mg; those of magnesium.compare_calibrations where the model has Mg in it.",
    "ph_calibration": "Calibration of pH; those of magnesium.compare_calibrations where the model has pH in it.",
    "verdicts": "Quality verdicts that enter.",
    "max_p_undefined": "Largest allowed probability of an undefined Mg.",
    "outliers": "kept, or excluded: participants whose pMg lies beyond cohort.outlier_z robust SDs of the median.",
    "reference": "true for the settings of the study, whose result stands in statistics.tsv.",
    "n": "Participants with all values.",
    "b": "Slope, in the units given in statistics.tsv.",
    "beta": "Standardised slope.",
    "ci95_low": "Lower end of the 95 % interval of beta.",
    "ci95_high": "Upper end of the 95 % interval of beta.",
    "p": "Two-sided p of the slope, not corrected for multiplicity.",
    "status": "estimated, or not estimable.",
    "reason": "Why there is no result.",
}
"""Columns of sensitivity.tsv and what they hold."""
VERDICTS = (("pass",), ("pass", "warn"))
P_UNDEFINED = (0.01, 0.5)
"""Thresholds tried beside the one of the settings."""
ANSWERS = ("pmg", "pmg_sd", MG, "ph")
"""Columns of the cohort that depend on the calibrations."""


@dataclass(frozen=True)
class Specification:
    """One way to choose calibrations and scans; a calibration of None is the one of the settings."""

    mg: str | None
    ph: str | None
    verdicts: tuple[str, ...]
    max_p_undefined: float
    outliers: str


def build_sensitivity(rows: Iterable[Row], cohort: "pd.DataFrame", settings: Mapping[str, Any]) -> "pd.DataFrame":
    """Build sensitivity.tsv: each main term of each model that is no control, under each specification.

    Parameters
    ----------
    rows : iterable of mapping, read several times
        One per scan in the order of the cohort, see `columns.flat_result`; the magnesium records hold the answers of
        the other calibrations.
    cohort : DataFrame
        From `tables.build_cohort`.
    settings : mapping
        The section `cohort`.
    """
    import pandas as pd

    models = [model for model in planned_models(settings, list(cohort.columns)) if not model.control]
    found = []
    for _, group in groupby(_specifications(rows, settings), key=lambda each: (each.mg, each.ph)):
        # Specifications that choose the same scans of the same calibration share their results.
        known: dict[tuple[bytes, int], list[dict[str, Any]]] = {}
        for specification, sample in _samples(rows, cohort, settings, list(group)):
            same = sample.entering.tobytes()
            for number, model in enumerate(models):
                if _concerns(model, specification):
                    if (same, number) not in known:
                        known[same, number] = [row for s in sample.strata(model) for row in _results(sample, model, s)]
                    labels = _labels(specification, cohort, settings)
                    found += [row | labels for row in known[same, number]]
    frame = pd.DataFrame(found, columns=list(SENSITIVITY_COLUMNS))
    return frame.astype({"n": "Int64"} | dict.fromkeys(NUMBERS, "float64"))


def _specifications(rows: Iterable[Row], settings: Mapping[str, Any]) -> Iterator[Specification]:
    """All combinations of scans, with the calibrations of the settings first and each other one in turn."""
    calibrations: list[tuple[str | None, str | None]] = [(None, None)]
    calibrations += [(name, None) for name in _other_calibrations(rows, "mg")]
    calibrations += [(None, name) for name in _other_calibrations(rows, "ph")]
    verdicts = dict.fromkeys((tuple(settings["include_verdicts"]), *VERDICTS))
    allowed = dict.fromkeys((settings["max_p_undefined"], *P_UNDEFINED))
    for (mg, ph), verdict, p, outliers in product(calibrations, verdicts, allowed, ("kept", "excluded")):
        yield Specification(mg, ph, verdict, p, outliers)


def _other_calibrations(rows: Iterable[Row], quantity: str) -> list[str]:
    """Calibrations whose answer the scans hold, but for the first one, which is the one in use."""
    names = (
        entry["calibration"]
        for row in rows
        for entry in ((row.get("magnesium") or {}).get(f"{quantity}_by_calibration") or ())[1:]
    )
    return list(dict.fromkeys(names))


def _concerns(model: Model, specification: Specification) -> bool:
    """Whether another calibration changes anything in a model."""
    if specification.mg is not None:
        return MG in model.columns or "pmg" in model.columns
    return specification.ph is None or "ph" in model.columns


def _samples(
    rows: Iterable[Row], cohort: "pd.DataFrame", settings: Mapping[str, Any], group: Sequence[Specification]
) -> Iterator[tuple[Specification, Sample]]:
    """Scans that enter under each specification of one pair of calibrations, with the values of these."""
    chosen = {each: (each.verdicts, each.max_p_undefined) for each in group}
    enters = {choice: np.zeros(len(cohort), dtype=bool) for choice in chosen.values()}
    values = np.full((len(cohort), len(ANSWERS)), np.nan)
    for place, row in enumerate(rows):
        answer = _with_calibrations(row, group[0])
        record = answer.get("magnesium") or {}
        values[place] = [math.nan if (value := record.get(name)) is None else value for name in ANSWERS]
        for verdicts, p in enters:
            limits = {"include_verdicts": verdicts, "max_p_undefined": p}
            enters[verdicts, p][place] = decide(answer, limits).status == "included"
    if group[0].mg is not None or group[0].ph is not None:
        cohort = cohort.assign(**dict(zip(ANSWERS, values.T, strict=True)))
    for specification in group:
        sample = Sample(cohort, enters[chosen[specification]], settings["sex_column"])
        if specification.outliers == "excluded":
            sample = _without_outliers(sample, settings["outlier_z"])
        yield specification, sample


def _with_calibrations(row: Row, specification: Specification) -> Row:
    """Row of a scan as if another calibration had been in use; its SD of pMg follows from the interval."""
    magnesium = row.get("magnesium")
    if not magnesium:
        return row
    changed = dict(magnesium)
    if specification.mg is not None:
        entry = _answer(magnesium, "mg", specification.mg)
        changed |= {key: entry.get(key) for key in (MG, "mg_p_undefined", "mg_reason")}
        changed |= {"pmg": _pmg(entry.get(MG)), "pmg_sd": _pmg_sd(entry)}
    if specification.ph is not None:
        changed |= {"ph": _answer(magnesium, "ph", specification.ph).get("ph")}
    return dict(row) | {"magnesium": changed}


def _answer(magnesium: Row, quantity: str, name: str) -> Row:
    entries = magnesium.get(f"{quantity}_by_calibration") or ()
    return next((entry for entry in entries if entry["calibration"] == name), {})


def _pmg(mg_mmol_l: float | None) -> float | None:
    return None if mg_mmol_l is None else 3 - math.log10(mg_mmol_l)


def _pmg_sd(entry: Row) -> float | None:
    low, high = (entry.get(f"mg_ci95_{end}_mmol_l") for end in ("low", "high"))
    return math.log10(high / low) / (2 * Z95) if low and high else None


def _without_outliers(sample: Sample, limit: float) -> Sample:
    """Scans without those of participants whose mean pMg is an outlier."""
    means = sample.variable("pmg").numbers
    known = means[~np.isnan(means)]
    if len(known) == 0:
        return sample
    centre = np.median(known)
    spread = robust_sd(known - centre)
    outlying = np.abs(means - centre) > limit * spread if spread > 0 else np.zeros(len(means), dtype=bool)
    entering = sample.entering.copy()
    entering[sample.entering] = ~outlying[sample.owners.places]
    return Sample(sample.cohort, entering, sample.sex_column)


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


def _labels(specification: Specification, cohort: "pd.DataFrame", settings: Mapping[str, Any]) -> dict[str, Any]:
    """Columns that name a specification."""
    used = {key: cohort[f"{key}_calibration"].dropna() for key in ("mg", "ph")}
    names = {key: str(found.iloc[0]) if len(found) else None for key, found in used.items()}
    own = (None, None, tuple(settings["include_verdicts"]), settings["max_p_undefined"], "kept")
    return {
        "mg_calibration": specification.mg or names["mg"],
        "ph_calibration": specification.ph or names["ph"],
        "verdicts": ", ".join(specification.verdicts),
        "max_p_undefined": specification.max_p_undefined,
        "outliers": specification.outliers,
        "reference": own == tuple(vars(specification).values()),
    }
