"""The result tables, each once: files, data dictionaries and what pairs the rows of two results follow from here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from myomag.cohort.acquisitions import Protocol
from myomag.cohort.comparisons import COMPARISONS_COLUMNS, build_comparisons
from myomag.cohort.controls import CONTROLS_COLUMNS, build_controls
from myomag.cohort.demographics import DEMOGRAPHICS_COLUMNS, build_demographics
from myomag.cohort.dictionaries import Dictionary, described, fixed_entries, units
from myomag.cohort.error_table import MEASUREMENT_ERROR_COLUMNS, build_measurement_error
from myomag.cohort.exclusions import EXCLUSION_COLUMNS
from myomag.cohort.flow import FLOW_COLUMNS, build_flow
from myomag.cohort.kinds import KIND_COLUMN
from myomag.cohort.longitudinal_table import LONGITUDINAL_COLUMNS, build_longitudinal
from myomag.cohort.mrsinmrs import MRSINMRS_COLUMNS, build_mrsinmrs
from myomag.cohort.protocols import PROTOCOLS_COLUMNS
from myomag.cohort.raters import RATERS_COLUMNS, build_raters
from myomag.cohort.readings import ReadTables
from myomag.cohort.repeatability import REPEATABILITY_COLUMNS, build_repeatability
from myomag.cohort.sample import Sample
from myomag.cohort.scans import Scans
from myomag.cohort.sensitivity import SENSITIVITY_COLUMNS, build_sensitivity
from myomag.cohort.series_tables import KINETICS_COLUMNS, SERIES_COLUMNS, build_kinetics, build_series
from myomag.cohort.statistics import STATISTICS_COLUMNS, build_statistics, included, samples_of_kinds
from myomag.cohort.tables import build_exclusions
from myomag.cohort.variables import VARIABLES_COLUMNS, build_variables
from myomag.io.series_records import Series
from myomag.settings.models import Settings
from myomag.study.ratings import Ratings

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
    read : ReadTables
        How the used columns of those tables were read.
    series : sequence of Series
        Records of the scans that are series.
    ratings : Ratings
        Ratings of scans by people.
    """

    scans: Scans
    cohort: "pd.DataFrame"
    joined: Dictionary
    protocols: Mapping[str, Protocol]
    settings: Settings
    read: ReadTables = field(default_factory=ReadTables)
    series: Sequence[Series] = ()
    ratings: Ratings = field(default_factory=dict)

    @cached_property
    def sample(self) -> Sample:
        """The included scans."""
        return included(self.cohort, self.settings.cohort, self.read.notes)

    @cached_property
    def samples(self) -> Mapping[str, Sample]:
        """The included scans of each kind, the kind with most participants first."""
        return samples_of_kinds(self.sample)

    def of_each_kind(self, build: "Callable[[Sample], pd.DataFrame]") -> "pd.DataFrame":
        """Rows of a table that is made of the scans of one kind, for each kind."""
        import pandas as pd

        tables = [build(sample).assign(kind=kind) for kind, sample in self.samples.items()]
        # As objects: a column of numbers may have none in the table of another kind.
        return tables[0] if len(tables) == 1 else pd.concat([table.astype(object) for table in tables])

    @cached_property
    def flow(self) -> "pd.DataFrame":
        """Account of scans and participants."""
        return build_flow(build_exclusions(self.scans))

    @cached_property
    def units(self) -> Mapping[str, str]:
        """Units of the columns of the cohort, as far as they are known."""
        return units(self.dictionary("cohort"))

    def dictionary(self, name: str) -> Dictionary:
        """Data dictionary of a table."""
        return {**TABLES[name].columns, **(self.joined if name == "cohort" else {})}


@dataclass(frozen=True)
class Table:
    """A result table; what it holds is said in the plan.

    Attributes
    ----------
    name : str
        Stem of its file and of its data dictionary.
    key : tuple of str
        Columns that tell its rows apart.
    columns : mapping
        Data dictionary of its columns; those of the study's tables follow in cohort.tsv.
    build : callable or None
        What makes it; None for a table of another step than `cohort`.
    """

    name: str
    key: tuple[str, ...]
    columns: Dictionary
    build: "Callable[[Analysis], pd.DataFrame] | None"

    @property
    def file(self) -> str:
        """Name of its file."""
        return f"{self.name}.tsv"


def _by_sample(name: str, key: str, columns: Mapping[str, str], build: "Callable[[Sample], pd.DataFrame]") -> Table:
    """Table that is made of the included scans alone, of each kind by itself."""
    entries = described({**columns, "kind": KIND_COLUMN})
    return Table(name, (*key.split(), "kind"), entries, lambda study: study.of_each_kind(build))


_TABLES = (
    Table("cohort", ("scan",), fixed_entries(), lambda study: study.cohort),
    Table("exclusions", ("scan",), fixed_entries(EXCLUSION_COLUMNS), lambda study: build_exclusions(study.scans)),
    Table("flow", ("stage", "step", "category", "reason"), described(FLOW_COLUMNS), lambda study: study.flow),
    Table(
        "raters",
        ("raters",),
        described(RATERS_COLUMNS),
        lambda study: build_raters(study.ratings, list(study.scans.table["scan"])),
    ),
    Table(
        "statistics",
        ("model", "predictor", "kind"),
        described({**STATISTICS_COLUMNS, "kind": KIND_COLUMN}),
        lambda study: study.of_each_kind(lambda sample: build_statistics(sample, study.units)),
    ),
    _by_sample("comparisons", "outcome stratum first second", COMPARISONS_COLUMNS, build_comparisons),
    _by_sample("controls", "control model predictor", CONTROLS_COLUMNS, build_controls),
    _by_sample("measurement_error", "model predictor method", MEASUREMENT_ERROR_COLUMNS, build_measurement_error),
    Table(
        "sensitivity",
        ("model", "predictor", "mg_calibration", "ph_calibration", "verdicts", "max_p_undefined", "outliers", "kind"),
        described({**SENSITIVITY_COLUMNS, "kind": KIND_COLUMN}),
        lambda study: build_sensitivity(study.scans, study.cohort, study.settings.cohort),
    ),
    _by_sample("repeatability", "variable repeats", REPEATABILITY_COLUMNS, build_repeatability),
    _by_sample("longitudinal", "variable term", LONGITUDINAL_COLUMNS, build_longitudinal),
    _by_sample("demographics", "stratum age_group variable", DEMOGRAPHICS_COLUMNS, build_demographics),
    Table(
        "mrsinmrs",
        ("protocol", "section", "item"),
        described(MRSINMRS_COLUMNS),
        lambda study: build_mrsinmrs(study.protocols, study.samples, study.settings),
    ),
    Table(
        "variables",
        ("column",),
        described(VARIABLES_COLUMNS),
        lambda study: build_variables(study.cohort, study.read, study.settings.cohort),
    ),
    Table("series", ("scan", "repetition"), described(SERIES_COLUMNS), lambda study: build_series(study.series)),
    Table("kinetics", ("scan", "bout"), described(KINETICS_COLUMNS), lambda study: build_kinetics(study.series)),
    Table("protocols", ("protocol",), described(PROTOCOLS_COLUMNS), None),
)
TABLES: Mapping[str, Table] = {table.name: table for table in _TABLES}
"""Every result table by name."""
