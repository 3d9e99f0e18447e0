"""The figures that the tables of a cohort allow."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from myomag.cohort.errors_known import known_repeats
from myomag.cohort.repeatability import BETWEEN_SESSIONS
from myomag.cohort.statistics import designs, included, samples_of_kinds
from myomag.io.tables import TableRow
from myomag.report.age_trend import age_trend
from myomag.report.bland_altman import bland_altman_figures
from myomag.report.figures import Figure
from myomag.report.flow import ParticipantFlow
from myomag.report.flow_figure import flow_figure
from myomag.report.forest import forest
from myomag.report.reliability_curve import reliability_curve
from myomag.report.scatter import scatter_figures
from myomag.report.series_cohort import series_figures
from myomag.report.specification import specification_curve
from myomag.settings.cohort import CohortSettings
from myomag.wording.labels import Labels

if TYPE_CHECKING:
    import pandas as pd

    from myomag.cohort.sample import Sample


def cohort_figures(
    tables: Mapping[str, Sequence[TableRow]],
    cohort: "pd.DataFrame",
    flow: ParticipantFlow,
    settings: CohortSettings,
    labels: Labels,
) -> Iterator[Figure]:
    """Figures of the cohort; one that there is nothing to draw for is left out.

    Parameters
    ----------
    tables : mapping
        Rows of the tables, as far as there are.
    cohort : DataFrame
        The table cohort.
    settings : CohortSettings
        The section `cohort`.
    """
    made = (
        flow_figure(flow, tables["flow"]) if tables.get("flow") else None,
        forest(tables.get("statistics", ()), tables.get("measurement_error", ()), labels),
        specification_curve(tables.get("sensitivity", ()), labels),
    )
    sample = included(cohort, settings.model_copy(update={"site": None}))
    of_series = series_figures(tables, sample, _sexes(sample, labels), labels)
    for figure in itertools.chain(made, _of_participants(cohort, tables, settings, labels), of_series):
        if figure is not None:
            yield figure


def _of_participants(
    cohort: "pd.DataFrame", tables: Mapping[str, Sequence[TableRow]], settings: CohortSettings, labels: Labels
) -> Iterator[Figure | None]:
    """Scatter of each simple model and the trend with age, from the same participants as the models.

    Of several kinds of scans, the one with most participants is drawn; of several sites the values as they are.
    """
    settings = settings.model_copy(update={"site": None})
    sample = next(iter(samples_of_kinds(included(cohort, settings)).values()))
    if not sample.entering.any():
        return
    sexes = _sexes(sample, labels)
    # Made twice: at one time, the designs of a large study would take more memory than its table.
    yield from scatter_figures(designs(sample), sexes, labels, tables.get("statistics", ()))
    yield age_trend(designs(sample), sexes, settings.age_groups, labels)
    repeats = known_repeats(sample).get("pmg")
    if repeats is None or repeats.kind != BETWEEN_SESSIONS:
        yield reliability_curve(designs(sample), labels)
    yield from bland_altman_figures(sample)


def _sexes(sample: "Sample", labels: Labels) -> Mapping[str, Any]:
    if labels.sex not in sample.columns:
        return {}
    return dict(zip(sample.owners.people, sample.variable(labels.sex).values, strict=True))
