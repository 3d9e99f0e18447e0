"""Table 1: the analysed participants by sex and age group."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.participants import SEXES, Values
from myomag.cohort.plan import ALL, MG
from myomag.cohort.sample import Sample

if TYPE_CHECKING:
    import pandas as pd

DEMOGRAPHICS_COLUMNS = {
    "stratum": "Analysed participants by sex; all also holds those of unknown sex.",
    "age_group": "Age group of the settings (cohort.age_groups); all also holds those of unknown age.",
    "participants": "Participants of the group with an included scan.",
    "variable": "Variable, a column of cohort.tsv; repeated scans of one participant are averaged first.",
    "n": "Participants with a value.",
    "mean": "Mean, in the units of the variable.",
    "sd": "Standard deviation between participants (n - 1), in the units of the variable.",
    "min": "Smallest value, in the units of the variable.",
    "max": "Largest value, in the units of the variable.",
}
"""Columns of demographics.tsv and what they hold."""


def build_demographics(sample: Sample) -> "pd.DataFrame":
    """Build demographics.tsv: mean, SD and range by sex, by age group within each, and in total.

    Parameters
    ----------
    sample : Sample
        The included scans.
    """
    import pandas as pd

    names = (sample.settings.age_column, *sample.settings.body_size_columns, MG, "ph")
    names = (*names, sample.settings.strength_column, sample.settings.serum_mg_column)
    variables = {name: sample.variable(name).numbers for name in dict.fromkeys(names) if name in sample.columns}
    rows = [
        {"stratum": sex, "age_group": group, "participants": int(members.sum()), "variable": name}
        | _summary(values[members])
        for sex, group, members in _groups(sample)
        for name, values in variables.items()
    ]
    return pd.DataFrame(rows, columns=list(DEMOGRAPHICS_COLUMNS))


def age_group(age: float, edges: Sequence[float]) -> str:
    """Age group as Table 1 names it: under 40, 40 to <60, 80 and over."""
    above = sum(age >= edge for edge in edges)
    if above == 0:
        return f"under {edges[0]:g}"
    return f"{edges[above - 1]:g} to <{edges[above]:g}" if above < len(edges) else f"{edges[-1]:g} and over"


def _groups(sample: Sample) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Sex, age group and members of each group that has any; all also holds those of unknown sex or age."""
    everyone = np.ones(len(sample.owners.people), dtype=bool)
    sexes = {ALL: everyone}
    if (name := sample.settings.sex_column) in sample.columns:
        sexes = {sex: sample.variable(name).values == sex for sex in SEXES} | sexes
    ages = {ALL: everyone}
    if (name := sample.settings.age_column) in sample.columns and sample.settings.age_groups:
        ages = dict(_age_groups(sample.variable(name).numbers, sample.settings.age_groups)) | ages
    for sex in (*SEXES, ALL):
        for group, members in ages.items():
            people = members & sexes.get(sex, ~everyone)
            if people.any() or group == ALL:
                yield sex, group, people


def _age_groups(ages: Values, edges: Sequence[float]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Name and members of each age group that has any, rising in age."""
    groups = np.where(np.isnan(ages), -1, np.searchsorted(edges, ages, side="right"))
    for group in range(len(edges) + 1):
        if (members := groups == group).any():
            yield age_group(float(ages[members][0]), edges), members


def _summary(values: Values) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    summary = {"n": len(known)} | dict.fromkeys(("mean", "sd", "min", "max"), math.nan)
    if len(known):
        summary |= {"mean": float(known.mean()), "min": float(known.min()), "max": float(known.max())}
    return summary | ({"sd": float(np.std(known, ddof=1))} if len(known) > 1 else {})
