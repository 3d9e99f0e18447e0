"""The phosphocreatine line, reference of the shift axis."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.axes import frequency_axis_hz, spectrum, time_axis

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

# Shifts of γ-, α-, β-ATP and Pi from PCr in resting muscle [ppm]; lines are searched for within this distance of them
# [ppm].
_PATTERN_PPM = np.array([-2.4, -7.45, -15.9, 4.8])
# Coupled neighbours of each: doublet, doublet, triplet, singlet.
_PATTERN_MULTIPLICITY = (1, 1, 2, 0)
_WINDOW_PPM = 0.6
_GRID_PPM = 0.03
_J_COUPLING_HZ = 16.0
_SMOOTHING_HZ = 20.0
# Evidence of one line, in noise SDs of the smoothed spectrum: no line counts for more than the cap. A candidate
# overrules a taller one only by the margin: one line alone, however tall, cannot. The margin shrinks for a line of
# more than a sixth of the height. A reversed axis needs its own.
_EVIDENCE_CAP = 8.0
_MARGIN = 10.0
_EQUAL = 1.2
_MIRROR_MARGIN = 7.0
_BETA_MARGIN = 2.5
# The largest of n noise values of a Rayleigh magnitude is √(2 ln n) SDs; e⁻⁸ is the accepted probability.
_CHANCE_EXPONENT = 8.0
# Heights that differ by less, relative to the highest, differ by the rounding of the transform.
_ROUNDING = 1e-6


class MirroredSpectrumError(ValueError):
    """The lines are on the wrong side of PCr: the data are the complex conjugate of what they should be."""


@dataclass(frozen=True)
class _Magnitude:
    """Magnitude spectra in units of their noise SD per channel, each matched to one multiplicity.

    Attributes
    ----------
    ppm : ndarray, shape (points,)
        Rising axis [ppm from the carrier].
    heights : ndarray, shape (3, points)
        Spectra matched to singlets, doublets and triplets.
    reach_ppm : float
        Distance at which the sides of a line are examined [ppm].
    """

    ppm: Real
    heights: Real
    reach_ppm: float

    def prominences(self, centres_ppm: Real) -> Real:
        """Height of the highest point near each line of patterns above both its sides [noise SD].

        Parameters
        ----------
        centres_ppm : ndarray, shape (candidates, lines)
        """
        offsets = np.arange(-self.reach_ppm, self.reach_ppm + _GRID_PPM / 2, _GRID_PPM)
        inside = np.abs(offsets) <= _WINDOW_PPM
        period = self.ppm.size * (self.ppm[1] - self.ppm[0])
        result = np.empty_like(centres_ppm)
        for line, multiplicity in enumerate(_PATTERN_MULTIPLICITY):
            height = np.interp(
                centres_ppm[:, line, None] + offsets, self.ppm, self.heights[multiplicity], period=period
            )
            side = np.maximum(
                height[:, offsets < -_WINDOW_PPM].min(axis=1), height[:, offsets > _WINDOW_PPM].min(axis=1)
            )
            result[:, line] = np.maximum(height[:, inside].max(axis=1) - side, 0)
        return result


def find_pcr_hz(fid: Complex, *, dwell_time_s: float, spectrometer_frequency_mhz: float) -> float:
    """Offset of the PCr line from the carrier [Hz], to about the resolution of the spectrum.

    The tallest line, unless another one has clearly more of the pattern γ, α, β-ATP and Pi around it.

    Raises
    ------
    ValueError
        If no line is above the noise, or the spectrum is flat.
    MirroredSpectrumError
        If the pattern is clearly the mirror image.
    """
    magnitude = _smoothed_magnitude(fid, dwell_time_s, spectrometer_frequency_mhz)
    height = magnitude.heights[0]
    threshold = np.sqrt(2 * (np.log(fid.size) + _CHANCE_EXPONENT))
    if height.max() < threshold:
        raise ValueError(
            f"no PCr line: the highest peak is {height.max():.1f} noise SD, a line needs {threshold:.1f}; check that "
            "the file contains a 31P signal, or leave the scan out."
        )
    if np.ptp(height) < _ROUNDING * height.max():
        raise ValueError("no PCr line: the spectrum is flat, as from a single huge sample; leave the scan out.")
    candidates = _candidates(height, 0.2 * float(height.max()))
    centres = magnitude.ppm[candidates]
    given = magnitude.prominences(centres[:, None] + _PATTERN_PPM)
    mirrored = magnitude.prominences(centres[:, None] - _PATTERN_PPM)
    evidence = np.minimum(np.stack([given, mirrored]), _EVIDENCE_CAP).sum(axis=-1)
    best = evidence.max(axis=0)
    tallest = int(np.argmax(height[candidates]))
    surplus = best - best[tallest] - _margins(height[candidates], threshold)
    chosen = int(np.argmax(surplus)) if surplus.max() > 0 else tallest
    if _is_mirrored(given[chosen], mirrored[chosen]):
        raise MirroredSpectrumError("the data appear to be conjugated: γ-, α- and β-ATP are at higher ppm than PCr")
    return float(centres[chosen] * spectrometer_frequency_mhz)


def shift_frequency(fid: Complex, shift_hz: float, dwell_time_s: float) -> Complex:
    """FID with every line moved by `shift_hz` [Hz], its phase at the first sample unchanged, shape (points,)."""
    return np.asarray(fid * np.exp(2j * np.pi * shift_hz * time_axis(fid.size, dwell_time_s)))


def _margins(height: Real, threshold: float) -> Real:
    """Evidence by which each candidate must exceed the tallest: less for a line that is nearly as tall.

    In working muscle Pi may be as tall as PCr. A line that could be noise must exceed by the whole margin.
    """
    share = np.where(height > threshold, height / height.max(), 0)
    return _MARGIN * np.minimum(_EQUAL * (1 - share), 1)


def _is_mirrored(given: Real, mirrored: Real) -> bool:
    """Whether the reversed pattern is clearly present and clearly stronger than the given one; β-ATP must agree.

    PDE and PME are near the mirror images of γ and α, so the reversed heights must also be twice the given ones.
    """
    beta = 2
    capped = np.minimum(np.stack([given, mirrored]), _EVIDENCE_CAP)
    margin = float(capped[1].sum() - capped[0].sum())
    return bool(
        margin > _MIRROR_MARGIN
        and mirrored.sum() > 2 * given.sum()
        and capped[1, beta] > capped[0, beta] + _BETA_MARGIN
    )


def _smoothed_magnitude(fid: Complex, dwell_time_s: float, spectrometer_frequency_mhz: float) -> _Magnitude:
    """Magnitude spectra after smoothing, zero-filled to at least twice their points.

    The difference of two exponentials starts at zero: that removes broad signals and the long tails of a magnitude.
    Powers of cos(πJt) gather the components of a multiplet at its centre.
    """
    time_s = time_axis(fid.size, dwell_time_s)
    window = np.exp(-np.pi * _SMOOTHING_HZ * time_s) - np.exp(-3 * np.pi * _SMOOTHING_HZ * time_s)
    coupling = np.cos(np.pi * _J_COUPLING_HZ * time_s)[:, None] ** np.arange(3)
    points = 2 ** int(np.ceil(np.log2(2 * fid.size)))
    smooth = spectrum(np.pad((fid * window)[:, None] * coupling, ((0, points - fid.size), (0, 0)))).T
    value = np.abs(smooth)
    noise = _curvature_noise(smooth, max(1, int(3 * _SMOOTHING_HZ * points * dwell_time_s)))
    # Data without noise need a floor.
    floor = np.maximum(1e-9 * value.max(axis=1), np.finfo(float).tiny)
    ppm = frequency_axis_hz(points, dwell_time_s) / spectrometer_frequency_mhz
    reach = _WINDOW_PPM + max(_WINDOW_PPM, 1.5 * _SMOOTHING_HZ / spectrometer_frequency_mhz)
    return _Magnitude(ppm, value / np.maximum(noise, floor)[:, None], reach)


def _curvature_noise(values: Complex, lag: int) -> Real:
    """Noise SD per channel of spectra from their second differences, which cancel tails of lines and baseline.

    Parameters
    ----------
    values : ndarray, shape (spectra, points)
    lag : int
        Distance of the points compared.
    """
    curvature = values - 0.5 * (np.roll(values, lag, axis=1) + np.roll(values, -lag, axis=1))
    deviation = np.abs(np.concatenate([curvature.real, curvature.imag], axis=1))
    # Lines may fill most of the spectrum at low field: the quietest fifth is used (Φ(.2533) = .6).
    return np.asarray(np.quantile(deviation, 0.2, axis=1) / 0.2533 / np.sqrt(1.5))


def _candidates(value: Real, threshold: float) -> NDArray[np.intp]:
    """Find the local maxima above a threshold on a circular axis; their indices."""
    is_peak = (value > np.roll(value, 1)) & (value >= np.roll(value, -1)) & (value >= threshold)
    return np.flatnonzero(is_peak)
