"""Courses of lines and shifts over a series: start, moving lines, and the fit of all repetitions together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from myomag.core.phases import Phase
from myomag.core.robust import robust_sd
from myomag.core.series_fit import LEAST_GAIN, SeriesFit, fit_series
from myomag.core.series_level import Level, atp_level
from myomag.core.series_model import PI, WIDTH_SD, Lines, Motion
from myomag.core.series_pools import LEAST_APART, LOOKED, PER_KNOT, Start, log_odds, pools_to_try
from myomag.core.series_start import knots_of, line_path, straight_pieces

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

PI_WIDTH, SHARE, APART = "width of Pi", "share of the acid pool", "distance of the pools"
"""What else of Pi changes, as its fibres differ in pH."""
BROADER_SD, BROADER_SD_AT_REST = 0.5, 0.1
"""SD expected of the logarithm of the broadening of Pi, which is none at rest but for the errors of the reference."""
GAUSSIAN = 1 / np.sqrt(8 * np.log(2))
"""SD of a Gaussian line of width 1."""
APART_SD, SHARE_SD = 4.0, 2.0
"""SD expected of the distance of the pools [widths of PCr] and of their share, about where they were seen."""
SHARE_PIECES, APART_PIECES, MOST_DOUBLED, SHORTER_FIRST = 1, 3, 2, 1.5
"""Straight pieces a phase of the share, which is that of fibres, and of the distance, how often the latter are doubled,
and the power of the place by which they are shorter at first, where the pH changes faster."""
FIRST_GAIN = 0.3
"""The first fit with two pools ends when a step gains no more than this: whether there are two is clear by then."""
TOLD_SDS, LEAST_SHARE = 3.0, 0.03
"""Pools are told apart where share and distance stand out by so many SDs, and neither is less than this share: that
may be the shape of the line."""
ATP = ("gamma-ATP", "alpha-ATP", "beta-ATP")
SPOILED_SDS, SPOILED_CHI2 = 6.0, 1.25
"""A repetition whose residual lies so many robust SDs above the others, and by so much above the noise, is spoiled."""


@dataclass(frozen=True)
class Course:
    """Fit of a series with its by-products.

    Attributes
    ----------
    fit : SeriesFit
    spoiled : ndarray of bool, shape (repetitions,)
        Whether a repetition was disturbed or moved, judged by its residual or its ATP.
    level : Level
        Of the ATP signal.
    pooled : ndarray of bool, shape (repetitions,)
        Whether Pi is fitted as two pools that can be distinguished.
    other : SeriesFit or None
        Fit with the other number of Pi pools, if it was considered.
    p_other : ndarray, shape (repetitions,)
        Probability of the other number.
    """

    fit: SeriesFit
    spoiled: NDArray[np.bool_]
    level: Level
    pooled: NDArray[np.bool_]
    other: SeriesFit | None
    p_other: Real


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
    """Fit all repetitions together, with Pi as two pools where these are more likely.

    Parameters
    ----------
    fids : ndarray, shape (points, repetitions)
    lines : Lines
        All lines of the reference.
    first : (Lines, SeriesFit)
        From `still_amplitudes`.
    phases : sequence of Phase
        Where the pace may change; two pools are sought from the first exercise on.
    ranges_hz : mapping of str to (float, float)
        Range of the shift of each moving line against the reference [Hz].
    wanted_sd_hz : mapping of str to float
        Wanted SD of each [Hz].
    """
    residual = _without_still(fids, first, lines.time_s)
    one_line = {"noise_sd": noise_sd, "width_hz": pcr_fwhm_hz}
    paths = {
        name: line_path(residual, lines.fids[lines.names.index(name)], lines.time_s, range_hz=ends, **one_line)
        for name, ends in ranges_hz.items()
    }
    model = _Model(fids, lines, phases, noise_sd, pcr_fwhm_hz, wanted_sd_hz)
    one = model.one_pool(first[1], paths)
    starts: list[Start] = []
    if PI in ranges_hz:
        line = lines.fids[lines.names.index(PI)]
        starts = pools_to_try(residual, line, lines.time_s, phases, range_hz=ranges_hz[PI], **one_line)
    return _weighed(model, one, starts)


def _without_still(fids: Complex, first: tuple[Lines, SeriesFit], time_s: Real) -> Complex:
    """FIDs without the lines that do not move, turned to the phase and frequency of the reference."""
    still, found = first
    envelope = np.exp(1j * found.phase_rad + np.multiply.outer(time_s, 2j * np.pi * found.frequency_hz)) * np.exp(
        -np.pi * np.multiply.outer(time_s, found.width_hz)
    )
    return np.asarray((fids - envelope * (still.fids.T @ found.amplitudes.T)) * envelope.conj())


def _weighed(model: "_Model", one: SeriesFit, starts: Sequence[Start]) -> Course:
    """Course with one or two Pi pools in each bout, whichever is more likely."""
    count = model.fids.shape[1]
    p_other = np.zeros(count)
    if not starts:
        return _course(one, np.zeros(count, dtype=bool), None, p_other)
    try:
        two = model.two_pools(one, starts)
    except np.linalg.LinAlgError:
        # What the data do not determine at all is not there to be told.
        return _course(one, np.zeros(count, dtype=bool), None, p_other)
    odds = [_odds(one, two, start.repetitions) for start in starts]
    kept = [start for start, each in zip(starts, odds, strict=True) if each > 0]
    for start, each in zip(starts, odds, strict=True):
        # Beside bouts whose pools are kept, others are not weighed.
        p_other[start.repetitions] = (each > 0 or not kept) / (1 + np.exp(min(abs(each), 100.0)))
    if not kept:
        return _course(one, np.zeros(count, dtype=bool), two, p_other)
    fit = two if len(kept) == len(starts) else model.two_pools(one, kept)
    return _course(fit, _told_apart(fit, model.pcr_fwhm_hz), one, p_other)


def _course(fit: SeriesFit, pooled: NDArray[np.bool_], other: SeriesFit | None, p_other: Real) -> Course:
    level = _level(fit)
    return Course(fit, _misfit(fit.chi2_per_freedom) | level.moved, level, pooled, other, p_other)


def _odds(one: SeriesFit, two: SeriesFit, repetitions: slice) -> float:
    """Logarithm of the odds of two pools in a bout."""
    good = ~_misfit(two.chi2_per_freedom)[repetitions]
    scale = max(1.0, float(np.median(two.chi2_per_freedom)))
    fall = float(np.sum((one.cost - two.cost)[repetitions][good])) / scale
    return log_odds(fall, sum(int(two.motion(name).pieces[repetitions].any(axis=0).sum()) for name in (SHARE, APART)))


def _told_apart(fit: SeriesFit, width_hz: float) -> NDArray[np.bool_]:
    """Repetitions whose pools are far enough from each other, each of a share that stands out."""
    share, apart = fit.moved(SHARE), fit.moved(APART)
    share_sd, apart_sd = np.sqrt(fit.variance(SHARE)), np.sqrt(fit.variance(APART))
    told = np.minimum(share, 1 - share) > np.maximum(TOLD_SDS * share_sd, LEAST_SHARE)
    return np.asarray(told & (apart > LEAST_APART * width_hz) & (apart > TOLD_SDS * apart_sd))


@dataclass(frozen=True)
class _Model:
    """What is fitted, and from which start."""

    fids: Complex
    lines: Lines
    phases: Sequence[Phase]
    noise_sd: float
    pcr_fwhm_hz: float
    wanted_sd_hz: Mapping[str, float]

    def one_pool(self, started: SeriesFit, paths: Mapping[str, Real]) -> SeriesFit:
        """Fit with Pi as one pool: first with all free in each repetition, which tells how many share a knot."""
        each = np.eye(self.fids.shape[1])
        unknown = np.full(len(each), np.inf)
        motions = [Motion(name, (name,), "shift", each, path, unknown) for name, path in paths.items()]
        if PI in paths:
            sd = np.full(len(each), BROADER_SD)
            for phase in self.phases:
                sd[phase.first : phase.end] = BROADER_SD_AT_REST if phase.kind == "rest" else BROADER_SD
            motions.append(Motion(PI_WIDTH, (PI,), "width", each, np.zeros(len(each)), sd, self.pcr_fwhm_hz))
        fit = self._fit(started, motions)
        wanted = {**self.wanted_sd_hz, PI_WIDTH: WIDTH_SD}
        finer = [
            replace(motion, pieces=knots_of(1 / fit.variance(motion.name), self.phases, wanted[motion.name]))
            for motion in motions
        ]
        if any(motion.pieces.shape[1] < len(each) for motion in finer):
            fit = self._fit(started, finer)
        if PI not in paths or not self._broader(fit):
            return fit
        # Fibres that differ in pH make a Gaussian line, a shorter T2 makes a Lorentzian one.
        spread = replace(finer[-1], of="spread", scale_hz=GAUSSIAN * self.pcr_fwhm_hz)
        other = self._fit(fit, [*finer[:-1], spread])
        return other if other.cost.sum() < fit.cost.sum() else fit

    @staticmethod
    def _broader(fit: SeriesFit) -> bool:
        """Whether the width of Pi changes by more than noise."""
        gain = float(np.sum(fit.moved(PI_WIDTH) ** 2 / fit.variance(PI_WIDTH)))
        return gain > 2 * len(fit.amplitudes)

    def two_pools(self, one: SeriesFit, starts: Sequence[Start]) -> SeriesFit:
        """Fit with Pi as two pools in some bouts, their courses as fine as the data ask for."""
        pieces = APART_PIECES
        best = self._fit(one, self._with_pools(one, starts, pieces), FIRST_GAIN)
        # Where few knots gain less than half of what is asked for, more would not.
        asked = PER_KNOT * sum(best.motion(name).pieces.shape[1] for name in (SHARE, APART)) + LOOKED
        for _ in range(MOST_DOUBLED if float(np.sum(one.cost - best.cost)) > asked / 2 else 0):
            fit = self._fit(best, self._with_pools(one, starts, 2 * pieces))
            more = fit.motion(APART).pieces.shape[1] - best.motion(APART).pieces.shape[1]
            if float(np.sum(best.cost - fit.cost)) < 2 * PER_KNOT * more:
                break
            best, pieces = fit, 2 * pieces
        return best

    def _fit(self, started: SeriesFit, motions: Sequence[Motion], least_gain: float = LEAST_GAIN) -> SeriesFit:
        return fit_series(
            self.fids,
            self.lines,
            noise_sd=self.noise_sd,
            motions=motions,
            start_phase_rad=started.phase_rad,
            start_frequency_hz=started.frequency_hz,
            width_sd_hz=WIDTH_SD * self.pcr_fwhm_hz,
            least_gain=least_gain,
        )

    def _with_pools(self, one: SeriesFit, starts: Sequence[Start], apart_pieces: int) -> list[Motion]:
        """What changes with one pool, from where it was found, and the share and the distance of two."""
        count = self.fids.shape[1]
        mean, share, apart = one.moved(PI).copy(), np.zeros(count), np.zeros(count)
        courses: dict[str, list[Real]] = {SHARE: [], APART: []}
        for start in starts:
            here = start.repetitions
            mean[here] = np.where(np.isnan(start.mean_hz), mean[here], start.mean_hz)
            share[here], apart[here] = start.share, start.apart_hz
            for name, count_of in ((SHARE, SHARE_PIECES), (APART, apart_pieces)):
                parts, at = courses[name], np.linspace(0, 1, count_of + 1) ** SHORTER_FIRST
                knots = [phase.first + at * (phase.end - phase.first) for phase in start.phases]
                parts.append(straight_pieces(np.arange(count), np.unique(np.concatenate(knots)), here))
        found = [
            replace(motion, start=mean if motion.name == PI else one.moved(motion.name))
            if motion.name != PI_WIDTH
            else motion
            for motion in one.motions
        ]
        apart_sd = APART_SD * self.pcr_fwhm_hz
        return [
            *found,
            Motion(SHARE, (PI,), "share", np.hstack(courses[SHARE]), share, np.full(count, SHARE_SD)),
            Motion(APART, (PI,), "apart", np.hstack(courses[APART]), apart, np.full(count, apart_sd)),
        ]


def _level(fit: SeriesFit) -> Level:
    """ATP signal, which exercise does not change."""
    places = [place for place, name in enumerate(fit.names) if name in ATP]
    if not places:
        return Level(None, 1.0, np.zeros(len(fit.amplitudes), dtype=bool))
    part = fit.covariance[:, places][:, :, places]
    return atp_level(fit.amplitudes[:, places].sum(axis=1), np.sqrt(part.sum(axis=(1, 2))))


def _misfit(chi2: Real) -> NDArray[np.bool_]:
    middle = float(np.median(chi2))
    scatter = max(robust_sd(chi2), 1e-12)
    return np.asarray((chi2 > middle + SPOILED_SDS * scatter) & (chi2 > SPOILED_CHI2 * middle))
