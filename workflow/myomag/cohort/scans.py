"""Results of all scans as one table, which everything in the cohort is computed from."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from myomag.cohort.categories import category
from myomag.cohort.columns import FIXED_COLUMNS, FIXED_NAMES, flat_result
from myomag.cohort.exclusions import decide
from myomag.cohort.kinds import differs
from myomag.cohort.plan import MG
from myomag.cohort.same_data import mark_same_data
from myomag.core.robust import Z95
from myomag.errors import StudyError
from myomag.io.scan_records import MgAnswer, PhAnswer
from myomag.ledger.results import ScanOutcome
from myomag.settings.cohort import CohortSettings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Scans:
    """Results of all scans, one row each, by participant, session and scan.

    Attributes
    ----------
    table : DataFrame
        The fixed columns of cohort.tsv, `step`, at which the scan was first objected to, and the `category` of that,
        `complete`, whether it was processed to the end and is of the kind that is analysed, and the `answer` of each
        calibration.
    calibrations : mapping of str to list of str
        Calibrations of mg and of ph that were compared with the one in use.
    """

    table: "pd.DataFrame"
    calibrations: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, outcomes: Iterable[ScanOutcome], settings: CohortSettings) -> "Scans":
        """Table of the scans; each is forgotten but for its row.

        Parameters
        ----------
        outcomes : iterable of ScanOutcome
            How each scan ended, and its records.
        settings : CohortSettings
            Who enters.

        Raises
        ------
        StudyError
            If a scan appears twice.
        """
        import pandas as pd

        rows = []
        mg, ph = dict[str, None](), dict[str, None]()
        for outcome in outcomes:
            rows.append(_row(outcome, settings))
            # The first one is that in use.
            mg |= dict.fromkeys(answer.calibration for answer in _mg_answers(outcome)[1:])
            ph |= dict.fromkeys(answer.calibration for answer in _ph_answers(outcome)[1:])
        rows.sort(key=lambda row: (row["participant_id"], row["session_id"] or "", row["scan"]))
        if not settings.allow_same_data:
            mark_same_data(rows)
        for first, second in itertools.pairwise(row["scan"] for row in rows):
            if first == second:
                raise StudyError(f"{first}: the scan appears twice; each scan may enter once.")
        names = (name for row in rows for name in row if name != "data")
        columns = dict.fromkeys([*FIXED_NAMES, "step", "category", "complete", *names])
        table = pd.DataFrame(rows, columns=list(columns), dtype=object)
        texts = {column.name for column in FIXED_COLUMNS if not column.numeric} | {"step", "category"}
        kinds = {name: "float64" for name in columns if name not in texts} | {"complete": "bool"}
        # Copied, as each column that changed its type is a block of its own, which is slow to add to.
        return cls(table.astype(kinds).copy(), {"mg": list(mg), "ph": list(ph)})

    def answer(self, name: str, calibration: str) -> "pd.Series[Any]":
        """Value of a column by another calibration, NaN for scans without."""
        return self.table[_answer(name, calibration)]


def _row(outcome: ScanOutcome, settings: CohortSettings) -> dict[str, Any]:
    row = flat_result(outcome, settings)
    row |= {"step": decide(outcome, settings).step, "category": category(outcome, settings)}
    done = outcome.status == "ok" and outcome.fit is not None and outcome.fit.converged
    row["complete"] = done and differs(outcome.scan, settings.kind) is None
    row["data"] = outcome.quality.fid_sha256 if outcome.quality else None
    for answer in _mg_answers(outcome):
        mg = answer.mg_mmol_l
        pmg = None if mg is None else 3 - math.log10(mg)
        values = {MG: mg, "mg_p_undefined": answer.mg_p_undefined, "pmg": pmg, "pmg_sd": _pmg_sd(answer)}
        row |= {_answer(name, answer.calibration): value for name, value in values.items()}
    return row | {_answer("ph", answer.calibration): answer.ph for answer in _ph_answers(outcome)}


def _answer(name: str, calibration: str) -> str:
    return f"{name} by {calibration}"


def _mg_answers(outcome: ScanOutcome) -> Sequence[MgAnswer]:
    return outcome.magnesium.mg_by_calibration if outcome.magnesium else ()


def _ph_answers(outcome: ScanOutcome) -> Sequence[PhAnswer]:
    return outcome.magnesium.ph_by_calibration if outcome.magnesium else ()


def _pmg_sd(answer: MgAnswer) -> float | None:
    """SD of pMg that the interval of Mg implies."""
    low, high = answer.mg_ci95_low_mmol_l, answer.mg_ci95_high_mmol_l
    return math.log10(high / low) / (2 * Z95) if low and high else None
