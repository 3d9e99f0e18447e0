"""Spread of the results over resampled transients: an uncertainty without a noise model."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag import pipeline
from myomag.core.alignment import phasors
from myomag.core.preprocess import shift_frequency
from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes, read_nifti_mrs
from myomag.io.scan_records import Magnesium, Measures, read_scan_record
from myomag.settings.models import Settings
from myomag.single.functions import run_step
from myomag.steps.transients import read_transients

RESAMPLED = ("beta_atp_ppm", "pi_ppm", "ph", "pmg")
MIN_TRANSIENTS = 8
"""With fewer transients, resampling gives no meaningful distribution."""


def bootstrap_sds(
    scan: str, files: Mapping[str, Path], settings: Settings, count: int, seed: int = 0
) -> dict[str, Any]:
    """Standard deviation of shifts, pH and pMg over scans averaged from transients drawn with replacement.

    Each resampled average is fitted and evaluated like the scan itself (Efron & Tibshirani 1993, An Introduction to the
    Bootstrap, ch. 6). Alignment is not repeated: its own error is part of every transient.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    files : mapping of str to Path
        Files of the scan by role, as written by the steps.
    settings : Settings
        Resolved settings.
    count : int
        Number of resampled averages.
    seed : int
        Seed of the draws.

    Returns
    -------
    dict
        `bootstrap_<quantity>_sd` for `RESAMPLED`, None where a quantity was undefined in a resampled average, and
        `bootstrap_count`.

    Raises
    ------
    ScanError
        If the scan has fewer than `MIN_TRANSIENTS` transients.
    """
    transients, average = aligned_transients(files)
    number = transients.shape[1]
    if number < MIN_TRANSIENTS:
        raise ScanError(f"{scan}: {number} transients are too few to resample (at least {MIN_TRANSIENTS}).")
    rng = np.random.default_rng(seed)
    found = []
    with tempfile.TemporaryDirectory(prefix="myomag-") as folder:
        resampled = Path(folder) / files["preproc"].name
        for _ in range(count):
            fid = transients[:, rng.integers(number, size=number)].mean(axis=1).astype(np.complex64)
            resampled.write_bytes(nifti_mrs_bytes(replace(average, fid=fid[:, None, None])))
            found.append(_evaluated(scan, dict(files) | {"preproc": resampled}, settings))
    sds: dict[str, Any] = {"bootstrap_count": count}
    for name in RESAMPLED:
        values = [getattr(record, name) for record in found]
        sds[f"bootstrap_{name}_sd"] = None if None in values else float(np.std(values, ddof=1))
    return sds


def aligned_transients(files: Mapping[str, Path]) -> tuple[NDArray[np.complex128], MrsData]:
    """Accepted transients with PCr at 0 Hz, shape (points, accepted), and their average.

    Parameters
    ----------
    files : mapping of str to Path
        `fid`, `preproc` and `measures`.
    """
    raw, combined, _ = read_transients(files["fid"])
    average, measures = read_nifti_mrs(files["preproc"]), read_scan_record(files["measures"], Measures)
    points = len(average.fid)
    shifts, phases = np.array(measures.frequency_shifts_hz), np.deg2rad(measures.phases_deg)
    aligned = combined * np.conj(phasors(shifts, phases, points, raw.dwell_time_s))
    rejected = (each.transient for each in measures.rejected_transients)
    accepted = np.delete(aligned, [*range(measures.dummy_transients), *rejected], axis=1)
    # `shift_frequency` takes one FID; the same shift applies to all transients.
    turn = shift_frequency(np.ones(points, dtype=np.complex128), -measures.pcr_offset_hz, raw.dwell_time_s)
    return accepted * turn[:, None], average


def _evaluated(scan: str, files: dict[str, Path], settings: Settings) -> Magnesium:
    """Results of the steps that depend on the averaged FID in `files`."""
    changed = {"preproc"}
    for step in (pipeline.BY_NAME[name] for name in pipeline.SCAN_STEPS):
        written = {file.role for file in step.writes}
        if changed & set(step.reads) and not changed & written:
            run_step(step, scan, files, settings, files["preproc"].parent)
            changed |= written
    return read_scan_record(files["magnesium"], Magnesium)
