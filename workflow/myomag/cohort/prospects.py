"""Data that the models of a study would be estimated from, before any scan is measured."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from myomag.cohort.columns import FIXED_COLUMNS, FIXED_NAMES
from myomag.cohort.kinds import differs, labels_of
from myomag.cohort.readings import ReadTables
from myomag.cohort.regression import NotEstimable
from myomag.cohort.statistics import designs, estimate, included, row_name, samples_of_kinds
from myomag.io.tables import typed_series
from myomag.settings.cohort import CohortSettings
from myomag.study.tables import joined_columns

if TYPE_CHECKING:
    import pandas as pd


def expected_cohort(
    scans: Sequence[tuple[str, str | None, str]], read: ReadTables, settings: CohortSettings
) -> "pd.DataFrame":
    """Table of the cohort with numbers in place of measured values, as if every scan could be evaluated.

    Parameters
    ----------
    scans : sequence of (str, str or None, str)
        Participant, session and stem of each scan.
    read : ReadTables
        Tables of the study.
    settings : CohortSettings
        The kind of scans that enters.
    """
    import pandas as pd

    rng = np.random.default_rng(0)
    numbers = {column.name: rng.uniform(1, 2, len(scans)) for column in FIXED_COLUMNS if column.numeric}
    texts: dict[str, Any] = {column.name: [None] * len(scans) for column in FIXED_COLUMNS if not column.numeric}
    people, sessions, stems = (list(part) for part in zip(*scans, strict=True)) if scans else ([], [], [])
    texts |= {"participant_id": people, "session_id": sessions, "scan": stems}
    texts["status"] = ["excluded" if differs(stem, settings.kind) else "included" for stem in stems]
    labels = [labels_of(stem, settings.kind_by) for stem in stems]
    texts |= {name: [each[name] for each in labels] for name in labels_of("", ())}
    fixed = pd.DataFrame({name: numbers.get(name, texts.get(name)) for name in FIXED_NAMES})
    visits = list(zip(people, sessions, strict=True))
    joined = joined_columns(read.tables, FIXED_NAMES)
    return fixed.assign(**{each.name: typed_series(each.name, [each.value(*v) for v in visits]) for each in joined})


def model_prospects(cohort: "pd.DataFrame", settings: CohortSettings, notes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each model of the settings with the number of participants it would have, or why it cannot be estimated.

    Parameters
    ----------
    cohort : DataFrame
        From `expected_cohort`.
    settings : CohortSettings
        The models.
    notes : mapping of str to str
        What was left out, by column.
    """
    found = []
    for kind, sample in samples_of_kinds(included(cohort, settings, notes)).items():
        for model, stratum, design in designs(sample):
            row: dict[str, Any] = {"model": row_name(model, stratum), "kind": kind, "n": len(design.people)}
            reason = None
            try:
                estimate(model, design)
            except NotEstimable as error:
                reason = str(error)
            found.append(row | {"estimable": reason is None, "reason": reason})
    return found
