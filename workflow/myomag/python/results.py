"""The results of a finished study."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from myomag.errors import LedgerError
from myomag.io.scan_records import Fit, read_scan_record
from myomag.python.lines import line_frame

if TYPE_CHECKING:
    import pandas as pd

    from myomag.audit.record import Derivative


def open_results(study: str | Path, output: str | Path | None = None) -> "Results":
    """Results of a study made by `myomag run`.

    Parameters
    ----------
    study : str or Path
        Study folder, or the folder of its results.
    output : str or Path, optional
        Folder of the results, if the run was given one.

    Raises
    ------
    SettingsError
        If there are no results.
    """
    from myomag.audit.record import open_derivative

    return Results(open_derivative(Path(study), Path(output) if output else None))


class Results:
    """Results of a study as data frames; each file is checked against its SHA-256 in the ledger when it is read.

    Made by `open_results`.
    """

    def __init__(self, derivative: "Derivative") -> None:
        self._derivative = derivative

    def __repr__(self) -> str:
        return f"<myomag results {self._derivative.root}>"

    @property
    def folder(self) -> Path:
        """Folder of the results."""
        return self._derivative.root

    @property
    def scans(self) -> "pd.DataFrame":
        """All scans: the columns of cohort.tsv except those from the study's tables."""
        from myomag.cohort.columns import FIXED_NAMES

        return self.cohort[list(FIXED_NAMES)].copy()

    @cached_property
    def lines(self) -> "pd.DataFrame":
        """Lines of all fits, one per row: the labels of the scan, then the columns of `Scan.lines`."""
        from myomag.audit.record import DERIVATIVE
        from myomag.ledger.rows import checked_path

        found = []
        with self._derivative.advice.in_errors():
            for ledger in self._derivative.of_step("fit"):
                # A group has the fits of its sites.
                root = self.folder / ledger.places.get(DERIVATIVE, "")
                for row in ledger.rows:
                    labels = {"participant_id": row.participant_id, "session_id": row.session_id, "scan": row.scan}
                    if file := row.outputs.get(Fit.role):
                        record = read_scan_record(checked_path(root, *file, ledger.step), Fit)
                        found += [(labels, line) for line in record.lines]
        return line_frame(found)

    @cached_property
    def cohort(self) -> "pd.DataFrame":
        """cohort.tsv: one row per scan, results and the study's tables; cohort.json has the units."""
        return self.table("cohort")

    @cached_property
    def statistics(self) -> "pd.DataFrame":
        """statistics.tsv: the models, one row per predictor."""
        return self.table("statistics")

    def table(self, name: str) -> "pd.DataFrame":
        """Any table of the results by its name, such as exclusions or repeatability.

        Raises
        ------
        LedgerError
            If there is none, or it has changed since it was written.
        """
        from myomag.audit.record import DERIVATIVE, File
        from myomag.io.tables import read_tsv
        from myomag.ledger.rows import checked_path

        path = f"{name.removesuffix('.tsv')}.tsv"
        with self._derivative.advice.in_errors():
            if (made := self._derivative.makers.get(File(DERIVATIVE, path))) is None:
                raise LedgerError(f"{path}: no such table in {self.folder}; check the folder, or run the study again.")
            ledger, row = made
            sha = next(sha for _, file, sha in ledger.outputs(row) if file.path == path)
            return read_tsv(checked_path(self.folder, path, sha, ledger.step))
