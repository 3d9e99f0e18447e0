"""The figures that the tables of a cohort allow."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from myomag.cohort.statistics import designs, included
from myomag.report.age_trend import age_trend
from myomag.report.bland_altman import bland_altman_figures
from myomag.report.figures import Figure
from myomag.report.flow import Flow
from myomag.report.flow_figure import flow_figure
from myomag.report.forest import forest
from myomag.report.labels import Labels
from myomag.report.page import participant_link
from myomag.report.scatter import scatter_figures
from myomag.report.specification import specification_curve

if TYPE_CHECKING:
    from myomag.cohort.design import Sample

Row = Mapping[str, Any]


def cohort_figures(
    cohort: Sequence[Row],
    tables: Mapping[str, Sequence[Row]],
    flow: Flow,
    settings: Mapping[str, Any],
    labels: Labels,
) -> list[Figure]:
    """Figures of the cohort; one that there is nothing to draw for is left out.

    Parameters
    ----------
    cohort : sequence of mapping
        Rows of cohort.tsv.
    tables : mapping
        Rows of the other tables.
    settings : mapping
        The section `cohort`.
    """
    made = [
        flow_figure(flow, tables["flow"]) if tables.get("flow") else None,
        forest(tables.get("statistics", ()), tables.get("measurement_error", ()), labels),
        specification_curve(tables.get("sensitivity", ()), labels),
        *_of_participants(cohort, settings, labels),
    ]
    return [figure for figure in made if figure is not None]


def _of_participants(cohort: Sequence[Row], settings: Mapping[str, Any], labels: Labels) -> Iterator[Figure | None]:
    """Scatter of each simple model and the trend with age, from the same participants as the models."""
    import pandas as pd

    if not any(row["status"] == "included" for row in cohort) or "models" not in settings:
        return
    # Column by column: a dict for every row would take ten times the memory.
    sample = included(pd.DataFrame({name: pd.Series([row[name] for row in cohort]) for name in cohort[0]}), settings)
    sexes = _sexes(sample, labels)
    # Adjusted models are not drawn, and the designs of a large study take as much memory as its table.
    planned = [each for each in designs(sample, settings) if not each[0].covariates]
    pages = {person: participant_link(str(person)) for person in sample.owners.people}
    yield from scatter_figures(planned, sexes, labels, pages)
    yield age_trend(planned, sexes, settings["age_groups"], labels)
    yield from bland_altman_figures(sample, settings, pages)


def _sexes(sample: "Sample", labels: Labels) -> Mapping[str, Any]:
    if labels.sex not in sample.columns:
        return {}
    return dict(zip(sample.owners.people, sample.variable(labels.sex).values, strict=True))
