"""Evidence for the lines that results depend on, and the residual around them."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.core.amares import AmaresFit
from myomag.core.detection import line_evidence
from myomag.core.local_residual import local_residual
from myomag.core.prior_knowledge import PriorKnowledge, Value
from myomag.io.scan_records import LineEvidence, LocalResidual

TESTED = ("gamma-ATP", "alpha-ATP", "beta-ATP", "Pi")
"""Lines used for pH, Mg and their plausibility."""

RESTED_ON = ("PCr", "Pi", "beta-ATP")
"""Lines around which the residual must be small."""

REACH_PPM = 0.5
"""A line without its own bounds is searched for within this distance of its fitted position [ppm]."""


def evidence_of_lines(
    fit: AmaresFit, fid: NDArray[np.complexfloating], prior: PriorKnowledge, **sampling: Any
) -> dict[str, LineEvidence]:
    """Evidence for each fitted line that results depend on, by name.

    Parameters
    ----------
    fit : AmaresFit
        Fit of `fid`.
    fid : ndarray, shape (points,)
        Fitted samples.
    prior : PriorKnowledge
        Bounds of the lines.
    **sampling
        `noise_sd`, `dwell_time_s` and `spectrometer_frequency_mhz`.
    """
    found = {}
    for name in (name for name in TESTED if name in fit.names):
        evidence = line_evidence(fit, fid, name, _bounds(fit, prior, name), **sampling)
        found[name] = LineEvidence(**vars(evidence))
    return found


def residual_near_lines(fit: AmaresFit, fid: NDArray[np.complexfloating], **sampling: Any) -> dict[str, LocalResidual]:
    """Residual around each line that results depend on, by name."""
    found = {}
    for name in (name for name in RESTED_ON if name in fit.names):
        over_noise, share = local_residual(fit, fid, name, **sampling)
        found[name] = LocalResidual(over_noise=over_noise, share=share)
    return found


def _bounds(fit: AmaresFit, prior: PriorKnowledge, name: str) -> tuple[float, float]:
    """Range in which a line may be [ppm]."""
    entry, place = prior.line(name).parameters["shift_ppm"], float(fit.shifts_ppm[fit.names.index(name)])
    if isinstance(entry, Value) and math.isfinite(entry.lower) and math.isfinite(entry.upper) and not entry.fixed:
        return entry.lower, entry.upper
    return place - REACH_PPM, place + REACH_PPM
