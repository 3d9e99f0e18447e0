"""Averaged spectra of a study on one axis: mean and SD of each protocol, single scans, and those that fare worst."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.io.files import sha256_bytes
from myomag.io.nifti_mrs import read_nifti_mrs
from myomag.ledger.results import ScanOutcome, ScanResult
from myomag.report.curves import displayed_curves

Values = NDArray[np.float64]
LOW_PPM, HIGH_PPM, STEP_PPM = -20.0, 10.0, 0.05
PPM = np.round(np.arange(LOW_PPM, HIGH_PPM + STEP_PPM / 2, STEP_PPM), 2)
MOST_DRAWN = 100
"""Single scans that are kept, whatever the size of the study."""
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
    """Spectrum and fit of one scan, PCr = 1."""

    scan: str
    protocol: str
    included: bool
    data: Values
    fit: Values

    def record(self, why: str) -> dict[str, Any]:
        """The scan as the file names it."""
        head = {"scan": self.scan, "protocol": self.protocol, "included": self.included, "why": why}
        return head | {"data": _rounded(self.data), "fit": _rounded(self.fit)}


class GroupSpectra:
    """Spectra gathered scan by scan: what is kept does not grow with the study.

    Of the included scans, those whose names have the smallest SHA-256 are kept: a choice that knows nothing of what
    they look like, and stays the same in whatever order they come.
    """

    def __init__(self) -> None:
        self._sums: dict[str, _Sums] = {}
        self._drawn: list[tuple[int, _Scan]] = []
        self._residual: list[tuple[float, str, _Scan]] = []
        self._snr: list[tuple[float, str, _Scan]] = []

    def add(self, result: ScanResult, outcome: ScanOutcome, *, included: bool) -> None:
        """Count one scan; one without a fit has no phase to show it in, and is left out."""
        path = result.path("preproc")
        if path is None or outcome.fit is None or outcome.quality is None:
            return
        found = read_nifti_mrs(path)
        curves = displayed_curves(
            found.fid[:, 0, 0],
            found.dwell_time_s,
            found.spectrometer_frequency_mhz,
            outcome.fit,
            range_ppm=(LOW_PPM, HIGH_PPM),
        )
        height = float(curves.fit[np.abs(curves.ppm) < NEAR_PCR_PPM].max(initial=0.0))
        if height <= 0:
            return
        data, fit = (np.interp(PPM, curves.ppm, each / height, 0, 0) for each in (curves.data, curves.fit))
        scan = _Scan(outcome.scan, outcome.protocol or "", included, data, fit)
        if included:
            self._sums.setdefault(scan.protocol, _Sums()).add(data)
            _keep(self._drawn, (-int(sha256_bytes(scan.scan.encode()), 16), scan), MOST_DRAWN)
        residual, snr = outcome.fit.residual_over_noise, outcome.quality.pcr_snr
        if residual is not None:
            _keep(self._residual, (residual, scan.scan, scan), WORST)
        if snr is not None:
            # Twice as many, as some may be among those with a large residual.
            _keep(self._snr, (-snr, scan.scan, scan), 2 * WORST)

    def content(self) -> dict[str, Any]:
        """Content of spectra.json."""
        return {
            "unit": "height of PCr in the fit of the scan",
            "ppm": [float(value) for value in PPM],
            "protocols": [
                {"protocol": name, "scans": sums.n, "mean": _rounded(sums.mean), "sd": _rounded(_sd(sums))}
                for name, sums in sorted(self._sums.items())
            ],
            "scans": [scan.record("drawn") for scan in sorted((s for _, s in self._drawn), key=lambda s: s.scan)],
            "worst": list(self._worst()),
        }

    def _worst(self) -> Iterator[dict[str, Any]]:
        residual = [scan for _, _, scan in sorted(self._residual, key=lambda kept: (-kept[0], kept[1]))]
        shown = {scan.scan for scan in residual}
        snr = [s for _, _, s in sorted(self._snr, key=lambda kept: (-kept[0], kept[1])) if s.scan not in shown]
        yield from (scan.record("residual") for scan in residual)
        yield from (scan.record("snr") for scan in snr[:WORST])


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
