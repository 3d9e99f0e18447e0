"""One scan from raw data to pH and magnesium, without a study: the steps of the pipeline in sequence."""

import os
import shutil
import tempfile
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from myomag import pipeline
from myomag.cohort.columns import flat_result
from myomag.errors import ScanError, SettingsError
from myomag.io.files import not_fetched, to_fetch
from myomag.io.scan_records import Fit, Magnesium, Quality, R, read_scan_record
from myomag.io.series_records import SUMMARY, Series
from myomag.io.voxels import parsed_voxel, voxel_text
from myomag.ledger.results import ScanOutcome
from myomag.settings.models import Settings
from myomag.single.functions import run_step
from myomag.single.sources import Source, source_of
from myomag.study.names import entities

WRITERS = {file.role: step for step in pipeline.SCAN_STEPS for file in pipeline.BY_NAME[step].writes}
"""Step that writes the file of a role."""


@dataclass(frozen=True)
class SingleResult:
    """Result of one scan: the flat columns of cohort.tsv, and the outcome behind them."""

    flat: dict[str, Any]
    outcome: ScanOutcome

    def document(self) -> dict[str, Any]:
        """The flat columns, and the numbers of a series."""
        series = self.outcome.series
        return self.flat | ({"series": {name: getattr(series, name) for name in SUMMARY}} if series else {})


class ScanSteps:
    """The steps of one scan, each run when first needed; their files are removed with the object.

    Parameters
    ----------
    source : Source
        Files of the scan.
    settings : Settings
        Resolved settings.
    """

    def __init__(self, source: Source, settings: Settings) -> None:
        self.source, self.settings = source, settings
        self.files = dict(source.files)
        self._folder = Path(tempfile.mkdtemp(prefix="myomag-"))
        self._done: list[str] = []
        self._failed: tuple[str, ScanError] | None = None
        self.close = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def path(self, role: str) -> Path:
        """File of a role, after the steps up to the one that writes it.

        Raises
        ------
        ScanError
            If the scan cannot be processed that far.
        """
        self._do_until(WRITERS[role])
        return self.files[role]

    def record(self, model: type[R]) -> R:
        """Record of a role; see `path`."""
        return read_scan_record(self.path(model.role), model)

    def _do_until(self, last: str) -> None:
        for name in pipeline.SCAN_STEPS[len(self._done) : pipeline.SCAN_STEPS.index(last) + 1]:
            if self._failed:
                raise self._failed[1]
            try:
                if not self._done:
                    self._check_fetched()
                run_step(pipeline.BY_NAME[name], self.source.stem, self.files, self.settings, self._folder)
            except ScanError as error:
                told = ScanError(self.source.private.masked(str(error)))
                self._failed = name, told
                raise told from None
            self._done.append(name)

    def _check_fetched(self) -> None:
        """Give the command that fetches missing content relative to the user's folder; the steps know only names."""
        for path in self.source.files.values():
            if not_fetched(path):
                raise ScanError(f"{path.name}: {to_fetch(os.path.relpath(path))}")

    def result(self, bootstrap: int = 0) -> SingleResult:
        """Run all steps, or those up to the first that fails; the result then contains its reason.

        Parameters
        ----------
        bootstrap : int
            Number of averages of resampled transients to evaluate as well; 0 for none.

        Raises
        ------
        ScanError
            If a scan has too few transients to resample.
        """
        resampled: dict[str, Any] = {}
        outcome = self.outcome()
        if bootstrap and outcome.status == "ok":
            from myomag.single.bootstrap import bootstrap_sds

            resampled = bootstrap_sds(self.source.stem, self.files, self.settings, bootstrap)
        voxel = {"voxel": voxel_text(self.settings.convert.voxel)} if self.settings.convert.voxel else {}
        flat = flat_result(outcome, self.settings.cohort) | {"scan": self.source.shown}
        return SingleResult(flat | voxel | resampled, outcome)

    def outcome(self) -> ScanOutcome:
        """Outcome of the scan after all steps, and their results."""
        labels = entities(self.source.stem)
        outcome = ScanOutcome(
            f"sub-{labels['sub']}" if labels else None,
            f"ses-{labels['ses']}" if "ses" in labels else None,
            self.source.stem,
        )
        try:
            self._do_until(pipeline.SCAN_STEPS[-1])
        except ScanError as error:
            step = self._failed[0] if self._failed else None
            outcome = replace(outcome, status="failed", step=step, reason=" ".join(str(error).split()))
        known = self._known
        return replace(
            outcome, quality=known(Quality), fit=known(Fit), magnesium=known(Magnesium), series=known(Series)
        )

    def _known(self, model: type[R]) -> R | None:
        return read_scan_record(self.files[model.role], model) if model.role in self.files else None


def analyse_file(file: Path, settings: Settings, *, bootstrap: int = 0) -> SingleResult:
    """Convert, judge, fit and evaluate one file.

    A sidecar of the same name beside the file is used. A scan that cannot be processed gives a result with status
    failed and the reason.

    Parameters
    ----------
    file : Path
        Vendor or NIfTI-MRS file, or a folder with the files of one scan.
    settings : Settings
        Resolved settings.
    bootstrap : int
        Number of averages of resampled transients to evaluate as well; 0 for none.

    Raises
    ------
    SettingsError
        If there is no such file, or the folder contains several scans or none.
    """
    with ScanSteps(source_of(file), settings) as steps:
        return steps.result(bootstrap)


def with_voxel(settings: Settings, text: str) -> Settings:
    """Settings that take the voxel given by a text such as 3,4,1 from a grid.

    Raises
    ------
    SettingsError
        If it is not a voxel.
    """
    try:
        convert = settings.convert.model_copy(update={"voxel": parsed_voxel(text)})
    except ValueError as error:
        raise SettingsError(f"--voxel = {text}: {error}.") from error
    return settings.model_copy(update={"convert": convert})
