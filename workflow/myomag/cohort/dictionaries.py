"""Data dictionaries (BIDS JSON) of the cohort's tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from myomag.cohort.columns import FIXED_COLUMNS
from myomag.cohort.exclusions import EXCLUSION_COLUMNS
from myomag.cohort.participants import MEN_CODES, WOMEN_CODES
from myomag.cohort.tables import JoinedColumn, StudyTable, joined_columns

Dictionary = dict[str, Any]


def cohort_dictionary(tables: Sequence[StudyTable]) -> Dictionary:
    """Describe cohort.tsv column by column; a joined column names the tables it comes from."""
    own = {column.name: _entry(column.description, column.units, column.levels) for column in FIXED_COLUMNS}
    return own | {joined.name: _joined_entry(joined) for joined in joined_columns(tables)}


def exclusions_dictionary() -> Dictionary:
    """Describe exclusions.tsv column by column."""
    own = {column.name: _entry(column.description, column.units, column.levels) for column in FIXED_COLUMNS}
    own["step"] = _entry("Step of the pipeline at which the scan was first objected to.")
    return {name: own[name] for name in EXCLUSION_COLUMNS}


def statistics_dictionary(settings: Mapping[str, Any]) -> Dictionary:
    """Describe statistics.tsv column by column.

    Parameters
    ----------
    settings : mapping
        The section `cohort`.
    """
    averaging = (
        "Included scans of one participant are averaged first, so that n counts participants; "
        "Mg is averaged as pMg, that is as a geometric mean."
    )
    coding = f"Sex counts as women = 1, men = 0 ({_codes(WOMEN_CODES)}; {_codes(MEN_CODES)})."
    return {
        "model": _entry(
            "Single-predictor regression. The names that begin with control_ are negative controls: an effect there "
            "points at the measurement instead of the muscle."
        ),
        "outcome": _entry(f"Outcome, a column of cohort.tsv. {averaging}"),
        "predictor": _entry(f"Predictor, a column of cohort.tsv. {coding}"),
        "stratum": _entry(
            f"Participants in the model, by the column {settings['sex_column']!r}.",
            levels={"all": "women, men and those of unknown sex", "women": "women", "men": "men"},
        ),
        "n": _entry("Participants with both values."),
        "beta": _entry(
            "Standardised regression coefficient: outcome and predictor have unit variance, also where the predictor "
            "is sex, so that beta is Pearson's (for sex the point-biserial) correlation."
        ),
        "ci95_low": _entry("Lower end of the 95 % interval of beta by Fisher's z."),
        "ci95_high": _entry("Upper end of the 95 % interval of beta by Fisher's z."),
        "p": _entry(
            "Two-sided p of the t test of beta = 0 with n - 2 degrees of freedom, not corrected for multiplicity."
        ),
        "r2": _entry("Share of the variance explained, the square of beta."),
        "status": _entry(
            "Whether the model could be estimated.",
            levels={
                "estimated": "estimated",
                "skipped": "a column is absent",
                "not estimable": "too few participants, a constant variable or values that are not numbers",
            },
        ),
        "reason": _entry("Why the model was skipped or not estimable, or what was done to single values."),
    }


def demographics_dictionary() -> Dictionary:
    """Describe demographics.tsv column by column."""
    return {
        "stratum": _entry("Included participants by sex; all also holds those of unknown sex."),
        "participants": _entry("Participants with an included scan."),
        "variable": _entry("Variable, a column of cohort.tsv; repeated scans of one participant are averaged first."),
        "n": _entry("Participants with a value."),
        "mean": _entry("Mean, in the units of the variable."),
        "sd": _entry("Standard deviation between participants (n - 1), in the units of the variable."),
        "min": _entry("Smallest value, in the units of the variable."),
        "max": _entry("Largest value, in the units of the variable."),
    }


def _entry(description: str, units: str | None = None, levels: Mapping[str, str] | None = None) -> Dictionary:
    entry: Dictionary = {"Description": description}
    entry |= {"Units": units} if units else {}
    return entry | ({"Levels": dict(levels)} if levels else {})


def _joined_entry(joined: JoinedColumn) -> Dictionary:
    """Entry of the most specific table that describes the column, with the tables it is taken from."""
    described: Any = next((t.descriptions[joined.column] for t in joined.tables if joined.column in t.descriptions), {})
    entry = dict(described) if isinstance(described, Mapping) else {}
    source = ", else ".join(f"column {joined.column!r} of {table.name}" for table in joined.tables)
    return {"Description": "Not described in the study."} | entry | {"Source": source}


def _codes(codes: frozenset[str]) -> str:
    return ", ".join(sorted(codes, key=lambda code: (len(code), code)))
