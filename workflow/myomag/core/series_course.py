"""Courses of lines and shifts over a series: where to start, what moves, and the fit of all repetitions together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from myomag.core.phases import Phase
from myomag.core.robust import robust_sd
from myomag.core.series_fit import Lines, SeriesFit, fit_series
from myomag.core.series_start import knots_of, line_path

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

PCR = "PCr"
KEPT_DECAYS = 4.0
"""Samples are used up to so many decay times of PCr: beyond lie e^−8 of the energy of a line."""
FREQUENCY_STEP_HZ = 1.0
WIDTH_SD = 0.2
"""SD expected of the change of the width, in widths of PCr."""
ATP = ("gamma-ATP", "alpha-ATP", "beta-ATP")
MOVED_SDS, MOVED_SHARE = 4.0, 0.12
"""A repetition whose ATP lies so many SDs and by such a share off the others is spoiled, too."""
SPOILED_SDS, SPOILED_CHI2 = 6.0, 1.25
"""A repetition whose residual lies so many robust SDs above the others, and by so much above the noise, is spoiled."""


@dataclass(frozen=True)
class Course:
    """Fit of a series with what was found out on the way.

    Attributes
    ----------
    fit : SeriesFit
    lines : Lines
    spoiled : ndarray of bool, shape (repetitions,)
        Whether a repetition is none of this muscle in this place: by its residual, or its ATP.
    """

    fit: SeriesFit
    lines: Lines
    spoiled: NDArray[np.bool_]

    def amplitude(self, name: str) -> tuple[Real, Real]:
        """Amplitude of a line in each repetition, and its covariance over the repetitions."""
        place = self.lines.names.index(name)
        return self.fit.amplitudes[:, place], self.fit.amplitude_covariance[place]


def used_lines(lines: Lines, pcr_fwhm_hz: float) -> Lines:
    """Lines up to the sample after which nothing of a line is left."""
    last = lines.time_s[0] + KEPT_DECAYS / (np.pi * pcr_fwhm_hz)
    points = max(int(np.searchsorted(lines.time_s, last)), 8 * len(lines.names))
    return replace(lines, fids=lines.fids[:, :points], time_s=lines.time_s[:points])


def still_amplitudes(
    fids: Complex, lines: Lines, *, noise_sd: float, pcr_fwhm_hz: float, moving: Sequence[str], max_shift_hz: float
) -> tuple[Lines, SeriesFit]:
    """Amplitudes of the lines that do not move, each repetition by itself: a first look, and the start of the rest.

    Parameters
    ----------
    fids : ndarray, shape (points, repetitions)
    lines : Lines
        All lines of the reference, for the same samples.
    moving : sequence of str
        Lines that are left out.
    max_shift_hz : float
        How far PCr is sought from its place in the reference [Hz].
    """
    pcr = lines.fids[lines.names.index(PCR)]
    grid = np.arange(-max_shift_hz, max_shift_hz + FREQUENCY_STEP_HZ, FREQUENCY_STEP_HZ)
    found = (np.exp(np.multiply.outer(grid, 2j * np.pi * lines.time_s)) * pcr).conj() @ fids
    best = np.argmax(np.abs(found), axis=0)
    places = [place for place, name in enumerate(lines.names) if name not in moving]
    still = Lines(tuple(lines.names[place] for place in places), lines.fids[places], lines.time_s)
    fit = fit_series(
        fids,
        still,
        noise_sd=noise_sd,
        pieces={},
        start_hz={},
        start_phase_rad=np.angle(found[best, np.arange(fids.shape[1])]),
        start_frequency_hz=grid[best],
        width_sd_hz=WIDTH_SD * pcr_fwhm_hz,
    )
    return still, fit


def series_course(
    fids: Complex,
    lines: Lines,
    first: tuple[Lines, SeriesFit],
    phases: Sequence[Phase],
    *,
    noise_sd: float,
    pcr_fwhm_hz: float,
    ranges_hz: Mapping[str, tuple[float, float]],
    wanted_sd_hz: Mapping[str, float],
) -> Course:
    """Fit all repetitions together.

    Parameters
    ----------
    fids : ndarray, shape (points, repetitions)
    lines : Lines
        All lines of the reference.
    first : (Lines, SeriesFit)
        From `still_amplitudes`.
    phases : sequence of Phase
        Where a change of pace is to be expected.
    ranges_hz : mapping of str to (float, float)
        Range of the shift of each moving line against the reference [Hz].
    wanted_sd_hz : mapping of str to float
        SD with which each is to be known [Hz].
    """
    still, started = first
    envelope = np.exp(
        1j * started.phase_rad + np.multiply.outer(lines.time_s, 2j * np.pi * started.frequency_hz)
    ) * np.exp(-np.pi * np.multiply.outer(lines.time_s, started.width_hz))
    residual = (fids - envelope * (still.fids.T @ started.amplitudes.T)) * envelope.conj()
    paths = {
        name: line_path(
            residual,
            lines.fids[lines.names.index(name)],
            lines.time_s,
            noise_sd=noise_sd,
            range_hz=ends,
            width_hz=pcr_fwhm_hz,
        )
        for name, ends in ranges_hz.items()
    }
    fitted = partial(
        fit_series,
        fids,
        lines,
        noise_sd=noise_sd,
        start_hz=paths,
        start_phase_rad=started.phase_rad,
        start_frequency_hz=started.frequency_hz,
        width_sd_hz=WIDTH_SD * pcr_fwhm_hz,
    )
    fit = fitted(pieces={name: np.eye(fids.shape[1]) for name in paths})
    pieces = {name: knots_of(_information(fit, name), phases, wanted_sd_hz[name]) for name in paths}
    if any(share.shape[1] < fids.shape[1] for share in pieces.values()):
        fit = fitted(pieces=pieces)
    return Course(fit, lines, _misfit(fit.chi2_per_freedom) | _moved(fit, lines))


def _information(fit: SeriesFit, name: str) -> Real:
    """1/variance of a shift in each repetition [1/Hz²]."""
    return np.asarray(1 / np.diag(fit.shift_covariance[name]))


def _moved(fit: SeriesFit, lines: Lines) -> NDArray[np.bool_]:
    """Repetitions in which ATP, which work leaves as it is, differs: the muscle has moved against the coil."""
    places = [place for place, name in enumerate(lines.names) if name in ATP]
    if not places:
        return np.zeros(len(fit.amplitudes), dtype=bool)
    atp, sd = fit.amplitudes[:, places].sum(axis=1), np.linalg.norm(fit.amplitude_sds[:, places], axis=1)
    middle = float(np.median(atp))
    return np.asarray((np.abs(atp - middle) > MOVED_SDS * sd) & (np.abs(atp / middle - 1) > MOVED_SHARE))


def _misfit(chi2: Real) -> NDArray[np.bool_]:
    middle = float(np.median(chi2))
    scatter = max(robust_sd(chi2), 1e-12)
    return np.asarray((chi2 > middle + SPOILED_SDS * scatter) & (chi2 > SPOILED_CHI2 * middle))
