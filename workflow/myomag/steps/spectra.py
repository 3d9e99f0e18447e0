"""Averaged spectra of a study on one axis: mean and SD of each protocol, single scans, and those that fare worst."""

import heapq
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.io.files import sha256_bytes
from myomag.io.nifti_mrs import read_nifti_mrs
from myomag.io.scan_records import Fit
from myomag.ledger.results import ScanOutcome, ScanResult
from myomag.steps.curves import displayed_curves

Values = NDArray[np.float64]
LOW_PPM, HIGH_PPM, STEP_PPM = -20.0, 10.0, 0.05
PPM = np.round(np.arange(LOW_PPM, HIGH_PPM + STEP_PPM / 2, STEP_PPM), 2)
MOST_AVERAGED, MOST_DRAWN = 2000, 100
"""Scans that are read and, of these, kept singly: of a study of any size no more, as a spectrum takes 10 ms."""
WORST = 5
"""Scans kept for the largest residual, and as many for the lowest SNR."""
NEAR_PCR_PPM = 0.5
DECIMALS = 4


@dataclass
class _Sums:
    """Running mean and sum of squared deviations of the spectra of a protocol (Welford 1962)."""

    n: int = 0
    mean: Values = field(default_factory=lambda: np.zeros(PPM.size))
    squares: Values = field(default_factory=lambda: np.zeros(PPM.size))

    def add(self, data: Values) -> None:
        """Count one spectrum."""
        self.n += 1
        before = data - self.mean
        self.mean = self.mean + before / self.n
        self.squares = self.squares + before * (data - self.mean)


@dataclass(frozen=True)
class _Scan:
    """A scan that may be shown."""

    result: ScanResult
    name: str
    protocol: str

    def spectrum(self) -> tuple[Values, Values] | None:
        """Data and fit on the common axis, PCr = 1; None where the fit has no PCr."""
        path, fit = self.result.path("preproc"), self.result.record(Fit)
        if path is None or fit is None:
            return None
        found = read_nifti_mrs(path)
        sampling = found.dwell_time_s, found.spectrometer_frequency_mhz
        curves = displayed_curves(found.fid[:, 0, 0], *sampling, fit, range_ppm=(LOW_PPM, HIGH_PPM))
        height = float(curves.fit[np.abs(curves.ppm) < NEAR_PCR_PPM].max(initial=0.0))
        if height <= 0:
            return None
        data, model = (np.interp(PPM, curves.ppm, each / height, 0, 0) for each in (curves.data, curves.fit))
        return data, model

    def record(self, why: str) -> dict[str, Any] | None:
        """The scan as the file names it."""
        if (found := self.spectrum()) is None:
            return None
        head = {"scan": self.name, "protocol": self.protocol, "why": why}
        return head | {"data": _rounded(found[0]), "fit": _rounded(found[1])}


class GroupSpectra:
    """Spectra of a study, chosen as its scans pass by: what is read and kept does not grow with it.

    Of the included scans, those whose names have the smallest SHA-256 are taken: a choice that knows nothing of what
    they look like, and stays the same in whatever order they come.
    """

    def __init__(self) -> None:
        self._chosen: list[tuple[int, _Scan]] = []
        self._residual: list[tuple[float, str, _Scan]] = []
        self._snr: list[tuple[float, str, _Scan]] = []

    def add(self, result: ScanResult, outcome: ScanOutcome, *, entering: bool) -> None:
        """Take note of one scan, which may enter the statistics; one without a fit has no phase to be shown in."""
        if outcome.fit is None or outcome.quality is None:
            return
        scan = _Scan(result, outcome.scan, outcome.protocol or "")
        if entering:
            _keep(self._chosen, (-int(sha256_bytes(scan.name.encode()), 16), scan), MOST_AVERAGED)
        residual, snr = outcome.fit.residual_over_noise, outcome.quality.pcr_snr
        if residual is not None:
            _keep(self._residual, (residual, scan.name, scan), WORST)
        if snr is not None:
            # Twice as many, as some may be among those with a large residual.
            _keep(self._snr, (-snr, scan.name, scan), 2 * WORST)

    def content(self, included: Collection[str]) -> dict[str, Any]:
        """Content of spectra.json, given the names of the scans that entered the statistics in the end."""
        chosen = [scan for _, scan in sorted(self._chosen, key=lambda each: -each[0]) if scan.name in included]
        drawn = sorted(chosen[:MOST_DRAWN], key=lambda scan: scan.name)
        means = self._means(chosen)
        return {
            "unit": "height of PCr in the fit of the scan",
            "included": len(included),
            "ppm": [float(value) for value in PPM],
            "protocols": [
                {"protocol": name, "scans": sums.n, "mean": _rounded(sums.mean), "sd": _rounded(_sd(sums))}
                for name, sums in sorted(means.items())
            ],
            "scans": [record for scan in drawn if (record := scan.record("drawn"))],
            "worst": list(self._worst()),
        }

    def _means(self, chosen: Iterable[_Scan]) -> dict[str, _Sums]:
        found: dict[str, _Sums] = {}
        for scan in chosen:
            if (spectrum := scan.spectrum()) is not None:
                found.setdefault(scan.protocol, _Sums()).add(spectrum[0])
        return found

    def _worst(self) -> Iterator[dict[str, Any]]:
        residual = [scan for _, _, scan in sorted(self._residual, key=lambda kept: (-kept[0], kept[1]))]
        shown = {scan.name for scan in residual}
        snr = [s for _, _, s in sorted(self._snr, key=lambda kept: (-kept[0], kept[1])) if s.name not in shown]
        for scan, why in [*((scan, "residual") for scan in residual), *((scan, "snr") for scan in snr[:WORST])]:
            if record := scan.record(why):
                yield record


def _keep(heap: list[Any], item: tuple[Any, ...], most: int) -> None:
    """Add an item to a heap of the `most` largest."""
    if len(heap) < most:
        heapq.heappush(heap, item)
    else:
        heapq.heappushpop(heap, item)


def _sd(sums: _Sums) -> Values:
    """SD between scans; of a single one there is none, which is drawn as no width."""
    return np.sqrt(sums.squares / max(sums.n - 1, 1))


def _rounded(values: Values) -> list[float]:
    return [float(value) for value in np.round(values, DECIMALS) + 0.0]
