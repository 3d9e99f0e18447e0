"""Results of all scans as one table, which everything in the cohort is computed from."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from myomag.cohort.columns import FIXED_COLUMNS, FIXED_NAMES, flat_result
from myomag.cohort.exclusions import decide
from myomag.cohort.plan import MG
from myomag.cohort.regression import Z95
from myomag.errors import StudyError
from myomag.settings.cohort import CohortSettings

if TYPE_CHECKING:
    import pandas as pd

QUANTITIES = ("mg", "ph")


@dataclass(frozen=True)
class Scans:
    """Results of all scans, one row each, by participant, session and scan.

    Attributes
    ----------
    table : DataFrame
        The fixed columns of cohort.tsv, `step`, at which the scan was first objected to, `complete`, whether it was
        processed to the end, and the `answer` of each calibration.
    calibrations : mapping of str to list of str
        Calibrations of mg and of ph that were compared with the one in use.
    """

    table: "pd.DataFrame"
    calibrations: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, summaries: Iterable[Mapping[str, Any]], settings: CohortSettings) -> "Scans":
        """Table of the scans; each is forgotten but for its row.

        Parameters
        ----------
        summaries : iterable of mapping
            One per scan, see `columns.flat_result`.
        settings : CohortSettings
            Who enters.

        Raises
        ------
        StudyError
            If a scan appears twice.
        """
        import pandas as pd

        rows, compared = [], {quantity: dict[str, None]() for quantity in QUANTITIES}
        for summary in summaries:
            rows.append(_row(summary, settings))
            for quantity in QUANTITIES:
                compared[quantity] |= dict.fromkeys(name for name, _ in _answers(summary, quantity)[1:])
        rows.sort(key=lambda row: (row["participant_id"], row["session_id"] or "", row["scan"]))
        for first, second in itertools.pairwise(row["scan"] for row in rows):
            if first == second:
                raise StudyError(f"{first}: the scan appears twice; each scan may enter once.")
        columns = dict.fromkeys([*FIXED_NAMES, "step", "complete", *(name for row in rows for name in row)])
        table = pd.DataFrame(rows, columns=list(columns), dtype=object)
        texts = {column.name for column in FIXED_COLUMNS if not column.numeric} | {"step"}
        kinds = {name: "float64" for name in columns if name not in texts} | {"complete": "bool"}
        return cls(table.astype(kinds), {quantity: list(names) for quantity, names in compared.items()})

    def answer(self, name: str, calibration: str) -> "pd.Series[Any]":
        """Value of a column by another calibration, NaN for scans without."""
        return self.table[_answer(name, calibration)]


def _row(summary: Mapping[str, Any], settings: CohortSettings) -> dict[str, Any]:
    fit = summary["fit"]
    row = flat_result(summary, settings) | {"step": decide(summary, settings).step}
    row["complete"] = summary["status"] == "ok" and fit is not None and bool(fit["converged"])
    for calibration, entry in _answers(summary, "mg"):
        mg = entry[MG]
        values = {
            MG: mg,
            "mg_p_undefined": entry.get("mg_p_undefined"),
            "pmg": None if mg is None else 3 - math.log10(mg),
            "pmg_sd": _pmg_sd(entry),
        }
        row |= {_answer(name, calibration): value for name, value in values.items()}
    return row | {_answer("ph", calibration): entry["ph"] for calibration, entry in _answers(summary, "ph")}


def _answer(name: str, calibration: str) -> str:
    return f"{name} by {calibration}"


def _answers(summary: Mapping[str, Any], quantity: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Calibrations and their answers, that of the calibration in use first."""
    entries = (summary["magnesium"] or {}).get(f"{quantity}_by_calibration") or ()
    return [(entry["calibration"], entry) for entry in entries]


def _pmg_sd(entry: Mapping[str, Any]) -> float | None:
    """SD of pMg that the interval of Mg implies."""
    low, high = (entry.get(f"mg_ci95_{end}_mmol_l") for end in ("low", "high"))
    return math.log10(high / low) / (2 * Z95) if low and high else None
