"""Table 1: the analysed participants by sex and age group."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from myomag.cohort.design import Sample
from myomag.cohort.participants import SEXES
from myomag.cohort.plan import ALL, MG

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


def build_demographics(sample: Sample, settings: Mapping[str, Any]) -> "pd.DataFrame":
    """Build demographics.tsv: mean, SD and range by sex, by age group within each, and in total.

    Parameters
    ----------
    sample : Sample
        The included scans.
    settings : mapping
        The section `cohort`.
    """
    import pandas as pd

    columns = sample.scans.columns
    names = [settings[f"{role}_column"] for role in ("age", "strength", "serum_mg")]
    names = [names[0], *settings["body_size_columns"], MG, "ph", *names[1:]]
    variables = {name: sample.variable(name).values for name in dict.fromkeys(names) if name in columns}
    rows = [
        {"stratum": sex, "age_group": group, "participants": len(people), "variable": name} | _summary(values, people)
        for sex, group, people in _groups(sample, settings)
        for name, values in variables.items()
    ]
    frame = pd.DataFrame(rows, columns=list(DEMOGRAPHICS_COLUMNS))
    return frame.astype({"participants": "Int64", "n": "Int64"})


def age_group(age: float, edges: Sequence[float]) -> str:
    """Age group as Table 1 names it: under 40, 40 to <60, 80 and over."""
    above = sum(age >= edge for edge in edges)
    if above == 0:
        return f"under {edges[0]:g}"
    return f"{edges[above - 1]:g} to <{edges[above]:g}" if above < len(edges) else f"{edges[-1]:g} and over"


def _groups(sample: Sample, settings: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Sex, age group and participants of each group that has any; all also holds those of unknown sex or age."""
    sexes = _known(sample, settings["sex_column"])
    ages = {person: age for person, age in _known(sample, settings["age_column"]).items() if isinstance(age, float)}
    edges = settings["age_groups"]
    groups = {person: age_group(age, edges) for person, age in ages.items()} if edges else {}
    ordered = list(dict.fromkeys(groups[person] for person in sorted(groups, key=lambda person: ages[person])))
    for sex in (*SEXES, ALL):
        members = [person for person in sample.people if sex in (ALL, sexes.get(person))]
        for group in (*ordered, ALL):
            people = [person for person in members if group in (ALL, groups.get(person))]
            if people or group == ALL:
                yield sex, group, people


def _known(sample: Sample, name: str) -> Mapping[str, Any]:
    return sample.variable(name).values if name in sample.scans.columns else {}


def _summary(values: Mapping[str, Any], people: Sequence[str]) -> dict[str, Any]:
    known = np.array([values[p] for p in people if isinstance(values.get(p), float)])
    summary = {"n": len(known)} | dict.fromkeys(("mean", "sd", "min", "max"), math.nan)
    if len(known):
        summary |= {"mean": float(known.mean()), "min": float(known.min()), "max": float(known.max())}
    return summary | ({"sd": float(np.std(known, ddof=1))} if len(known) > 1 else {})
