"""Tables of series: one row per scan and repetition, and one per bout of exercise."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from myomag.io.series_records import Bout, Course, Series

if TYPE_CHECKING:
    import pandas as pd

COURSE = (
    *("time_s", "phase", "pcr", "pcr_sd", "pi", "pi_sd", "ph", "ph_sd"),
    *("mg_mmol_l", "mg_ci95_low_mmol_l", "mg_ci95_high_mmol_l", "atp", "atp_sd", "spoiled"),
    *("pi_acid", "pi_acid_sd", "ph_acid", "ph_acid_sd", "ph_neutral", "ph_neutral_sd"),
    *("pi_pcr_ratio", "pi_pcr_ratio_sd", "adp_umol_l", "adp_sd_umol_l"),
)
SERIES_COLUMNS = {
    "scan": "Scan: the BIDS file stem with its suffix.",
    "repetition": "Repetition of the series, counted from 0.",
    **{name: str(Course.model_fields[name].description) for name in COURSE},
}
"""Columns of series.tsv and what they contain."""
BOUT = tuple(Bout.model_fields)
KINETICS_COLUMNS = {
    "scan": "Scan: the BIDS file stem with its suffix.",
    "bout": "Bout of exercise in the scan, counted from 1.",
    **{name: str(Bout.model_fields[name].description) for name in BOUT},
}
"""Columns of kinetics.tsv and what they contain."""


def build_series(series: Sequence[Series]) -> "pd.DataFrame":
    """Build series.tsv."""
    import pandas as pd

    return pd.DataFrame(_repetitions(series), columns=list(SERIES_COLUMNS))


def build_kinetics(series: Sequence[Series]) -> "pd.DataFrame":
    """Build kinetics.tsv."""
    import pandas as pd

    rows = [
        {"scan": each.scan, "bout": number, **{name: getattr(bout, name) for name in BOUT}}
        for each in series
        for number, bout in enumerate(each.bouts, start=1)
    ]
    return pd.DataFrame(rows, columns=list(KINETICS_COLUMNS))


def _repetitions(series: Sequence[Series]) -> Iterator[dict[str, Any]]:
    for each in series:
        columns = {name: getattr(each.course, name) for name in COURSE}
        for k in range(each.repetitions):
            yield {"scan": each.scan, "repetition": k} | {name: values[k] for name, values in columns.items()}
