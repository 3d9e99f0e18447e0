"""`import myomag`: one scan step by step, and the results of a study as data frames.

The numbers are those of `myomag scan` and `myomag run`: the same steps, the same settings, the same tables.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myomag.errors import LedgerError, MyomagError
from myomag.io.nifti_mrs import MrsData, read_nifti_mrs
from myomag.io.scan_records import Fit, FitLine, Magnesium, Measures, Quality, read_scan_record

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from myomag.audit.record import Derivative
    from myomag.single.sources import Source

Layer = tuple[str, Mapping[str, Any] | Path]
NUMBERS_OF_LINE = tuple(
    name for name, field in FitLine.model_fields.items() if field.annotation in (float, float | None)
)
"""Fields of a line that are one number."""


def read(
    path: str | Path,
    settings: Mapping[str, Any] | str | Path | None = None,
    *,
    voxel: Sequence[int] | None = None,
) -> "Scan":
    """Read a scan of any format that `myomag scan` takes.

    Parameters
    ----------
    path : str or Path
        Vendor or NIfTI-MRS file, or a folder with the files of one scan. A sidecar of the same name is used.
    settings : mapping, str or Path, optional
        What differs from the defaults: as in myomag.yaml, or such a file.
    voxel : sequence of int, optional
        Column, row and slice, counted from 1, of the voxel to take from a grid.

    Raises
    ------
    SettingsError
        If there is no such file, the folder holds several scans, or a setting is wrong.
    ScanError
        If the scan cannot be read.
    """
    from myomag.single.sources import source_of

    layers: list[Layer] = []
    if isinstance(settings, str | Path):
        layers.append((Path(settings).name, Path(settings)))
    elif settings:
        layers.append(("settings", settings))
    if voxel is not None:
        layers.append(("voxel", {"convert": {"voxel": list(voxel)}}))
    root = Path(settings).parent if isinstance(settings, str | Path) else None
    scan = Scan(source_of(Path(path).expanduser()), layers, root)
    _ = scan.transients
    return scan


class Scan:
    """One scan; each step is done once, when something that rests on it is asked for. Made by `read`.

    A property raises ScanError where the scan cannot be processed so far; `to_frame` gives the reason in its row.
    """

    def __init__(self, source: "Source", layers: Sequence[Layer], root: Path | None) -> None:
        from myomag.settings.load import load_layers
        from myomag.single.scan import ScanSteps

        self._source, self._layers, self._root = source, layers, root
        self._steps = ScanSteps(source, load_layers(layers, root=root))

    def __repr__(self) -> str:
        return f"<myomag scan {self.name}>"

    @property
    def name(self) -> str:
        """Name of the scan."""
        return self._source.shown

    def average(self) -> "Scan":
        """Combine coils, align and average the transients; see `averaged` and `measures`."""
        self._steps.path("preproc")
        return self

    def fit(self, prior: str | Path | None = None) -> "Scan":
        """Fit the average by AMARES; see `fitted`, `lines` and `quality`.

        Parameters
        ----------
        prior : str or Path, optional
            Prior knowledge: a name of config/prior_knowledge, or a YAML or pyAMARES CSV file; None: as the settings
            say.

        Returns
        -------
        Scan
            This scan, or one like it with that prior knowledge.
        """
        scan = self
        if prior is not None:
            layer = ("prior", {"fit": {"prior_knowledge": str(prior)}})
            scan = Scan(self._source, [*self._layers, layer], self._root or Path.cwd())
        scan._steps.path("quality")
        return scan

    def magnesium(self) -> Magnesium:
        """pH, free Mg, shifts, ratios and energetics, with their uncertainties; docs/records.md has fields and units."""
        return self._steps.record(Magnesium)

    @cached_property
    def transients(self) -> MrsData:
        """Scan as it was read: `fid`, shape (points, transients, coils), and how it was sampled."""
        return read_nifti_mrs(self._steps.path("fid"))

    @cached_property
    def averaged(self) -> MrsData:
        """Average of the aligned transients: `fid`, shape (points, 1, 1), PCr at 0 Hz."""
        return read_nifti_mrs(self._steps.path("preproc"))

    @cached_property
    def measures(self) -> Measures:
        """SNR, line width, drift and transients as measured on the average."""
        return self._steps.record(Measures)

    @cached_property
    def fitted(self) -> Fit:
        """Fit with its covariance."""
        return self._steps.record(Fit)

    @cached_property
    def quality(self) -> Quality:
        """Verdict on spectrum and fit, with its reasons."""
        return self._steps.record(Quality)

    @property
    def lines(self) -> "pd.DataFrame":
        """Lines of the fit, one per row: amplitudes [units of the FID], shifts [ppm], widths [Hz], each with its SD."""
        return _line_frame([({}, line) for line in self.fitted.lines])

    def spectrum(self) -> "pd.DataFrame":
        """Real part of the phased spectrum over `ppm`: `data`, and after a fit `fit`, `residual` and each line."""
        import pandas as pd

        from myomag.single.view import curves_of

        self.average()
        curves = curves_of(self._steps, self._steps.result())
        if curves is None:  # `average` raised before
            raise ValueError("a scan that was averaged has a spectrum")
        columns = {"ppm": curves.ppm, "data": curves.data}
        if curves.components:
            columns |= {"fit": curves.fit, "residual": curves.data - curves.fit}
        return pd.DataFrame(columns | {part.name: part.values for part in curves.components})

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw data, fit, lines and, below them, the residual over the shift from PCr [ppm].

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.

        Raises
        ------
        MyomagError
            If matplotlib is not installed.
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise MyomagError("plot() needs matplotlib, which is not installed: pip install 'myomag[plot]'.") from error
        curves = self.spectrum()
        axes = plt.subplots(figsize=(9, 4.5), layout="constrained")[1] if ax is None else ax
        axes.plot(curves["ppm"], curves["data"], color="0.6", linewidth=1, label="data")
        if "fit" in curves:
            for line in curves.columns[4:]:
                axes.fill_between(curves["ppm"], curves[line], alpha=0.3, linewidth=0)
            axes.plot(curves["ppm"], curves["fit"], color="tab:blue", linewidth=1, label="fit")
            below = 1.2 * curves["residual"].abs().max()
            axes.plot(curves["ppm"], curves["residual"] - below, color="0.3", linewidth=0.8, label="residual")
        axes.set(xlabel="shift from PCr (ppm)", yticks=[], title=self.name)
        axes.set_xlim(curves["ppm"].max(), curves["ppm"].min())
        axes.legend(frameon=False)
        return axes

    def to_frame(self) -> "pd.DataFrame":
        """The row that the scan has in cohort.tsv; a scan that fails has status failed and the reason."""
        import pandas as pd

        return pd.DataFrame([self._steps.result().flat])


def open_results(study: str | Path, output: str | Path | None = None) -> "Results":
    """Results of a study that `myomag run` has made.

    Parameters
    ----------
    study : str or Path
        Study folder, or the folder of its results.
    output : str or Path, optional
        Folder of the results, where the run was given one.

    Raises
    ------
    SettingsError
        If there are no results.
    """
    from myomag.audit.record import open_derivative

    return Results(open_derivative(Path(study), Path(output) if output else None))


class Results:
    """Results of a study as data frames; each file is compared with its SHA-256 in the ledger as it is read.

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
        """Every scan: the columns of cohort.tsv without those of the study's tables."""
        from myomag.cohort.columns import FIXED_NAMES

        return self.cohort[list(FIXED_NAMES)].copy()

    @cached_property
    def lines(self) -> "pd.DataFrame":
        """Lines of all fits, one per row; columns as in `Scan.lines`, behind the labels of the scan."""
        from myomag.ledger.rows import checked_path

        found = []
        with self._derivative.advice.in_errors():
            for ledger in self._derivative.of_step("fit"):
                for row in ledger.rows:
                    labels = {"participant_id": row.participant_id, "session_id": row.session_id, "scan": row.scan}
                    if file := row.outputs.get(Fit.role):
                        record = read_scan_record(checked_path(self.folder, *file, ledger.step), Fit)
                        found += [(labels, line) for line in record.lines]
        return _line_frame(found)

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
            If there is none, or it was changed since it was written.
        """
        from myomag.audit.record import DERIVATIVE, File
        from myomag.io.tables import read_tsv
        from myomag.ledger.rows import checked_path

        path = f"{name.removesuffix('.tsv')}.tsv"
        with self._derivative.advice.in_errors():
            if (made := self._derivative.makers.get(File(DERIVATIVE, path))) is None:
                raise LedgerError(f"{path}: no such table in {self.folder}; see its folder, or run the study again.")
            ledger, row = made
            sha = next(sha for _, file, sha in ledger.outputs(row) if file.path == path)
            return read_tsv(checked_path(self.folder, path, sha, ledger.step))


def _line_frame(found: Sequence[tuple[Mapping[str, str], FitLine]]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        [
            {**labels, "line": line.name, **{name: getattr(line, name) for name in NUMBERS_OF_LINE}}
            for labels, line in found
        ]
    )
