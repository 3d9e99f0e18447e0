"""One scan, step by step."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myomag.errors import MyomagError
from myomag.io.nifti_mrs import MrsData, read_nifti_mrs
from myomag.io.scan_records import Fit, Magnesium, Measures, Quality
from myomag.python.lines import line_frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from myomag.settings.models import Settings
    from myomag.single.sources import Source


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
        Settings that differ from the defaults: a mapping as in myomag.yaml, such as ``{"magnesium": {"ph_calibration":
        "petroff1985"}}``, or a file like it.
    voxel : sequence of int, optional
        Column, row and slice, counted from 1, of the voxel to take from a grid.

    Raises
    ------
    SettingsError
        If there is no such file, the folder contains several scans, or a setting is wrong.
    ScanError
        If the scan cannot be read.
    """
    from myomag.settings.load import load_settings, parse_settings
    from myomag.single.scan import with_voxel
    from myomag.single.sources import source_of

    if isinstance(settings, str | Path):
        loaded = load_settings(Path(settings), root=Path(settings).parent)
    else:
        loaded = parse_settings(settings or {})
    if voxel is not None:
        loaded = with_voxel(loaded, ",".join(map(str, voxel)))
    scan = Scan(source_of(Path(path).expanduser()), loaded)
    _ = scan.transients
    return scan


class Scan:
    """One scan, made by `read`; each step runs once, when a result first needs it.

    A property raises ScanError if the scan cannot be processed that far; `to_frame` gives the reason in its row.
    """

    def __init__(self, source: "Source", settings: "Settings") -> None:
        from myomag.single.scan import ScanSteps

        self._source, self._settings = source, settings
        self._steps = ScanSteps(source, settings)

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
            Prior knowledge: a name in config/prior_knowledge, or a YAML or pyAMARES CSV file; None: as in the settings.

        Returns
        -------
        Scan
            This scan, or a copy with that prior knowledge.
        """
        scan = self if prior is None else Scan(self._source, _with_prior(self._settings, prior))
        scan._steps.path("quality")
        return scan

    def magnesium(self) -> Magnesium:
        """pH, free Mg, shifts, ratios and energetics, with their uncertainties and reasons (record Magnesium).

        Shifts are relative to the fitted PCr line [ppm]; the units of all fields are in docs/records.md.
        """
        return self._steps.record(Magnesium)

    @cached_property
    def transients(self) -> MrsData:
        """Scan as read: `fid`, shape (points, transients, coils), `dwell_time_s`, `spectrometer_frequency_mhz`."""
        return read_nifti_mrs(self._steps.path("fid"))

    @cached_property
    def averaged(self) -> MrsData:
        """Average of the aligned transients, in the same form: `fid`, shape (points, 1, 1), PCr at 0 Hz."""
        return read_nifti_mrs(self._steps.path("preproc"))

    @cached_property
    def measures(self) -> Measures:
        """SNR, line width, drift and transients as measured on the average (record Measures)."""
        return self._steps.record(Measures)

    @cached_property
    def fitted(self) -> Fit:
        """Fit and its covariance (record Fit)."""
        return self._steps.record(Fit)

    @cached_property
    def quality(self) -> Quality:
        """Verdict on spectrum and fit, with reasons (record Quality)."""
        return self._steps.record(Quality)

    @property
    def lines(self) -> "pd.DataFrame":
        """Fitted lines, one per row: amplitudes [units of the FID], shifts [ppm], widths [Hz], each with its SD.

        Shifts are relative to the carrier, where PCr was placed. The SD of an amplitude is the Cramér–Rao bound,
        increased if the residual is not white (`fitted.sd_raised_by`).
        """
        return line_frame([({}, line) for line in self.fitted.lines])

    def spectrum(self) -> "pd.DataFrame":
        """Real part of the phased spectrum against `ppm`: `data`, and after a fit `fit`, `residual` and each line.

        All have the same phase, in units of the FID times samples.
        """
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
        """Plot data, fit, lines and, below them, the residual against the shift from PCr [ppm].

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to plot; a new figure if not given.

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
        """Row of the scan in cohort.tsv (units in cohort.json); a failed scan has the reason in its row."""
        import pandas as pd

        return pd.DataFrame([self._steps.result().flat])


def _with_prior(settings: "Settings", prior: str | Path) -> "Settings":
    """Settings with other prior knowledge: shipped, or from a file anywhere."""
    from myomag.settings.load import parse_settings

    file = Path(prior).expanduser()
    name, root = (file.name, file.parent.resolve()) if file.is_file() else (str(prior), None)
    known = parse_settings({"fit": {"prior_knowledge": name}}, label="prior", root=root).fit.prior_knowledge
    return settings.model_copy(update={"fit": settings.fit.model_copy(update={"prior_knowledge": known})})
