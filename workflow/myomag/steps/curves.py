"""Curves of a fitted spectrum: data, fit and lines, phased alike."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.core.axes import frequency_axis_hz, spectrum
from myomag.core.exponentials import damped_exponentials
from myomag.core.line_shape import LineShape, ShapeBasis
from myomag.io.scan_records import Fit, FitLine, LineShapeRecord

Array = NDArray[np.float64]
STEP_PPM = 0.0125


@dataclass(frozen=True)
class Component:
    """One line of the fit: its FID from time zero on, shape (samples,), and how it is displayed."""

    name: str
    shift_ppm: float
    fid: NDArray[np.complex128]
    display: "_Display"

    @cached_property
    def values(self) -> Array:
        """Spectral heights in the plotted range, shape (points,)."""
        return self.display.real_part(self.fid)


@dataclass(frozen=True)
class Curves:
    """Real parts of the phased spectra on one axis, rising in ppm, each of shape (points,)."""

    range_ppm: tuple[float, float]
    ppm: Array
    data: Array
    components: tuple[Component, ...]
    noise_sd: float | None
    spectrometer_frequency_mhz: float

    @cached_property
    def fit(self) -> Array:
        """Sum of the components."""
        if not self.components:
            return np.zeros_like(self.data)
        # One transform of the sum: a page draws two of the lines only.
        return self.components[0].display.real_part(np.sum([part.fid for part in self.components], axis=0))


def displayed_curves(
    fid: NDArray[np.complex64],
    dwell_time_s: float,
    spectrometer_frequency_mhz: float,
    fit: Fit | None,
    *,
    range_ppm: tuple[float, float],
    phase_deg: float = 0.0,
    noise_sd: float | None = None,
) -> Curves:
    """Curves of one scan within `range_ppm`.

    The samples missing between time zero and the first sample are filled in from the fit, in data and model alike: the
    baseline stays flat and the residual is that of the measured samples. Without a fit only the data are shown, in
    the zero-order phase `phase_deg` [degrees] of quality control.

    Parameters
    ----------
    fid : ndarray, shape (points,)
        Averaged FID, physicist's sign, PCr at 0 Hz.
    range_ppm : (float, float)
        Lower and upper end of the plotted shifts [ppm].
    noise_sd : float, optional
        Noise SD per channel of `fid`; in the spectrum it is √points times that.
    """
    missing, start_s = missing_samples(fit, dwell_time_s)
    points = missing + len(fid)
    lines = sorted_lines(fit)
    models = [_line_fid(line, points, dwell_time_s, start_s, spectrometer_frequency_mhz) for line in lines]
    if fit and fit.line_shape:
        held = missing + fit.skipped_points
        envelope = shape_envelope(fit.line_shape, points - held, dwell_time_s)[np.maximum(np.arange(points) - held, 0)]
        models = [model * envelope for model in models]
    known = np.sum([model[:missing] for model in models], axis=0) if models else np.empty(0)
    display = _Display(
        dwell_time_s,
        spectrometer_frequency_mhz,
        start_s,
        fit.phase_deg if fit else phase_deg,
        points,
        range_ppm,
    )
    components = tuple(
        Component(line.name, line.shift_ppm, model, display) for line, model in zip(lines, models, strict=True)
    )
    noise = None if noise_sd is None else noise_sd * float(np.sqrt(len(fid)))
    data = display.real_part(np.concatenate([known, np.asarray(fid)]))
    return Curves(range_ppm, display.ppm, data, components, noise, spectrometer_frequency_mhz)


@dataclass(frozen=True)
class _Display:
    """Transform of FIDs that start at `start_s`, less than a dwell time after zero, to phased spectra."""

    dwell_time_s: float
    spectrometer_frequency_mhz: float
    start_s: float
    phase_deg: float
    points: int
    range_ppm: tuple[float, float]

    @property
    def size(self) -> int:
        """Length after zero filling."""
        return transform_size(self.points, self.dwell_time_s, self.spectrometer_frequency_mhz)

    @cached_property
    def frequency_hz(self) -> Array:
        """Frequency axis [Hz], rising."""
        return frequency_axis_hz(self.size, self.dwell_time_s)

    @cached_property
    def shown(self) -> NDArray[np.bool_]:
        """Where the plotted range is."""
        low, high = (end * self.spectrometer_frequency_mhz for end in self.range_ppm)
        return (self.frequency_hz >= low) & (self.frequency_hz <= high)

    @cached_property
    def ppm(self) -> Array:
        """Shift axis in the plotted range [ppm], rising."""
        return self.frequency_hz[self.shown] / self.spectrometer_frequency_mhz

    @cached_property
    def rotation(self) -> NDArray[np.complex128]:
        """Phase correction exp(−i(φ₀ + 2πf·t)) in the plotted range, t the time of the first sample."""
        phase = np.deg2rad(self.phase_deg) + 2 * np.pi * self.frequency_hz[self.shown] * self.start_s
        return np.asarray(np.exp(-1j * phase), dtype=np.complex128)

    def real_part(self, signal: NDArray[Any]) -> Array:
        """Re{S(f)·exp(−i(φ₀ + 2πf·t))} in the plotted range."""
        weight = first_weight(self.start_s, self.dwell_time_s)
        padded = np.concatenate([weight * signal[:1], signal[1:], np.zeros(self.size - len(signal))])
        return np.real(spectrum(padded)[self.shown] * self.rotation)


def missing_samples(fit: Fit | None, dwell_time_s: float) -> tuple[int, float]:
    """Whole samples missing between time zero and the FID, and the time of the first of them [s]."""
    begin_time_s = 1e-6 * fit.begin_time_us if fit else 0.0
    missing = max(int(begin_time_s // dwell_time_s), 0)
    return missing, begin_time_s - missing * dwell_time_s


def sorted_lines(fit: Fit | None) -> list[FitLine]:
    """Lines in the order in which the spectrum shows them, falling in ppm."""
    return sorted(fit.lines, key=lambda line: -line.shift_ppm) if fit else []


def transform_size(points: int, dwell_time_s: float, spectrometer_frequency_mhz: float) -> int:
    """Power of two that holds all points and makes steps of at most `STEP_PPM`."""
    wanted = 1 / (dwell_time_s * spectrometer_frequency_mhz * STEP_PPM)
    return 1 << int(np.ceil(np.log2(max(wanted, points))))


def first_weight(start_s: float, dwell_time_s: float) -> float:
    """Weight of the first sample, at `start_s` [s].

    It stands for the time from zero to half a dwell time after it, which keeps the baseline at zero.
    """
    return 0.5 + min(max(start_s / dwell_time_s, 0.0), 1.0)


def shape_envelope(record: LineShapeRecord, points: int, dwell_time_s: float) -> NDArray[np.complex128]:
    """Envelope common to all lines from the first sample fitted on, shape (points,); before, its first value holds."""
    shape = LineShape(ShapeBasis(record.decay_time_s, record.end), np.array(record.coefficients))
    return shape.envelope(points, dwell_time_s)


def _line_fid(
    line: FitLine, points: int, dwell_time_s: float, start_s: float, spectrometer_frequency_mhz: float
) -> NDArray[np.complex128]:
    """FID of one fitted line, shape (points,)."""
    centre_hz = line.shift_ppm * spectrometer_frequency_mhz
    frequency_hz = centre_hz + np.array(line.offsets_hz, dtype=np.float64)
    components = damped_exponentials(
        2j * np.pi * frequency_hz - np.pi * line.lorentzian_hz,
        np.full(frequency_hz.size, line.gaussian_hz**2),
        points,
        dwell_time_s,
        start_s,
        phase_rad=np.deg2rad(line.phase_deg),
    )
    return np.asarray((line.amplitude * np.array(line.weights, dtype=np.float64)) @ components)
