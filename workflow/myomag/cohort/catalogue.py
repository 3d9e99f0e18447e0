"""The result tables, each once: files, data dictionaries, comparison of derivatives and captions follow from here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from myomag.cohort.acquisitions import Protocol
from myomag.cohort.comparisons import COMPARISONS_COLUMNS, build_comparisons
from myomag.cohort.demographics import DEMOGRAPHICS_COLUMNS, build_demographics
from myomag.cohort.design import Sample
from myomag.cohort.dictionaries import Dictionary, described, fixed_entries, units
from myomag.cohort.error_table import MEASUREMENT_ERROR_COLUMNS, build_measurement_error
from myomag.cohort.exclusions import EXCLUSION_COLUMNS
from myomag.cohort.flow import FLOW_COLUMNS, build_flow
from myomag.cohort.longitudinal_table import LONGITUDINAL_COLUMNS, build_longitudinal
from myomag.cohort.mrsinmrs import MRSINMRS_COLUMNS, build_mrsinmrs
from myomag.cohort.protocols import PROTOCOLS_COLUMNS
from myomag.cohort.repeatability import REPEATABILITY_COLUMNS, build_repeatability
from myomag.cohort.scans import Scans
from myomag.cohort.sensitivity import SENSITIVITY_COLUMNS, build_sensitivity
from myomag.cohort.statistics import STATISTICS_COLUMNS, build_statistics, included
from myomag.cohort.tables import build_exclusions
from myomag.settings.models import Settings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Analysis:
    """What the tables of a study are made from.

    Attributes
    ----------
    scans : Scans
        Results of all scans.
    cohort : DataFrame
        The table of the cohort: the results, joined with the tables of the study.
    joined : mapping
        Data dictionary of the columns that those tables add.
    protocols : mapping of str to Protocol
        How the scans were acquired.
    settings : Settings
        Sections `qc`, `fit`, `magnesium` and `cohort`.
    """

    scans: Scans
    cohort: "pd.DataFrame"
    joined: Dictionary
    protocols: Mapping[str, Protocol]
    settings: Settings

    @cached_property
    def sample(self) -> Sample:
        """The included scans."""
        return included(self.cohort, self.settings.cohort)

    @cached_property
    def flow(self) -> "pd.DataFrame":
        """Account of scans and participants."""
        return build_flow(build_exclusions(self.scans))

    @cached_property
    def units(self) -> Mapping[str, str]:
        """Units of the columns of the cohort, as far as they are known."""
        return units(TABLES["cohort"].dictionary(self))


@dataclass(frozen=True)
class Table:
    """A result table.

    Attributes
    ----------
    name : str
        Stem of its file and of its data dictionary.
    caption : str
        What it holds, in a line.
    key : tuple of str
        Columns that tell its rows apart.
    columns : mapping
        Data dictionary of its columns.
    build : callable or None
        What makes it of an analysis; None for a table of another step than `cohort`.
    joins : bool
        Whether the columns of the study's tables follow.
    """

    name: str
    caption: str
    key: tuple[str, ...]
    columns: Dictionary
    build: "Callable[[Analysis], pd.DataFrame] | None"
    joins: bool = field(default=False, kw_only=True)

    @property
    def file(self) -> str:
        """Name of its file."""
        return f"{self.name}.tsv"

    def dictionary(self, analysis: Analysis) -> Dictionary:
        """Data dictionary of the table of one study."""
        return {**self.columns, **(analysis.joined if self.joins else {})}


_TABLES = (
    Table(
        "cohort",
        "one row per scan: results joined with the participants, sessions and phenotype tables",
        ("scan",),
        fixed_entries(),
        lambda analysis: analysis.cohort,
        joins=True,
    ),
    Table(
        "exclusions",
        "every scan that entered, with its fate, step and reason",
        ("scan",),
        fixed_entries(EXCLUSION_COLUMNS),
        lambda analysis: build_exclusions(analysis.scans),
    ),
    Table(
        "flow",
        "scans and participants: entered, failed, excluded by reason, analysed",
        ("stage", "step", "reason"),
        described(FLOW_COLUMNS),
        lambda analysis: analysis.flow,
    ),
    Table(
        "statistics",
        "the regressions above, with all digits and covariates",
        ("model", "predictor"),
        described(STATISTICS_COLUMNS),
        lambda analysis: build_statistics(analysis.sample, analysis.settings.cohort, analysis.units),
    ),
    Table(
        "comparisons",
        "muscle against serum Mg as correlates of age and strength",
        ("outcome", "stratum", "first", "second"),
        described(COMPARISONS_COLUMNS),
        lambda analysis: build_comparisons(analysis.sample, analysis.settings.cohort),
    ),
    Table(
        "measurement_error",
        "the models corrected for the measurement error of each scan",
        ("model", "predictor", "method"),
        described(MEASUREMENT_ERROR_COLUMNS),
        lambda analysis: build_measurement_error(analysis.sample, analysis.settings.cohort),
    ),
    Table(
        "sensitivity",
        "the models again under other calibrations, quality thresholds and without outliers",
        ("model", "predictor", "mg_calibration", "ph_calibration", "verdicts", "max_p_undefined", "outliers"),
        described(SENSITIVITY_COLUMNS),
        lambda analysis: build_sensitivity(analysis.scans, analysis.cohort, analysis.settings.cohort),
    ),
    Table(
        "repeatability",
        "agreement of repeated scans",
        ("variable", "repeats"),
        described(REPEATABILITY_COLUMNS),
        lambda analysis: build_repeatability(analysis.sample, analysis.settings.cohort),
    ),
    Table(
        "longitudinal",
        "change over years within participants",
        ("variable", "term"),
        described(LONGITUDINAL_COLUMNS),
        lambda analysis: build_longitudinal(analysis.sample, analysis.settings.cohort),
    ),
    Table(
        "demographics",
        "the included participants by sex and age group",
        ("stratum", "age_group", "variable"),
        described(DEMOGRAPHICS_COLUMNS),
        lambda analysis: build_demographics(analysis.sample, analysis.settings.cohort),
    ),
    Table(
        "mrsinmrs",
        "reporting table of the MRS consensus, from headers and settings",
        ("protocol", "section", "item"),
        described(MRSINMRS_COLUMNS),
        lambda analysis: build_mrsinmrs(analysis.protocols, analysis.sample, analysis.settings),
    ),
    Table("protocols", "the acquisition protocols found", ("protocol",), described(PROTOCOLS_COLUMNS), None),
)
TABLES: Mapping[str, Table] = {table.name: table for table in _TABLES}
"""Every result table by name, in the order in which the report lists them."""
