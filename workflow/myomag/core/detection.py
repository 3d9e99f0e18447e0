"""Detection of a fitted line: its amplitude relative to noise and misfit, anywhere within its bounds.

A fit places every line of its model, even in noise. The line is removed from the model, and the remaining FID is
searched for it again: the multiplet with its coupling, in the phase of all lines, at every position within its bounds
and in several widths, on a smooth baseline. The same search where no line can be shows what noise and misfit produce.
"""

from dataclasses import dataclass, replace
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from myomag.core.amares import AmaresFit
from myomag.core.whiteness import model_fid

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

WIDTHS = (0.5, 1.0, 2.0, 4.0)
"""Lorentzian widths searched, relative to that of the reference line; a broader multiplet is baseline."""

MARGIN_PPM = (1.0, 3.0)
"""Smallest and largest range on either side of the multiplet that determines the baseline [ppm]."""

REFERENCE_PPM = 2.0
"""Distance of this range from the reference line [ppm], whose tails are not baseline."""

BASELINE_ORDER = 2
"""Order of its polynomial, for the remains of humps and the tails of other lines."""

NULL_PPM = 8.0
"""Noise and misfit are assessed within this distance of the bounds [ppm]."""

SAME_DISTANCE = (0.6, 1.3)
"""And at these multiples of the line's distance from the reference line, on both sides of it."""

CERTAIN_Z = 12.0
"""A line this far above the noise is present (p below 1e-30); other widths are not tried."""

CLEAR_PPM = 0.9
"""At least this far from the position of any line [ppm]."""

QUARTERS = 4
"""Positions searched per point of the spectrum."""

MIN_NULLS = 8
"""Number of positions without lines needed to estimate the level of misfit."""

RAISED = 2.0
"""The level counts as raised above this many of its SDs: smaller excesses are chance and would cost faint lines."""


@dataclass(frozen=True)
class Evidence:
    """Evidence for a line.

    Attributes
    ----------
    z : float
        Largest amplitude divided by its SD (including local misfit) over all positions.
    p_chance : float
        Probability that noise of that level gives such a z anywhere within the bounds.
    amplitude : float
        Amplitude there [FID units].
    shift_ppm : float
        Place [ppm].
    misfit : float
        Level of noise and misfit around the line divided by that of the noise, at least 1.
    """

    z: float
    p_chance: float
    amplitude: float
    shift_ppm: float
    misfit: float


@dataclass(frozen=True)
class Search:
    """FID without one line, and where that line is searched for.

    Attributes
    ----------
    spectrum, residual : ndarray, shape (points,)
        Spectrum of the fitted samples minus the model of all other lines, and minus that of all lines.
    fit : AmaresFit
    line : int
        Its row.
    noise_sd : float
        Noise SD per channel [FID units].
    dwell_time_s, mhz : float
        Sampling interval [s], frequency of 0 ppm [MHz].
    """

    spectrum: Complex
    residual: Complex
    fit: AmaresFit
    line: int
    noise_sd: float
    dwell_time_s: float
    mhz: float

    def template(self, width_hz: float) -> Complex:
        """Multiplet of unit amplitude at 0 Hz with the phase, the begin time and the line shape of the fit."""
        rows = np.arange(len(self.fit.names)) == self.line
        alone = replace(
            self.fit,
            amplitudes=rows.astype(float),
            shifts_ppm=np.where(rows, 0.0, self.fit.shifts_ppm),
            lorentzian_hz=np.where(rows, width_hz, self.fit.lorentzian_hz),
        )
        return _model(alone, len(self.spectrum), self.dwell_time_s, self.mhz)

    def windows(self, width_hz: float) -> "Windows":
        """Template of a line of one width in its window of the spectrum.

        Positions are in quarters of a bin. In its window a template is the same at every position except for the
        quarter and a phase, so four templates serve all positions.
        """
        points = len(self.spectrum)
        half = self._half_window()
        steps = np.arange(-half, half + 1)
        baseline = np.linalg.qr(np.linspace(-1, 1, len(steps))[:, None] ** np.arange(BASELINE_ORDER + 1))[0]
        fine = np.fft.fft(self.template(width_hz), QUARTERS * points)
        lines = fine[(QUARTERS * steps - np.arange(QUARTERS)[:, None]) % len(fine)]
        lines -= (lines @ baseline) @ baseline.T
        return Windows(self, steps, lines, np.sum(np.abs(lines) ** 2, axis=1))

    def _half_window(self) -> int:
        """Bins on either side of a position needed to separate line and baseline."""
        points = len(self.spectrum)
        distance = abs(self.fit.shifts_ppm[self.line] - self.fit.shifts_ppm[0])
        margin = float(np.clip(distance - REFERENCE_PPM, *MARGIN_PPM))
        half_hz = float(np.abs(self.fit.offsets_hz[self.line]).max()) + margin * self.mhz
        return min(max(int(half_hz * points * self.dwell_time_s), 4 * BASELINE_ORDER), points // 2 - 1)


@dataclass(frozen=True)
class Windows:
    """A line of one width in its window of the spectrum, baseline removed.

    Attributes
    ----------
    search : Search
    steps : ndarray, shape (bins,)
        Bins of the window, from its middle.
    lines : ndarray, shape (QUARTERS, bins)
        The line 0, 1, … quarters of a bin above the middle.
    energy : ndarray, shape (QUARTERS,)
        Their sums of squares.
    """

    search: Search
    steps: NDArray[np.intp]
    lines: Complex
    energy: Real

    def scores(self, spectrum: Complex, places_hz: Real) -> tuple[Complex, Real]:
        """Amplitudes near some positions (complex: in phase and in quadrature) and their noise SDs, (places,) each."""
        points, search = len(spectrum), self.search
        fine = np.rint(places_hz * QUARTERS * points * search.dwell_time_s).astype(int)
        whole, quarter = np.divmod(fine, QUARTERS)
        turn = np.exp(2j * np.pi * places_hz * search.fit.begin_time_s)
        matched = np.empty(len(places_hz), dtype=np.complex128)
        for each in range(QUARTERS):
            mine = quarter == each
            matched[mine] = spectrum[(whole[mine, None] + self.steps) % points] @ self.lines[each].conj()
        return matched / self.energy[quarter] / turn, search.noise_sd * np.sqrt(points / self.energy[quarter])


def line_evidence(
    fit: AmaresFit,
    fid: NDArray[np.complexfloating],
    name: str,
    bounds_ppm: tuple[float, float],
    *,
    noise_sd: float,
    dwell_time_s: float,
    spectrometer_frequency_mhz: float,
) -> Evidence:
    """Evidence for one line of a fit.

    Parameters
    ----------
    fit : AmaresFit
        Fit of `fid`, its first line the reference.
    fid : ndarray, shape (points,)
        Fitted samples.
    name : str
        The line.
    bounds_ppm : tuple of float
        Range of its position [ppm].
    noise_sd : float
        Noise SD per channel [FID units].
    dwell_time_s, spectrometer_frequency_mhz : float
        Sampling interval [s] and frequency of 0 ppm [MHz].
    """
    mhz, row = spectrometer_frequency_mhz, fit.names.index(name)
    alone = replace(fit, amplitudes=np.where(np.arange(len(fit.names)) == row, fit.amplitudes, 0.0))
    mine, residual = _model(alone, len(fid), dwell_time_s, mhz), fid - _model(fit, len(fid), dwell_time_s, mhz)
    search = Search(np.fft.fft(residual + mine), np.fft.fft(residual), fit, row, noise_sd, dwell_time_s, mhz)
    best: list[Evidence] = []
    # The width closest to the fitted one first: for most lines it is sufficient.
    for width in sorted(np.array(WIDTHS) * fit.linewidths_hz[0], key=lambda each: abs(each - fit.linewidths_hz[row])):
        best.append(_best(search, float(width), bounds_ppm))
        if best[-1].z > CERTAIN_Z:
            break
    # From noise alone: the level of misfit differs between widths by chance.
    found = max(best, key=lambda each: each.z * each.misfit)
    trials = len(WIDTHS) * (1 + (bounds_ppm[1] - bounds_ppm[0]) * mhz / float(fit.linewidths_hz[0]))
    return replace(found, p_chance=min(1.0, trials * erfc(max(found.z, 0.0) / sqrt(2)) / 2))


def _best(search: Search, width_hz: float, bounds_ppm: tuple[float, float]) -> Evidence:
    """Best position for a line of one width: a peak within the bounds, not the flank of something outside."""
    mhz, windows = search.mhz, search.windows(width_hz)
    step = max(width_hz, float(search.fit.linewidths_hz[0])) / 4
    low, high = (bound * mhz for bound in bounds_ppm)
    places = np.arange(low - step, high + 2 * step, step)
    amplitudes, sds = windows.scores(search.spectrum, places)
    misfit = _misfit(windows, width_hz, bounds_ppm)
    z = amplitudes.real / (sds * misfit)
    inside = (places[1:-1] >= low) & (places[1:-1] <= high)
    peaks = 1 + np.flatnonzero((z[1:-1] >= z[:-2]) & (z[1:-1] >= z[2:]) & inside)
    if not peaks.size:
        return Evidence(0.0, 1.0, 0.0, sum(bounds_ppm) / 2, misfit)
    best = peaks[z[peaks].argmax()]
    return Evidence(float(z[best]), 1.0, float(amplitudes[best].real), float(places[best] / mhz), misfit)


def _misfit(windows: Windows, width_hz: float, bounds_ppm: tuple[float, float]) -> float:
    """Level of the same search where no line can be, divided by that of the noise, at least 1.

    The larger of the level around the bounds and that at the same distance from the reference line, the strongest line
    with the largest misfit.
    """
    search = windows.search
    distance = abs(sum(bounds_ppm) / 2 - search.fit.shifts_ppm[0])
    low, high = (factor * distance for factor in SAME_DISTANCE)
    around = [(bounds_ppm[0] - NULL_PPM, bounds_ppm[1] + NULL_PPM)]
    levels = [1.0]
    for ranges in (around, [(-high, -low), (low, high)]):
        places = _empty_places(search, width_hz, bounds_ppm, ranges)
        if len(places) >= MIN_NULLS:
            amplitudes, sds = windows.scores(search.residual, places)
            power = float(np.mean(np.abs(amplitudes / sds) ** 2)) / 2
            # Every other position is independent, and the power of complex noise is exponential.
            if power > 1 + RAISED / sqrt(len(places) / 2):
                levels.append(sqrt(power))
    return max(levels)


def _empty_places(
    search: Search, width_hz: float, bounds_ppm: tuple[float, float], ranges: list[tuple[float, float]]
) -> Real:
    """Positions within some ranges without a line or an alias [Hz]."""
    mhz, fit = search.mhz, search.fit
    step = max(width_hz, float(fit.linewidths_hz[0]), 1.0) / 2
    places = np.concatenate([np.arange(low * mhz, high * mhz, step) for low, high in ranges])
    reach = CLEAR_PPM * mhz + np.abs(fit.offsets_hz[search.line]).max()
    band = 1 / search.dwell_time_s

    def near(centre: float, limit: float) -> NDArray[np.bool_]:
        folded: NDArray[np.bool_] = np.abs((places - centre + band / 2) % band - band / 2) < limit
        return folded

    taken = near(sum(bounds_ppm) / 2 * mhz, (bounds_ppm[1] - bounds_ppm[0]) / 2 * mhz + reach)
    for row, shift in enumerate(fit.shifts_ppm):
        if row != search.line:
            taken |= near(shift * mhz, reach + float(np.abs(fit.offsets_hz[row]).max()))
    return places[~taken]


def _model(fit: AmaresFit, points: int, dwell_time_s: float, mhz: float) -> Complex:
    return model_fid(fit, points, dwell_time_s=dwell_time_s, spectrometer_frequency_mhz=mhz)
